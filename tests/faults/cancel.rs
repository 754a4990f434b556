//! When the client goes away, the provider is let go at once.

use http_body_util::BodyExt;
use serde_json::json;

use super::road::{MODELS, Providers, chat, provider, with};

const PROTOCOLS: [&str; 2] = ["http2: never", "http2: prior-knowledge, max_streams_per_connection: 1"];

#[tokio::test]
async fn a_hang_up_in_mid_stream_cancels_the_request_to_the_provider() {
    for protocol in PROTOCOLS {
        let providers = Providers::start().await;
        let gateway = providers.gateway(protocol);
        for (gone, model) in (1..).zip(MODELS) {
            let text = "one two three [sim:tokens=1000,gap_ms=50]";
            let request = with(chat(model, text, json!({"stream": true})), "x-request-id", "gone");
            let answer = gateway.open(request).await;
            assert!(answer.status().is_success());
            let mut body = answer.into_body();
            let first = body.frame().await.unwrap().ok().and_then(|frame| frame.into_data().ok());
            assert!(first.is_some_and(|data| !data.is_empty()));
            drop(body);
            let stats = providers.until(|stats| stats["in_flight"] == 0).await;
            assert_eq!(stats["client_went_away"], gone, "{model} {protocol}: {stats}");
            // At once: of a stream of minutes only its first chunks were written.
            assert!(stats["bytes_written"].as_u64() < Some(gone * 100_000), "{stats}");
        }
        let lines = gateway.lines();
        for (line, model) in lines.lines().zip(MODELS) {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["outcome"], "cancelled", "{line}");
            assert_eq!(line["gen_ai.provider.name"], provider(model));
            // Two tell the input at the start, the others at the end.
            if matches!(provider(model), "anthropic" | "gemini") {
                assert!(line["gen_ai.usage.input_tokens"].as_u64() > Some(0), "{line}");
            }
        }
        assert_eq!(lines.lines().count(), MODELS.len());
    }
}

#[tokio::test]
async fn a_hang_up_before_the_head_cancels_the_request_to_the_provider() {
    for protocol in PROTOCOLS {
        let providers = Providers::start().await;
        let gateway = providers.gateway(protocol);
        let mut gone = 0;
        for model in MODELS {
            for stream in [false, true] {
                gone += 1;
                let request = chat(model, "one [sim:stall]", json!({"stream": stream}));
                let id = format!("gone-{gone}");
                let mut answer = Box::pin(gateway.open(with(request, "x-request-id", &id)));
                tokio::select! {
                    _ = &mut answer => panic!("a stalled provider answered"),
                    // It is there, and waits.
                    _ = providers.until(|stats| stats["in_flight"] == 1) => {}
                }
                drop(answer);
                let stats = providers.idle().await;
                assert_eq!(stats["client_went_away"], gone, "{model} {protocol}: {stats}");
                let line = gateway.line(&id);
                assert_eq!(line["outcome"], "cancelled", "{line}");
                assert_eq!(line["gen_ai.provider.name"], provider(model), "{line}");
                assert!(line["http.response.status_code"].is_null(), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn a_hang_up_in_a_plain_answer_cancels_too() {
    for protocol in PROTOCOLS {
        let providers = Providers::start().await;
        let gateway = providers.gateway(protocol);
        for (gone, model) in (1..).zip(MODELS) {
            let id = format!("gone-{gone}");
            let request = with(chat(model, "one [sim:mid_stall]", json!({})), "x-request-id", &id);
            // Relayed, its head is there; translated, nothing is until all of it has come.
            let mut answer = Box::pin(async {
                let mut body = gateway.open(request).await.into_body();
                while body.frame().await.is_some() {}
            });
            tokio::select! {
                () = &mut answer => panic!("a stalled provider answered"),
                _ = providers.until(|stats| stats["bytes_written"].as_u64() > Some(0)) => {}
            }
            drop(answer);
            let stats = providers.idle().await;
            assert_eq!(stats["client_went_away"], gone, "{model} {protocol}: {stats}");
            assert_eq!(gateway.line(&id)["outcome"], "cancelled");
        }
    }
}

#[tokio::test]
async fn what_was_cancelled_leaves_no_place_taken() {
    // One stream a connection: a place that stayed taken would show as a connection too many.
    let providers = Providers::start().await;
    let gateway = providers.gateway("http2: prior-knowledge, max_streams_per_connection: 1");
    for model in MODELS {
        for _ in 0..10 {
            let text = "one [sim:tokens=1000,gap_ms=50]";
            let mut body = gateway.open(chat(model, text, json!({"stream": true}))).await.into_body();
            body.frame().await.unwrap().unwrap_or_else(|_| panic!("no frame"));
            drop(body);
            providers.idle().await;
        }
    }
    let stats = providers.stats().await;
    assert_eq!(stats["client_went_away"], 50, "{stats}");
    // One a provider, and the one that asks.
    assert!(stats["connections"].as_u64() <= Some(MODELS.len() as u64 + 1), "{stats}");
}
