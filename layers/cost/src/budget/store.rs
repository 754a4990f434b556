//! The counters of shared budgets, behind a trait.

use std::{fmt::Debug, pin::Pin, sync::Arc};

/// What replicas share: what is spent of shared budgets, in a place that all of them reach.
///
/// Amounts are nano-dollars. Who asks does not wait long: futures that take longer than
/// [`Settings`](super::Settings) allow are carried to their end in the background, and what they grant is
/// given back. So a future must not need to be polled by whoever asked for it, and must end.
pub trait Store: Debug + Send + Sync + 'static {
    /// Takes from all or from none: one atomic decision.
    fn take(&self, asks: Vec<Ask>) -> Pending<Taken>;

    /// Corrects what was taken earlier, whatever the limit. Without corrections it says whether it answers.
    fn settle(&self, corrections: Vec<Correction>) -> Pending<()>;

    /// Whether the caller is the first to claim a threshold of a place under a mark.
    fn claim(&self, place: Spot, percent: u8) -> Pending<bool>;
}

/// What a store promises.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// Where an amount is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The name of what is counted together: a budget, a subject and, in a calendar, the period.
    pub key: Arc<str>,
    /// The number of the part in which it is counted: parts count until the sixteenth after them. Zero
    /// where the key is of one period.
    pub part: i64,
    /// After how many milliseconds nothing of it counts any more.
    pub lasts: i64,
}

/// What is wanted of one shared budget.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where it is counted.
    pub spot: Spot,
    /// How much at most.
    pub limit: i64,
    /// Without so much the ask is refused.
    pub need: i64,
    /// So much is taken if it is there: what is more than `need` is the replica's lease.
    pub want: i64,
    /// Whether `need` is taken in any case.
    pub is_forced: bool,
    /// What the replica knows to be counted there.
    pub known: i64,
    /// The epoch in which it heard that. In another one the store has lost its memory, and counts what is
    /// known at least.
    pub epoch: u64,
}

/// What became of asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether every budget gave what was needed. Else none gave anything.
    pub is_granted: bool,
    /// In the order of the asks.
    pub answers: Vec<Answer>,
}

/// How one ask was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How much was taken: from `need` to `want`; nothing where something was refused.
    pub granted: i64,
    /// Whether it was this one that had not enough.
    pub is_short: bool,
    /// What is counted there now.
    pub total: i64,
    /// The name of the store's memory of this spot.
    pub epoch: u64,
}

/// A correction of what was taken.
#[derive(Clone, Debug)]
pub struct Correction {
    /// Where it was counted.
    pub spot: Spot,
    /// What comes back. No effect where it no longer counts, or in another epoch.
    pub back: i64,
    /// What is taken now beyond what was granted.
    pub more: i64,
    /// In which epoch it was taken; zero is any.
    pub epoch: u64,
    /// What the replica knows to be counted there, without this.
    pub known: i64,
    /// The epoch in which it heard that.
    pub heard: u64,
}

/// Why a store did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// With a text that says what was tried.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// With the cause.
    pub fn with_source(
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { message: message.into(), source: Some(source.into()) }
    }
}
