//! A provider that answers by a script, on a port of its own.

use std::{
    collections::VecDeque,
    convert::Infallible,
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri, header::CONTENT_TYPE};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

/// What the upstream was sent.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What it answers.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) pieces: VecDeque<Bytes>,
    /// Whether the connection breaks after the last byte.
    pub(crate) broken: bool,
}

impl Script {
    /// An answer of one piece.
    pub(crate) fn new(status: u16, content_type: Option<&str>, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type.and_then(|value| value.parse().ok()) {
            headers.insert(CONTENT_TYPE, value);
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers, pieces: [body.into()].into(), broken: false }
    }
}

/// A provider that answers by a script. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: SocketAddr,
    // Holds the accept loop, and through it every connection.
    _tasks: JoinSet<()>,
}

impl Upstream {
    /// Starts a provider that answers each request by `script`.
    pub(crate) async fn start(
        script: impl Fn(Received) -> Script + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::new(script)));
        Ok(Self { address, _tasks: tasks })
    }

    /// Where it listens, as a URL without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn accept<F>(listener: TcpListener, script: Arc<F>)
where
    F: Fn(Received) -> Script + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Else each piece waits 40 ms for the receipt of the one before.
        let _ = stream.set_nodelay(true);
        let script = script.clone();
        connections.spawn(async move {
            let service = service_fn(|request| answer(&*script, request));
            // A broken connection is part of the script.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer<F>(script: &F, request: Request<Incoming>) -> Result<Response<Pieces>, Infallible>
where
    F: Fn(Received) -> Script,
{
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let received = Received { uri: parts.uri, headers: parts.headers, body };
    let Script { status, headers, pieces, broken } = script(received);
    let mut response = Response::new(Pieces { left: pieces, broken, rest: false });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// A body that is sent piece by piece, each flushed before the next.
#[derive(Debug)]
struct Pieces {
    left: VecDeque<Bytes>,
    broken: bool,
    rest: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Break;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Break>>> {
        // A server flushes when its body has nothing to say for the moment.
        self.rest = !self.rest;
        if self.rest {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.left.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.broken => Poll::Ready(Some(Err(Break))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.broken && self.left.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        match self.left.front() {
            Some(whole) if self.left.len() == 1 && !self.broken => SizeHint::with_exact(whole.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

/// The connection breaks here because the script says so.
#[derive(Debug)]
struct Break;

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script breaks the connection here")
    }
}

impl std::error::Error for Break {}
