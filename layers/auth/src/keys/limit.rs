use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A limit that a key brings along, as plain data for whoever enforces it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// What is counted.
    pub measure: Measure,
    /// How much of it at most.
    pub limit: u64,
    /// In how long a time. Without meaning where the measure is concurrent.
    #[serde(default, rename = "window_ms", with = "crate::time::duration")]
    pub window: Duration,
    /// How much at once, where the rest is to flow evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u64>,
}

/// What a [`Limit`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// Requests.
    Requests,
    /// Tokens that go in.
    InputTokens,
    /// Tokens that come out.
    OutputTokens,
    /// Both together.
    TotalTokens,
    /// Requests at the same time.
    ConcurrentRequests,
    /// Streamed answers at the same time.
    ConcurrentStreams,
}

impl Measure {
    /// Whether it counts what goes on at the same time, and so has no window.
    pub const fn is_concurrent(self) -> bool {
        matches!(self, Self::ConcurrentRequests | Self::ConcurrentStreams)
    }
}

/// The limits of the key that a request was made with. Stands in the extensions where there are any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLimits(pub Arc<[Limit]>);
