//! The only map from errors to responses: whatever goes wrong inside becomes an answer in the
//! client's dialect, a panic too.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tollway_core::{Dialect, Respond};
use tower_layer::Layer;
use tower_service::Service;

use crate::Error;

/// Answers every error with the responder `R`.
#[derive(Clone, Copy, Debug)]
pub struct RescueLayer<R> {
    respond: R,
}

impl<R> RescueLayer<R> {
    /// Answers by `respond`.
    pub const fn new(respond: R) -> Self {
        Self { respond }
    }
}

impl<S, R: Clone> Layer<S> for RescueLayer<R> {
    type Service = Rescue<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Rescue { inner, respond: self.respond.clone() }
    }
}

/// The service of [`RescueLayer`].
#[derive(Clone, Debug)]
pub struct Rescue<S, R> {
    inner: S,
    respond: R,
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for Rescue<S, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>, Error = Error>,
    R: Respond<Error, ResBody> + Clone,
{
    type Response = S::Response;
    type Error = std::convert::Infallible;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // An inner service that is not ready for ever answers so at its call.
        self.inner.poll_ready(cx).map(|_| Ok(()))
    }

    fn call(&mut self, req: Request<ReqBody>) -> Self::Future {
        // All a responder may need of the request; the rest has moved inward by then.
        let dialect = req.extensions().get::<Dialect>().copied();
        ResponseFuture { inner: self.inner.call(req), respond: self.respond.clone(), dialect }
    }
}

pin_project! {
    /// The future of [`Rescue`].
    #[derive(Debug)]
    pub struct ResponseFuture<F, R> {
        #[pin]
        inner: F,
        respond: R,
        dialect: Option<Dialect>,
    }
}

impl<F, R, ResBody> Future for ResponseFuture<F, R>
where
    F: Future<Output = Result<Response<ResBody>, Error>>,
    R: Respond<Error, ResBody>,
{
    type Output = Result<Response<ResBody>, std::convert::Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let inner = this.inner;
        let result = match std::panic::catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
            Ok(poll) => std::task::ready!(poll),
            // The panic hook has written where and why.
            Err(_) => Err(Error::Internal),
        };
        Poll::Ready(Ok(result.unwrap_or_else(|error| {
            let mut extensions = Extensions::new();
            if let Some(dialect) = *this.dialect {
                extensions.insert(dialect);
            }
            this.respond.respond(&extensions, &error)
        })))
    }
}
