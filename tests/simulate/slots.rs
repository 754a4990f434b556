//! A simulator that works at so many requests at once.

use crate::client::{Simulated, chat, generate, messages};
use crate::faults::until;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::json;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use tollway::simulate::Options;

const CHAT: &str = "/v1/chat/completions";

async fn with_slots(slots: usize, http2: bool) -> Simulated {
    Simulated::start_with(Options { slots: NonZeroUsize::new(slots), ..Options::default() }, http2).await
}

/// Asks for a stream that never ends, and reads its first bytes.
async fn occupy(simulated: &Simulated) -> http::Response<Incoming> {
    let body = chat("hi [sim:mid_stall]", json!({"stream": true}));
    let mut response = simulated.send(CHAT, &[], &body).await.unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    response
}

#[tokio::test]
async fn who_finds_no_slot_waits_until_an_answer_has_ended() {
    for http2 in [false, true] {
        let simulated = with_slots(2, http2).await;
        let _one = occupy(&simulated).await;
        let two = occupy(&simulated).await;
        let body = chat("three", json!({}));
        let mut three = Box::pin(simulated.send(CHAT, &[], &body));
        let early = tokio::time::timeout(Duration::from_millis(100), &mut three).await;
        assert!(early.is_err(), "a third head came while two streams were going, http2={http2}");
        assert_eq!(simulated.get("/sim/stats").await["in_flight"], 3);
        drop(two);
        assert_eq!(three.await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_slot_is_held_for_the_whole_answer() {
    let simulated = with_slots(1, false).await;
    let begun = Instant::now();
    let body = chat("hi [sim:latency_ms=10,first_ms=10,gap_ms=5,tokens=2]", json!({"stream": true}));
    let ask = || simulated.post(CHAT, &[], &body);
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    for answer in [one, two, three] {
        assert!(answer.whole && answer.text().ends_with("data: [DONE]\n\n"));
    }
    // Each has five frames: 10 ms to its head, 10 ms to the first of them, 5 ms to each other.
    assert!(begun.elapsed() >= 3 * Duration::from_millis(40), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn who_goes_away_leaves_the_line() {
    for http2 in [false, true] {
        let simulated = with_slots(1, http2).await;
        let one = occupy(&simulated).await;
        let impatient = chat("two [sim:stall]", json!({}));
        let wait = Duration::from_millis(100);
        assert!(tokio::time::timeout(wait, simulated.send(CHAT, &[], &impatient)).await.is_err());
        until(&simulated, |stats| stats["client_went_away"] == 1 && stats["in_flight"] == 1).await;
        drop(one);
        // Were the second still in line, it would now hold the slot for ever.
        simulated.chat("three", json!({})).await.good();
    }
}

#[tokio::test]
async fn failures_give_their_slot_back() {
    let simulated = with_slots(1, false).await;
    for fault in ["status=503", "cut", "empty", "html", "mid_reset", "malformed"] {
        simulated.chat(&format!("hi [sim:{fault}]"), json!({"stream": true})).await;
    }
    assert!(simulated.send(CHAT, &[], &chat("hi [sim:reset]", json!({}))).await.is_err());
    simulated.chat("hi", json!({})).await.good();
}

#[tokio::test]
async fn what_asks_no_model_needs_no_slot() {
    let simulated = with_slots(1, false).await;
    let _one = occupy(&simulated).await;
    simulated.get("/v1/models").await;
    let wrong = simulated.post(CHAT, &[], &json!({"model": "gpt-4o", "messages": []})).await;
    assert_eq!(wrong.status, 400);
    simulated
        .post(
            "/v1/messages/count_tokens",
            &[],
            &json!({
                "model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}],
            }),
        )
        .await
        .good();
    simulated.post("/v1/moderations", &[], &json!({"input": "hi"})).await.good();
    let wait = Duration::from_millis(50);
    for (path, body) in [
        ("/v1/messages", messages("hi", json!({}))),
        ("/v1beta/models/gemini-2.5-pro:generateContent", generate("hi", json!({}))),
        ("/v1/embeddings", json!({"model": "text-embedding-3-small", "input": "hi"})),
    ] {
        let answer = tokio::time::timeout(wait, simulated.post(path, &[], &body)).await;
        assert!(answer.is_err(), "{path} asks a model");
    }
}
