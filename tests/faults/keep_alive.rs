//! Servers that close connections when it suits them.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::road::Gateway;

/// Reads one request, whose body ends with the last brace of its JSON; false at the stream's end.
async fn request(stream: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    while !read.ends_with(b"}]}") {
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}

fn answer() -> String {
    let body = json!({"object": "chat.completion", "choices": []}).to_string();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn gateway(listener: &TcpListener) -> Gateway {
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    Gateway::new(&format!("providers: {{openai: {{api_key: k, base_url: '{url}'}}}}\n"))
}

#[tokio::test]
async fn a_connection_closed_after_each_answer_is_replaced() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let gateway = gateway(&listener);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // Nothing says so beforehand.
            if request(&mut stream).await {
                let _ = stream.write_all(answer().as_bytes()).await;
            }
        }
    });
    for turn in 0..100 {
        let answer = gateway.chat("openai/gpt-5-mini", "hi", json!({})).await;
        assert_eq!(answer.status, 200, "{turn}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_connection_closed_as_the_next_request_comes_is_told() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let gateway = gateway(&listener);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                if request(&mut stream).await {
                    let _ = stream.write_all(answer().as_bytes()).await;
                    // The second request is read and not answered: it may have been charged for.
                    request(&mut stream).await;
                }
            });
        }
    });
    assert_eq!(gateway.chat("openai/gpt-5-mini", "hi", json!({})).await.status, 200);
    let second = gateway.chat("openai/gpt-5-mini", "hi", json!({})).await;
    assert_eq!(
        (second.status.as_u16(), second.json()["error"]["code"].as_str()),
        (502, Some("upstream_broken"))
    );
    let third =
        tokio::time::timeout(Duration::from_secs(20), gateway.chat("openai/gpt-5-mini", "hi", json!({})))
            .await;
    assert_eq!(third.unwrap().status, 200);
}
