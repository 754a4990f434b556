use std::sync::Arc;
use std::time::Duration;

use crate::Rule;

/// How a subject stands with a rule.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The rule.
    pub rule: Arc<Rule>,
    /// How much counts now. Of a shared rule: what passed here, times the number of replicas.
    pub used: u64,
    /// How much is left.
    pub remaining: u64,
    /// In what time nothing counts any more if nothing more is taken.
    pub reset: Duration,
}
