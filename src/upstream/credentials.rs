//! Adds the provider's credentials and configured headers.

use std::task::{Context, Poll};

use http::Request;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use tower_layer::Layer;
use tower_service::Service;

use crate::config::Provider;
use tollway_core::Dialect;

const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// Adds a provider's headers to each request.
#[derive(Clone, Debug)]
pub(crate) struct CredentialsLayer {
    headers: Arc<HeaderMap>,
    anthropic: bool,
}

impl CredentialsLayer {
    pub(crate) fn new(provider: &Provider) -> Self {
        let mut headers = provider.headers.clone();
        headers.extend(provider.authorization());
        Self { headers: Arc::new(headers), anthropic: provider.speaks(Dialect::Anthropic) }
    }
}

impl<S> Layer<S> for CredentialsLayer {
    type Service = Credentials<S>;

    fn layer(&self, inner: S) -> Credentials<S> {
        Credentials { inner, headers: self.headers.clone(), anthropic: self.anthropic }
    }
}

/// The service of [`CredentialsLayer`].
#[derive(Clone, Debug)]
pub struct Credentials<S> {
    inner: S,
    headers: Arc<HeaderMap>,
    anthropic: bool,
}

impl<S, B> Service<Request<B>> for Credentials<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut req: Request<B>) -> S::Future {
        let headers = req.headers_mut();
        for (name, value) in &*self.headers {
            match headers.get(name) {
                // Betas add up; everything else the operator configured wins.
                Some(client) if *name == ANTHROPIC_BETA => {
                    let both = [client.as_bytes(), b",", value.as_bytes()].concat();
                    headers.insert(ANTHROPIC_BETA, HeaderValue::from_bytes(&both).unwrap_or(value.clone()));
                }
                _ => {
                    headers.insert(name.clone(), value.clone());
                }
            }
        }
        if self.anthropic {
            headers.entry(ANTHROPIC_VERSION).or_insert(HeaderValue::from_static("2023-06-01"));
        }
        self.inner.call(req)
    }
}
