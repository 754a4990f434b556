use tollway_core::{Money, Usage};
use tollway_usage::{Sums, UsageRow};

/// A row of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is about, in the order of the report's dimensions; none where requests had none: no team, or no
    /// provider as the answer came out of the cache.
    pub dimensions: Vec<Option<String>>,
    /// What it comes to.
    pub figures: Figures,
}

/// What requests come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Requests.
    pub requests: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Requests that were answered out of the cache.
    pub cached: u64,
    /// What that saved.
    pub saved: Money,
    /// Tries at providers.
    pub attempts: u64,
    /// What they cost, as far as there are prices.
    pub cost: Money,
    /// Attempts for which there is no price.
    pub unpriced: u64,
    /// Attempts whose cost was counted here.
    pub estimated: u64,
    /// Tokens by class.
    pub usage: Usage,
}

impl From<Sums> for Figures {
    fn from(sums: Sums) -> Self {
        let Sums { requests, errors, cached, saved, attempts, cost, unpriced, estimated, usage } = sums;
        Self { requests, errors, cached, saved, attempts, cost, unpriced, estimated, usage }
    }
}

impl From<UsageRow> for Row {
    fn from(row: UsageRow) -> Self {
        Self { dimensions: row.dimensions, figures: row.sums.into() }
    }
}

impl Figures {
    /// What is left of them, of what a report tells.
    pub(super) fn less(self, some: &Self) -> Self {
        let usage = Usage {
            input: self.usage.input.saturating_sub(some.usage.input),
            cached_input: self.usage.cached_input.saturating_sub(some.usage.cached_input),
            output: self.usage.output.saturating_sub(some.usage.output),
            ..Usage::default()
        };
        Self {
            requests: self.requests.saturating_sub(some.requests),
            errors: self.errors.saturating_sub(some.errors),
            cached: self.cached.saturating_sub(some.cached),
            saved: self.saved.saturating_sub(some.saved),
            attempts: self.attempts.saturating_sub(some.attempts),
            cost: self.cost.saturating_sub(some.cost),
            unpriced: self.unpriced.saturating_sub(some.unpriced),
            estimated: self.estimated.saturating_sub(some.estimated),
            usage,
        }
    }
}
