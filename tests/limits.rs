//! Limits through the whole stack: who is refused, in whose words, and what counts in the end.

#![expect(clippy::unwrap_used, reason = "helpers of a test")]

#[path = "support/gateway.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod gateway;
#[path = "support/upstream.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod upstream;

use serde_json::{Value, json};

use self::gateway::{Answer, Gateway};
use self::upstream::Script;

/// A gateway with limits.
async fn limited(limits: &str) -> Gateway {
    let providers = "providers: {openai: {api_key: k, base_url: '{upstream}/v1'}, anthropic: {api_key: k, base_url: '{upstream}'}}";
    Gateway::start(&format!("{providers}\nlimits: {{{limits}}}\n")).await.unwrap()
}

fn chat(text: &str) -> Value {
    json!({"model": "openai/gpt-4.1", "messages": [{"role": "user", "content": text}], "max_tokens": 50})
}

/// A whole answer that took so many tokens.
fn whole(input: u64, output: u64) -> Script {
    let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4.1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output}});
    Script::new(200, Some("application/json"), body.to_string())
}

fn refusal() -> Script {
    let body =
        json!({"error": {"message": "no", "type": "invalid_request_error", "param": null, "code": null}});
    Script::new(400, Some("application/json"), body.to_string())
}

async fn ask(gateway: &Gateway, script: Script) -> Answer {
    gateway.post("/v1/chat/completions", &chat("hi"), script).await
}

#[tokio::test]
async fn a_limit_refuses_in_the_client_s_dialect_and_asks_nobody() {
    let gateway = limited("calm: {requests: 1, window: 1h, per: route}").await;
    for (path, body, kind) in [
        ("/v1/chat/completions", chat("hi"), "/error/code"),
        ("/v1/responses", json!({"model": "openai/gpt-4.1", "input": "hi"}), "/error/code"),
        (
            "/v1/messages",
            json!({"model": "openai/gpt-4.1", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}),
            "/error/type",
        ),
        (
            "/v1beta/models/openai%2Fgpt-4.1:generateContent",
            json!({"contents": [{"parts": [{"text": "hi"}]}]}),
            "/error/status",
        ),
    ] {
        let first = gateway.post(path, &body, whole(1, 1)).await;
        assert_ne!(first.status, 429, "{path}: {}", first.text());
        let second = gateway.post(path, &body, whole(1, 1)).await;
        assert_eq!(second.status, 429, "{path}: {}", second.text());
        assert!(second.sent.is_none(), "{path}");
        let named = second.json().pointer(kind).and_then(Value::as_str).map(str::to_owned);
        let expected = match kind {
            "/error/type" => "rate_limit_error",
            "/error/status" => "RESOURCE_EXHAUSTED",
            _ => "rate_limit_exceeded",
        };
        assert_eq!(named.as_deref(), Some(expected), "{path}: {}", second.text());
        assert!(second.text().contains("calm allows 1 requests in 1h"), "{}", second.text());
        let wait: u64 = second.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3000..=3900).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn tokens_are_reserved_by_estimate_and_settled_by_what_was_told() {
    // Each request is expected to take some 60 tokens.
    let gateway = limited("tokens: {tokens: 1000, window: 1h}").await;
    assert_eq!(ask(&gateway, whole(880, 20)).await.status, 200);
    // A provider's refusal took nothing; were it counted as expected, the second would be refused.
    for _ in 0..20 {
        assert_eq!(ask(&gateway, refusal()).await.status, 400);
    }
    assert_eq!(ask(&gateway, whole(10, 5)).await.status, 200);
    // What a request took beyond what was expected counts as well.
    assert_eq!(ask(&gateway, whole(200, 0)).await.status, 200);
    let refused = ask(&gateway, whole(1, 1)).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(refused.text().contains("tokens allows 1000 tokens in 1h"), "{}", refused.text());
}

#[tokio::test]
async fn what_one_caller_has_left_is_told_to_nobody_else() {
    let gateway = limited("all: {requests: 100}").await;
    let answer = ask(&gateway, whole(1, 1)).await;
    assert!(!answer.headers.keys().any(|name| name.as_str().contains("ratelimit")), "{:?}", answer.headers);
}

#[tokio::test]
async fn what_goes_on_at_the_same_time_ends_with_its_answer() {
    let gateway = limited("few: {concurrent_requests: 2}").await;
    for _ in 0..10 {
        assert_eq!(ask(&gateway, whole(1, 1)).await.status, 200);
        assert_eq!(ask(&gateway, refusal()).await.status, 400);
        let nobody = json!({"model": "nobody/has-it", "messages": [{"role": "user", "content": "x"}]});
        assert_eq!(gateway.post("/v1/chat/completions", &nobody, whole(1, 1)).await.status, 404);
    }
}

#[tokio::test]
async fn what_is_relayed_unread_counts_as_a_request() {
    let gateway = limited("files: {requests: 1, window: 1h, only: {route: /v1/files*}}").await;
    let list = || http::Request::get("/v1/files").body(http_body_util::Full::default()).unwrap();
    assert_ne!(gateway.send(list()).await.status, 429);
    assert_eq!(gateway.send(list()).await.status, 429);
    assert_eq!(ask(&gateway, whole(1, 1)).await.status, 200);
}
