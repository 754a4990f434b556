//! Connections to providers: TCP, through a proxy where the environment names one, TLS.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use pin_project_lite::pin_project;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower_service::Service;

use super::announced::{Announced, StreamLimit};
use super::google::{Sources, TokenSource};
use super::proxies::{Proxies, Reached, reach};
use crate::config::{Http2, Provider};
use crate::error::BoxError;

/// What all connections share: proxies, trusted roots and access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    proxies: Proxies,
    tls: Arc<ClientConfig>,
    tokens: Sources,
}

impl Connector {
    /// Reads the proxy variables of the environment and the system's root certificates, to which the bundled ones are added, so that
    /// an image without certificates works too.
    pub(crate) fn from_system() -> Result<Self, BoxError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let native = rustls_native_certs::load_native_certs();
        for error in &native.errors {
            tracing::warn!(%error, "a system root certificate could not be read");
        }
        roots.add_parsable_certificates(native.certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { proxies: Proxies::from_env()?, tls: Arc::new(tls), tokens: Sources::default() })
    }

    /// The TLS configuration, without a protocol chosen.
    pub(crate) fn tls_config(&self) -> ClientConfig {
        (*self.tls).clone()
    }

    /// The proxies of the environment.
    pub(super) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Where a provider's access tokens come from, if it takes any.
    pub(super) fn tokens(&self, provider: &Provider) -> Option<TokenSource> {
        provider.google.as_ref().map(|google| self.tokens.of(google, self))
    }

    /// The connector for a provider that speaks `http2` and must accept within `timeout`. Its
    /// connections tell `streams` how many their server takes.
    pub(super) fn build(&self, http2: Http2, timeout: Duration, streams: StreamLimit) -> Within<Https> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_mins(1)));
        let proxied = Proxied { tcp, proxies: self.proxies.clone() };
        let builder = HttpsConnectorBuilder::new().with_tls_config(self.tls_config()).https_or_http();
        let https = match http2 {
            Http2::Never => builder.enable_http1().wrap_connector(proxied),
            Http2::Auto => builder.enable_all_versions().wrap_connector(proxied),
            Http2::PriorKnowledge => builder.enable_http2().wrap_connector(proxied),
        };
        Within { inner: https, timeout, streams }
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

/// TLS where the URL asks for it.
pub(crate) type Https = HttpsConnector<Proxied>;

/// A connector that must be done in time, TLS handshake included.
#[derive(Clone)]
pub(crate) struct Within<C> {
    inner: C,
    timeout: Duration,
    streams: StreamLimit,
}

impl<C> Service<Uri> for Within<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = Announced<C::Response>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let timeout = self.timeout;
        let streams = self.streams.clone();
        Box::pin(async move {
            match tokio::time::timeout(timeout, connecting).await {
                Ok(connected) => Ok(Announced::new(connected.map_err(Into::into)?, streams)),
                Err(_) => Err(ConnectTimeout(timeout).into()),
            }
        })
    }
}

/// No connection was made in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {} s", .0.as_secs_f32())]
pub(super) struct ConnectTimeout(pub(super) Duration);

/// A TCP connector that obeys proxies.
#[derive(Clone, Debug)]
pub(crate) struct Proxied {
    tcp: HttpConnector,
    proxies: Proxies,
}

impl Service<Uri> for Proxied {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut tcp = self.tcp.clone();
        let proxy = self.proxies.for_uri(&uri);
        Box::pin(async move {
            match proxy {
                Some(proxy) => Ok(reach(&proxy, tcp, &uri).await?.into()),
                None => Ok(Stream::direct(tcp.call(uri).await?)),
            }
        })
    }
}

impl Stream {
    /// One without a proxy at its other end.
    pub(super) const fn direct(io: TokioIo<TcpStream>) -> Self {
        Self { io, proxied: false, lost: None }
    }
}

impl From<Reached<TokioIo<TcpStream>>> for Stream {
    fn from(Reached { io, proxied }: Reached<TokioIo<TcpStream>>) -> Self {
        Self { io, proxied, lost: None }
    }
}

pin_project! {
    /// A TCP stream that knows whether a proxy is at its other end.
    ///
    /// A server may answer a request whose body it does not want to read, and hang up. That it takes no
    /// more must not hide its answer, which is there to be read: what is written then is lost, and what
    /// was wrong is told when there is no more to read.
    #[derive(Debug)]
    pub(crate) struct Stream {
        #[pin]
        io: TokioIo<TcpStream>,
        proxied: bool,
        // Why nothing more can be written.
        lost: Option<io::ErrorKind>,
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        // A proxied connection without a tunnel takes the absolute form of a URL.
        self.io.connected().proxy(self.proxied)
    }
}

impl Read for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let Some(lost) = *this.lost else { return this.io.poll_read(cx, buf) };
        let mut bytes = [0; 4096];
        let most = buf.remaining().min(bytes.len());
        let mut read = ReadBuf::new(bytes.get_mut(..most).unwrap_or_default());
        ready!(this.io.poll_read(cx, read.unfilled()))?;
        if read.filled().is_empty() && most > 0 {
            return Poll::Ready(Err(lost.into()));
        }
        buf.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

/// What comes of writing `length` bytes, as long as the other end may still be heard.
fn heard(
    lost: &mut Option<io::ErrorKind>,
    written: Poll<io::Result<usize>>,
    length: usize,
) -> Poll<io::Result<usize>> {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    match written {
        Poll::Ready(Err(error))
            if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset) =>
        {
            *lost = Some(error.kind());
            Poll::Ready(Ok(length))
        }
        other => other,
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        if this.lost.is_some() {
            return Poll::Ready(Ok(buf.len()));
        }
        heard(this.lost, this.io.poll_write(cx, buf), buf.len())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let length = bufs.iter().map(|buf| buf.len()).sum();
        if this.lost.is_some() {
            return Poll::Ready(Ok(length));
        }
        heard(this.lost, this.io.poll_write_vectored(cx, bufs), length)
    }
}
