use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cell::Ticks;
use crate::key::{Hashed, Keying};
use crate::limit::Limit;
use crate::{Dimensions, Per, Rule, Settings, Shared};

/// The rules of a limiter and all that is counted.
#[derive(Debug)]
pub(crate) struct Counts {
    epoch: Instant,
    keying: Keying,
    /// All dimensions that some rule asks for.
    asked: Per,
    /// In the order in which they are locked.
    limits: Box<[Limit]>,
    shared: Option<Shared>,
}

impl Counts {
    pub(crate) fn new(mut rules: Vec<Arc<Rule>>, settings: &Settings, shared: Option<Shared>) -> Self {
        // What concerns few is locked first, so that what all meet at is held shortest.
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.per.iter().count()));
        let now = tokio::time::Instant::now().into_std();
        Self {
            // A little earlier, for who read the clock before.
            epoch: now.checked_sub(Duration::from_mins(1)).unwrap_or(now),
            keying: Keying::random(),
            asked: rules.iter().flat_map(|rule| rule.per.iter()).collect(),
            limits: rules.into_iter().map(|rule| Limit::new(rule, settings.max_subjects)).collect(),
            shared,
        }
    }

    pub(crate) fn limit(&self, index: u16) -> Option<&Limit> {
        self.limits.get(usize::from(index))
    }

    pub(crate) fn limits(&self) -> &[Limit] {
        &self.limits
    }

    pub(crate) const fn shared(&self) -> Option<&Shared> {
        self.shared.as_ref()
    }

    pub(crate) fn hash(&self, dimensions: &Dimensions) -> Hashed {
        self.keying.hash(dimensions, self.asked)
    }

    /// The clock of the runtime: what waits for a store cannot have the time as an argument.
    #[expect(clippy::unused_self, reason = "asked beside the other ways with time")]
    pub(crate) fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    pub(crate) fn ticks(&self, now: Instant) -> Ticks {
        u64::try_from(now.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(Ticks::MAX)
    }
}
