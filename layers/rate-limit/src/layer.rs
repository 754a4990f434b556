use std::sync::Arc;

use http::Extensions;
use tollway_core::StatusOnly;
use tower_layer::Layer;

use crate::{Headers, KeepEstimate, Limiter, RateLimit};

/// Lets through what passes all rules of a [`Limiter`], and answers the rest.
///
/// - `X` says of a request under which names it is counted and what it is expected to take: an
///   [`Extract`](tollway_core::Extract) of `(Dimensions, Estimate)`. A request of which it says nothing
///   is under no rule.
/// - `L` finds out what it took: a [`Learn`](crate::Learn). By default the estimate stands.
/// - `R` answers refusals: a [`Respond`](tollway_core::Respond)`<`[`Refused`](crate::Refused)`>`. By
///   default with a status and an empty body.
#[derive(Clone, Debug)]
pub struct RateLimitLayer<X, L = KeepEstimate, R = StatusOnly> {
    parts: Arc<Parts<X, L, R>>,
}

/// What all services of a layer share.
#[derive(Debug)]
pub(crate) struct Parts<X, L, R> {
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) extract: X,
    pub(crate) learn: L,
    pub(crate) respond: R,
    pub(crate) headers: fn(&Extensions) -> Headers,
}

impl<X> RateLimitLayer<X> {
    /// Counts requests as `extract` says.
    pub fn new(limiter: &Limiter, extract: X) -> Self {
        Self::with(limiter, extract, KeepEstimate, StatusOnly)
    }
}

impl<X, L, R> RateLimitLayer<X, L, R> {
    /// Counts requests as `extract` says, settles them to what is learned, and answers by `respond`.
    pub fn with(limiter: &Limiter, extract: X, learn: L, respond: R) -> Self {
        let limiter = Arc::new(limiter.apart());
        let parts = Parts { limiter, extract, learn, respond, headers: |_| Headers::OpenAi };
        Self { parts: Arc::new(parts) }
    }

    /// Tells how a client stands in the headers that its request's extensions ask for; by default in
    /// OpenAI's.
    #[must_use]
    pub fn headers(self, headers: fn(&Extensions) -> Headers) -> Self
    where
        X: Clone,
        L: Clone,
        R: Clone,
    {
        let parts = &*self.parts;
        let parts = Parts {
            limiter: parts.limiter.clone(),
            extract: parts.extract.clone(),
            learn: parts.learn.clone(),
            respond: parts.respond.clone(),
            headers,
        };
        Self { parts: Arc::new(parts) }
    }
}

impl<S, X, L, R> Layer<S> for RateLimitLayer<X, L, R> {
    type Service = RateLimit<S, X, L, R>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit { inner, parts: self.parts.clone() }
    }
}
