//! Providers that are sent no more than they can take, through the whole stack.

#![expect(clippy::unwrap_used, reason = "helpers of a test")]

#[path = "support/gateway.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod gateway;
#[path = "support/upstream.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod upstream;

use std::time::{Duration, Instant};

use http::HeaderValue;
use serde_json::{Value, json};

use self::gateway::{Answer, Gateway};
use self::upstream::Script;

async fn gateway(adaptive: &str) -> Gateway {
    let providers = format!(
        "providers: {{openai: {{api_key: k, base_url: '{{upstream}}/v1', adaptive: {adaptive}}}, anthropic: {{api_key: k, base_url: '{{upstream}}', adaptive: {adaptive}}}}}"
    );
    Gateway::start(&providers).await.unwrap()
}

fn whole(headers: &[(&'static str, &'static str)]) -> Script {
    let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4.1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
    with(Script::new(200, Some("application/json"), body.to_string()), headers)
}

fn refusal(status: u16, headers: &[(&'static str, &'static str)]) -> Script {
    let body = json!({"error": {"message": "slow down", "type": "requests", "param": null, "code": "rate_limit_exceeded"}});
    with(Script::new(status, Some("application/json"), body.to_string()), headers)
}

fn with(mut script: Script, headers: &[(&'static str, &'static str)]) -> Script {
    for (name, value) in headers {
        script.headers.insert(*name, HeaderValue::from_static(value));
    }
    script
}

async fn ask(gateway: &Gateway, model: &str, script: Script) -> Answer {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50});
    gateway.post("/v1/chat/completions", &body, script).await
}

#[tokio::test]
async fn a_provider_that_says_when_to_come_back_is_not_asked_before() {
    let gateway = gateway("true").await;
    let refused = ask(&gateway, "openai/gpt-4.1", refusal(429, &[("retry-after", "1")])).await;
    assert_eq!((refused.status.as_u16(), refused.sent.is_some()), (429, true));
    let begun = Instant::now();
    let other = ask(&gateway, "openai/gpt-4.1-mini", whole(&[])).await;
    assert!(other.status == 200 && begun.elapsed() < Duration::from_millis(900), "limits are a model's own");
    let waited = ask(&gateway, "openai/gpt-4.1", whole(&[])).await;
    assert_eq!(waited.status, 200, "{}", waited.text());
    assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_a_provider_of_another_dialect_says_is_heard_too() {
    let gateway = gateway("{max_wait: 100ms}").await;
    let body = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}});
    let refusal = Script::new(429, Some("application/json"), body.to_string());
    let refused = ask(&gateway, "anthropic/claude-sonnet-4-5", with(refusal, &[("retry-after", "30")])).await;
    assert_eq!((refused.status.as_u16(), refused.sent.is_some()), (429, true));
    let held = ask(&gateway, "anthropic/claude-sonnet-4-5", whole(&[])).await;
    assert_eq!((held.status.as_u16(), held.sent.is_some()), (429, false), "{}", held.text());
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_told_in_the_client_s_dialect_and_the_provider_not_asked() {
    let used_up = [
        ("x-ratelimit-limit-requests", "10"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "1m0s"),
    ];
    for (path, body, kind, expected) in [
        (
            "/v1/chat/completions",
            json!({"model": "openai/gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}),
            "/error/code",
            "provider_rate_limit",
        ),
        (
            "/v1/messages",
            json!({"model": "openai/gpt-4.1", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}),
            "/error/type",
            "rate_limit_error",
        ),
        (
            "/v1beta/models/openai%2Fgpt-4.1:generateContent",
            json!({"contents": [{"parts": [{"text": "hi"}]}]}),
            "/error/status",
            "RESOURCE_EXHAUSTED",
        ),
    ] {
        let gateway = gateway("{max_wait: 100ms}").await;
        assert_eq!(ask(&gateway, "openai/gpt-4.1", whole(&used_up)).await.status, 200);
        let answer = gateway.post(path, &body, whole(&[])).await;
        assert_eq!(answer.status, 429, "{path}: {}", answer.text());
        assert!(answer.sent.is_none(), "{path}");
        assert_eq!(answer.json().pointer(kind).and_then(Value::as_str), Some(expected), "{}", answer.text());
        assert!(answer.text().contains("provider openai"), "{}", answer.text());
        let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn a_provider_is_asked_all_the_same_where_nobody_said_otherwise() {
    let gateway = gateway("false").await;
    for _ in 0..3 {
        let refused = ask(&gateway, "openai/gpt-4.1", refusal(429, &[("retry-after", "60")])).await;
        assert_eq!((refused.status.as_u16(), refused.sent.is_some()), (429, true));
    }
    assert_eq!(ask(&gateway, "openai/gpt-4.1", whole(&[])).await.status, 200);
}
