use std::time::Duration;

/// How budgets are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How many subjects of a budget are counted apart. When so many have spent something in the running
    /// period, all further ones are counted together, as one: nothing that counts is ever forgotten.
    pub most_subjects: usize,
    /// How long a request waits for the store.
    pub store_timeout: Duration,
    /// After what time a store that failed is asked again; twice that after each further failure.
    pub store_retry: Duration,
    /// How many replicas share a budget while the store does not answer.
    pub replicas: u32,
}

impl Default for Settings {
    /// 100,000 subjects, 50 ms for the store, 100 ms until it is asked again, one replica.
    fn default() -> Self {
        Self {
            most_subjects: 100_000,
            store_timeout: Duration::from_millis(50),
            store_retry: Duration::from_millis(100),
            replicas: 1,
        }
    }
}
