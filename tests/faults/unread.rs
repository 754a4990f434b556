//! Clients that do not read: the provider is let go all the same.

use std::task::Poll;
use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::road::{MODELS, Providers, chat, provider, with};

/// A stream of minutes.
const LONG: &str = "hi [sim:tokens=2000,gap_ms=50]";

#[tokio::test]
async fn an_answer_that_nobody_reads_is_cancelled() {
    // The total counts from the start, and leaves time for the head on a busy machine.
    for limits in ["unread: 500ms", "total: 3s"] {
        for http in ["never", "prior-knowledge"] {
            let providers = Providers::start().await;
            let gateway = providers.gateway(&format!("http2: {http}, timeouts: {{{limits}}}"));
            let mut held = Vec::new();
            for model in MODELS {
                let request = chat(model, LONG, json!({"stream": true}));
                held.push(gateway.open(with(request, "x-request-id", provider(model))));
            }
            // Held, and not asked for anything, as a server does for a client without a window.
            let mut bodies = Vec::new();
            for answer in futures(held).await {
                assert!(answer.status().is_success());
                bodies.push(answer.into_body());
            }
            providers.idle().await;
            // Should the client come back, it is told in its own dialect.
            for (mut body, model) in bodies.into_iter().zip(MODELS) {
                let mut text = String::new();
                while let Some(Ok(frame)) = body.frame().await {
                    text.push_str(std::str::from_utf8(&frame.into_data().unwrap_or_default()).unwrap());
                }
                let last = text.trim_end().rsplit("data: ").next().unwrap();
                let error = &serde_json::from_str::<Value>(last).unwrap()["error"];
                assert_eq!(error["type"], "timeout_error", "{model}: {text}");
                drop(body);
                assert_eq!(gateway.line(provider(model))["outcome"], "timed_out", "{model}");
            }
        }
    }
}

/// What all futures come to, in order, made at once.
async fn futures<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in &mut futures {
            if done.is_none()
                && let Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        if futures.iter().all(|(_, done)| done.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    futures.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn one_that_is_read_slowly_is_kept() {
    let providers = Providers::start().await;
    let gateway = providers.gateway("timeouts: {unread: 1s}");
    for model in MODELS {
        let request = chat(model, "[sim:tokens=30,gap_ms=30]", json!({"stream": true}));
        let mut body = gateway.open(request).await.into_body();
        let mut text = String::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.unwrap_or_else(|_| panic!("{model}: {text}"));
            text.push_str(std::str::from_utf8(&frame.into_data().unwrap_or_default()).unwrap());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(text.ends_with("data: [DONE]\n\n"), "{model}: {text}");
    }
}
