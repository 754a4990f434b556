//! A long plain answer, for which Anthropic is asked for a stream: whatever happens to it, what was
//! counted stays known.

use serde_json::{Value, json};

use super::road::{Providers, chat, with};

const MODEL: &str = "anthropic/claude-sonnet-4-5";

fn long() -> Value {
    json!({"max_tokens": 30_000})
}

#[track_caller]
fn counted(line: &Value, outcome: &str) {
    assert_eq!(line["outcome"], outcome, "{line}");
    assert!(line["gen_ai.usage.input_tokens"].as_u64() > Some(0), "{line}");
    assert!(line["first_byte_ms"].is_number(), "{line}");
}

#[tokio::test]
async fn a_whole_one_is_a_whole_answer() {
    let providers = Providers::start().await;
    let answer = providers.gateway("").chat(MODEL, "one two three", long()).await;
    assert_eq!(answer.json()["object"], "chat.completion", "{}", answer.text());
    assert_eq!(answer.said(), "one two three");
    counted(&answer.line, "complete");
    let last = providers.last().await;
    assert_eq!(last[0]["body"]["stream"], true, "{last}");
}

#[tokio::test]
async fn one_that_breaks_is_told_and_counted() {
    let providers = Providers::start().await;
    let gateway = providers.gateway("timeouts: {idle: 300ms}");
    for (fault, status, code, outcome) in [
        ("cut", 502, json!("upstream_broken"), "broken"),
        ("mid_reset", 502, json!("upstream_broken"), "broken"),
        ("mid_stall", 504, json!("upstream_timeout"), "timed_out"),
        ("error_event", 503, json!("overloaded_error"), "refused"),
    ] {
        let request = with(chat(MODEL, "one two three four five six", long()), "x-sim-fault", fault);
        let answer = gateway.send(with(request, "x-sim-after", "5")).await;
        assert_eq!(answer.status, status, "{fault}: {}", answer.text());
        assert_eq!(answer.json()["error"]["code"], code, "{fault}");
        assert_eq!(answer.headers["x-tollway-upstream"], MODEL);
        counted(&answer.line, outcome);
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_has_been_counted_too() {
    let providers = Providers::start().await;
    let gateway = providers.gateway("");
    let request = chat(MODEL, "one two three [sim:tokens=1000,gap_ms=50]", long());
    let request = with(request, "x-request-id", "gone");
    let mut answer = Box::pin(gateway.open(request));
    tokio::select! {
        _ = &mut answer => panic!("a slow provider was done"),
        // The message's start and the first words are there.
        _ = providers.until(|stats| stats["bytes_written"].as_u64() > Some(1_000)) => {}
    }
    // What was written is read before the next word comes.
    let _ = tokio::time::timeout(std::time::Duration::from_millis(60), &mut answer).await;
    drop(answer);
    providers.idle().await;
    counted(&gateway.line("gone"), "cancelled");
}
