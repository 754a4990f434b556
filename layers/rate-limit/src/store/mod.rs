//! What replicas share: the counters of shared rules, behind a trait.

mod memory;

#[cfg(feature = "redis")]
pub mod redis;

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use self::memory::MemoryStore;
use crate::Rule;

/// The counters of shared rules, in a place that all replicas reach.
///
/// Time is the store's: no method is given any, so that replicas may have clocks of their own. A
/// store counts as [`Algorithm`](crate::Algorithm) says, never less: an amount granted to a sliding
/// window counts for at least the window from when it was granted.
///
/// Nobody waits long for a store: futures that take longer than the breaker allows are carried to
/// their end in the background, and what they grant is given back. So a future must not need to be
/// polled by whoever asked for it, and must end, by an error if by nothing else.
pub trait Store: Debug + Send + Sync + 'static {
    /// Takes from all rules or from none: one atomic decision.
    fn take(&self, asks: Vec<Ask>) -> Pending<Taken>;

    /// Corrects what was taken earlier. Each correction holds, whatever the limit.
    fn settle(&self, corrections: Vec<Correction>) -> Pending<()>;

    /// Says that this replica lives, and what it holds of concurrent rules, each second or so.
    ///
    /// `held` makes the list, and is called once; or not at all, where the store cannot tell yet when the
    /// list will be heard, as it has to connect: then it is asked once more when it has answered. Decisions go on while it is made: what was asked of the
    /// store before `held` was called stands in it, and what is asked after that does not. The store
    /// brings this replica's count of each subject named to what the list allows, so that a store that
    /// lost its memory learns it again, and never below what may be held. What is not named stays as it
    /// is. What a replica holds is free once it has not been heard of for [`REPLICA_LIFETIME`].
    fn beat(&self, held: &mut dyn FnMut() -> Vec<Held>) -> Pending<Pulse>;
}

/// After what silence a replica counts as gone.
pub const REPLICA_LIFETIME: Duration = Duration::from_secs(10);

/// What a store promises.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// What is wanted of one shared rule.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Who is counted, as [`Subject`](crate::Subject) writes it. Unique in the rule only.
    pub subject: Arc<str>,
    /// Without so much the ask is refused.
    pub need: u64,
    /// So much is taken if it is there: what is more than `need` is the replica's lease.
    pub want: u64,
}

/// What became of asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Every rule gave what was needed. In the order of the asks.
    Granted(Vec<Grant>),
    /// Some rule did not, so that none gave anything. Those that did not, in the order of the asks.
    Refused(Vec<Shortage>),
}

/// What a rule gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// How much: from `need` to `want`.
    pub amount: u64,
    /// Where it was counted, in words of the store's own, which a [`Correction`] repeats.
    pub mark: u64,
    /// How much is left after it.
    pub remaining: u64,
    /// In what time nothing is taken any more, if no more is taken.
    pub reset: Duration,
}

/// What a rule could not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Which of the asks.
    pub index: usize,
    /// After what time there will be enough, if no more is taken.
    pub retry_after: Duration,
    /// How much is left.
    pub remaining: u64,
    /// In what time nothing is taken any more, if no more is taken.
    pub reset: Duration,
}

/// A correction of what was taken.
#[derive(Clone, Debug)]
pub struct Correction {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Who is counted.
    pub subject: Arc<str>,
    /// Where it was counted: as the [`Grant`] said.
    pub mark: u64,
    /// What comes back: was taken there and will not be used. Where the rule is concurrent, permits
    /// that are free again. No effect where it no longer counts.
    pub back: u64,
    /// What is taken now beyond what was granted, even beyond the limit.
    pub more: u64,
}

/// What a replica holds of a concurrent rule.
#[derive(Clone, Debug)]
pub struct Held {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Who is counted.
    pub subject: Arc<str>,
    /// How many permits: granted, and not given back so far as the store has heard.
    pub permits: u64,
    /// How many more it may hold: those it has asked for and has no answer about.
    pub asked: u64,
}

/// What a store knows of all replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// How many live, the one that asks among them.
    pub replicas: u32,
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
