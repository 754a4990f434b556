//! Tells calls to a model from everything else, by path.

use std::task::{Context, Poll};

use axum::Router;
use bytes::Bytes;
use http::{Method, Request};
use http_body::Body;
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use tollway_core::Dialect;
use tower_service::Service;

use crate::Error;
use crate::body::{Answer, AnswerBody};
use crate::error::BoxError;
use crate::forwarding::{Asked, Forwarded, Forwarding, Notes};
use crate::operation::operation;

/// The ways a request may go.
#[derive(Clone, Debug)]
pub struct Switch<S> {
    calls: S,
    others: Forwarding,
    side: Router,
}

impl<S> Switch<S> {
    /// Sends calls to a model to `calls`, what else is a provider's to `others`, the rest to `side`.
    pub(crate) const fn new(calls: S, others: Forwarding, side: Router) -> Self {
        Self { calls, others, side }
    }
}

impl<S, B> Service<Request<B>> for Switch<S>
where
    S: Service<Request<B>, Response = Answer, Error = Error>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.calls.poll_ready(cx)
    }

    fn call(&mut self, mut req: Request<B>) -> Self::Future {
        match operation(req.uri()) {
            Some(operation) if req.method() == Method::POST => {
                let notes = (operation.dialect == Dialect::Responses).then(|| self.others.notes()).flatten();
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
                    return ResponseFuture::Other { future: self.others.call(req, asked) };
                }
                let req = req.map(axum::body::Body::new);
                ResponseFuture::Side {
                    future: Service::<Request<axum::body::Body>>::call(&mut self.side, req),
                }
            }
        }
    }
}

type SideFuture = <Router as Service<Request<axum::body::Body>>>::Future;

pin_project! {
    /// The future of [`Switch`].
    #[project = Way]
    pub enum ResponseFuture<F> {
        Call { #[pin] future: F, notes: Option<Notes> },
        Other { future: Forwarded },
        Side { #[pin] future: SideFuture },
        Refused { error: Option<Error> },
    }
}

impl<F> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Answer, Error>>,
{
    type Output = Result<Answer, Error>;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Way::Call { future, notes } => future.poll(cx).map_ok(|answer| match notes.take() {
                Some(notes) => notes.noting(answer),
                None => answer,
            }),
            Way::Other { future } => future.as_mut().poll(cx),
            Way::Side { future } => future.poll(cx).map(|result| {
                let response = result.unwrap_or_else(|never| match never {});
                Ok(response.map(boxed))
            }),
            Way::Refused { error } => Poll::Ready(Err(error.take().unwrap_or(Error::Internal))),
        }
    }
}

fn boxed(body: axum::body::Body) -> AnswerBody {
    body.map_err(Into::into).boxed_unsync()
}
