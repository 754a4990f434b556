//! One line a request, written when the answer's body has ended, however it ended.

mod line;
mod sink;

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tollway_core::{End, Exchange, Extract, FromExtensions, Observe, Tap};
use tower_layer::Layer;
use tower_service::Service;

pub use self::sink::{Lane, LineSink};
use crate::tunnel::Tunnel;

/// The address of the client's socket; in the extensions of a request from a real connection.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddr(pub SocketAddr);

/// Writes the access log. Off when there is no sink; the body is tapped all the same.
#[derive(Clone, Debug)]
pub struct AccessLogLayer {
    lane: Option<Arc<Lane>>,
}

impl AccessLogLayer {
    /// Writes lines to `sink`.
    pub fn new(sink: Option<&Arc<LineSink>>) -> Self {
        Self { lane: sink.map(LineSink::lane) }
    }
}

impl<S> Layer<S> for AccessLogLayer {
    type Service = AccessLog<S>;

    fn layer(&self, inner: S) -> AccessLog<S> {
        AccessLog { inner, lane: self.lane.clone() }
    }
}

/// The service of [`AccessLogLayer`].
#[derive(Clone, Debug)]
pub struct AccessLog<S> {
    inner: S,
    lane: Option<Arc<Lane>>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for AccessLog<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<Tap<ResBody, LogAtEnd>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<ReqBody>) -> Self::Future {
        let entry = self.lane.clone().and_then(|lane| {
            let exchange = FromExtensions::<Arc<Exchange>>::new().extract(&req)?;
            let client = req.extensions().get::<ClientAddr>().copied();
            let path = req.uri().path().to_owned();
            Some(Entry { lane, exchange, client, method: req.method().clone(), path })
        });
        // The observer exists from here on, so that a client that hangs up before the head is
        // answered leaves a line too.
        let observer = LogAtEnd { entry, status: None, bytes: 0 };
        ResponseFuture { inner: self.inner.call(req), observer: Unanswered(Some(observer)) }
    }
}

pin_project! {
    /// The future of [`AccessLog`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        observer: Unanswered,
    }
}

impl<F, ResBody, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ResBody: Body<Data = Bytes>,
{
    type Output = Result<Response<Tap<ResBody, LogAtEnd>>, E>;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = std::task::ready!(this.inner.poll(cx))?;
        let mut observer = this.observer.0.take().unwrap_or_default();
        observer.status = Some(response.status());
        if response.status() == StatusCode::SWITCHING_PROTOCOLS
            && let Some(tunnel) = response.extensions().get::<Tunnel>()
        {
            tunnel.attach(Box::new(std::mem::take(&mut observer)));
        }
        Poll::Ready(Ok(response.map(|body| Tap::new(body, observer))))
    }
}

/// Holds the observer until there is a body to watch; ends it when there never is one.
#[derive(Debug)]
struct Unanswered(Option<LogAtEnd>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(observer) = &mut self.0 {
            observer.end(End::Cancelled);
        }
    }
}

/// The observer that writes the line.
#[derive(Debug, Default)]
pub struct LogAtEnd {
    entry: Option<Entry>,
    status: Option<StatusCode>,
    bytes: u64,
}

impl Observe for LogAtEnd {
    fn frame(&mut self, data: &Bytes) {
        self.bytes += data.len() as u64;
    }

    fn end(&mut self, end: End) {
        if let Some(entry) = self.entry.take() {
            // Of an answer without a body nothing is read, and so nothing given up.
            let is_headed = entry.method == Method::HEAD && self.status.is_some() && end == End::Cancelled;
            let end = if is_headed { End::Complete } else { end };
            let (status, bytes, ended) = (self.status, self.bytes, Instant::now());
            let exchange = entry.exchange.clone();
            // What it cost may be learned after the client has left.
            exchange.once_settled(move || {
                entry.lane.write(|line, clock| {
                    line::write(line, clock, &entry, line::Ended { status, bytes, end, at: ended });
                });
            });
        }
    }
}

/// What the line is made of.
#[derive(Debug)]
struct Entry {
    lane: Arc<Lane>,
    exchange: Arc<Exchange>,
    client: Option<ClientAddr>,
    method: Method,
    path: String,
}
