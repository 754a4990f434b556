//! Adds the provider's credentials and configured headers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use pin_project_lite::pin_project;
use tollway_core::Dialect;
use tower_layer::Layer;
use tower_service::Service;

use super::google::TokenSource;
use super::outgoing::Outgoing;
use super::tokens::Tokens;
use crate::Error;
use crate::config::{Kind, Provider};

const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const QUOTA_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");

/// Adds a provider's headers to each request, and an access token where it takes those.
#[derive(Clone, Debug)]
pub(crate) struct CredentialsLayer {
    headers: Arc<HeaderMap>,
    anthropic: bool,
    tokens: Option<Arc<Tokens>>,
}

impl CredentialsLayer {
    pub(crate) fn new(provider: &Provider, tokens: Option<TokenSource>) -> Self {
        let mut headers = HeaderMap::new();
        let quota_project = provider.google.as_ref().and_then(|google| google.credentials.quota_project());
        if let Some(project) = quota_project.and_then(|project| HeaderValue::try_from(project).ok()) {
            headers.insert(QUOTA_PROJECT, project);
        }
        headers.extend(provider.headers.clone());
        headers.extend(provider.authorization());
        Self {
            headers: Arc::new(headers),
            // Vertex AI takes the version in the body.
            anthropic: provider.speaks(Dialect::Anthropic) && provider.kind != Kind::Vertex,
            tokens: tokens.map(|source| Arc::new(Tokens::new(provider, source))),
        }
    }
}

impl<S> Layer<S> for CredentialsLayer {
    type Service = Credentials<S>;

    fn layer(&self, inner: S) -> Credentials<S> {
        let Self { headers, anthropic, tokens } = self.clone();
        Credentials { inner, headers, anthropic, tokens }
    }
}

/// The service of [`CredentialsLayer`].
#[derive(Clone, Debug)]
pub struct Credentials<S> {
    inner: S,
    headers: Arc<HeaderMap>,
    anthropic: bool,
    tokens: Option<Arc<Tokens>>,
}

impl<S, B, R> Service<Request<B>> for Credentials<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
    B: Again + Send + 'static,
    R: Send + 'static,
{
    type Response = Response<R>;
    type Error = Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut req: Request<B>) -> Self::Future {
        self.add_headers(req.headers_mut());
        let Some(tokens) = &self.tokens else {
            return ResponseFuture::Sent { inner: self.inner.call(req) };
        };
        let ready = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, ready);
        ResponseFuture::WithToken { future: Box::pin(tokens.clone().call(inner, req)) }
    }
}

impl<S> Credentials<S> {
    fn add_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in &*self.headers {
            // Betas add up, however many lines of them there are; everything else the operator
            // configured wins.
            let value = if *name == ANTHROPIC_BETA { joined(headers, value) } else { value.clone() };
            headers.insert(name.clone(), value);
        }
        if self.anthropic {
            headers.entry(ANTHROPIC_VERSION).or_insert(HeaderValue::from_static("2023-06-01"));
        }
    }
}

/// A client's betas, and those configured, in one line.
fn joined(headers: &HeaderMap, configured: &HeaderValue) -> HeaderValue {
    let client = headers.get_all(ANTHROPIC_BETA).iter().map(HeaderValue::as_bytes);
    let all: Vec<&[u8]> = client.chain([configured.as_bytes()]).collect();
    HeaderValue::from_bytes(&all.join(&b","[..])).unwrap_or_else(|_| configured.clone())
}

/// A body that may be sent a second time.
pub trait Again: Sized {
    /// The same body once more, if that is possible.
    fn again(&self) -> Option<Self>;
}

impl Again for Full<Bytes> {
    fn again(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl Again for Outgoing {
    /// What streams through is gone once it is sent.
    fn again(&self) -> Option<Self> {
        match self {
            Self::Whole(body) => body.again().map(Self::Whole),
            Self::Upgrade => Some(Self::Upgrade),
            Self::Streamed(_) => None,
        }
    }
}

pin_project! {
    /// The future of [`Credentials`]. Boxed only where a token may have to be awaited.
    #[project = Way]
    pub enum ResponseFuture<F, R> {
        Sent { #[pin] inner: F },
        WithToken { future: Pin<Box<dyn Future<Output = Result<Response<R>, Error>> + Send>> },
    }
}

impl<F, R> Future for ResponseFuture<F, R>
where
    F: Future<Output = Result<Response<R>, Error>>,
{
    type Output = Result<Response<R>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Way::Sent { inner } => inner.poll(cx),
            Way::WithToken { future } => future.as_mut().poll(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn betas_add_up_over_all_lines() {
        let configured = HeaderValue::from_static("configured");
        let mut headers = HeaderMap::new();
        assert_eq!(joined(&headers, &configured), "configured");
        headers.append(ANTHROPIC_BETA, HeaderValue::from_static("one,two"));
        headers.append(ANTHROPIC_BETA, HeaderValue::from_static("three"));
        assert_eq!(joined(&headers, &configured), "one,two,three,configured");
    }
}
