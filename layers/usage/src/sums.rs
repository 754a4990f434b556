use std::ops::AddAssign;

use tollway_core::{Money, Usage};

use crate::row::{TOKENS, usage};

/// What was added up of requests and attempts.
///
/// A request is counted once, at the provider and the model of its **last** attempt; each attempt at its own.
/// So that both are right in any report: the sum over all providers is the number of requests, and no
/// provider bears the cost of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// Requests of which the client got no whole answer, or one with a status of 400 and above. Those that
    /// it left itself are not among them.
    pub errors: u64,
    /// Requests that were answered out of the cache.
    pub cached: u64,
    /// What that saved.
    pub saved: Money,
    /// Tries at providers.
    pub attempts: u64,
    /// What they came to, as far as there are prices.
    pub cost: Money,
    /// Attempts that cost something for which there is no price.
    pub unpriced: u64,
    /// Attempts whose cost was counted here, as the provider did not tell.
    pub estimated: u64,
    /// Tokens by class.
    pub usage: Usage,
}

/// How many numbers there are.
pub(crate) const WIDTH: usize = COUNTS.len() + TOKENS.len();

/// The columns before the tokens.
pub(crate) const COUNTS: [&str; 8] =
    ["requests", "errors", "cached", "saved", "attempts", "cost", "unpriced", "estimated"];

impl Sums {
    /// Reads them in the order of their columns.
    pub(crate) fn from_numbers(numbers: [i64; WIDTH]) -> Self {
        let [requests, errors, cached, saved, attempts, cost, unpriced, estimated, tokens @ ..] = numbers;
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Self {
            requests: count(requests),
            errors: count(errors),
            cached: count(cached),
            saved: Money::from_nanos(saved),
            attempts: count(attempts),
            cost: Money::from_nanos(cost),
            unpriced: count(unpriced),
            estimated: count(estimated),
            usage: usage(tokens),
        }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, more: Self) {
        let Self { requests, errors, cached, saved, attempts, cost, unpriced, estimated, usage } = more;
        self.requests = self.requests.saturating_add(requests);
        self.errors = self.errors.saturating_add(errors);
        self.cached = self.cached.saturating_add(cached);
        self.saved = self.saved.saturating_add(saved);
        self.attempts = self.attempts.saturating_add(attempts);
        self.cost = self.cost.saturating_add(cost);
        self.unpriced = self.unpriced.saturating_add(unpriced);
        self.estimated = self.estimated.saturating_add(estimated);
        self.usage += usage;
    }
}
