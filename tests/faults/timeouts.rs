//! Every limit on a provider's time, and what it is told as.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::road::{Answer, Gateway, MODELS, Providers, provider};

/// A gateway to one provider at a URL.
fn gateway(url: &str, more: &str) -> Gateway {
    Gateway::new(&format!("providers: {{openai: {{api_key: key-of-openai, base_url: '{url}', {more}}}}}\n"))
}

#[track_caller]
fn timed_out(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 504, "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("timeout_error"), &json!("upstream_timeout")),
        "{error}"
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("provider openai: no ") && message.contains(what), "{message}");
    assert_eq!(answer.line["outcome"], "timed_out", "{}", answer.line);
}

#[tokio::test]
async fn a_connection_that_is_never_made_is_given_up() {
    // A queue of one that is full: the kernel answers no further handshake.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(made) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        queue.push(made.unwrap());
        assert!(queue.len() < 64, "the queue never fills");
    }
    let gateway = gateway(&format!("http://{address}/v1"), "timeouts: {connect: 200ms}");
    timed_out(&gateway.chat("openai/gpt-5-mini", "hi", json!({})).await, "connection within 0.2 s");
}

#[tokio::test]
async fn a_tls_handshake_that_never_ends_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let held = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let gateway = gateway(&format!("https://{address}/v1"), "timeouts: {connect: 200ms}");
    timed_out(
        &gateway.chat("openai/gpt-5-mini", "hi", json!({"stream": true})).await,
        "connection within 0.2 s",
    );
    held.abort();
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_told_at_once() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let answer = gateway(&format!("http://{address}/v1"), "http2: auto")
        .chat("openai/gpt-5-mini", "hi", json!({}))
        .await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!((&error["type"], &error["code"]), (&json!("server_error"), &json!("upstream_unreachable")));
    assert!(
        error["message"].as_str().unwrap().starts_with("could not connect to provider openai: "),
        "{error}"
    );
    assert_eq!(answer.line["outcome"], "broken");
}

#[tokio::test]
async fn a_server_that_is_no_http_server_is_told() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.writable().await.unwrap();
            let _ = stream.try_write(b"220 mail.example.com ESMTP\r\n");
        }
    });
    for protocol in ["http2: never", "http2: prior-knowledge"] {
        let answer = gateway(&format!("http://{address}/v1"), protocol)
            .chat("openai/gpt-5-mini", "hi", json!({}))
            .await;
        assert_eq!(answer.status, 502, "{protocol}: {}", answer.text());
        assert!(answer.text().contains("provider openai"), "{protocol}: {}", answer.text());
    }
}

#[tokio::test]
async fn an_answer_that_goes_on_for_ever_is_given_up() {
    let providers = Providers::start().await;
    for protocol in ["never", "prior-knowledge"] {
        let gateway = providers.gateway(&format!("http2: {protocol}, timeouts: {{total: 500ms}}"));
        for model in MODELS {
            let text = "hi [sim:tokens=500,gap_ms=10]";
            let answer = gateway.chat(model, text, json!({"stream": true})).await;
            let events = answer.events();
            let error = &events.last().unwrap().json()["error"];
            let message = error["message"].as_str().unwrap_or_else(|| panic!("{model}: {}", answer.text()));
            assert!(
                message.contains(provider(model)) && message.contains("end of the answer within 0.5 s"),
                "{message}"
            );
            assert!(!answer.said().is_empty() && !answer.text().contains("[DONE]"));
            assert_eq!(answer.line["outcome"], "timed_out", "{}", answer.line);
            let plain = gateway.chat(model, "hi [sim:latency_ms=60000]", json!({})).await;
            assert_eq!(plain.status, 504, "{model}: {}", plain.text());
        }
    }
    providers.idle().await;
}

#[tokio::test]
async fn a_stream_that_keeps_talking_is_not_given_up() {
    let providers = Providers::start().await;
    let gateway = providers.gateway("timeouts: {first_byte: 5s, idle: 2s}");
    for model in MODELS {
        // Longer than the limit in all, never between two chunks.
        let answer = gateway.chat(model, "hi [sim:tokens=30,gap_ms=80]", json!({"stream": true})).await;
        assert!(answer.text().ends_with("data: [DONE]\n\n"), "{model}: {}", answer.text());
        assert_eq!(answer.line["outcome"], "complete");
    }
}
