use std::time::Duration;

use crate::Measure;

/// How the caller stands with its own limits once a request was decided: the tightest rule of each
/// measure.
///
/// Only rules that tell callers apart are in here. What the others have left would say what other
/// callers do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    quotas: [Option<Quota>; 4],
}

/// What is left of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How much at most.
    pub limit: u64,
    /// How much is left.
    pub remaining: u64,
    /// In what time all of it is there again if nothing more is taken.
    pub reset: Duration,
}

impl Decision {
    /// The tightest rule of a measure; nothing where none was asked, and for concurrency.
    pub fn quota(&self, measure: Measure) -> Option<Quota> {
        self.quotas.get(place(measure)?).copied().flatten()
    }

    /// The tightest of all rules that count tokens.
    pub fn tokens(&self) -> Option<Quota> {
        [Measure::TotalTokens, Measure::InputTokens, Measure::OutputTokens]
            .into_iter()
            .filter_map(|measure| self.quota(measure))
            .min_by_key(|quota| quota.remaining)
    }

    /// Takes in what another says of the same request.
    pub(crate) fn join(&mut self, other: &Self) {
        for measure in [Measure::Requests, Measure::InputTokens, Measure::OutputTokens, Measure::TotalTokens]
        {
            if let Some(quota) = other.quota(measure) {
                self.note(measure, quota);
            }
        }
    }

    /// Takes a rule's quota in, if it is the tightest of its measure so far.
    pub(crate) fn note(&mut self, measure: Measure, quota: Quota) {
        let Some(held) = place(measure).and_then(|place| self.quotas.get_mut(place)) else { return };
        if held.is_none_or(|held| quota.remaining < held.remaining) {
            *held = Some(quota);
        }
    }
}

const fn place(measure: Measure) -> Option<usize> {
    match measure {
        Measure::Requests => Some(0),
        Measure::InputTokens => Some(1),
        Measure::OutputTokens => Some(2),
        Measure::TotalTokens => Some(3),
        Measure::ConcurrentRequests | Measure::ConcurrentStreams => None,
    }
}
