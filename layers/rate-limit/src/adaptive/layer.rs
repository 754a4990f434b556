use std::sync::Arc;

use tollway_core::{FromExtensions, StatusOnly};
use tower_layer::Layer;

use super::service::AdaptiveLimit;
use super::{Adaptive, ByStatus, Demand};

/// Sends an upstream what it can take, keeps some of the rest waiting, and answers the others.
///
/// - `X` says what a request asks of the upstream: an [`Extract`](tollway_core::Extract) of a [`Demand`].
///   By default that is in the request's extensions. A request of which it says nothing is sent on and not
///   counted.
/// - `C` finds out how the upstream fares: a [`Classify`](super::Classify). By default by the status.
/// - `R` answers those who are sent away: a [`Respond`](tollway_core::Respond)`<`[`Refused`](super::Refused)`>`.
///   By default with a status and an empty body. `retry-after` is added where it leaves it out.
#[derive(Debug)]
pub struct AdaptiveLayer<X = FromExtensions<Demand>, C = ByStatus, R = StatusOnly> {
    parts: Arc<Parts<X, C, R>>,
}

/// What all services of a layer share.
#[derive(Clone, Debug)]
pub(super) struct Parts<X, C, R> {
    pub(super) adaptive: Arc<Adaptive>,
    pub(super) extract: X,
    pub(super) classify: C,
    pub(super) respond: R,
}

impl AdaptiveLayer {
    /// For one upstream. All who ask it share its [`Adaptive`].
    pub fn new(adaptive: Arc<Adaptive>) -> Self {
        Self::with(adaptive, FromExtensions::new(), ByStatus, StatusOnly)
    }
}

impl<X, C, R> AdaptiveLayer<X, C, R> {
    /// For one upstream, that is asked what `extract` says, fares as `classify` says, and in whose stead
    /// `respond` answers.
    pub fn with(adaptive: Arc<Adaptive>, extract: X, classify: C, respond: R) -> Self {
        Self { parts: Arc::new(Parts { adaptive, extract, classify, respond }) }
    }
}

impl<X, C, R> Clone for AdaptiveLayer<X, C, R> {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone() }
    }
}

impl<S, X, C, R> Layer<S> for AdaptiveLayer<X, C, R> {
    type Service = AdaptiveLimit<S, X, C, R>;

    fn layer(&self, inner: S) -> Self::Service {
        AdaptiveLimit { inner, parts: self.parts.clone() }
    }
}
