//! The only map from errors to responses: whatever goes wrong inside becomes an answer in the
//! client's dialect, a panic too. What goes wrong once the answer has begun ends it as broken.

mod body;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Extensions, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tollway_core::{Dialect, Respond};
use tower_layer::Layer;
use tower_service::Service;

pub use self::body::RescuedBody;
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
    ResBody: Body<Error: From<Error>>,
{
    type Response = Response<RescuedBody<ResBody>>;
    type Error = std::convert::Infallible;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // An inner service that is not ready for ever answers so at its call.
        let ready = catch_unwind(AssertUnwindSafe(|| self.inner.poll_ready(cx)));
        ready.map_or(Poll::Ready(Ok(())), |ready| ready.map(|_| Ok(())))
    }

    fn call(&mut self, req: Request<ReqBody>) -> Self::Future {
        // All a responder may need of the request; the rest has moved inward by then.
        let dialect = req.extensions().get::<Dialect>().copied();
        let inner = catch_unwind(AssertUnwindSafe(|| self.inner.call(req))).ok();
        ResponseFuture { inner, respond: self.respond.clone(), dialect }
    }
}

pin_project! {
    /// The future of [`Rescue`].
    #[derive(Debug)]
    pub struct ResponseFuture<F, R> {
        // `None` where there came none of the call, but a panic.
        #[pin]
        inner: Option<F>,
        respond: R,
        dialect: Option<Dialect>,
    }
}

impl<F, R, ResBody> Future for ResponseFuture<F, R>
where
    F: Future<Output = Result<Response<ResBody>, Error>>,
    R: Respond<Error, ResBody>,
{
    type Output = Result<Response<RescuedBody<ResBody>>, std::convert::Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = match this.inner.as_pin_mut() {
            // The panic hook has written where and why.
            None => Err(Error::Internal),
            Some(inner) => match catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
                Ok(poll) => std::task::ready!(poll),
                Err(_) => Err(Error::Internal),
            },
        };
        let response = result.unwrap_or_else(|error| {
            let mut extensions = Extensions::new();
            if let Some(dialect) = *this.dialect {
                extensions.insert(dialect);
            }
            this.respond.respond(&extensions, &error)
        });
        Poll::Ready(Ok(response.map(RescuedBody::new)))
    }
}
