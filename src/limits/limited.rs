use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use tollway_auth::KeyLimits;
use tollway_core::Caller;
use tollway_rate_limit::{LimitedBody, RateLimit, Upgraded};
use tower::ServiceExt as _;
use tower_layer::Layer as _;
use tower_service::Service;

use super::asking::Asking;
use super::learning::{Learning, Watching};
use super::own::OwnLimits;
use crate::Error;
use crate::body::{Answer, AnswerBody};
use crate::config::Settings;
use crate::respond::InDialect;
use crate::tunnel::Tunnel;

/// A service behind limits: those that a key brings along, and within them those of the configuration.
#[derive(Clone, Debug)]
pub struct Limited<S> {
    inner: Configured<S>,
    own: Arc<OwnLimits>,
    settings: Arc<Settings>,
}

/// A service behind the limits of the configuration, or on its own where there are none.
#[derive(Clone, Debug)]
pub enum Configured<S> {
    /// Behind limits.
    Some(RateLimit<S, Asking, Learning, InDialect>),
    /// On its own.
    None(S),
}

impl<S> Limited<S> {
    pub(super) const fn new(inner: Configured<S>, own: Arc<OwnLimits>, settings: Arc<Settings>) -> Self {
        Self { inner, own, settings }
    }
}

impl<S, B> Service<Request<B>> for Limited<S>
where
    S: Service<Request<B>, Response = Answer, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<<Bound<S> as Service<Request<B>>>::Future, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let Some(KeyLimits(limits)) = req.extensions().get() else { return self.inner.call(req) };
        let caller = req.extensions().get::<Arc<Caller>>().map(|caller| &**caller);
        let layer = match self.own.layer(limits, caller, &self.settings) {
            Ok(layer) => layer,
            Err(error) => {
                // Whoever made the key was told; a row of another version may say anything.
                tracing::error!(%error, "a key has limits that cannot be kept, its request is refused");
                return ResponseFuture::Own { future: Box::pin(async { Err(Error::Internal) }) };
            }
        };
        // The clone that is ready goes with the request.
        let ready = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, ready);
        let answer = layer.layer(inner).oneshot(req);
        ResponseFuture::Own { future: Box::pin(async { answer.await.map(boxed) }) }
    }
}

impl<S, B> Service<Request<B>> for Configured<S>
where
    S: Service<Request<B>, Response = Answer, Error = Error> + Clone,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<<Bound<S> as Service<Request<B>>>::Future, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self {
            Self::Some(service) => service.poll_ready(cx),
            Self::None(service) => service.poll_ready(cx),
        }
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        match self {
            Self::Some(service) => ResponseFuture::Configured { future: service.call(req) },
            Self::None(service) => ResponseFuture::None { future: service.call(req) },
        }
    }
}

type Bound<S> = RateLimit<S, Asking, Learning, InDialect>;

pin_project! {
    /// The future of [`Limited`].
    #[project = Way]
    pub enum ResponseFuture<L, F> {
        // Boxed: few keys have limits of their own, and it would make all futures larger.
        Own { future: Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send>> },
        Configured { #[pin] future: L },
        None { #[pin] future: F },
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
            Way::Own { future } => future.as_mut().poll(cx),
            Way::Configured { future } => future.poll(cx).map_ok(boxed),
            Way::None { future } => future.poll(cx),
        }
    }
}

fn boxed(answer: Response<LimitedBody<AnswerBody, Watching>>) -> Answer {
    // A WebSocket holds what it took until it closes.
    if let Some(tunnel) = answer.extensions().get::<Tunnel>()
        && let Some(upgraded) = answer.extensions().get::<Upgraded<Watching>>()
    {
        tunnel.attach(Box::new(upgraded.take()));
    }
    answer.map(BodyExt::boxed_unsync)
}
