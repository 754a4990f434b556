//! Tells calls to a model from everything else, by path.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request};
use http_body::Body;
use pin_project_lite::pin_project;
use tollway_core::Dialect;
use tower_service::Service;

use crate::Error;
use crate::body::Answer;
use crate::error::BoxError;
use crate::forwarding::{Asked, Notes};
use crate::operation::operation;
use crate::side::{self, Side};

/// The ways a request may go.
#[derive(Clone, Debug)]
pub struct Switch<S, O> {
    calls: S,
    others: O,
    notes: Option<Notes>,
    side: Side,
}

impl<S, O> Switch<S, O> {
    /// Sends calls to a model to `calls`, what else is a provider's to `others`, the rest to `side`.
    /// Who made a response is noted in `notes`.
    pub(crate) const fn new(calls: S, others: O, notes: Option<Notes>, side: Side) -> Self {
        Self { calls, others, notes, side }
    }
}

impl<S, O, B> Service<Request<B>> for Switch<S, O>
where
    S: Service<Request<B>, Response = Answer, Error = Error>,
    O: Service<Request<B>, Response = Answer, Error = Error>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<S::Future, O::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // The others are always ready.
        self.calls.poll_ready(cx)
    }

    fn call(&mut self, mut req: Request<B>) -> Self::Future {
        match operation(req.uri()) {
            Some(operation) if req.method() == Method::POST => {
                let notes = (operation.dialect == Dialect::Responses).then(|| self.notes.clone()).flatten();
                req.extensions_mut().insert(operation);
                ResponseFuture::Call { future: self.calls.call(req), notes }
            }
            Some(_) => ResponseFuture::Refused {
                error: Some(Error::MethodNotAllowed {
                    method: req.method().clone(),
                    path: req.uri().path().to_owned(),
                    allow: "POST",
                }),
            },
            None => {
                if let Some(asked) = Asked::of(req.uri().path()) {
                    req.extensions_mut().insert(asked);
                    return ResponseFuture::Other { future: self.others.call(req) };
                }
                ResponseFuture::Side { future: self.side.call(req) }
            }
        }
    }
}

pin_project! {
    /// The future of [`Switch`].
    #[project = Way]
    pub enum ResponseFuture<F, O> {
        Call { #[pin] future: F, notes: Option<Notes> },
        Other { #[pin] future: O },
        Side { #[pin] future: side::ResponseFuture },
        Refused { error: Option<Error> },
    }
}

impl<F, O> Future for ResponseFuture<F, O>
where
    F: Future<Output = Result<Answer, Error>>,
    O: Future<Output = Result<Answer, Error>>,
{
    type Output = Result<Answer, Error>;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Way::Call { future, notes } => future.poll(cx).map_ok(|answer| match notes.take() {
                Some(notes) => notes.noting(answer),
                None => answer,
            }),
            Way::Other { future } => future.poll(cx),
            Way::Side { future } => future.poll(cx),
            Way::Refused { error } => Poll::Ready(Err(error.take().unwrap_or(Error::Internal))),
        }
    }
}
