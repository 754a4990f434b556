use std::sync::Arc;
use std::time::Duration;

use tollway_core::Allowed;

use crate::{Dimension, Measure, Per, RuleError};

/// One limit: so much of a measure, by each subject, in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name, by which a refusal says whose limit was reached. No two rules share one.
    pub name: Arc<str>,
    /// What is counted.
    pub measure: Measure,
    /// What is counted apart. A request that lacks the value of one of them is not under the rule.
    pub per: Per,
    /// How much at most.
    pub limit: u64,
    /// In how long a time. Without meaning where the measure is concurrent.
    pub window: Duration,
    /// How it is counted. Without meaning where the measure is concurrent.
    pub algorithm: Algorithm,
    /// Which requests are under the rule: those whose value is allowed in every dimension named here.
    pub only: Vec<(Dimension, Allowed)>,
    /// Where it is counted.
    pub place: Place,
}

/// How amounts are counted over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// Never more than the limit in any window, wherever it begins.
    #[default]
    SlidingWindow,
    /// The generic cell rate algorithm: an even flow of `limit` in `window`, and up to `burst` at once.
    Gcra {
        /// The most that passes at once.
        burst: u64,
    },
}

/// Where a rule's counters are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// In this process: every replica grants the whole limit.
    #[default]
    Local,
    /// In the [`Store`](crate::Store) that all replicas share.
    Shared {
        /// How much a replica takes in advance.
        lease: Lease,
        /// What holds while the store does not answer.
        on_failure: OnFailure,
    },
}

/// What a replica takes from a shared rule in advance, to decide on its own.
///
/// Whatever stands unspent at the beginning of a window may be spent in it, so that each replica may
/// overshoot a window's limit by `amount`, and at most for `lifetime` after it was taken. Where
/// `amount` is zero each request asks the store and nothing overshoots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The most that a replica holds unspent for a subject.
    pub amount: u64,
    /// After what time the rest is given back.
    pub lifetime: Duration,
}

impl Lease {
    /// Nothing in advance.
    pub const NONE: Self = Self { amount: 0, lifetime: Duration::ZERO };
}

/// What holds for a shared rule while the store does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Each replica grants its share: the limit divided by the number of replicas last known.
    #[default]
    Local,
    /// Everything passes.
    Open,
    /// Nothing passes.
    Closed,
}

impl Rule {
    /// A sliding window of this process, over all requests together. Change the fields for others.
    pub fn new(name: impl Into<Arc<str>>, measure: Measure, limit: u64, window: Duration) -> Self {
        Self {
            name: name.into(),
            measure,
            per: Per::ALL_TOGETHER,
            limit,
            window,
            algorithm: Algorithm::SlidingWindow,
            only: Vec::new(),
            place: Place::Local,
        }
    }

    /// A limit on what goes on at the same time.
    pub fn concurrent(name: impl Into<Arc<str>>, measure: Measure, limit: u64) -> Self {
        Self::new(name, measure, limit, Duration::ZERO)
    }

    /// Counts apart by these dimensions.
    #[must_use]
    pub fn per(mut self, per: impl Into<Per>) -> Self {
        self.per = per.into();
        self
    }

    /// Lets up to `burst` pass at once and the rest flow evenly.
    #[must_use]
    pub const fn gcra(mut self, burst: u64) -> Self {
        self.algorithm = Algorithm::Gcra { burst };
        self
    }

    /// Counts in the store that all replicas share.
    #[must_use]
    pub const fn shared(mut self, lease: Lease, on_failure: OnFailure) -> Self {
        self.place = Place::Shared { lease, on_failure };
        self
    }

    /// Holds only for requests whose value in `dimension` is allowed.
    #[must_use]
    pub fn only(mut self, dimension: Dimension, values: Allowed) -> Self {
        self.only.push((dimension, values));
        self
    }

    /// The most that can pass at once.
    pub const fn most(&self) -> u64 {
        match self.algorithm {
            Algorithm::Gcra { burst } if !self.measure.is_concurrent() => burst,
            _ => self.limit,
        }
    }

    /// Whether the rule can be kept as it is written.
    pub fn check(&self) -> Result<(), RuleError> {
        let wrong = |what| Err(RuleError::Field { rule: self.name.clone(), what });
        if self.name.is_empty() {
            return wrong("name: must not be empty");
        }
        if !self.measure.is_concurrent() {
            if self.window < Duration::from_millis(1) {
                return wrong("window: must be at least 1 ms");
            }
            if self.window > Duration::from_hours(400 * 24) {
                return wrong("window: must be at most 400 days");
            }
            if let Algorithm::Gcra { burst } = self.algorithm {
                if burst == 0 {
                    return wrong("burst: must be at least 1");
                }
                // One a nanosecond is the finest this algorithm's clock can tell apart.
                if u128::from(self.limit) > self.window.as_nanos() {
                    return wrong("limit: must be at most one a nanosecond");
                }
                if self.limit == 0 {
                    return wrong("limit: must be at least 1");
                }
                if u128::from(burst) * self.window.as_nanos() / u128::from(self.limit) > MOST_TICKS {
                    return wrong("burst: must not take longer than 10 years to flow back");
                }
            }
        }
        if let Place::Shared { lease, .. } = self.place
            && lease.amount > 0
        {
            if lease.lifetime.is_zero() {
                return wrong("lease: the lifetime must not be zero");
            }
            if lease.amount > self.most() {
                return wrong("lease: must not be larger than what can pass at once");
            }
        }
        Ok(())
    }
}

/// Ten years of nanoseconds.
const MOST_TICKS: u128 = 10 * 365 * 24 * 3600 * 1_000_000_000;
