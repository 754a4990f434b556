use std::sync::Arc;

use tollway_core::Priority;

use crate::Estimate;

/// What a request asks of an upstream.
#[derive(Clone, Debug)]
pub struct Demand {
    /// The model's name at the provider. Limits of providers are by model.
    pub model: Arc<str>,
    /// How much it matters when not all can be served.
    pub priority: Priority,
    /// What it is expected to take of the provider's limits.
    pub estimate: Estimate,
    /// Whether the time to its first byte says how the upstream fares. It does where the answer is
    /// streamed; else that time is as long as the answer.
    pub is_measured: bool,
}

impl Demand {
    /// Of a request for a model, of normal priority, that is expected to take no tokens.
    pub fn new(model: impl Into<Arc<str>>) -> Self {
        let (priority, estimate) = (Priority::default(), Estimate::default());
        Self { model: model.into(), priority, estimate, is_measured: false }
    }

    /// With another priority.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    /// With what it is expected to take. Where the answer is streamed, its first byte is measured.
    #[must_use]
    pub fn estimate(self, estimate: Estimate) -> Self {
        Self { estimate, is_measured: estimate.stream, ..self }
    }
}
