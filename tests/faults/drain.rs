//! What a client leaves behind is read on for a while, so that its cost is the provider's own count.

use std::time::Duration;

use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::road::{Gateway, Providers, chat, with};

/// Every way: relayed, and translated from two other formats.
const MODELS: [&str; 3] = ["gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-flash"];

async fn line_of(gateway: &Gateway, id: &str) -> Value {
    for _ in 0..1_000 {
        if gateway.lines().contains(id) {
            return gateway.line(id);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no line of {id}")
}

/// Reads a little of a stream, and leaves.
async fn leave(gateway: &Gateway, model: &str, text: &str, id: &str) {
    let request = with(chat(model, text, json!({"stream": true})), "x-request-id", id);
    let mut body = gateway.open(request).await.into_body();
    assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
}

#[tokio::test]
async fn a_stream_that_is_left_is_billed_by_what_the_provider_counts() {
    let providers = Providers::start().await;
    let gateway = providers.gateway_with("", "");
    for model in MODELS {
        let text = "tell me [sim:tokens=40,gap_ms=2]";
        let whole = gateway.chat(model, text, json!({"stream": true})).await;
        let id = format!("left-{model}");
        leave(&gateway, model, text, &id).await;
        let line = line_of(&gateway, &id).await;
        for field in ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "cost_usd"] {
            assert_eq!(line[field], whole.line[field], "{field}: {line}");
            assert!(line[field].as_f64() > Some(0.0), "{field}: {line}");
        }
        assert_eq!(
            (&line["outcome"], &line["cost_estimated"]),
            (&json!("cancelled"), &Value::Null),
            "{line}"
        );
    }
    let stats = providers.idle().await;
    assert_eq!(stats["client_went_away"], 0, "{stats}");
}

#[tokio::test]
async fn a_plain_answer_that_is_left_is_waited_for() {
    let providers = Providers::start().await;
    let gateway = providers.gateway_with("", "");
    for model in MODELS {
        let id = format!("left-{model}");
        let request = with(chat(model, "one [sim:latency_ms=300]", json!({})), "x-request-id", &id);
        let mut answer = Box::pin(gateway.open(request));
        tokio::select! {
            _ = &mut answer => panic!("too early"),
            _ = providers.until(|stats| stats["in_flight"] == 1) => {}
        }
        drop(answer);
        let line = line_of(&gateway, &id).await;
        assert!(line["cost_usd"].as_f64() > Some(0.0), "{line}");
        assert_eq!(
            (&line["outcome"], &line["cost_estimated"]),
            (&json!("cancelled"), &Value::Null),
            "{line}"
        );
        assert!(line["duration_ms"].as_f64() < Some(300.0), "{line}");
    }
}

#[tokio::test]
async fn reading_on_has_an_end() {
    let providers = Providers::start().await;
    for (limits, text) in [
        ("{stream: 300ms}", "tell me [sim:mid_stall]"),
        ("{stream: 30s, max_tokens: 10}", "tell me [sim:tokens=4000,gap_ms=1]"),
        ("{stream: 0s}", "tell me [sim:tokens=4000,gap_ms=1]"),
    ] {
        let gateway = providers.gateway_with("", &format!("usage: {{drain: {limits}}}\n"));
        let before = providers.idle().await["client_went_away"].as_u64().unwrap_or_default();
        leave(&gateway, "gpt-4o-mini", text, "left").await;
        let line = line_of(&gateway, "left").await;
        // What was asked is known about.
        assert_eq!(
            (&line["cost_estimated"], line["cost_usd"].as_f64() > Some(0.0)),
            (&json!(true), true),
            "{line}"
        );
        let stats = providers.idle().await;
        assert_eq!(stats["client_went_away"], before + 1, "{stats}");
    }
}

#[tokio::test]
async fn who_has_no_prices_is_left_with_the_client() {
    let providers = Providers::start().await;
    let url = providers.url();
    let gateway = Gateway::new(&format!(
        "providers: {{rack: {{kind: openai-compatible, base_url: '{url}/v1', api_key: k}}}}"
    ));
    leave(&gateway, "rack/gpt-4o-mini", "tell me [sim:tokens=4000,gap_ms=1]", "left").await;
    assert_eq!(line_of(&gateway, "left").await["unpriced"], "provider");
    assert_eq!(providers.idle().await["client_went_away"], 1);
}
