//! Opens the exchange: the request's id, its dialect, and the record that travels outward.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::HeaderName;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tollway_core::{Dialect, Exchange, RequestId};
use tower_layer::Layer;
use tower_service::Service;

use crate::operation;

/// The header that carries the request's id, in and out.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where Anthropic's SDKs look for it.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Adds [`Dialect`] and an `Arc<`[`Exchange`]`>` to the request, and `x-request-id` to the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenLayer;

impl<S> Layer<S> for OpenLayer {
    type Service = Open<S>;

    fn layer(&self, inner: S) -> Open<S> {
        Open { inner }
    }
}

/// The service of [`OpenLayer`].
#[derive(Clone, Debug)]
pub struct Open<S> {
    inner: S,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Open<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut req: Request<ReqBody>) -> Self::Future {
        let id = req
            .headers()
            .get(X_REQUEST_ID)
            .and_then(RequestId::from_client)
            .unwrap_or_else(|| RequestId::from_random(fastrand::u128(..)));
        let exchange = Arc::new(Exchange::new(id.clone()));
        let dialect = operation::dialect(req.uri(), req.headers());
        req.extensions_mut().insert(dialect);
        req.extensions_mut().insert(exchange);
        ResponseFuture { inner: self.inner.call(req), answer: Some((id, dialect)) }
    }
}

pin_project! {
    /// The future of [`Open`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        answer: Option<(RequestId, Dialect)>,
    }
}

impl<F, ResBody, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
{
    type Output = F::Output;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut result = std::task::ready!(this.inner.poll(cx));
        if let (Ok(response), Some((id, dialect))) = (&mut result, this.answer.take()) {
            response.headers_mut().insert(X_REQUEST_ID, id.header_value().clone());
            if dialect == Dialect::Anthropic {
                response.headers_mut().insert(REQUEST_ID, id.header_value().clone());
            }
        }
        Poll::Ready(result)
    }
}
