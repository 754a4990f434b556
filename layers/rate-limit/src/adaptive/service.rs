use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tollway_core::{Extract, FromExtensions};
use tower_service::Service;

use super::flight::{AdaptiveBody, Flight};
use super::future::{Held, ResponseFuture};
use super::layer::Parts;
use super::upstream::Entry;
use super::{AsResponse, ByStatus, Classify, Demand, Refuse};

/// The service of [`AdaptiveLayer`](super::AdaptiveLayer).
///
/// It is ready when its inner service is; who has to wait does so in the answer's future.
#[derive(Debug)]
pub struct AdaptiveLimit<S, X = FromExtensions<Demand>, C = ByStatus, R = AsResponse> {
    pub(super) inner: S,
    pub(super) parts: Arc<Parts<X, C, R>>,
}

impl<S: Clone, X, C, R> Clone for AdaptiveLimit<S, X, C, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), parts: self.parts.clone() }
    }
}

impl<S, X, C, R, ReqBody, ResBody> Service<Request<ReqBody>> for AdaptiveLimit<S, X, C, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    X: Extract<Demand, Request<ReqBody>>,
    C: Classify<S::Error>,
    R: Refuse<ResBody, S::Error>,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<AdaptiveBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, X, C, R, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<ReqBody>) -> Self::Future {
        let parts = &self.parts;
        let entry = match parts.extract.extract(&req) {
            Some(demand) => parts.adaptive.enter(&demand),
            None => Entry::Enter(Flight::NOBODYS),
        };
        match entry {
            Entry::Enter(flight) => ResponseFuture::calling(self.inner.call(req), flight, parts.clone()),
            Entry::Refuse(refused) => ResponseFuture::refused(parts.answer(&req, &refused)),
            Entry::Wait(waiting) => {
                // The clone that is ready goes with the request, the other has to become so again.
                let ready = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, ready);
                ResponseFuture::waiting(waiting, Held { inner, req }, parts.clone())
            }
        }
    }
}
