//! HTTP/2 to providers: several connections, slow readers beside others, refused streams.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::road::{Gateway, Providers, chat, read, with};

/// A server that takes ten streams a connection, and answers only once all sixty are there; but the
/// question whether it is warm at once.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let (barrier, counter) = (Arc::new(Barrier::new(60)), connections.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            let barrier = barrier.clone();
            let answer = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let barrier = barrier.clone();
                async move {
                    if !request.headers().contains_key("x-warm") {
                        barrier.wait().await;
                    }
                    let body = json!({"object": "chat.completion", "choices": []}).to_string();
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(body))))
                }
            });
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.max_concurrent_streams(10);
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), answer));
        }
    });
    (address, connections)
}

#[tokio::test]
async fn more_requests_than_a_connection_takes_run_at_once_on_several() {
    for more in [", max_streams_per_connection: 10", ""] {
        let (address, connections) = server().await;
        let gateway = Gateway::new(&format!(
            "providers: {{openai: {{api_key: k, base_url: 'http://{address}/v1', http2: prior-knowledge{more}}}}}\n"
        ));
        if more.is_empty() {
            // How many a server takes is learned with the first connection.
            let answer = gateway.send(with(chat("openai/gpt-5-mini", "hi", json!({})), "x-warm", "1")).await;
            assert_eq!(answer.status, 200);
        }
        for _ in 0..3 {
            let mut running = JoinSet::new();
            for _ in 0..60 {
                let gateway = gateway.clone();
                running.spawn(async move { gateway.chat("openai/gpt-5-mini", "hi", json!({})).await.status });
            }
            let all = tokio::time::timeout(Duration::from_secs(20), running.join_all()).await;
            let all = all.expect("some requests waited for others to end");
            assert!(all.iter().all(|status| *status == 200), "{all:?}");
        }
        // Kept and used again.
        assert_eq!(connections.load(Ordering::Relaxed), 6);
    }
}

#[tokio::test]
async fn a_slow_reader_does_not_end_the_connection_for_the_others() {
    let providers = Providers::start().await;
    let gateway = providers.gateway("http2: prior-knowledge");
    // Many frames of a few bytes that nobody reads, on the connection that the others use.
    let text = "hi [sim:tokens=3000,chunk_bytes=60]";
    let mut slow = Vec::new();
    for _ in 0..8 {
        let answer = gateway.open(chat("anthropic/claude-sonnet-4-5", text, json!({"stream": true}))).await;
        slow.push(answer.into_body());
    }
    for _ in 0..20 {
        let answer =
            gateway.chat("anthropic/claude-sonnet-4-5", "one two three", json!({"stream": true})).await;
        assert_eq!(answer.line["outcome"], "complete", "{}", answer.text());
    }
    for body in slow {
        let (bytes, is_whole) = read(body).await;
        let end = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(300)..]).into_owned();
        assert!(is_whole && end.ends_with("data: [DONE]\n\n"), "{end}");
    }
    let stats = providers.idle().await;
    assert_eq!(stats["connections"], 2, "one for the gateway, one for these statistics: {stats}");
}

#[tokio::test]
async fn a_connection_the_server_has_closed_is_replaced() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    // Each connection serves one request and says goodbye.
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                let _ = request.into_body().collect().await;
                let body = json!({"object": "chat.completion", "choices": []}).to_string();
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(body))))
            });
            let mut connection = Box::pin(
                http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer),
            );
            tokio::spawn(async move {
                let _ = tokio::time::timeout(Duration::from_millis(1), &mut connection).await;
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            });
        }
    });
    let gateway = Gateway::new(&format!(
        "providers: {{openai: {{api_key: k, base_url: 'http://{address}/v1', http2: prior-knowledge}}}}\n"
    ));
    for turn in 0..20 {
        let answer = gateway.chat("openai/gpt-5-mini", "hi", json!({})).await;
        assert_eq!(answer.status, 200, "{turn}: {}", answer.text());
    }
}
