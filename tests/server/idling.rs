//! Connections that are kept open and used now and then, about as often as the idle time allows:
//! each request is answered, or it was never taken and its connection closed. None hangs.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::task::JoinSet;

use crate::http_client::{Outcome, get, json as parse, send};
use crate::process::Server;
use crate::{File, gateway};

const IDLE: Duration = Duration::from_millis(300);
/// A request that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long clients come and go: some seconds, or what the variable says.
fn span() -> Duration {
    let seconds = std::env::var("TOLLWAY_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(4))
}

#[derive(Debug, Default)]
struct Counts {
    answered: AtomicU64,
    /// Sent over a connection that was at its end.
    refused: AtomicU64,
}

#[tokio::test(flavor = "multi_thread")]
async fn over_connections_that_idle_no_request_hangs_or_is_lost() -> Outcome<()> {
    for workers in ["per_core", "shared"] {
        let simulator = Server::start(&["simulate", "--port", "0"], &[]).unwrap();
        let config = format!(
            "server: {{listen: '127.0.0.1:0', workers: {workers}, idle_timeout: 300ms}}\nlog: {{access: off}}\n\
             providers: {{openai: {{api_key: k, base_url: '{}/v1'}}}}\n",
            simulator.url()
        );
        let (server, _file): (Server, File) = gateway(&format!("idling-{workers}.yaml"), &config);
        let (counts, end) = (Arc::new(Counts::default()), Instant::now() + span() / 2);
        let mut clients = JoinSet::new();
        for index in 0..48 {
            clients.spawn(client(server.addr(), index % 3 == 0, counts.clone(), end));
        }
        while let Some(ended) = clients.join_next().await {
            ended??;
        }
        let (answered, refused) =
            (counts.answered.load(Ordering::Relaxed), counts.refused.load(Ordering::Relaxed));
        assert!(answered > 100, "{workers}: {answered} answered, {refused} not taken");
        // One more was taken than answered, and a client was charged for nothing.
        let stats = parse(send(get(simulator.addr(), "/sim/stats")).await?.body());
        assert_eq!(stats["requests"], answered, "{workers}, {refused} not taken: {stats}");
    }
    Ok(())
}

enum Sender {
    Http1(http1::SendRequest<Parts>),
    Http2(http2::SendRequest<Parts>),
}

impl Sender {
    async fn open(addr: SocketAddr, http2: bool) -> Outcome<Self> {
        let io = TokioIo::new(tokio::net::TcpStream::connect(addr).await?);
        if http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
            tokio::spawn(connection);
            return Ok(Self::Http2(sender));
        }
        let (sender, connection) = http1::handshake(io).await?;
        tokio::spawn(connection);
        Ok(Self::Http1(sender))
    }

    async fn send(
        &mut self,
        request: Request<Parts>,
    ) -> hyper::Result<http::Response<hyper::body::Incoming>> {
        match self {
            Self::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Self::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }
}

/// Asks over one connection after another, with pauses around the idle time.
async fn client(addr: SocketAddr, http2: bool, counts: Arc<Counts>, end: Instant) -> Outcome<()> {
    while Instant::now() < end {
        let mut sender = Sender::open(addr, http2).await?;
        loop {
            let together = if http2 { fastrand::u32(1..4) } else { 1 };
            let mut open = true;
            for _ in 0..together {
                open &= ask(&mut sender, &counts).await?;
            }
            if !open || Instant::now() >= end {
                break;
            }
            // Mostly close to the moment at which the server gives the connection up.
            tokio::time::sleep(IDLE.mul_f32(0.8 + fastrand::f32() * 0.3)).await;
        }
    }
    Ok(())
}

/// Sends one request; false if the connection was at its end.
async fn ask(sender: &mut Sender, counts: &Counts) -> Outcome<bool> {
    let request = request();
    let what = format!("{:?}", request.headers());
    let asked = async {
        let Ok(answer) = sender.send(request).await else { return Ok(None) };
        let status = answer.status();
        // Once there is an answer, it must be whole.
        Ok::<_, hyper::Error>(Some((status, answer.into_body().collect().await?.to_bytes())))
    };
    match tokio::time::timeout(PATIENCE, asked).await.map_err(|_| format!("hangs: {what}"))?? {
        None => {
            counts.refused.fetch_add(1, Ordering::Relaxed);
            Ok(false)
        }
        Some((status, body)) if status.is_success() => {
            assert!(!body.is_empty());
            counts.answered.fetch_add(1, Ordering::Relaxed);
            Ok(true)
        }
        // The provider has closed a pooled connection of the gateway's just then: not taken either.
        Some((status, body)) if parse(&body)["error"]["code"] == "upstream_broken" => {
            assert_eq!(status, 502);
            counts.refused.fetch_add(1, Ordering::Relaxed);
            Ok(true)
        }
        Some((status, body)) => Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into()),
    }
}

