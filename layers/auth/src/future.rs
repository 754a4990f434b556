use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tollway_core::Respond;
use tower_service::Service;

use crate::auth::Answer;
use crate::service::Gate;
use crate::{Error, Pending};

pin_project! {
    /// The future of [`AuthService`](crate::AuthService).
    pub struct ResponseFuture<S, R, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, R, ReqBody, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, R, ReqBody, F, Res> {
        /// The request went on.
        Inner { #[pin] future: F },
        /// It did not. `None` once it was said.
        Refused { response: Option<Box<Res>> },
        /// Some method does not know yet. Boxed, being rare and large. `None` is never seen.
        Waiting { waiting: Option<Box<Waiting<S, R, ReqBody>>> },
    }
}

/// A request whose fate is not decided yet.
struct Waiting<S, R, ReqBody> {
    pending: Pending,
    index: usize,
    inner: S,
    gate: Arc<Gate<R>>,
    req: Request<ReqBody>,
}

impl<S, R, ReqBody> ResponseFuture<S, R, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(crate) const fn inner(future: S::Future) -> Self {
        Self { state: State::Inner { future } }
    }

    pub(crate) fn refused(response: S::Response) -> Self {
        Self { state: State::Refused { response: Some(Box::new(response)) } }
    }

    pub(crate) fn waiting(
        pending: Pending,
        index: usize,
        inner: S,
        gate: Arc<Gate<R>>,
        req: Request<ReqBody>,
    ) -> Self {
        let waiting = Some(Box::new(Waiting { pending, index, inner, gate, req }));
        Self { state: State::Waiting { waiting } }
    }
}

impl<S, R, ReqBody, ResBody> Future for ResponseFuture<S, R, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Respond<Error, ResBody>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Inner { future } => return future.poll(cx),
                StateProj::Refused { response } => {
                    // Polled once more after its end, it is pending, like tower's own futures.
                    return response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(*response)));
                }
                StateProj::Waiting { waiting } => {
                    let Some(now) = waiting.as_mut() else { return Poll::Pending };
                    let decision = ready!(now.pending.as_mut().poll(cx));
                    match now.gate.resume((decision, now.index), &now.req) {
                        Answer::Wait(pending, index) => (now.pending, now.index) = (pending, index),
                        Answer::Ready(decision) => {
                            let Some(mut waiting) = waiting.take() else { return Poll::Pending };
                            let next = match waiting.gate.pass(decision, &mut waiting.req) {
                                Ok(()) => State::Inner { future: waiting.inner.call(waiting.req) },
                                Err(response) => State::Refused { response: Some(Box::new(response)) },
                            };
                            state.set(next);
                        }
                    }
                }
            }
        }
    }
}

impl<S, R, ReqBody> Debug for ResponseFuture<S, R, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
