use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tollway_core::Respond;
use tower_service::Service;

use super::account::Account;
use super::decide::{Decided, decide};
use super::future::Waiting;
use super::{Ask, CostBody, OpenTab, ResponseFuture, Shared};
use crate::budget::Denied;

/// The service of [`CostLayer`](super::CostLayer).
#[derive(Debug)]
pub struct CostService<S, O, A, R> {
    pub(crate) inner: S,
    pub(crate) shared: Arc<Shared<O, A, R>>,
}

impl<S: Clone, O, A, R> Clone for CostService<S, O, A, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: self.shared.clone() }
    }
}

impl<S, O, A, R, ReqBody, ResBody> Service<Request<ReqBody>> for CostService<S, O, A, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    O: OpenTab<Request<ReqBody>, S::Error>,
    A: Ask<Request<ReqBody>>,
    R: Respond<Denied, ResBody>,
    ResBody: Body<Data = Bytes> + Unpin + Send + 'static,
{
    type Response = Response<CostBody<ResBody, O::Tab>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, O, A, R, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut req: Request<ReqBody>) -> Self::Future {
        let shared = &self.shared;
        let mut account = Account::new(shared.open.open(&req));
        let mut is_degraded = false;
        match decide(shared, &mut req, &mut is_degraded) {
            Decided::Go(reservation) => {
                account.reserve(reservation);
                ResponseFuture::calling(self.inner.call(req), account, shared.clone())
            }
            Decided::Denied(denied) => {
                let response = shared.respond.respond(req.extensions(), &denied);
                ResponseFuture::refused(response, account, shared.clone())
            }
            Decided::Asking(asking) => {
                // The clone that is ready goes with the request, the other has to become so again.
                let ready = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, ready);
                let waiting = Waiting { inner, req, is_degraded };
                ResponseFuture::asking(asking, waiting, account, shared.clone())
            }
        }
    }
}