/// A chat that is answered at once or slowly, and asked at once or with pauses longer than the idle
/// time, which must not be taken for idling.
fn request() -> Request<Parts> {
    let (slow, stream) = (fastrand::u8(..8) == 0, fastrand::bool());
    let text = if fastrand::u8(..8) == 0 { "hello [sim:tokens=4] [sim:gap_ms=150]" } else { "hello" };
    let body = json!({"model": "openai/gpt-5-mini", "stream": stream, "messages": [{"role": "user", "content": text}]});
    let body = Bytes::from(body.to_string());
    let length = body.len();
    let parts = [body.slice(..length / 2), body.slice(length / 2..)].into_iter();
    let pause = slow.then(|| Box::pin(tokio::time::sleep(IDLE + IDLE / 2)));
    Request::post("http://gateway/v1/chat/completions")
        .header("host", "gateway")
        .header("content-length", length)
        .body(Parts { parts, pause })
        .expect("a valid request")
}

/// A body of two parts, which may pause between them.
struct Parts {
    parts: std::array::IntoIter<Bytes, 2>,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.parts.len() == 1
            && let Some(pause) = &mut self.pause
        {
            ready!(pause.as_mut().poll(cx));
        }
        Poll::Ready(self.parts.next().map(|part| Ok(Frame::data(part))))
    }
}

/// Sends one request over HTTP/2 and then waits: the server must say that it takes no more before
/// it closes the connection, or a client could not know what became of a request on its way.
#[test]
fn an_idle_http2_connection_is_told_before_it_is_closed() -> Outcome<()> {
    let config = "server: {listen: '127.0.0.1:0', idle_timeout: 300ms, header_timeout: 1s}\n";
    let (server, _file) = gateway("goaway.yaml", config);
    for answers_ping in [true, false] {
        let mut line = TcpStream::connect(server.addr())?;
        line.set_read_timeout(Some(Duration::from_secs(20)))?;
        line.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
        line.write_all(&frame(SETTINGS, 0, 0, b""))?;
        // `:method: GET`, `:scheme: http`, `:authority: x`, and `:path`.
        line.write_all(&frame(HEADERS, 0x5, 1, b"\x82\x86\x01\x01x\x04\x0c/health/live"))?;
        let mut seen = Vec::new();
        let mut head = [0; 9];
        while line.read_exact(&mut head).is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            line.read_exact(&mut payload)?;
            let (kind, flags) = (head[3], head[4]);
            seen.push((kind, payload.clone()));
            match kind {
                SETTINGS if flags == 0 => line.write_all(&frame(SETTINGS, 1, 0, b""))?,
                PING if flags == 0 && answers_ping => line.write_all(&frame(PING, 1, 0, &payload))?,
                _ => {}
            }
        }
        let told: Vec<_> = seen.iter().filter(|(kind, _)| *kind == GO_AWAY).collect();
        assert!(!told.is_empty(), "{seen:?}");
        assert!(told.iter().all(|(_, payload)| payload[4..8] == [0; 4]), "no error: {told:?}");
    }
    Ok(())
}

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}
