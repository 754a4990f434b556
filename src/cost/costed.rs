use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use tollway_cost::{CostBody, CostLayer, CostService, Upgraded};
use tower_layer::Layer;
use tower_service::Service;

use super::{Bill, Billing, Paying};
use crate::Error;
use crate::body::{Answer, AnswerBody};
use crate::respond::InDialect;
use crate::tunnel::Tunnel;

/// A service of whose requests is known what they cost.
#[derive(Clone, Debug)]
pub struct Costed<S>(CostService<S, Billing, Paying, InDialect>);

impl<S> Costed<S> {
    pub(super) fn new(layer: &CostLayer<Billing, Paying, InDialect>, inner: S) -> Self {
        Self(layer.layer(inner))
    }
}

impl<S, B> Service<Request<B>> for Costed<S>
where
    S: Service<Request<B>, Response = Answer, Error = Error> + Clone,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<<CostService<S, Billing, Paying, InDialect> as Service<Request<B>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        ResponseFuture { inner: self.0.call(req) }
    }
}

pin_project! {
    /// The future of [`Costed`].
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<CostBody<AnswerBody, Bill>>, Error>>,
{
    type Output = Result<Answer, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx).map_ok(boxed)
    }
}

fn boxed(answer: Response<CostBody<AnswerBody, Bill>>) -> Answer {
    // A WebSocket costs until it closes.
    if let Some(tunnel) = answer.extensions().get::<Tunnel>()
        && let Some(upgraded) = answer.extensions().get::<Upgraded<Bill>>()
    {
        tunnel.attach(Box::new(upgraded.take()));
    }
    answer.map(BodyExt::boxed_unsync)
}
