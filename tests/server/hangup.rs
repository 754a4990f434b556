//! Clients that go away, or stop reading, and what then becomes of the request to the provider.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::http_client::{Outcome, chat, get, json as parse, open, send};
use crate::process::Server;
use crate::{File, gateway};

/// A simulated provider, and a gateway in front of it, with more settings of its server and providers.
fn road(name: &str, server: &str, provider: &str) -> (Server, Server, File) {
    let simulator = Server::start(&["simulate", "--port", "0"], &[]).unwrap();
    let sim = simulator.url();
    let config = format!(
        "server: {{listen: '127.0.0.1:0'{server}}}\nlog: {{access: stderr}}\nusage: {{drain: {{stream: 0s, answer: 0s}}}}\nproviders:\n  openai: {{api_key: k, base_url: '{sim}/v1'{provider}}}\n  anthropic: {{api_key: k, base_url: '{sim}'{provider}}}\n"
    );
    let (gateway, file) = gateway(name, &config);
    (simulator, gateway, file)
}

/// Waits until the provider's statistics say so.
async fn until(simulator: SocketAddr, wanted: impl Fn(&Value) -> bool) -> Outcome<()> {
    let mut seen = Value::Null;
    let watch = async {
        while !wanted(&seen) {
            seen = parse(send(get(simulator, "/sim/stats")).await?.body());
        }
        Outcome::Ok(())
    };
    let watched = tokio::time::timeout(Duration::from_secs(20), watch).await;
    watched.unwrap_or_else(|_| panic!("never as wanted: {seen}"))
}

const MODELS: [&str; 2] = ["openai/gpt-5-mini", "anthropic/claude-sonnet-4-5"];

// On threads of its own, as the wait for the log blocks this one.
#[tokio::test(flavor = "multi_thread")]
async fn in_mid_stream_the_upstream_is_cancelled_and_logged_with_what_was_used() -> Outcome<()> {
    let (simulator, server, _file) = road("cancel.yaml", "", "");
    for (gone, (http2, model)) in
        (1..).zip([(false, MODELS[0]), (false, MODELS[1]), (true, MODELS[0]), (true, MODELS[1])])
    {
        let text = "hello [sim:tokens=1000] [sim:gap_ms=50]";
        let id = format!("gone-{gone}");
        let mut req = chat(server.addr(), model, text, json!({"stream": true}));
        req.headers_mut().insert("x-request-id", id.parse()?);
        let mut body = open(http2, req).await?.into_body();
        body.frame().await.unwrap()?;
        drop(body);
        let line = server.wait_for(&id)?;
        let entry: Value = serde_json::from_str(&line)?;
        assert_eq!(entry["outcome"], "cancelled", "{line}");
        if model.starts_with("anthropic") {
            // Anthropic tells the input at the start.
            assert!(entry["gen_ai.usage.input_tokens"].as_u64() > Some(0), "{line}");
        }
        // Nothing more is written to anybody.
        until(simulator.addr(), |stats| stats["in_flight"] == 0 && stats["client_went_away"] == gone).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_head_the_upstream_is_cancelled() -> Outcome<()> {
    let (simulator, server, _file) = road("early.yaml", "", "");
    for (gone, http2) in [(1, false), (2, true)] {
        let id = format!("early-{gone}");
        let mut req = chat(server.addr(), MODELS[0], "hello [sim:stall]", json!({}));
        req.headers_mut().insert("x-request-id", id.parse()?);
        let asking = tokio::spawn(open(http2, req));
        until(simulator.addr(), |stats| stats["in_flight"] == 1).await?;
        asking.abort();
        until(simulator.addr(), |stats| stats["in_flight"] == 0 && stats["client_went_away"] == gone).await?;
        let entry: Value = serde_json::from_str(&server.wait_for(&id)?)?;
        assert_eq!(entry["outcome"], "cancelled", "{entry}");
        assert!(entry["http.response.status_code"].is_null(), "{entry}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_is_given_up() -> Outcome<()> {
    let (simulator, server, _file) = road("deaf.yaml", ", body_timeout: 1s", ", timeouts: {unread: 1s}");
    // More than all the buffers between the provider and the client hold.
    let body = json!({"model": MODELS[0], "stream": true, "messages": [
        {"role": "user", "content": "hello [sim:tokens=100000]"}]})
    .to_string();
    let mut deaf = TcpStream::connect(server.addr())?;
    let length = body.len();
    write!(
        deaf,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-request-id: deaf-1\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    deaf.read_exact(&mut [0; 15])?;
    until(simulator.addr(), |stats| stats["in_flight"] == 0 && stats["client_went_away"] == 1).await?;
    let entry: Value = serde_json::from_str(&server.wait_for("deaf-1")?)?;
    // The limit on unread answers and the kernel's on the connection run out together.
    assert!(entry["outcome"] == "cancelled" || entry["outcome"] == "timed_out", "{entry}");
    Ok(())
}
