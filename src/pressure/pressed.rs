use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use tollway_rate_limit::adaptive::{AdaptiveBody, AdaptiveLimit, AsResponse};
use tower_service::Service;

use super::{Demanding, Faring, Shedding};
use crate::Error;
use crate::body::{Answer, AnswerBody};

/// The way to a provider, which is sent no more than it can take, or all that comes.
#[derive(Clone, Debug)]
pub enum Pressed<S> {
    /// No more than it can take.
    Adaptive(AdaptiveLimit<S, Demanding, Faring, AsResponse<Shedding>>),
    /// All that comes.
    Free(S),
}

type Limit<S> = AdaptiveLimit<S, Demanding, Faring, AsResponse<Shedding>>;

impl<S, B> Service<Request<B>> for Pressed<S>
where
    S: Service<Request<B>, Response = Answer, Error = Error> + Clone,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<<Limit<S> as Service<Request<B>>>::Future, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self {
            Self::Adaptive(service) => service.poll_ready(cx),
            Self::Free(service) => service.poll_ready(cx),
        }
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        match self {
            Self::Adaptive(service) => ResponseFuture::Adaptive { future: service.call(req) },
            Self::Free(service) => ResponseFuture::Free { future: service.call(req) },
        }
    }
}

pin_project! {
    /// The future of [`Pressed`].
    #[project = Way]
    pub enum ResponseFuture<L, F> {
        Adaptive { #[pin] future: L },
        Free { #[pin] future: F },
    }
}

impl<L, F> Future for ResponseFuture<L, F>
where
    L: Future<Output = Result<Response<AdaptiveBody<AnswerBody>>, Error>>,
    F: Future<Output = Result<Answer, Error>>,
{
    type Output = Result<Answer, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Way::Adaptive { future } => future.poll(cx).map_ok(|answer| answer.map(BodyExt::boxed_unsync)),
            Way::Free { future } => future.poll(cx),
        }
    }
}
