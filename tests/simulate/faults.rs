//! Pace and faults, credentials, and what the simulator tells about itself.

use crate::client::{Simulated, chat, generate, messages};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tollway::simulate::{Directives, Options};

const CHAT: &str = "/v1/chat/completions";
const GEMINI: &str = "/v1beta/models/gemini-2.5-pro:generateContent";
const GEMINI_STREAM: &str = "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse";

#[tokio::test]
async fn errors_are_shaped_by_their_provider() {
    let simulated = Simulated::start().await;
    let limited = [("x-sim-status", "429"), ("x-sim-retry-after", "7")];
    let openai = simulated.post(CHAT, &limited, &chat("hi", json!({}))).await;
    assert_eq!((openai.status.as_u16(), &openai.headers["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!(openai.json()["error"]["code"], "rate_limit_exceeded");
    let anthropic = simulated.post("/v1/messages", &limited, &messages("hi", json!({}))).await;
    assert_eq!(
        (anthropic.status.as_u16(), &anthropic.json()["error"]["type"]),
        (429, &json!("rate_limit_error"))
    );
    let gemini = simulated.post(GEMINI, &limited, &generate("hi", json!({}))).await;
    assert_eq!(gemini.json()["error"]["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(gemini.json()["error"]["details"][0]["retryDelay"], "7s");
    let overloaded = simulated.post("/v1/messages", &[], &messages("[sim:status=529]", json!({}))).await;
    assert_eq!(
        (overloaded.status.as_u16(), &overloaded.json()["error"]["type"]),
        (529, &json!("overloaded_error"))
    );
    for status in [400, 401, 403, 404, 500, 503] {
        let answer = simulated.chat(&format!("[sim:status={status}]"), json!({})).await;
        assert_eq!(answer.status, status);
        assert!(answer.json()["error"]["message"].is_string());
    }
    let html = simulated.chat("[sim:html]", json!({})).await;
    assert_eq!(
        (html.status.as_u16(), &html.headers["content-type"]),
        (502, &"text/html; charset=utf-8".parse().unwrap())
    );
    let empty = simulated.chat("[sim:empty]", json!({})).await;
    assert_eq!((empty.status.as_u16(), empty.body.len()), (200, 0));
    let unknown = simulated.chat("[sim:explode]", json!({})).await;
    assert_eq!(unknown.json()["error"]["message"], "unknown sim directive explode");
}

#[tokio::test]
async fn keys_are_asked_for_in_each_providers_way() {
    let simulated = Simulated::start().await;
    let gemini = generate("hi", json!({}));
    for (path, body) in
        [(CHAT, chat("hi", json!({}))), ("/v1/messages", messages("hi", json!({}))), (GEMINI, gemini.clone())]
    {
        for key in [("x-other-key", "k"), ("authorization", "Bearer sim-invalid")] {
            let answer = simulated.post(path, &[key], &body).await;
            assert_eq!(answer.status, 401, "{path} with {key:?}");
            assert!(answer.json()["error"]["message"].is_string());
        }
    }
    let by_query = format!("{GEMINI}?key=secret");
    assert_eq!(simulated.post(&by_query, &[("x-other-key", "k")], &gemini).await.status, 200);
    let told = simulated.get("/sim/last?n=1").await.to_string();
    assert!(!told.contains("secret") && told.contains("key=[redacted]"), "{told}");
}

#[tokio::test]
async fn a_rate_is_kept_exactly() {
    let simulated = Simulated::start().await;
    let mut failed = 0;
    for _ in 0..40 {
        let answer = simulated.chat("[sim:status=503,rate=0.25]", json!({})).await;
        failed += u32::from(answer.status == 503);
    }
    assert_eq!(failed, 10);
}

#[tokio::test]
async fn streams_break_in_the_middle() {
    for http2 in [false, true] {
        let simulated = Simulated::start_with(Options::default(), http2).await;
        for fault in ["cut", "mid_reset"] {
            let text = format!("one two three four [sim:{fault},gap_ms=1,after=3]");
            let answer = simulated.chat(&text, json!({"stream": true})).await;
            assert_eq!(answer.status, 200);
            assert!(!answer.whole, "{fault} over http2={http2}");
            assert!(!answer.text().contains("[DONE]"));
        }
        let cut = simulated.chat("one two three [sim:cut]", json!({})).await;
        assert!(!cut.whole && !cut.body.is_empty());
    }
    let simulated = Simulated::start().await;
    let text = "one two three four [sim:after=3,error_event]";
    let openai = simulated.chat(text, json!({"stream": true})).await;
    assert_eq!(openai.events().last().unwrap()["error"]["type"], "server_error");
    assert!(!openai.text().contains("[DONE]"));
    let anthropic = simulated.post("/v1/messages", &[], &messages(text, json!({"stream": true}))).await;
    assert_eq!(anthropic.events().last().unwrap()["error"]["type"], "overloaded_error");
    let gemini = simulated.post(GEMINI_STREAM, &[], &generate(text, json!({}))).await;
    assert_eq!(gemini.events().last().unwrap()["error"]["status"], "UNAVAILABLE");
    let malformed = simulated.chat("one two three [sim:malformed]", json!({"stream": true})).await.text();
    assert!(malformed.contains("{\"id\": \"broken\"") && malformed.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let simulated = Simulated::start().await;
    let body = chat("[sim:reset]", json!({})).to_string();
    let mut stream = tokio::net::TcpStream::connect(simulated.address).await.unwrap();
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let error = stream.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn answers_keep_their_pace() {
    let simulated = Simulated::start().await;
    let begun = Instant::now();
    let mut response = simulated
        .send(
            CHAT,
            &[],
            &chat("one two three [sim:latency_ms=30,first_ms=20,gap_ms=10]", json!({"stream": true})),
        )
        .await
        .unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(30));
    let mut frames = 0;
    while let Some(frame) = response.body_mut().frame().await {
        frame.unwrap();
        frames += 1;
    }
    // Role, three tokens, the finish and [DONE]: the first after 20 ms, the others after 10 ms each.
    assert_eq!(frames, 6);
    assert!(begun.elapsed() >= Duration::from_millis(30 + 20 + 5 * 10));
    let drip = simulated.chat("hi [sim:drip,gap_ms=0]", json!({})).await.good();
    assert_eq!(drip["choices"][0]["message"]["content"], "hi");
}

#[tokio::test]
async fn a_hang_up_is_seen_and_stops_the_bytes() {
    for fault in ["gap_ms=5,tokens=5000", "mid_stall", "stall"] {
        let simulated = Simulated::start().await;
        let body = chat(&format!("hi [sim:{fault}]"), json!({"stream": true}));
        let wait = Duration::from_millis(100);
        let response = tokio::time::timeout(wait, simulated.send(CHAT, &[], &body)).await;
        if let Ok(response) = response {
            let mut response = response.unwrap();
            response.body_mut().frame().await.unwrap().unwrap();
        }
        let stats = until(&simulated, |stats| stats["client_went_away"] == 1).await;
        assert_eq!(stats["in_flight"], 0, "{fault}");
        let later = simulated.get("/sim/stats").await;
        assert_eq!(later["bytes_written"], stats["bytes_written"], "{fault}");
    }
}

/// Waits until the statistics say so, and gives up after ten seconds.
pub(crate) async fn until(simulated: &Simulated, good: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..1_000 {
        let stats = simulated.get("/sim/stats").await;
        if good(&stats) {
            return stats;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the statistics never came there: {}", simulated.get("/sim/stats").await);
}

#[tokio::test]
async fn requests_are_counted_and_told() {
    let simulated = Simulated::start().await;
    simulated.chat("hello", json!({})).await.good();
    simulated.chat("hello", json!({})).await.good();
    simulated.post("/v1/messages", &[], &messages("hello", json!({"max_tokens": 0}))).await;
    let stats = simulated.get("/sim/stats").await;
    assert_eq!((&stats["requests"], &stats["in_flight"]), (&json!(3), &json!(0)));
    assert_eq!(stats["paths"], json!({"chat": 2, "messages": 1}));
    assert_eq!(stats["client_went_away"], 0);
    let last = simulated.get("/sim/last").await;
    assert_eq!(last.as_array().unwrap().len(), 3);
    assert_eq!((&last[0]["path"], &last[0]["body"]["max_tokens"]), (&json!("/v1/messages"), &json!(0)));
    assert_eq!(last[0]["headers"]["x-api-key"], "[redacted]");
    simulated.post("/sim/reset", &[], &json!({})).await.good();
    assert_eq!(simulated.get("/sim/stats").await["requests"], 0);
}

#[tokio::test]
async fn wrong_requests_are_refused_before_any_fault() {
    let simulated = Simulated::start().await;
    let answer =
        simulated.post(CHAT, &[("x-sim-status", "503")], &json!({"model": "gpt-4o", "messages": []})).await;
    assert_eq!(answer.status, 400);
    let answer = simulated
        .post(CHAT, &[], &json!({"model": "sim-unknown", "messages": [{"role": "user", "content": "x"}]}))
        .await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (404, &json!("model_not_found")));
}

#[tokio::test]
async fn the_same_request_has_the_same_answer_over_either_protocol() {
    let mut directives = Directives::default();
    directives.apply("tokens", "12").unwrap();
    let options = Options { directives, ..Options::default() };
    let one = Simulated::start_with(options.clone(), false).await;
    let two = Simulated::start_with(options, true).await;
    let first = one.chat("hi", json!({})).await;
    assert_eq!(first.good()["usage"]["completion_tokens"], 12);
    for answer in [one.chat("hi", json!({})).await, two.chat("hi", json!({})).await] {
        assert_eq!(answer.body, first.body);
        // Answers are the same, requests are not.
        assert!(answer.headers.contains_key("x-ratelimit-remaining-tokens"));
    }
    let again = one.chat("hi", json!({})).await;
    assert_ne!(again.headers["x-request-id"], first.headers["x-request-id"]);
}
