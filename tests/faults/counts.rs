//! Counts of tokens at a provider that counts none: an estimate, for which nobody is asked.

use serde_json::{Value, json};

use super::road::{Gateway, post, with};

/// Nobody listens there.
const NOWHERE: &str =
    "providers: {chat: {kind: openai-compatible, base_url: 'http://127.0.0.1:1/v1', models: [m]}}";

#[tokio::test]
async fn a_provider_that_counts_none_is_not_asked() {
    let gateway = Gateway::new(NOWHERE);
    let text = "what is the tallest building in the city? ".repeat(50);
    let asked = [
        (
            "/v1/messages/count_tokens",
            json!({"model": "m", "messages": [{"role": "user", "content": text}]}),
            "input_tokens",
        ),
        ("/v1/responses/input_tokens", json!({"model": "m", "input": text}), "input_tokens"),
        ("/v1beta/models/m:countTokens", json!({"contents": [{"parts": [{"text": text}]}]}), "totalTokens"),
        (
            "/v1beta/models/m:countTokens",
            json!({"generateContentRequest": {"model": "models/m", "contents": [{"role": "user", "parts": [{"text": text}]}]}}),
            "totalTokens",
        ),
    ];
    for (path, body, field) in asked {
        let answer =
            gateway.send(with(post(path, body.to_string()), "anthropic-version", "2023-06-01")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.headers["x-tollway-estimated"], "tokens", "{path}");
        let count = answer.json()[field].as_u64().unwrap_or_default();
        assert!((350..650).contains(&count), "{path}: {count}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_no_count() {
    let gateway = Gateway::new(NOWHERE);
    let body = json!({"model": "m", "messages": [{"role": "user", "content": 7}]});
    let answer = gateway.send(post("/v1/messages/count_tokens", body.to_string())).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["type"]), (400, &Value::from("error")));
}
