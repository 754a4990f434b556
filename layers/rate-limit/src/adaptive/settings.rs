use std::time::Duration;

/// How an upstream is treated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How many requests may always be in flight at once.
    pub floor: usize,
    /// How many requests may be in flight at once at most, whatever the upstream could do.
    pub ceiling: usize,
    /// What is left of the limit when the upstream refuses: more than 0, less than 1.
    pub backoff: f64,
    /// How many times the usual a first byte may take before it is overdue: more than 1.
    pub tolerance: f64,
    /// Over what time the upstream is watched before it is judged, where its first bytes come faster.
    pub shortest_window: Duration,
    /// After what time without need a limit is lifted.
    pub reopen: Duration,
    /// How long a request waits at most.
    pub max_wait: Duration,
    /// How many requests wait at most; none where it is zero.
    pub max_waiting: usize,
    /// Who of those who wait and matter as much is next.
    pub order: Order,
    /// Of how many models something is known at once. The rest are taken for one.
    pub max_models: usize,
    /// For how long a provider's word keeps from asking it. After that one request tries.
    pub longest_hold: Duration,
}

/// Who of those who wait and matter as much is next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Who came first. Where more come than can be served for long, all wait for almost as long as they may.
    Oldest,
    /// Who came first, but who came last where he who came first has waited for a quarter of the time that
    /// he may: those who can be served are served fast, and some would have waited in vain anyway.
    ///
    /// Source: adaptive LIFO, Maurer, "Fail at Scale", ACM Queue 13(8), 2015.
    #[default]
    NewestUnderLoad,
}

impl Default for Settings {
    /// Between 1 and 1,000 in flight; 100 may wait, for 5 s.
    ///
    /// `backoff` is that of CUBIC (RFC 9438 §4.6), `tolerance` that of Gradient2 of Netflix's
    /// concurrency-limits.
    fn default() -> Self {
        Self {
            floor: 1,
            ceiling: 1_000,
            backoff: 0.7,
            tolerance: 1.5,
            shortest_window: Duration::from_millis(100),
            reopen: Duration::from_mins(1),
            max_wait: Duration::from_secs(5),
            max_waiting: 100,
            order: Order::default(),
            max_models: 64,
            longest_hold: Duration::from_mins(5),
        }
    }
}

impl Settings {
    /// The nearest settings that make sense.
    pub(super) fn sane(self) -> Self {
        let or = |value: f64, usual: f64| if value.is_finite() { value } else { usual };
        let floor = self.floor.max(1);
        Self {
            floor,
            ceiling: self.ceiling.max(floor),
            backoff: or(self.backoff, 0.7).clamp(0.1, 0.95),
            tolerance: or(self.tolerance, 1.5).clamp(1.1, 100.0),
            shortest_window: self.shortest_window.max(Duration::from_millis(1)),
            max_wait: self.max_wait.min(LONGEST),
            longest_hold: self.longest_hold.min(LONGEST),
            ..self
        }
    }
}

/// What can be added to any time.
const LONGEST: Duration = Duration::from_hours(24);
