use std::time::Duration;

/// What a [`Limiter`](crate::Limiter) needs to know besides its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most subjects a rule holds. Where more are there within a window, one of a few is forgotten
    /// for each that comes, the one that would be over first: it may use its limit anew. A subject of
    /// a sliding window takes some 150 bytes, one of an even flow some 60.
    pub max_subjects: usize,
    /// How many replicas there are until a [`Store`](crate::Store) says so.
    pub replicas: u32,
    /// How long a decision waits for the store at most. When it has, the breaker opens: no decision
    /// asks the store any more until it has answered again.
    pub store_timeout: Duration,
    /// After what time a store that failed is asked again. Doubles with each failure, up to a second.
    pub store_retry: Duration,
}

impl Default for Settings {
    /// A million subjects a rule, one replica, 50 ms for the store, and again after 100 ms.
    fn default() -> Self {
        Self {
            max_subjects: 1_000_000,
            replicas: 1,
            store_timeout: Duration::from_millis(50),
            store_retry: Duration::from_millis(100),
        }
    }
}
