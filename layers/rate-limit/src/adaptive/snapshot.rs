use std::sync::Arc;
use std::time::Duration;

use crate::Measure;

/// How an upstream stands: plain numbers for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// How many requests may be in flight at once.
    pub limit: usize,
    /// Whether that is because of overload, and not the ceiling.
    pub is_limiting: bool,
    /// How many are in flight, to the end of their answers' bodies.
    pub in_flight: usize,
    /// For how many of them the first byte should have come.
    pub overdue: usize,
    /// How many wait, by priority, lowest first.
    pub waiting: [usize; 3],
    /// How many were sent on in all.
    pub sent: u64,
    /// How many were sent away because of overload, by priority, lowest first.
    pub shed: [u64; 3],
    /// How many were sent away because of the provider's own limits, by priority, lowest first.
    pub exhausted: [u64; 3],
    /// How many clients left while they waited.
    pub abandoned: u64,
    /// How many answers were refusals for overload, or came too late.
    pub refusals: u64,
    /// What is known by model.
    pub models: Vec<Learned>,
}

/// What is known of a model's limits at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Learned {
    /// The model's name at the provider.
    pub model: Arc<str>,
    /// For how long it is not asked.
    pub held: Option<Duration>,
    /// How its limits stand.
    pub limits: Vec<Standing>,
}

/// How a provider's limit stands, less what was sent since it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// What it counts.
    pub measure: Measure,
    /// How much in all, where that was told.
    pub limit: Option<u64>,
    /// How much is left.
    pub remaining: u64,
    /// When all is left again.
    pub reset: Duration,
}
