use std::sync::Arc;

use tollway_core::FromExtensions;
use tower_layer::Layer;

use super::service::AdaptiveLimit;
use super::{Adaptive, AsResponse, ByStatus, Demand};

/// Sends an upstream what it can take, keeps some of the rest waiting, and answers the others.
///
/// - `X` says what a request asks of the upstream: an [`Extract`](tollway_core::Extract) of a [`Demand`].
///   By default that is in the request's extensions. A request of which it says nothing is sent on and not
///   counted.
/// - `C` finds out how the upstream fares: a [`Classify`](super::Classify). By default by the status.
/// - `R` answers those who are sent away, or fails them: a [`Refuse`](super::Refuse). By default with a status
///   and an empty body. `retry-after` is added to responses without.
#[derive(Debug)]
pub struct AdaptiveLayer<X = FromExtensions<Demand>, C = ByStatus, R = AsResponse> {
    parts: Arc<Parts<X, C, R>>,
}

/// What all services of a layer share.
#[derive(Clone, Debug)]
pub(super) struct Parts<X, C, R> {
    pub(super) adaptive: Arc<Adaptive>,
    pub(super) extract: X,
    pub(super) classify: C,
    pub(super) refuse: R,
}

impl AdaptiveLayer {
    /// For one upstream. All who ask it share its [`Adaptive`].
    pub fn new(adaptive: Arc<Adaptive>) -> Self {
        Self::with(adaptive, FromExtensions::new(), ByStatus, AsResponse::default())
    }
}

impl<X, C, R> AdaptiveLayer<X, C, R> {
    /// For one upstream, that is asked what `extract` says, fares as `classify` says, and in whose stead
    /// `refuse` answers.
    pub fn with(adaptive: Arc<Adaptive>, extract: X, classify: C, refuse: R) -> Self {
        Self { parts: Arc::new(Parts { adaptive, extract, classify, refuse }) }
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
