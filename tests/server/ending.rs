//! How the server comes to its end: what it still takes, what it finishes, what it cuts.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::gateway;
use crate::http_client::{Outcome, chat, get, open, send};

#[tokio::test]
async fn while_it_drains_it_is_not_ready_and_serves_all_the_same() -> Outcome<()> {
    let config = "server: {listen: '127.0.0.1:0', drain_delay: 2s}\n";
    let (mut server, _file) = gateway("drain.yaml", config);
    assert_eq!(send(get(server.addr(), "/health/ready")).await?.status(), StatusCode::OK);
    let told = Instant::now();
    server.signal("TERM");
    server.wait_for("not ready any more")?;
    // Both over new connections.
    assert_eq!(send(get(server.addr(), "/health/ready")).await?.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(send(get(server.addr(), "/health/live")).await?.status(), StatusCode::OK);
    assert_eq!(send(chat(server.addr(), "gpt-5-mini", "ping", json!({}))).await?.status(), StatusCode::OK);
    server.wait_for("no new connections")?;
    assert!(told.elapsed() >= Duration::from_secs(2), "{:?}", told.elapsed());
    assert!(TcpStream::connect(server.addr()).is_err(), "the socket must be closed");
    assert_eq!(server.exit_code()?, Some(0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_left_is_read_on_to_its_cost() -> Outcome<()> {
    for workers in ["per_core", "shared"] {
        let config =
            format!("server: {{listen: '127.0.0.1:0', workers: {workers}}}\nlog: {{access: stderr}}\n");
        let (mut server, _file) = gateway(&format!("left-{workers}.yaml"), &config);
        let ask = chat(server.addr(), "gpt-4o-mini", "[sim:tokens=60,gap_ms=10]", json!({"stream": true}));
        let mut body = open(false, ask).await?.into_body();
        assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
        drop(body);
        server.signal("TERM");
        assert_eq!(server.exit_code()?, Some(0));
        let line = server.wait_for("\"outcome\":\"cancelled\"")?;
        let line: Value = serde_json::from_str(&line)?;
        assert_eq!(
            (&line["gen_ai.usage.output_tokens"], &line["cost_estimated"]),
            (&json!(60), &Value::Null)
        );
    }
    Ok(())
}

/// A client that was let in by the kernel knows nothing of the order to stop, and one that has sent
/// its request cannot know whether it was taken.
#[test]
fn who_has_connected_before_the_end_is_answered() -> Outcome<()> {
    for workers in ["per_core", "shared"] {
        let config = format!("server: {{listen: '127.0.0.1:0', workers: {workers}}}\n");
        let (mut server, _file) = gateway(&format!("queue-{workers}.yaml"), &config);
        // It cannot accept any of these before it has the signal.
        server.signal("STOP");
        let mut clients = Vec::new();
        for _ in 0..50 {
            let mut stream = TcpStream::connect(server.addr())?;
            stream.set_read_timeout(Some(Duration::from_secs(20)))?;
            write!(stream, "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")?;
            clients.push(stream);
        }
        let silent = TcpStream::connect(server.addr())?;
        server.signal("TERM");
        server.signal("CONT");
        for (index, stream) in clients.iter_mut().enumerate() {
            let mut answer = String::new();
            let read = stream.read_to_string(&mut answer);
            assert!(answer.starts_with("HTTP/1.1 200"), "{workers}, client {index}: {read:?} {answer}");
            assert!(read.is_ok(), "closed in good order: {workers}, client {index}: {read:?}");
        }
        // One that says nothing is closed in good order, long before the grace is over.
        silent.set_read_timeout(Some(Duration::from_secs(20)))?;
        assert_eq!((&silent).read(&mut [0; 16])?, 0);
        assert_eq!(server.exit_code()?, Some(0));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() -> Outcome<()> {
    for drain in ["0s", "60s"] {
        let config = format!(
            "server: {{listen: '127.0.0.1:0', drain_delay: {drain}, grace: 60s}}\nlog: {{access: stderr}}\n"
        );
        let (mut server, _file) = gateway(&format!("twice-{drain}.yaml"), &config);
        let text = "hello [sim:tokens=500] [sim:gap_ms=200]";
        let mut request = chat(server.addr(), "gpt-5-mini", text, json!({"stream": true}));
        request.headers_mut().insert("x-request-id", "cut-1".parse()?);
        let mut body = open(false, request).await?.into_body();
        body.frame().await.unwrap()?;
        server.signal("TERM");
        server.wait_for(if drain == "0s" { "no new connections" } else { "not ready any more" })?;
        let told = Instant::now();
        server.signal("TERM");
        assert!(body.collect().await.is_err(), "a cut stream must not end cleanly");
        assert_eq!(server.exit_code()?, Some(0));
        assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
        // It leaves its line all the same.
        let line: Value = serde_json::from_str(&server.wait_for("cut-1")?)?;
        assert_eq!(line["outcome"], "cancelled", "{line}");
    }
    Ok(())
}
