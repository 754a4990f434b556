use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tollway_core::{End, Observe, Respond};
use tower_service::Service;

use crate::body::{LimitedBody, Settling};
use crate::layer::Parts;
use crate::upgraded::Upgraded;
use crate::{Asking, Decision, Headers, Learn, Refused};

pin_project! {
    /// The future of [`RateLimit`](crate::RateLimit).
    ///
    /// What a request took, and a decision that waits for the store, are on the heap.
    pub struct ResponseFuture<S, X, L, R, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
        L: Learn<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, X, L, R, ReqBody, ResBody>,
    }
}

pin_project! {
    #[project = At]
    enum State<S, X, L, R, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
        L: Learn<Request<ReqBody>>,
    {
        Refused { response: Option<Response<ResBody>> },
        Asking { asking: Asking, waiting: Option<Box<Waiting<S, X, L, R, ReqBody>>> },
        Calling {
            // Above what settles it, so that what is inside has ended by then.
            #[pin]
            future: S::Future,
            settling: Settling<L::Watch>,
            headers: Headers,
        },
    }
}

/// In the extensions of a refusal: whoever limits further out takes nothing for it either.
#[derive(Clone, Copy, Debug)]
struct Untaken;

/// A request that waits for the store.
pub(crate) struct Waiting<S, X, L, R, ReqBody> {
    pub(crate) inner: S,
    pub(crate) req: Request<ReqBody>,
    pub(crate) headers: Headers,
    pub(crate) parts: Arc<Parts<X, L, R>>,
}

impl<S, X, L, R, ReqBody, ResBody> ResponseFuture<S, X, L, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
    L: Learn<Request<ReqBody>>,
{
    pub(crate) const fn refused(response: Response<ResBody>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    pub(crate) fn asking(asking: Asking, waiting: Waiting<S, X, L, R, ReqBody>) -> Self {
        Self { state: State::Asking { asking, waiting: Some(Box::new(waiting)) } }
    }

    pub(crate) const fn calling(future: S::Future, settling: Settling<L::Watch>, headers: Headers) -> Self {
        Self { state: State::Calling { future, settling, headers } }
    }
}

impl<S, X, L, R, ReqBody, ResBody> Future for ResponseFuture<S, X, L, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    L: Learn<Request<ReqBody>>,
    L::Watch: Send + 'static,
    R: Respond<Refused, ResBody>,
    ResBody: Body<Data = Bytes>,
{
    type Output = Result<Response<LimitedBody<ResBody, L::Watch>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                At::Refused { response } => return refused(response),
                At::Calling { future, settling, headers } => {
                    let result = ready!(future.poll(cx));
                    let mut settling = std::mem::take(settling);
                    return Poll::Ready(match result {
                        Ok(mut response) => {
                            if response.extensions().get::<Untaken>().is_some() {
                                // By limits further in: these are to be as if nobody had come.
                                settling.cancel();
                            } else if let Some(mut decision) = settling.decision() {
                                if let Some(further_in) = response.extensions().get::<Decision>() {
                                    decision.join(further_in);
                                }
                                headers.write(response.headers_mut(), &decision, SystemTime::now());
                                response.extensions_mut().insert(decision);
                            }
                            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                                // It has no body whose end could be watched.
                                let upgraded = Upgraded::new(std::mem::take(&mut settling));
                                response.extensions_mut().insert(upgraded);
                            }
                            Ok(response.map(|body| LimitedBody::new(body, settling)))
                        }
                        Err(error) => {
                            settling.end(End::Error);
                            Err(error)
                        }
                    });
                }
                At::Asking { asking, waiting } => {
                    let verdict = ready!(Pin::new(asking).poll(cx));
                    let Some(waiting) = waiting.take() else { return Poll::Pending };
                    let Waiting { mut inner, req, headers, parts } = *waiting;
                    match verdict {
                        Ok(reservation) => {
                            let settling = Settling::new(reservation, parts.learn.watch(&req));
                            State::Calling { future: inner.call(req), settling, headers }
                        }
                        Err(error) => {
                            let mut response = parts.respond.respond(req.extensions(), &error);
                            headers.write_refusal(response.headers_mut(), &error, SystemTime::now());
                            State::Refused { response: Some(response) }
                        }
                    }
                }
            };
            state.set(next);
        }
    }
}

/// A future that has ended is not polled again; were it so, it would wait for ever.
fn refused<B, W, E>(response: &mut Option<Response<B>>) -> Poll<Result<Response<LimitedBody<B, W>>, E>>
where
    B: Body<Data = Bytes>,
    W: crate::Watch,
{
    let Some(mut response) = response.take() else { return Poll::Pending };
    response.extensions_mut().insert(Untaken);
    Poll::Ready(Ok(response.map(|body| LimitedBody::new(body, Settling::default()))))
}

impl<S, X, L, R, ReqBody, ResBody> std::fmt::Debug for ResponseFuture<S, X, L, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
    L: Learn<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
