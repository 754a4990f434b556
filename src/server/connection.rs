use std::convert::Infallible;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tollway_auth::certificate::PeerCertificate;
use tollway_core::Tap;
use tower::ServiceExt;
use tower::util::Oneshot;
use tower_service::Service;

use super::drive;
use super::idle::{Activity, Idle, IdleLimits, Running};
use super::tls::Tls;
use super::worker::Ticket;
use crate::access_log::{ClientAddr, LogAtEnd};
use crate::body::AnswerBody;
use crate::config::Settings;
use crate::rescue::RescuedBody;
use crate::tunnel::Tunnel;

/// How connections are served. Cheap to clone.
#[derive(Clone)]
pub(super) struct ConnectionSettings {
    builder: auto::Builder<TokioExecutor>,
    idle: IdleLimits,
    write: Duration,
}

impl ConnectionSettings {
    pub(super) fn new(settings: &Settings) -> Self {
        let server = &settings.server;
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            // `Idle` has this limit.
            .header_read_timeout(None)
            .max_buf_size(server.max_header_bytes.max(8192));
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(server.idle_timeout)
            .adaptive_window(true)
            .max_concurrent_streams(server.max_concurrent_streams)
            .max_header_list_size(u32::try_from(server.max_header_bytes).unwrap_or(u32::MAX));
        let idle = IdleLimits { idle: server.idle_timeout, head: server.header_timeout };
        // Providers give an unread answer up after their own time; the kernel must not be quicker.
        let unread = settings.providers.iter().map(|provider| provider.timeouts.unread).max();
        Self { builder, idle, write: unread.unwrap_or_default().max(server.body_timeout) }
    }
}

/// Serves one connection to its end.
pub(super) async fn serve<S: Answers>(
    stream: TcpStream,
    peer: SocketAddr,
    settings: ConnectionSettings,
    tls: Option<Tls>,
    stack: Arc<ArcSwap<S>>,
    may_end: watch::Receiver<bool>,
    ticket: Arc<Ticket>,
) {
    let _ = stream.set_nodelay(true);
    // A client that stops reading would hold its stream for ever: the kernel gives it up.
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(settings.write));
    let stream = match tokio::net::TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!(%error, "a connection could not be taken over"),
    };
    // Held as long as anything of the connection lives, also as a WebSocket, which hyper lets go of.
    let activity = Activity::holding(may_end.clone(), ticket);
    let mut entry = Entry { stack, peer, activity, certificate: None };
    let Some(tls) = tls else { return drive(stream, entry, settings, may_end).await };
    match tokio::time::timeout(settings.idle.head, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let presented = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            entry.certificate = presented.map(|certificate| PeerCertificate::new(certificate.as_ref()));
            drive(stream, entry, settings, may_end).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, client = %peer, "the TLS handshake failed"),
        Err(_) => tracing::debug!(client = %peer, "the TLS handshake took too long"),
    }
}

async fn drive<I, S>(io: I, entry: Entry<S>, settings: ConnectionSettings, may_end: watch::Receiver<bool>)
where
    S: Answers,
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (activity, peer) = (entry.activity.clone(), entry.peer);
    let io = TokioIo::new(Idle::new(io, activity.clone(), settings.idle));
    let connection = settings.builder.serve_connection_with_upgrades(io, entry).into_owned();
    let Err(error) = drive::drive(connection, &activity, may_end).await else { return };
    match error.downcast_ref::<hyper::Error>() {
        // hyper has answered 400, 414 or 431, without a body, and it became no request: this is
        // the only trace of it.
        Some(error) if error.is_parse() => {
            tracing::info!(%error, client = %peer, "a malformed head of a request was refused");
        }
        // Mostly clients that went away; each of their requests has its own line in the access log.
        _ => tracing::debug!(%error, client = %peer, "a connection ended early"),
    }
}

/// A stack, as a connection sees it.
pub(super) trait Answers:
    Service<Request<Incoming>, Response = Response<StackBody>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Answers for S where
    S: Service<Request<Incoming>, Response = Response<StackBody>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Where a request enters the stack.
struct Entry<S> {
    stack: Arc<ArcSwap<S>>,
    peer: SocketAddr,
    activity: Arc<Activity>,
    /// With what the client has proved itself.
    certificate: Option<PeerCertificate>,
}

pub(super) type StackBody = Tap<RescuedBody<AnswerBody>, LogAtEnd>;

impl<S: Answers> hyper::service::Service<Request<Incoming>> for Entry<S> {
    type Response = Response<Tap<StackBody, Running>>;
    type Error = Infallible;
    type Future = EntryFuture<S>;

    fn call(&self, mut req: Request<Incoming>) -> EntryFuture<S> {
        req.extensions_mut().insert(ClientAddr(self.peer));
        if let Some(certificate) = &self.certificate {
            req.extensions_mut().insert(certificate.clone());
        }
        // Taken anew for each request, so that a reload reaches connections that stay open.
        let running = self.activity.begin(req.version());
        let inner = S::clone(&self.stack.load()).oneshot(req);
        EntryFuture { inner, running: Some(running) }
    }
}

pin_project! {
    /// A request on its way through the stack.
    struct EntryFuture<S: Service<Request<Incoming>>> {
        #[pin]
        inner: Oneshot<S, Request<Incoming>>,
        running: Option<Running>,
    }
}

impl<S: Answers> Future for EntryFuture<S> {
    type Output = Result<Response<Tap<StackBody, Running>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS
            && let Some(tunnel) = response.extensions().get::<Tunnel>()
            && let Some(running) = this.running.take()
        {
            tunnel.attach(Box::new(running));
        }
        // Where it is gone, another watches the end.
        let running = this.running.take().unwrap_or_else(|| Activity::new().begin(Version::HTTP_11));
        Poll::Ready(Ok(response.map(|body| Tap::new(body, running))))
    }
}
