use std::fmt;
use std::time::Duration;

use crate::store::REPLICA_LIFETIME;
use crate::{Algorithm, Rule};

/// What the scripts need to know of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terms {
    Window { limit: u64, window: u64 },
    Gcra { limit: u64, window: u64, burst: u64 },
    Count { limit: u64 },
}

impl Terms {
    pub(super) fn new(rule: &Rule) -> Self {
        let (limit, window) = (number(rule.limit), micros(rule.window).max(1));
        match rule.algorithm {
            _ if rule.measure.is_concurrent() => Self::Count { limit },
            Algorithm::SlidingWindow => Self::Window { limit, window },
            Algorithm::Gcra { burst } => Self::Gcra { limit: limit.max(1), window, burst: number(burst) },
        }
    }

    /// The kind of counter and three terms, as the scripts read them.
    pub(super) fn numbers(self) -> [u64; 4] {
        match self {
            // A slot is a fifteenth: the newest of sixteen may have just begun.
            Self::Window { limit, window } => [0, limit, window.div_ceil(15), 0],
            Self::Gcra { limit, window, burst } => [1, limit, window, burst],
            Self::Count { limit } => [2, limit, micros(REPLICA_LIFETIME), 0],
        }
    }
}

/// Writes what tells counters apart that cannot go on as each other.
impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window { window, .. } => write!(f, "w{window}"),
            Self::Gcra { limit, window, .. } => write!(f, "g{window}/{limit}"),
            Self::Count { .. } => f.write_str("c"),
        }
    }
}

/// The scripts' numbers have 53 bits; half of that leaves room for sums.
pub(super) fn number(amount: u64) -> u64 {
    amount.min(1 << 52)
}

/// Rounded up: a window is never shorter than the rule says.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX)
}
