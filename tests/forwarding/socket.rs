//! Web sockets, as bytes over a connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::provider::{Head, Provider};
use crate::road::Gateway;

/// A provider that switches, says what it counts, echoes until the client ends, and reports the heads
/// it was sent.
async fn realtime() -> (Provider, mpsc::UnboundedReceiver<Head>) {
    let (report, reports) = mpsc::unbounded_channel();
    let provider = Provider::start(move |mut line| {
        let report = report.clone();
        async move {
            let Some(head) = line.head().await else { return };
            let refused = head.target.contains("refuse");
            let _ = report.send(head);
            if refused {
                let body = r#"{"error":{"message":"no session for Bearer key-of-openai","type":"invalid_request_error","param":null,"code":null}}"#;
                let head = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json";
                line.write(format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
                return;
            }
            line.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: abc\r\nsec-websocket-protocol: realtime\r\nset-cookie: a=b\r\n\r\n").await;
            for input in [5_u8, 7] {
                let said = format!(r#"{{"type":"response.done","response":{{"usage":{{"input_tokens":{input},"output_tokens":1}}}}}}"#);
                line.write([&[0x81, u8::try_from(said.len()).unwrap()], said.as_bytes()].concat()).await;
            }
            let (mut from, mut to) = line.stream.split();
            let _ = tokio::io::copy(&mut from, &mut to).await;
        }
    })
    .await;
    (provider, reports)
}

fn gateway(provider: &Provider, more: &str) -> Gateway {
    Gateway::start(&format!(
        "server: {{listen: '127.0.0.1:0', grace: 2s}}
providers:
  openai: {{api_key: key-of-openai, base_url: 'http://{0}/v1', {more}}}
  azure: {{kind: azure-openai, api_key: key-of-azure, base_url: 'http://{0}/openai/v1', query: {{api-version: v9}}}}",
        provider.address
    ))
}

/// Opens a web socket; gives the connection, and the head of the answer.
async fn open(gateway: &Gateway, path: &str, id: &str) -> (TcpStream, String) {
    let mut line = TcpStream::connect(gateway.server.addr()).await.unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\nx-request-id: {id}\r\n\
         sec-websocket-key: a2V5\r\nsec-websocket-version: 13\r\nsec-websocket-extensions: permessage-deflate\r\n\
         sec-websocket-protocol: realtime, openai-insecure-api-key.sk-of-the-client, openai-beta.realtime-v1\r\n\
         authorization: Bearer of-the-client\r\norigin: http://page\r\n\r\n"
    );
    line.write_all(head.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = tokio::time::timeout(Duration::from_secs(20), line.read_u8()).await.unwrap().unwrap();
        head.push(byte);
    }
    (line, String::from_utf8(head).unwrap())
}

#[tokio::test]
async fn a_session_passes_both_ways_is_counted_and_logged_at_its_end() {
    let (provider, mut heads) = realtime().await;
    // Whatever is spoken with the provider otherwise.
    for more in ["http2: never", "http2: auto"] {
        let gateway = gateway(&provider, more);
        let (mut line, head) = open(&gateway, "/v1/realtime?model=openai/gpt-realtime", "session").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        let lower = head.to_ascii_lowercase();
        for expected in [
            "connection: upgrade",
            "upgrade: websocket",
            "sec-websocket-accept: abc",
            "sec-websocket-protocol: realtime\r",
            "x-request-id: session",
            "x-tollway-upstream: openai/gpt-realtime",
        ] {
            assert!(lower.contains(expected), "{expected} in {head}");
        }
        assert!(!lower.contains("set-cookie"));
        let sent = heads.recv().await.unwrap();
        assert_eq!(sent.target, "/v1/realtime?model=gpt-realtime");
        assert_eq!(sent.header("authorization"), Some("Bearer key-of-openai"));
        assert_eq!(sent.header("sec-websocket-protocol"), Some("realtime, openai-beta.realtime-v1"));
        assert_eq!(
            (sent.header("sec-websocket-key"), sent.header("sec-websocket-version")),
            (Some("a2V5"), Some("13"))
        );
        for gone in ["sec-websocket-extensions", "origin", "x-request-id"] {
            assert_eq!(sent.header(gone), None, "{gone}");
        }

        let mut counted = vec![0; 2 * (2 + r#"{"type":"response.done","response":{"usage":{"input_tokens":5,"output_tokens":1}}}"#.len())];
        line.read_exact(&mut counted).await.unwrap();
        let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at / 3).to_le_bytes()[0]).collect();
        let (mut from, mut to) = line.split();
        let mut back = vec![0; bytes.len()];
        let (wrote, read) = tokio::join!(to.write_all(&bytes), from.read_exact(&mut back));
        wrote.unwrap();
        read.unwrap();
        assert!(back == bytes);
        // Nothing is logged while it lasts.
        assert!(!gateway.server.log().contains("\"request_id\":\"session\""));
        line.shutdown().await.unwrap();
        assert_eq!(line.read(&mut [0]).await.unwrap(), 0);

        let line = gateway.line("session").await;
        assert_eq!(line["http.response.status_code"], 101);
        assert_eq!(
            (&line["outcome"], &line["gen_ai.operation.name"]),
            (&"complete".into(), &"realtime".into())
        );
        assert_eq!(line["gen_ai.usage.input_tokens"], 12, "{line}");
        assert_eq!(line["gen_ai.usage.output_tokens"], 2);
        assert_eq!(line["http.request.body.size"], bytes.len());
        assert_eq!(line["http.response.body.size"], bytes.len() + counted.len());
        let text = line.to_string();
        assert!(!text.contains("sk-of-the-client") && !text.contains("key-of-openai"));
    }
}

#[tokio::test]
async fn the_model_and_the_header_decide_and_passthrough_upgrades_too() {
    let (provider, mut heads) = realtime().await;
    let gateway = gateway(&provider, "http2: auto");
    for (path, target) in [
        ("/v1/realtime?model=azure/rt&x=1", "/openai/v1/realtime?model=rt&x=1&api-version=v9"),
        ("/v1/realtime?call_id=c&x-tollway-provider=azure", "/openai/v1/realtime?call_id=c&api-version=v9"),
        ("/passthrough/openai/realtime?model=rt&key=mine", "/v1/realtime?model=rt"),
    ] {
        let (_line, head) = open(&gateway, path, "any").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        assert_eq!(heads.recv().await.unwrap().target, target);
    }
}

#[tokio::test]
async fn a_refusal_before_the_switch_is_an_answer_like_any_other() {
    let (provider, _heads) = realtime().await;
    let gateway = gateway(&provider, "http2: auto");
    let (mut line, head) = open(&gateway, "/v1/realtime?model=openai/refuse", "refused").await;
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    let mut body = [0; 60];
    line.read_exact(&mut body).await.unwrap();
    assert!(body.starts_with(br#"{"error":{"message":"no session for Bearer [redacted]"#));
    let line = gateway.line("refused").await;
    assert_eq!((&line["outcome"], &line["http.response.status_code"]), (&"refused".into(), &401.into()));
    drop(provider);
    let (_line, head) = open(&gateway, "/v1/realtime?model=openai/gone", "unreachable").await;
    assert!(head.starts_with("HTTP/1.1 502"), "{head}");
}

#[tokio::test]
async fn a_session_on_which_nothing_moves_ends() {
    let (provider, _heads) = realtime().await;
    let gateway = gateway(&provider, "timeouts: {unread: 400ms}");
    let (mut line, head) = open(&gateway, "/v1/realtime?model=openai/rt", "idle").await;
    assert!(head.starts_with("HTTP/1.1 101"));
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), line.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert_eq!(gateway.line("idle").await["outcome"], "timed_out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_the_grace_when_the_server_ends() {
    let (provider, _heads) = realtime().await;
    let mut gateway = gateway(&provider, "http2: auto");
    let (mut line, head) = open(&gateway, "/v1/realtime?model=openai/rt", "grace").await;
    assert!(head.starts_with("HTTP/1.1 101"));
    let id = gateway.server.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    // It goes on for a while after the signal was taken.
    while !gateway.server.log().contains("running answers may finish") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    line.write_all(b"still here").await.unwrap();
    let mut read = Vec::new();
    let mut buffer = [0; 1024];
    while !read.ends_with(b"still here") {
        let count =
            tokio::time::timeout(Duration::from_secs(10), line.read(&mut buffer)).await.unwrap().unwrap();
        assert!(count > 0, "the session was cut before the grace was over");
        read.extend_from_slice(&buffer[..count]);
    }
    // And then it is closed, and the process ends.
    let ended = tokio::time::timeout(Duration::from_secs(10), line.read(&mut buffer)).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)));
    let status = tokio::task::block_in_place(|| gateway.server.child.wait()).unwrap();
    assert!(status.success(), "{status}");
    assert!(gateway.server.log().contains("\"request_id\":\"grace\""), "{}", gateway.server.log());
}

/// It once ended, for limits on what goes on, when it was opened.
#[tokio::test]
async fn a_session_counts_until_it_closes() {
    let (provider, _heads) = realtime().await;
    for limit in ["concurrent_requests", "concurrent_streams"] {
        let gateway = Gateway::start(&format!(
            "server: {{listen: '127.0.0.1:0', grace: 2s}}
providers: {{openai: {{api_key: key-of-openai, base_url: 'http://{}/v1'}}}}
limits: {{sessions: {{{limit}: 1}}}}",
            provider.address
        ));
        let path = "/v1/realtime?model=openai/gpt-realtime";
        let (mut line, head) = open(&gateway, path, "first").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        for _ in 0..3 {
            let (_, head) = open(&gateway, path, "second").await;
            assert!(head.starts_with("HTTP/1.1 429"), "{head}");
        }
        line.shutdown().await.unwrap();
        let mut rest = Vec::new();
        line.read_to_end(&mut rest).await.unwrap();
        let mut tries = 0;
        while !open(&gateway, path, "third").await.1.starts_with("HTTP/1.1 101") {
            tries += 1;
            assert!(tries < 1_000, "the first still counts");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
