use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tollway_core::{Extract, Respond};
use tower_service::Service;

use crate::body::{LimitedBody, Settling};
use crate::future::{ResponseFuture, Waiting};
use crate::layer::Parts;
use crate::{Dimensions, Estimate, Headers, Learn, Refused, Verdict};

/// The service of [`RateLimitLayer`](crate::RateLimitLayer).
#[derive(Debug)]
pub struct RateLimit<S, X, L, R> {
    pub(crate) inner: S,
    pub(crate) parts: Arc<Parts<X, L, R>>,
}

impl<S: Clone, X, L, R> Clone for RateLimit<S, X, L, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), parts: self.parts.clone() }
    }
}

impl<S, X, L, R, ReqBody, ResBody> Service<Request<ReqBody>> for RateLimit<S, X, L, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    X: Extract<(Dimensions, Estimate), Request<ReqBody>>,
    L: Learn<Request<ReqBody>>,
    L::Watch: Send + 'static,
    R: Respond<Refused, ResBody>,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<LimitedBody<ResBody, L::Watch>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, X, L, R, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<ReqBody>) -> Self::Future {
        let parts = &self.parts;
        let Some((dimensions, estimate)) = parts.extract.extract(&req) else {
            return ResponseFuture::calling(self.inner.call(req), Settling::default(), Headers::None);
        };
        let headers = (parts.headers)(req.extensions());
        let now = tokio::time::Instant::now().into_std();
        match parts.limiter.decide(now, &dimensions, &estimate) {
            Verdict::Granted(reservation) => {
                let settling = Settling::new(reservation, parts.learn.watch(&req));
                ResponseFuture::calling(self.inner.call(req), settling, headers)
            }
            Verdict::Refused(refused) => {
                let mut response = parts.respond.respond(req.extensions(), &refused);
                headers.write_refusal(response.headers_mut(), &refused, SystemTime::now());
                ResponseFuture::refused(response)
            }
            Verdict::Asking(asking) => {
                // The clone that is ready goes with the request, the other has to become so again.
                let ready = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, ready);
                ResponseFuture::asking(asking, Waiting { inner, req, headers, parts: parts.clone() })
            }
        }
    }
}
