//! What decides on a rule, and what stands against a request.

use std::time::Duration;

use crate::cell::{Lack, Ticks};
use crate::shared::Leased;
use crate::{OnFailure, Place, Rule};

/// What decides on a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Its counter.
    Here,
    /// The lease, which suffices.
    Leased,
    /// The store.
    Ask,
    /// The store has just refused, and will have enough in this time.
    Short(Duration),
    /// The store does not answer: this replica's share, of so many.
    Share(u64),
    /// The store does not answer: everything passes.
    Everything,
    /// The store does not answer: nothing passes.
    Nothing,
}

impl Plan {
    pub(crate) fn of_shared(
        held: Option<&mut Leased>,
        rule: &Rule,
        now: Ticks,
        need: u64,
        can_ask: bool,
        replicas: u64,
    ) -> Self {
        let (leased, wait) = held.map_or((false, None), |held| (held.has(now, need), held.wait(now, need)));
        match (rule.place, wait) {
            _ if leased => Self::Leased,
            (_, Some(wait)) if can_ask => Self::Short(wait),
            _ if can_ask => Self::Ask,
            (Place::Shared { on_failure: OnFailure::Open, .. }, _) => Self::Everything,
            (Place::Shared { on_failure: OnFailure::Closed, .. }, _) => Self::Nothing,
            (Place::Shared { on_failure: OnFailure::Local, .. } | Place::Local, _) => Self::Share(replicas),
        }
    }
}

/// Why a request may not pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hindrance {
    /// Which of the steps.
    pub(crate) place: usize,
    pub(crate) lack: Lack,
    /// Whether it is only that the store does not answer.
    pub(crate) unavailable: bool,
}

impl Hindrance {
    /// The one that takes longer to pass.
    pub(crate) fn or(self, other: Self) -> Self {
        let longer = match (self.lack, other.lack) {
            (Lack::Ever, _) => false,
            (Lack::For(_), Lack::Ever) => true,
            (Lack::For(this), Lack::For(that)) => that > this,
        };
        if longer { other } else { self }
    }
}

/// What is too large for a replica's share may not be too large for the rule.
pub(crate) fn for_now(lack: Lack) -> Lack {
    match lack {
        Lack::Ever => Lack::For(Duration::from_secs(1)),
        lack @ Lack::For(_) => lack,
    }
}
