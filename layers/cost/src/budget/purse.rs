use std::sync::Arc;

use tollway_core::Money;

use super::{
    AtLimit, Budget, Degrade, Denied, OnFailure, Period, Place, Refused, Settings, Wanted,
    accounts::{Account, Accounts},
    cell::{COUNTING, Cell, width},
    meters::PurseMeters,
    period::time,
    reservation::Source,
    shared::Shared,
    store::Spot,
};

/// A budget and what is spent of it.
#[derive(Debug)]
pub(super) struct Purse {
    pub(super) budget: Arc<Budget>,
    pub(super) told: Vec<u8>,
    pub(super) accounts: Accounts,
    pub(super) meters: PurseMeters,
}

/// How a request may be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// At once.
    Take(Source),
    /// The store has to be asked.
    Ask,
}

impl Purse {
    pub(super) fn new(budget: Arc<Budget>, settings: &Settings) -> Self {
        Self {
            told: budget.told(),
            accounts: Accounts::new(budget.clone(), settings.most_subjects),
            meters: PurseMeters::new(&budget.name),
            budget,
        }
    }

    pub(super) fn limit(&self) -> i64 {
        self.budget.amount.nanos()
    }

    /// Whether a request is counted even where it is more than is left.
    pub(super) fn is_forced(&self, wanted: &Wanted) -> bool {
        match self.budget.at_limit {
            AtLimit::Refuse => false,
            AtLimit::Degrade { .. } => wanted.is_degraded,
            AtLimit::Warn => true,
        }
    }

    /// What is to be done; takes nothing. A cell is rolled.
    pub(super) fn step(&self, cell: &Cell, wanted: &Wanted, shared: Option<&Shared>) -> Result<Step, Denied> {
        let (amount, limit) = (wanted.amount.nanos(), self.limit());
        let Place::Shared { on_failure, .. } = self.budget.place else {
            let fits = self.is_forced(wanted) || cell.has_room(amount, limit);
            return if fits { Ok(Step::Take(Source::Local)) } else { Err(self.denied(cell, wanted)) };
        };
        if amount <= cell.share.leased && cell.share.epoch != 0 {
            return Ok(Step::Take(Source::Store { epoch: cell.share.epoch }));
        }
        let Some(shared) = shared else { return Ok(Step::Take(Source::Alone)) };
        if shared.answers() {
            return Ok(Step::Ask);
        }
        self.without_store(cell, wanted, on_failure, shared).map(|()| Step::Take(Source::Alone))
    }

    /// Whether a request may pass though the store does not answer.
    pub(super) fn without_store(
        &self,
        cell: &Cell,
        wanted: &Wanted,
        on_failure: OnFailure,
        shared: &Shared,
    ) -> Result<(), Denied> {
        self.meters.without_store.increment(1);
        match on_failure {
            OnFailure::Open => Ok(()),
            OnFailure::Local if self.is_forced(wanted) => Ok(()),
            OnFailure::Local => {
                // What was taken alone stands in the total too: shares are of what was left before it.
                let left = self.limit().saturating_sub(cell.total).saturating_add(cell.share.alone).max(0);
                let own = left / i64::from(shared.replicas());
                let alone = cell.share.alone.saturating_add(wanted.amount.nanos());
                if alone <= own || wanted.amount <= Money::ZERO {
                    Ok(())
                } else {
                    Err(self.denied(cell, wanted))
                }
            }
            OnFailure::Closed => {
                let (budget, retry_after) = (self.budget.name.clone(), shared.retry_in());
                Err(Refused::Unavailable { budget, retry_after }.into())
            }
        }
    }

    /// Says that not enough is left.
    pub(super) fn denied(&self, cell: &Cell, wanted: &Wanted) -> Denied {
        let budget = &self.budget;
        let resets = cell.resets(&budget.period, wanted.amount.nanos(), self.limit());
        // A period that never ends does not reset.
        let resets = resets.filter(|at| *at != i64::MAX).map(time);
        let spent = Money::from_nanos(cell.total);
        let left = budget.amount.saturating_sub(spent).max(Money::ZERO);
        let refused = Refused::Spent {
            budget: budget.name.clone(),
            per: budget.per.clone(),
            amount: budget.amount,
            spent,
            left,
            wanted: wanted.amount,
            resets,
        };
        match &budget.at_limit {
            AtLimit::Degrade { to } if !wanted.is_degraded => {
                Denied::Degrade(Degrade { to: to.clone(), spent: refused })
            }
            _ => Denied::Refused(refused),
        }
    }

    /// Where the store counts what is taken under a mark.
    pub(super) fn spot(&self, account: &Account, mark: i64, now: i64) -> Spot {
        let (name, subject) = (&self.budget.name, &account.subject);
        match &self.budget.period {
            Period::Calendar { unit, zone } => {
                let end = super::period::span(*unit, zone, mark).end;
                let key = format!("{name}:{mark}:{subject}");
                Spot {
                    key: key.into(),
                    part: 0,
                    lasts: end.saturating_sub(now).saturating_add(GRACE).max(GRACE),
                }
            }
            Period::Rolling(length) => {
                let width = width(*length);
                let key = format!("{name}:r{width}:{subject}");
                let lasts = width.saturating_mul(COUNTING + 1).saturating_add(GRACE);
                Spot { key: key.into(), part: mark, lasts }
            }
        }
    }
}

/// For clocks of replicas that do not go together.
const GRACE: i64 = 10 * 60 * 1000;
