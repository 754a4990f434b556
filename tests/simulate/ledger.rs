//! The ledger tells what each request would be billed.

use std::time::Duration;

use crate::client::Simulated;
use serde_json::{Value, json};

#[tokio::test]
async fn whole_answers_are_billed_whole_and_broken_ones_in_part() {
    let simulated = Simulated::start().await;
    let said = "[n=7] one two three four five six seven eight";
    let body = |stream| json!({"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": said}]});

    let answer = simulated.post("/v1/chat/completions", &[], &body(false)).await;
    let usage = serde_json::from_slice::<Value>(&answer.body).unwrap()["usage"].clone();
    let refused = simulated.post("/v1/chat/completions", &[("x-sim-status", "429")], &body(false)).await;
    assert_eq!(refused.status, 429);
    let cut = simulated.post("/v1/chat/completions", &[("x-sim-fault", "cut")], &body(true)).await;
    assert!(!cut.whole);
    // A list is nothing that a model is asked.
    simulated.get("/sim/stats").await;

    let lines = ended(&simulated, 3).await;
    let line = &lines[0];
    assert_eq!(line["marker"], "7", "{line}");
    assert_eq!((&line["whole"], &line["status"], &line["fault"]), (&json!(true), &json!(200), &Value::Null));
    assert_eq!(line["billed"]["input"], usage["prompt_tokens"]);
    assert_eq!(line["billed"]["output"], usage["completion_tokens"]);
    assert_eq!(line["bytes_sent"], line["bytes"]);

    let line = &lines[1];
    assert_eq!((&line["status"], &line["fault"]), (&json!(429), &json!("429")), "{line}");
    assert_eq!((&line["billed"], &line["billed_whole"]), (&Value::Null, &Value::Null));

    let line = &lines[2];
    assert_eq!((&line["whole"], &line["fault"]), (&json!(false), &json!("cut")), "{line}");
    assert_eq!(line["billed_whole"]["output"], usage["completion_tokens"]);
    let part = line["billed"]["output"].as_u64().unwrap();
    assert!(0 < part && part < line["billed_whole"]["output"].as_u64().unwrap(), "{line}");

    let later = simulated.get("/sim/ledger?after=2").await;
    assert_eq!(later.as_array().map(Vec::len), Some(1));
}

/// The ledger once it has so many lines: one is written when the connection has let go of its answer.
async fn ended(simulated: &Simulated, lines: usize) -> Value {
    for _ in 0..200 {
        let ledger = simulated.get("/sim/ledger").await;
        if ledger.as_array().map_or(0, Vec::len) >= lines {
            return ledger;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("fewer than {lines} lines");
}
