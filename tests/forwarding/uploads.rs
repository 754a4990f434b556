//! Bodies that pass without being collected.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::provider::{Heard, Provider};
use crate::road::Gateway;

const PIECE: usize = 64 * 1024;
const PIECES: usize = 800;

/// 50 MiB, of which it is counted how much was taken.
struct Large {
    sent: Arc<AtomicUsize>,
    told: bool,
}

impl Body for Large {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let at = self.sent.fetch_add(1, Ordering::Relaxed);
        if at >= PIECES {
            self.sent.store(PIECES, Ordering::Relaxed);
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(piece(at)))))
    }

    fn size_hint(&self) -> SizeHint {
        if self.told { SizeHint::with_exact((PIECE * PIECES) as u64) } else { SizeHint::default() }
    }
}

fn piece(at: usize) -> Bytes {
    (0..PIECE).map(|place| (place / 7 + at).to_le_bytes()[0]).collect::<Vec<u8>>().into()
}

/// The most memory a process has held, in KiB.
fn peak(id: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn fifty_megabytes_pass_as_fast_as_the_provider_takes_them_and_are_never_held() {
    let (go, may_go) = watch::channel(false);
    let provider = Provider::start(move |mut line| {
        let mut may_go = may_go.clone();
        async move {
            while let Some(head) = line.head().await {
                // Takes a little, and then nothing until it is told to.
                line.take(100_000).await.unwrap();
                may_go.wait_for(|go| *go).await.unwrap();
                let mut rest = PIECE * PIECES - 100_000;
                if head.header("content-length").is_none() {
                    line.ahead.clear();
                    let mut end = Vec::new();
                    while !end.ends_with(b"\r\n0\r\n\r\n") {
                        let mut buffer = vec![0; PIECE];
                        let read = line.stream.read(&mut buffer).await.unwrap();
                        end.extend_from_slice(&buffer[..read]);
                        end.drain(..end.len().saturating_sub(16));
                    }
                    rest = 0;
                }
                while rest > 0 {
                    rest -= line.take(rest.min(PIECE)).await.unwrap().len();
                }
                line.answer("application/json", r#"{"id":"file-1"}"#).await;
            }
        }
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers: {{openai: {{api_key: k, base_url: 'http://{}/v1'}}}}",
        provider.address
    ));
    gateway.get("/health/live").await;
    let before = peak(gateway.server.child.id());
    for told in [true, false] {
        go.send_replace(false);
        let sent = Arc::<AtomicUsize>::default();
        let id = format!("large-{told}");
        let request = Request::post(gateway.url("/v1/files"))
            .header("content-type", "multipart/form-data; boundary=x")
            .header("x-request-id", &id)
            .body(Large { sent: sent.clone(), told })
            .unwrap();
        let answer = gateway.send(request);
        let stalled = async {
            let mut seen = usize::MAX;
            // Until nothing moves any more.
            while std::mem::replace(&mut seen, sent.load(Ordering::Relaxed)) != sent.load(Ordering::Relaxed)
                || seen == 0
            {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            // What the sockets of both sides and the gateway hold together: Linux lets each of two
            // receive 6 MiB and each of two send 4 MiB.
            assert!(seen * PIECE < 24 << 20, "{seen} pieces were taken with nobody reading");
            go.send_replace(true);
        };
        let (answer, ()) = tokio::join!(answer, stalled);
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, &br#"{"id":"file-1"}"#[..]));
        let line = gateway.line(&id).await;
        assert_eq!(line["http.request.body.size"], PIECE * PIECES);
        assert_eq!((&line["outcome"], &line["gen_ai.operation.name"]), (&"complete".into(), &"files".into()));
    }
    let grown = peak(gateway.server.child.id()) - before;
    assert!(grown < 6 * 1024, "the gateway's memory grew by {grown} KiB");
}

#[tokio::test]
async fn what_passes_is_equal_byte_for_byte_both_ways() {
    let heard = Heard::default();
    let provider = Provider::start({
        let heard = heard.clone();
        move |mut line| {
            let heard = heard.clone();
            async move {
                while let Some(head) = line.head().await {
                    let body = line.body(&head).await;
                    line.answer("audio/mpeg", &body).await;
                    heard.push(head, body);
                }
            }
        }
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers: {{openai: {{api_key: k, base_url: 'http://{}/v1'}}}}",
        provider.address
    ));
    let kind = [("content-type", "multipart/form-data; boundary=q")];
    for length in [1, 100, 65_535, 65_536, 65_537, 1_000_003] {
        let body: Vec<u8> = (0..length).map(|at: usize| (at * 31 / 3).to_le_bytes()[0]).collect();
        for path in ["/v1/uploads/u/parts", "/v1/audio/translations", "/passthrough/openai/anything"] {
            let answer = gateway.ask("POST", path, &kind, &body).await;
            assert!(heard.last().unwrap().1 == body && answer.body == body, "{path} {length}");
            assert_eq!(answer.header("content-type"), Some("audio/mpeg"));
            assert_eq!(answer.header("content-length").unwrap(), length.to_string());
        }
    }
}

/// Writes a request by hand, and reads what comes.
async fn by_hand(gateway: &Gateway, text: &str, then: impl AsyncFnOnce(&mut TcpStream)) -> String {
    let mut line = TcpStream::connect(gateway.server.addr()).await.unwrap();
    line.write_all(text.as_bytes()).await.unwrap();
    then(&mut line).await;
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    while !read.windows(4).any(|four| four == b"\r\n\r\n") {
        match tokio::time::timeout(Duration::from_secs(20), line.read(&mut buffer)).await.unwrap() {
            Ok(count @ 1..) => read.extend_from_slice(&buffer[..count]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn limits_of_size_and_silence_hold_and_blame_the_client() {
    let provider = Provider::start(|mut line| async move {
        while let Some(head) = line.head().await {
            let _ = line.body(&head).await;
            line.answer("application/json", "{}").await;
        }
    })
    .await;
    let gateway = Gateway::start(&format!(
        "server: {{listen: '127.0.0.1:0', max_upload_bytes: 4KiB, body_timeout: 1s}}
providers: {{openai: {{api_key: k, base_url: 'http://{}/v1', timeouts: {{first_byte: 300ms}}}}}}",
        provider.address
    ));
    let head = |length: &str| {
        format!("POST /v1/files HTTP/1.1\r\nhost: x\r\nx-request-id: {}\r\n{length}\r\n\r\n", length.len())
    };
    let told = by_hand(&gateway, &head("content-length: 5000"), async |_| {}).await;
    assert!(told.starts_with("HTTP/1.1 413"), "{told}");
    let untold = by_hand(&gateway, &head("transfer-encoding: chunked"), async |line| {
        let piece = format!("7d0\r\n{}\r\n", "x".repeat(2000));
        for _ in 0..3 {
            let _ = line.write_all(piece.as_bytes()).await;
        }
    })
    .await;
    assert!(untold.starts_with("HTTP/1.1 413"), "{untold}");
    // The provider could not answer sooner: it is not its silence, though it has less time.
    let silent = by_hand(&gateway, &head("content-length: 4000"), async |_| {}).await;
    assert!(silent.starts_with("HTTP/1.1 408"), "{silent}");
    let slow = by_hand(&gateway, &head("content-length: 5"), async |line| {
        for byte in b"hello" {
            tokio::time::sleep(Duration::from_millis(200)).await;
            line.write_all(&[*byte]).await.unwrap();
        }
    })
    .await;
    assert!(slow.starts_with("HTTP/1.1 200"), "{slow}");
}

/// A provider that does not want a body answers before it has come, and hangs up on the rest of it.
#[tokio::test]
async fn an_answer_before_the_end_of_an_upload_is_heard_however_the_provider_hangs_up() {
    const TOLD: &str =
        r#"{"error":{"message":"too much","type":"invalid_request_error","param":null,"code":null}}"#;
    let provider = Provider::start(|mut line| async move {
        let Some(head) = line.head().await else { return };
        let answer = format!(
            "HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{TOLD}",
            TOLD.len()
        );
        line.write(answer).await;
        if head.target.contains("drained") {
            while !matches!(line.stream.read(&mut [0; 4096]).await, Ok(0) | Err(_)) {}
        }
        // Else the connection is reset, as there are bytes that nobody has read.
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers: {{openai: {{api_key: k, base_url: 'http://{}/v1'}}}}",
        provider.address
    ));
    for round in 0..10 {
        for (path, told) in [("/v1/files", true), ("/v1/files", false), ("/v1/files/drained", true)] {
            let id = format!("early-{round}-{told}");
            let head = if told { "content-length: 52428800" } else { "transfer-encoding: chunked" };
            let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nx-request-id: {id}\r\n{head}\r\n\r\n");
            let answer = by_hand(&gateway, &head, async |line| {
                let rest = [b"10000\r\n".as_slice(), &piece(0), b"\r\n"].concat();
                let rest = if told { &rest[7..PIECE + 7] } else { &rest };
                // Until the gateway takes no more.
                for _ in 0..PIECES {
                    if line.write_all(rest).await.is_err() {
                        break;
                    }
                }
            })
            .await;
            assert!(answer.starts_with("HTTP/1.1 413"), "{path} {told} {round}: {answer}");
            let line = gateway.line(&id).await;
            assert_eq!(
                (&line["outcome"], &line["gen_ai.provider.name"]),
                (&"refused".into(), &"openai".into())
            );
        }
    }
}

#[tokio::test]
async fn a_client_that_waits_for_100_is_told_to_go_on() {
    let heard = Heard::default();
    let provider = Provider::echo("it", heard.clone()).await;
    let gateway = Gateway::start(&format!(
        "providers: {{openai: {{api_key: k, base_url: 'http://{}/v1'}}}}",
        provider.address
    ));
    let mut line = TcpStream::connect(gateway.server.addr()).await.unwrap();
    line.write_all(
        b"POST /v1/files HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n",
    )
    .await
    .unwrap();
    let mut read = [0; 25];
    line.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"HTTP/1.1 100 Continue\r\n\r\n");
    line.write_all(b"hello").await.unwrap();
    let mut status = [0; 12];
    line.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    let (head, body) = heard.last().unwrap();
    assert_eq!((body, head.header("expect")), (b"hello".to_vec(), None));
}

#[tokio::test]
async fn over_http2_an_upload_passes_beside_others() {
    let heard = Heard::default();
    let provider = Provider::echo("it", heard.clone()).await;
    let gateway = Gateway::start(&format!(
        "providers: {{openai: {{api_key: k, base_url: 'http://{}/v1'}}}}",
        provider.address
    ));
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let upload = |at: usize| {
        let request = Request::post(gateway.url("/v1/files")).header("x-request-id", format!("h2-{at}"));
        client.request(request.body(Large { sent: Arc::default(), told: at.is_multiple_of(2) }).unwrap())
    };
    let (one, other) = tokio::join!(upload(0), upload(1));
    assert_eq!((one.unwrap().status(), other.unwrap().status()), (StatusCode::OK, StatusCode::OK));
    for _ in 0..2 {
        let (_, body) = heard.last().unwrap();
        assert!(
            body.len() == PIECE * PIECES
                && body.chunks(PIECE).enumerate().all(|(at, part)| part == piece(at))
        );
    }
}
