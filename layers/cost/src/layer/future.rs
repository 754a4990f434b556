use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use tollway_core::{End, Money, Respond};
use tower_service::Service;

use super::account::Account;
use super::body::CostBody;
use super::decide::{Decided, decide, degrade};
use super::gathering::Gathering;
use super::rest::{read_answer, read_body};
use super::upgraded::Upgraded;
use super::{Ask, OpenTab, Shared};
use crate::budget::{Asking, Denied};

/// In which the cost of a whole answer is told, in US dollars: `0.000125`.
pub const COST_HEADER: HeaderName = HeaderName::from_static("x-tollway-cost-usd");

/// The future of [`CostService`](super::CostService). Dropped before its end, it goes on in the background,
/// for as long as the request's tab has patience.
pub struct ResponseFuture<S, O, A, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    O: OpenTab<Request<ReqBody>, S::Error>,
    ResBody: Body<Data = Bytes> + Unpin + Send + 'static,
{
    state: State<S, ReqBody, ResBody>,
    account: Account<O::Tab>,
    shared: Arc<Shared<O, A, R>>,
}

enum State<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
    ResBody: Body,
{
    /// The store of a budget is asked.
    Asking(Box<(Asking, Waiting<S, ReqBody>)>),
    /// Boxed, so that it can go on elsewhere.
    Calling(Pin<Box<S::Future>>),
    /// The answer's head is here, and its body is waited for.
    Gathering(Gathering<ResBody>),
    Ended,
}

/// A request that waits for the store.
pub(super) struct Waiting<S, ReqBody> {
    pub(super) inner: S,
    pub(super) req: Request<ReqBody>,
    pub(super) is_degraded: bool,
}

impl<S, O, A, R, ReqBody, ResBody> ResponseFuture<S, O, A, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    O: OpenTab<Request<ReqBody>, S::Error>,
    ResBody: Body<Data = Bytes> + Unpin + Send + 'static,
{
    pub(super) fn calling(future: S::Future, account: Account<O::Tab>, shared: Arc<Shared<O, A, R>>) -> Self {
        Self { state: State::Calling(Box::pin(future)), account, shared }
    }

    pub(super) fn asking(
        asking: Asking,
        waiting: Waiting<S, ReqBody>,
        account: Account<O::Tab>,
        shared: Arc<Shared<O, A, R>>,
    ) -> Self {
        Self { state: State::Asking(Box::new((asking, waiting))), account, shared }
    }

    pub(super) fn refused(
        response: Response<ResBody>,
        mut account: Account<O::Tab>,
        shared: Arc<Shared<O, A, R>>,
    ) -> Self {
        Self { state: refused(response, &mut account), account, shared }
    }

    /// The store has answered, and what follows from it.
    fn decided(
        &mut self,
        asked: Result<crate::budget::Reservation, Denied>,
        waiting: Waiting<S, ReqBody>,
    ) -> State<S, ReqBody, ResBody>
    where
        A: Ask<Request<ReqBody>>,
        R: Respond<Denied, ResBody>,
    {
        let Waiting { mut inner, mut req, mut is_degraded } = waiting;
        let decided = match asked {
            Ok(reservation) => Decided::Go(Some(reservation)),
            Err(denied) if degrade(&self.shared, &mut req, &mut is_degraded, &denied) => {
                decide(&self.shared, &mut req, &mut is_degraded)
            }
            Err(denied) => Decided::Denied(denied),
        };
        match decided {
            Decided::Go(reservation) => {
                self.account.reserve(reservation);
                State::Calling(Box::pin(inner.call(req)))
            }
            Decided::Denied(denied) => {
                let response = self.shared.respond.respond(req.extensions(), &denied);
                refused(response, &mut self.account)
            }
            Decided::Asking(asking) => State::Asking(Box::new((asking, Waiting { inner, req, is_degraded }))),
        }
    }

    /// The head is here.
    fn answered(&mut self, response: Response<ResBody>) -> State<S, ReqBody, ResBody> {
        let (head, body) = response.into_parts();
        self.account.head(&head);
        let room = self.account.gathers();
        State::Gathering(Gathering::new(head, body, room))
    }

    /// All that is to stand in the head is known, or will not be.
    fn respond(&mut self, gathered: Gathering<ResBody>) -> Response<CostBody<ResBody, O::Tab>> {
        let (mut head, ahead, body) = gathered.into_parts();
        let mut account = self.account.take();
        if let Some(value) = account.known().and_then(header) {
            head.headers.insert(COST_HEADER, value);
        }
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            // It has no body whose end could be watched.
            head.extensions.insert(Upgraded::new(account.take()));
        }
        Response::from_parts(head, CostBody::new(ahead, body, account))
    }
}

