use std::{fmt::Debug, sync::Arc, time::SystemTime};

use tollway_core::Money;

use super::Per;

/// So many percent of a budget are spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossed {
    /// The budget's name.
    pub budget: Arc<str>,
    /// Whose spending it counts apart.
    pub per: Per,
    /// Whose it was; empty where all is counted together.
    pub subject: Arc<str>,
    /// The threshold.
    pub percent: u8,
    /// What was spent then.
    pub spent: Money,
    /// How much at most.
    pub amount: Money,
    /// From when to when the period is, as [`Period::bounds`](super::Period::bounds) tells.
    pub period: (SystemTime, SystemTime),
}

/// Hears when thresholds are crossed: once for each subject, threshold and period, in all replicas.
///
/// Called where a request is decided or settled, so it must not wait: logs, counts, or puts into a queue.
/// Where the store does not answer, each replica tells on its own: twice rather than not at all.
pub trait Watch: Debug + Send + Sync + 'static {
    /// A threshold is crossed.
    fn crossed(&self, crossed: &Crossed);
}
