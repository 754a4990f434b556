//! Clients that do not read: the provider is let go all the same.

use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::road::{MODELS, Providers, chat, provider, with};

/// A stream of minutes.
const LONG: &str = "hi [sim:tokens=2000,gap_ms=50]";

#[tokio::test]
async fn an_answer_that_nobody_reads_is_cancelled() {
    for (limits, outcome) in [("unread: 500ms", "timed_out"), ("total: 500ms", "timed_out")] {
        for http in ["never", "prior-knowledge"] {
            let providers = Providers::start().await;
            let gateway = providers.gateway(&format!("http2: {http}, timeouts: {{{limits}}}"));
            for model in MODELS {
                let id = format!("{http}-{}", provider(model));
                let request = with(chat(model, LONG, json!({"stream": true})), "x-request-id", &id);
                let answer = gateway.open(request).await;
                assert!(answer.status().is_success());
                // Held, and not asked for anything, as a server does for a client without a window.
                let mut body = answer.into_body();
                providers.idle().await;
                // Should it come back, it is told in its own dialect.
                let mut text = String::new();
                while let Some(Ok(frame)) = body.frame().await {
                    text.push_str(std::str::from_utf8(&frame.into_data().unwrap_or_default()).unwrap());
                }
                let last = text.trim_end().rsplit("data: ").next().unwrap();
                let error = &serde_json::from_str::<Value>(last).unwrap()["error"];
                assert_eq!(error["type"], "timeout_error", "{text}");
                drop(body);
                assert_eq!(gateway.line(&id)["outcome"], outcome);
            }
        }
    }
}

#[tokio::test]
async fn one_that_is_read_slowly_is_kept() {
    let providers = Providers::start().await;
    let gateway = providers.gateway("timeouts: {unread: 400ms}");
    for model in MODELS {
        let request = chat(model, "one two three [sim:gap_ms=30]", json!({"stream": true}));
        let mut body = gateway.open(request).await.into_body();
        let mut text = String::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.unwrap_or_else(|_| panic!("{model}: {text}"));
            text.push_str(std::str::from_utf8(&frame.into_data().unwrap_or_default()).unwrap());
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        assert!(text.ends_with("data: [DONE]\n\n"), "{model}: {text}");
    }
}