/// An answer of the layer's own goes out as it is.
fn refused<S, ReqBody, ResBody, T>(
    response: Response<ResBody>,
    account: &mut Account<T>,
) -> State<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
    ResBody: Body<Data = Bytes> + Unpin,
    T: super::Tab,
{
    let (head, body) = response.into_parts();
    account.head(&head);
    State::Gathering(Gathering::new(head, body, 0))
}

impl<S, O, A, R, ReqBody, ResBody> Future for ResponseFuture<S, O, A, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    O: OpenTab<Request<ReqBody>, S::Error>,
    A: Ask<Request<ReqBody>>,
    R: Respond<Denied, ResBody>,
    ResBody: Body<Data = Bytes> + Unpin + Send + 'static,
{
    type Output = Result<Response<CostBody<ResBody, O::Tab>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Nothing of it is pinned but what is boxed.
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Asking(asked) => {
                    let verdict = ready!(Pin::new(&mut asked.0).poll(cx));
                    let State::Asking(asked) = this.take() else { return Poll::Pending };
                    let (_, waiting) = *asked;
                    this.state = this.decided(verdict, waiting);
                }
                State::Calling(future) => match ready!(future.as_mut().poll(cx)) {
                    Ok(response) => this.state = this.answered(response),
                    Err(error) => {
                        this.state = State::Ended;
                        this.account.failed(|tab| this.shared.open.failed(tab, &error));
                        this.account.close(End::Error);
                        return Poll::Ready(Err(error));
                    }
                },
                State::Gathering(gathering) => {
                    ready!(gathering.poll(cx, &mut this.account));
                    let State::Gathering(gathered) = this.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(this.respond(gathered)));
                }
                // It is not polled after its end; were it so, it would wait for ever.
                State::Ended => return Poll::Pending,
            }
        }
    }
}

impl<S, O, A, R, ReqBody, ResBody> ResponseFuture<S, O, A, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    O: OpenTab<Request<ReqBody>, S::Error>,
    ResBody: Body<Data = Bytes> + Unpin + Send + 'static,
{
    fn take(&mut self) -> State<S, ReqBody, ResBody> {
        std::mem::replace(&mut self.state, State::Ended)
    }
}

// What is pinned is boxed.
impl<S, O, A, R, ReqBody, ResBody> Unpin for ResponseFuture<S, O, A, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    O: OpenTab<Request<ReqBody>, S::Error>,
    ResBody: Body<Data = Bytes> + Unpin + Send + 'static,
{
}

impl<S, O, A, R, ReqBody, ResBody> Drop for ResponseFuture<S, O, A, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    O: OpenTab<Request<ReqBody>, S::Error>,
    ResBody: Body<Data = Bytes> + Unpin + Send + 'static,
{
    fn drop(&mut self) {
        match self.take() {
            State::Calling(future) => self.account.leave(|account| read_answer(account, future)),
            State::Gathering(gathered) => {
                if let (_, _, Some(body)) = gathered.into_parts() {
                    self.account.leave(|account| read_body(account, body));
                }
            }
            State::Asking(_) | State::Ended => {}
        }
    }
}

impl<S, O, A, R, ReqBody, ResBody> std::fmt::Debug for ResponseFuture<S, O, A, R, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    O: OpenTab<Request<ReqBody>, S::Error>,
    ResBody: Body<Data = Bytes> + Unpin + Send + 'static,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

fn header(cost: Money) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from(cost.to_string())).ok()
}
