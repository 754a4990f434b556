//! Sends a request to the provider over pooled connections.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::PROXY_AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::announced::StreamLimit;
use super::connect::{ConnectTimeout, Connector, Https, Within};
use super::outgoing::Outgoing;
use crate::Error;
use crate::config::{Http2, Provider};
use crate::error::{CONNECTION, chain};

/// How many connection pools a provider has at most. One pool keeps at most one HTTP/2 connection,
/// so this many times `max_streams_per_connection` requests run at once before streams are
/// awaited.
const MAX_POOLS: usize = 32;

/// How long an unused connection is kept: shorter than the keep-alive time of the servers in use,
/// so that a request rarely meets a connection the server is about to close.
const POOL_IDLE: Duration = Duration::from_secs(45);

/// How many bytes of an answer may wait for a client that reads slowly.
const STREAM_WINDOW: u32 = 256 * 1024;

/// How many bytes may wait on one HTTP/2 connection. More than all its streams together, because h2
/// takes many small frames that wait for an attack and ends the connection with all its streams:
/// each frame counts with what it lacks of 256 bytes, up to half of this window. Tokens come in
/// frames of 50 to 300 bytes.
const CONNECTION_WINDOW: u32 = 128 * 1024 * 1024;

/// The innermost service.
#[derive(Clone)]
pub struct Forward(Arc<Pools>);

/// The connections to one provider.
struct Pools {
    provider: Arc<str>,
    max_streams: usize,
    /// How many the server takes, once a connection has told.
    announced: StreamLimit,
    proxy_authorization: Option<HeaderValue>,
    all: Box<[Pool]>,
    upgrades: Upgrades,
}

/// Connections that are to become web sockets, which only those of HTTP/1.1 can. Made when the first
/// is asked for.
struct Upgrades {
    client: OnceLock<Client<Within<Https>, Outgoing>>,
    connector: Connector,
    timeout: Duration,
}

impl Upgrades {
    fn client(&self) -> &Client<Within<Https>, Outgoing> {
        self.client.get_or_init(|| {
            let streams = StreamLimit::new(AtomicUsize::new(usize::MAX));
            let connector = self.connector.build(Http2::Never, self.timeout, streams);
            let mut builder = Client::builder(TokioExecutor::new());
            builder.pool_timer(TokioTimer::new()).pool_idle_timeout(POOL_IDLE).build(connector)
        })
    }
}

struct Pool {
    client: Client<Within<Https>, Outgoing>,
    in_flight: AtomicUsize,
}

impl Forward {
    pub(crate) fn new(provider: &Provider, connector: &Connector) -> Self {
        let url = &provider.base_url;
        let proxy_authorization = connector.proxies().authorization(url.scheme(), url.authority());
        let announced = StreamLimit::new(AtomicUsize::new(usize::MAX));
        let timeout = provider.timeouts.connect;
        let upgrades = Upgrades { client: OnceLock::new(), connector: connector.clone(), timeout };
        let connector = connector.build(provider.http2, timeout, announced.clone());
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .http2_only(provider.http2 == Http2::PriorKnowledge)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(Duration::from_secs(30));
        // Over HTTP/1.1 a connection carries one request and one pool holds as many as are needed.
        let pools = if provider.http2 == Http2::Never { 1 } else { MAX_POOLS };
        let pool = || Pool { client: builder.build(connector.clone()), in_flight: AtomicUsize::new(0) };
        Self(Arc::new(Pools {
            provider: provider.name.clone(),
            max_streams: provider.max_streams_per_connection as usize,
            announced,
            proxy_authorization,
            all: std::iter::repeat_with(pool).take(pools).collect(),
            upgrades,
        }))
    }
}

impl Pools {
    /// The first pool with room for one more stream, so that few connections are used; the least
    /// busy one when all are full.
    fn choose(&self) -> Option<usize> {
        let busy = |pool: &Pool| pool.in_flight.load(Ordering::Relaxed);
        let most = self.announced.load(Ordering::Relaxed).min(self.max_streams);
        let room = self.all.iter().position(|pool| busy(pool) < most);
        room.or_else(|| (0..self.all.len()).min_by_key(|index| self.all.get(*index).map(busy)))
    }
}

impl<B: Into<Outgoing>> Service<Request<B>> for Forward {
    type Response = Response<Counted>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, req: Request<B>) -> ResponseFuture {
        let mut req = req.map(Into::into);
        if let Some(value) = &self.0.proxy_authorization {
            req.headers_mut().insert(PROXY_AUTHORIZATION, value.clone());
        }
        if matches!(req.body(), Outgoing::Upgrade) {
            let inner = Some(self.0.upgrades.client().request(req));
            return ResponseFuture { inner, ticket: Some(Ticket::apart(&self.0)) };
        }
        let ticket = Ticket::new(&self.0);
        let inner = ticket.pool().map(|pool| pool.client.request(req));
        ResponseFuture { inner, ticket: Some(ticket) }
    }
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward").field("provider", &self.0.provider).finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`Forward`].
    pub struct ResponseFuture {
        #[pin]
        inner: Option<legacy::ResponseFuture>,
        ticket: Option<Ticket>,
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<Counted>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else { return Poll::Ready(Err(Error::Internal)) };
        Poll::Ready(match ready!(inner.poll(cx)) {
            Ok(response) => {
                let ticket = this.ticket.take();
                Ok(response.map(|inner| Counted { inner, ticket }))
            }
            Err(error) => {
                let provider = this.ticket.as_ref().map(|ticket| ticket.pools.provider.to_string());
                Err(failure(provider.unwrap_or_default(), &error))
            }
        })
    }
}

fn failure(provider: String, error: &legacy::Error) -> Error {
    let late = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<ConnectTimeout>());
    match late {
        Some(ConnectTimeout(limit)) => Error::Timeout { provider, waited_for: CONNECTION, limit: *limit },
        None if error.is_connect() => Error::Connect { provider, reason: chain(error) },
        None => Error::Broken { provider, reason: chain(error) },
    }
}

pin_project! {
    /// The body of a provider's answer; its pool has a stream less while it lives.
    #[derive(Debug)]
    pub struct Counted {
        #[pin]
        inner: Incoming,
        ticket: Option<Ticket>,
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A place taken in a pool.
struct Ticket {
    pools: Arc<Pools>,
    place: usize,
}

impl Ticket {
    fn new(pools: &Arc<Pools>) -> Self {
        let ticket = Self { pools: pools.clone(), place: pools.choose().unwrap_or_default() };
        if let Some(pool) = ticket.pool() {
            pool.in_flight.fetch_add(1, Ordering::Relaxed);
        }
        ticket
    }

    /// A place in none of the pools.
    fn apart(pools: &Arc<Pools>) -> Self {
        Self { pools: pools.clone(), place: usize::MAX }
    }

    fn pool(&self) -> Option<&Pool> {
        self.pools.all.get(self.place)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(pool) = self.pool() {
            pool.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("provider", &self.pools.provider).field("place", &self.place).finish()
    }
}
