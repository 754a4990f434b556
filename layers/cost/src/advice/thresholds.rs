use crate::Money;

/// From when on something is worth saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// The least saving in a month.
    pub least: Money,
    /// After how many days without a request a key is idle.
    pub idle_days: u32,
    /// How many days before a model goes away that is told.
    pub retiring_days: u32,
    /// Of how many requests at least a pattern is made.
    pub requests: u64,
}

/// A dollar a month, thirty days without a request, four months before a retirement, a hundred requests.
impl Default for Thresholds {
    fn default() -> Self {
        Self { least: Money::from_nanos(1_000_000_000), idle_days: 30, retiring_days: 120, requests: 100 }
    }
}
