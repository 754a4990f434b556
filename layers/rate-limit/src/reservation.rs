use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;

use crate::cell::{Mark, Ticks};
use crate::key::Key;
use crate::limit::{Limit, Step};
use crate::{Actual, Decision, Limiter};

/// What a request has taken of each rule until it is settled.
///
/// Dropped unsettled, it ends what goes on at the same time, and the rest is settled to what was
/// [noted](Self::note) last; where nothing was, the estimate stands.
#[derive(Debug)]
pub struct Reservation {
    limiter: Arc<Limiter>,
    charges: Charges,
    decision: Decision,
    noted: Option<(Instant, Actual)>,
}

/// What was taken of one rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charge {
    pub(crate) key: Key,
    pub(crate) limit: u16,
    pub(crate) amount: u64,
    /// Where the counter here counted it.
    pub(crate) mark: Mark,
    pub(crate) source: Source,
}

/// By whose leave it was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// By a counter of this process.
    Local,
    /// By the share of this replica, or by nobody's, while the store did not answer.
    Share {
        /// How many times the counter here counted it.
        replicas: u64,
    },
    /// By the store.
    Granted {
        /// Where the store counted it.
        mark: u64,
        /// How many times the counter here counted it.
        replicas: u64,
    },
}

/// As many as a request usually has without asking for memory.
pub(crate) const INLINE: usize = 10;

pub(crate) type Charges = SmallVec<[Charge; INLINE]>;

impl Reservation {
    pub(crate) const fn new(limiter: Arc<Limiter>, charges: Charges, decision: Decision) -> Self {
        Self { limiter, charges, decision, noted: None }
    }

    /// How the caller stands, this request counted.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Says what is known so far, in case nobody comes to settle.
    pub const fn note(&mut self, now: Instant, actual: Actual) {
        self.noted = Some((now, actual));
    }

    /// Replaces the estimate by what the request took.
    ///
    /// What was estimated beyond it is given back where it was counted; what it took beyond the
    /// estimate counts from now on, even beyond the limit.
    pub fn settle(mut self, now: Instant, actual: Actual) {
        self.noted = Some((now, actual));
    }

    /// Adds what the store granted.
    pub(crate) fn add(&mut self, charge: Charge, note: impl FnOnce(&mut Decision)) {
        self.charges.push(charge);
        note(&mut self.decision);
    }

    /// Takes over what another has taken for the same request.
    pub(crate) fn join(&mut self, mut other: Self) {
        self.charges.extend(std::mem::take(&mut other.charges));
        self.decision.join(&other.decision);
    }

    fn end(&mut self) {
        let (now, actual) = match self.noted {
            Some((now, actual)) => (self.limiter.ticks(now), Some(actual)),
            None if self.limiter.is_shared() => (self.limiter.ticks(self.limiter.now()), None),
            // Where the estimate stands, no cell of this process asks for the time.
            None => (0, None),
        };
        for charge in std::mem::take(&mut self.charges) {
            let Some(limit) = self.limiter.limit(charge.limit) else { continue };
            let measure = limit.rule.measure;
            let actual = match actual {
                Some(actual) => measure.settled(&actual),
                None if measure.is_concurrent() => 0,
                None => charge.amount,
            };
            self.settle_charge(limit, &charge, now, actual);
        }
    }

    fn settle_charge(&self, limit: &Limit, charge: &Charge, now: Ticks, actual: u64) {
        let granted = matches!(charge.source, Source::Granted { .. });
        if actual == charge.amount && !granted {
            return;
        }
        let Some(mut step) = limit.enter(charge.key) else { return };
        let times = match charge.source {
            Source::Local => 1,
            Source::Share { replicas } | Source::Granted { replicas, .. } => replicas,
        };
        if actual != charge.amount {
            let (taken, actual) = (charge.amount.saturating_mul(times), actual.saturating_mul(times));
            step.settle(now, charge.mark, taken, actual);
        }
        let (Source::Granted { mark, .. }, Step::Shared(cell)) = (charge.source, &mut step) else { return };
        let Some(shared) = self.limiter.shared() else { return };
        shared.settle_grant(cell, limit, charge, mark, now, actual);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.end();
    }
}
