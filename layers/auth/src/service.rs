use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tollway_core::{Caller, Exchange, Respond};
use tower_service::Service;

use crate::auth::Answer;
use crate::layer::Asks;
use crate::{Auth, ClientAddress, Error, KeyLimits, Presented, ResponseFuture, Verified, metered, presented};

/// The service of [`AuthLayer`](crate::AuthLayer).
#[derive(Clone, Debug)]
pub struct AuthService<S, R> {
    inner: S,
    gate: Arc<Gate<R>>,
}

/// All that a decision needs, in one `Arc`: a request that waits holds it, and a clone is one count.
#[derive(Debug)]
pub(crate) struct Gate<R> {
    auth: Arc<Auth>,
    respond: R,
    asks: Asks,
}

impl<S, R> AuthService<S, R> {
    pub(crate) fn new(inner: S, auth: Arc<Auth>, respond: R, asks: Asks) -> Self {
        Self { inner, gate: Arc::new(Gate { auth, respond, asks }) }
    }
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for AuthService<S, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    R: Respond<Error, ResBody>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, R, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut req: Request<ReqBody>) -> Self::Future {
        match self.gate.ask(&req) {
            Answer::Ready(decision) => match self.gate.pass(decision, &mut req) {
                Ok(()) => ResponseFuture::inner(self.inner.call(req)),
                Err(response) => ResponseFuture::refused(response),
            },
            Answer::Wait(pending, index) => {
                // The clone that was made ready is the one that is called when the decision is there.
                let clone = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, clone);
                ResponseFuture::waiting(pending, index, inner, self.gate.clone(), req)
            }
        }
    }
}

impl<R> Gate<R> {
    fn ask<B>(&self, req: &Request<B>) -> Answer {
        let presented = Presented::of(req);
        self.auth.ask(0, &presented, self.client(&presented), (self.asks.clock)())
    }

    /// Goes on with what a method has decided after a while.
    pub(crate) fn resume<B>(&self, decision: (crate::Decision, usize), req: &Request<B>) -> Answer {
        let presented = Presented::of(req);
        self.auth.resume(decision, &presented, self.client(&presented), (self.asks.clock)())
    }

    /// Makes the request ready to go on inward, or says how it is answered.
    pub(crate) fn pass<B, ResBody>(
        &self,
        decision: Result<Verified, Error>,
        req: &mut Request<B>,
    ) -> Result<(), Response<ResBody>>
    where
        R: Respond<Error, ResBody>,
    {
        let client = self.client(&Presented::of(req));
        // For whatever stands outside and writes logs, of those that are refused too.
        if let Some(exchange) = req.extensions().get::<Arc<Exchange>>() {
            if let Some(ClientAddress(address)) = client {
                exchange.set_client(address);
            }
            if let Ok(verified) = &decision {
                exchange.set_caller(verified.caller.clone());
            }
        }
        let verified = decision.and_then(|verified| {
            self.check(&verified.caller, req.uri().path())?;
            Ok(verified)
        });
        let verified = verified.map_err(|error| {
            metered::refused(&error);
            self.respond.respond(req.extensions(), &error)
        })?;
        if let Some(client) = client {
            req.extensions_mut().insert(client);
        }
        presented::take_off(req, &verified.way);
        if let Some(limits) = verified.limits {
            req.extensions_mut().insert(KeyLimits(limits));
        }
        req.extensions_mut().insert(verified.caller);
        Ok(())
    }

    /// What can be told of a caller before the body is read.
    fn check(&self, caller: &Caller, path: &str) -> Result<(), Error> {
        if let Some(scope) = &self.asks.scope
            && !caller.has_scope(scope)
        {
            return Err(Error::Scope { scope: (&**scope).into() });
        }
        if caller.routes.allows(path) { Ok(()) } else { Err(Error::Route { route: path.into() }) }
    }

    fn client(&self, presented: &Presented<'_>) -> Option<ClientAddress> {
        self.auth.client((self.asks.peer)(presented.extensions), presented)
    }
}
