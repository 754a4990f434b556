use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::flight::{AdaptiveBody, Flight};
use super::layer::Parts;
use super::waiting::Waiting;
use super::{Classify, Refuse, Refused, Told};
use crate::headers::whole_seconds;

pin_project! {
    /// The future of [`AdaptiveLimit`](super::AdaptiveLimit).
    ///
    /// Dropped, it gives back its place among those who wait, or in flight.
    pub struct ResponseFuture<S, X, C, R, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody, ResBody>,
        parts: Option<Arc<Parts<X, C, R>>>,
    }
}

pin_project! {
    #[project = At]
    enum State<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        Refused { result: Option<Result<Response<ResBody>, S::Error>> },
        Waiting { waiting: Waiting, held: Option<Held<S, ReqBody>> },
        Calling {
            // Above what gives its place back, so that what is inside has ended by then.
            #[pin]
            future: S::Future,
            flight: Flight,
        },
    }
}

/// A request that waits.
pub(super) struct Held<S, ReqBody> {
    pub(super) inner: S,
    pub(super) req: Request<ReqBody>,
}

impl<S, X, C, R, ReqBody, ResBody> ResponseFuture<S, X, C, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) const fn refused(result: Result<Response<ResBody>, S::Error>) -> Self {
        Self { state: State::Refused { result: Some(result) }, parts: None }
    }

    pub(super) const fn waiting(
        waiting: Waiting,
        held: Held<S, ReqBody>,
        parts: Arc<Parts<X, C, R>>,
    ) -> Self {
        Self { state: State::Waiting { waiting, held: Some(held) }, parts: Some(parts) }
    }

    pub(super) const fn calling(future: S::Future, flight: Flight, parts: Arc<Parts<X, C, R>>) -> Self {
        Self { state: State::Calling { future, flight }, parts: Some(parts) }
    }
}

impl<S, X, C, R, ReqBody, ResBody> Future for ResponseFuture<S, X, C, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    C: Classify<S::Error>,
    R: Refuse<ResBody, S::Error>,
    ResBody: Body<Data = Bytes>,
{
    type Output = Result<Response<AdaptiveBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                // A future that has ended is not polled again; were it so, it would wait for ever.
                At::Refused { result } => {
                    let Some(result) = result.take() else { return Poll::Pending };
                    return Poll::Ready(
                        result.map(|response| response.map(|body| AdaptiveBody::new(body, Flight::NOBODYS))),
                    );
                }
                At::Calling { future, flight } => {
                    let result = ready!(future.poll(cx));
                    let flight = std::mem::replace(flight, Flight::NOBODYS);
                    if let Some(parts) = this.parts.take() {
                        parts.judge(&flight, &result);
                    }
                    return Poll::Ready(
                        result.map(|response| response.map(|body| AdaptiveBody::new(body, flight))),
                    );
                }
                At::Waiting { waiting, held } => {
                    let result = ready!(Pin::new(waiting).poll(cx));
                    let (Some(Held { mut inner, req }), Some(parts)) = (held.take(), &this.parts) else {
                        return Poll::Pending;
                    };
                    match result {
                        Ok(flight) => State::Calling { future: inner.call(req), flight },
                        Err(refused) => State::Refused { result: Some(parts.answer(&req, &refused)) },
                    }
                }
            };
            this.state.set(next);
        }
    }
}

impl<X, C, R> Parts<X, C, R> {
    pub(super) fn answer<ReqBody, ResBody, E>(
        &self,
        req: &Request<ReqBody>,
        refused: &Refused,
    ) -> Result<Response<ResBody>, E>
    where
        R: Refuse<ResBody, E>,
    {
        let mut response = self.refuse.refuse(req.extensions(), refused)?;
        let retry_after = || whole_seconds(refused.retry_after()).into();
        response.headers_mut().entry(RETRY_AFTER).or_insert_with(retry_after);
        Ok(response)
    }

    fn judge<B, E>(&self, flight: &Flight, result: &Result<Response<B>, E>)
    where
        C: Classify<E>,
    {
        match result {
            Ok(response) => {
                let signal = self.classify.head(response.status(), response.headers());
                flight.head(&Told::read(response.headers(), SystemTime::now()), signal);
            }
            Err(error) => {
                let (signal, retry_after) = self.classify.failure(error);
                flight.head(&Told::retry(retry_after), signal);
            }
        }
    }
}

impl<S, X, C, R, ReqBody, ResBody> std::fmt::Debug for ResponseFuture<S, X, C, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
