use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use tollway_rate_limit::{LimitedBody, RateLimit, Upgraded};
use tower_service::Service;

use super::asking::Asking;
use super::learning::{Learning, Watching};
use crate::Error;
use crate::body::{Answer, AnswerBody};
use crate::respond::InDialect;
use crate::tunnel::Tunnel;

/// A service behind limits, or on its own where there are none.
#[derive(Clone, Debug)]
pub enum Limited<S> {
    /// Behind limits.
    Bound(RateLimit<S, Asking, Learning, InDialect>),
    /// On its own.
    Free(S),
}

impl<S, B> Service<Request<B>> for Limited<S>
where
    S: Service<Request<B>, Response = Answer, Error = Error> + Clone,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<<Bound<S> as Service<Request<B>>>::Future, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self {
            Self::Bound(service) => service.poll_ready(cx),
            Self::Free(service) => service.poll_ready(cx),
        }
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        match self {
            Self::Bound(service) => ResponseFuture::Bound { future: service.call(req) },
            Self::Free(service) => ResponseFuture::Free { future: service.call(req) },
        }
    }
}

type Bound<S> = RateLimit<S, Asking, Learning, InDialect>;

pin_project! {
    /// The future of [`Limited`].
    #[project = Way]
    pub enum ResponseFuture<L, F> {
        Bound { #[pin] future: L },
        Free { #[pin] future: F },
    }
}

impl<L, F> Future for ResponseFuture<L, F>
where
    L: Future<Output = Result<Response<LimitedBody<AnswerBody, Watching>>, Error>>,
    F: Future<Output = Result<Answer, Error>>,
{
    type Output = Result<Answer, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Way::Bound { future } => future.poll(cx).map_ok(|answer| {
                // A WebSocket holds what it took until it closes.
                if let Some(tunnel) = answer.extensions().get::<Tunnel>()
                    && let Some(upgraded) = answer.extensions().get::<Upgraded<Watching>>()
                {
                    tunnel.attach(Box::new(upgraded.take()));
                }
                answer.map(BodyExt::boxed_unsync)
            }),
            Way::Free { future } => future.poll(cx),
        }
    }
}
