use std::sync::Arc;

use tollway_core::Money;

use super::{
    Budget, Crossed, Denied, Settings, Watch,
    accounts::Account,
    period::time,
    purse::Purse,
    reservation::{Charge, Source},
    shared::Shared,
};

/// All budgets and what is spent of them, as reservations hold them.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) purses: Vec<Purse>,
    pub(super) shared: Option<Shared>,
    watch: Option<Arc<dyn Watch>>,
}

impl Books {
    pub(super) fn new(
        budgets: Vec<Arc<Budget>>,
        settings: &Settings,
        shared: Option<Shared>,
        watch: Option<Arc<dyn Watch>>,
    ) -> Self {
        let purses = budgets.into_iter().map(|budget| Purse::new(budget, settings)).collect();
        Self { purses, shared, watch }
    }

    pub(super) fn purse(&self, index: u16) -> Option<&Purse> {
        self.purses.get(usize::from(index))
    }

    /// Makes of what was reserved what it came to.
    pub(super) fn settle(self: &Arc<Self>, charge: &Charge, reserved: i64, actual: i64) {
        let Some(purse) = self.purse(charge.purse) else { return };
        let mut cell = charge.account.lock();
        match (&self.shared, charge.source) {
            (Some(shared), Source::Store { .. } | Source::Alone) => {
                shared.settle(purse, charge, &mut cell, reserved, actual);
            }
            _ => cell.settle(charge.mark, reserved, actual),
        }
        let crossed = cell.crossed(&purse.told, purse.limit());
        if crossed == 0 {
            return;
        }
        let (spent, mark, end) = (Money::from_nanos(cell.spent()), cell.mark, cell.end);
        drop(cell);
        for (_, percent) in (0..).zip(&purse.told).filter(|(index, _)| crossed & 1_u16 << index != 0) {
            self.cross(purse, &charge.account, *percent, spent, (mark, end));
        }
    }

    fn cross(
        self: &Arc<Self>,
        purse: &Purse,
        account: &Arc<Account>,
        percent: u8,
        spent: Money,
        (mark, end): (i64, i64),
    ) {
        let budget = &purse.budget;
        let period = match &budget.period {
            super::Period::Calendar { .. } => (time(mark), time(end)),
            rolling @ super::Period::Rolling(_) => rolling.bounds(time(end)),
        };
        let crossed = Crossed {
            budget: budget.name.clone(),
            per: budget.per.clone(),
            subject: account.subject.clone(),
            percent,
            spent,
            amount: budget.amount,
            period,
        };
        match &self.shared {
            Some(shared) if matches!(budget.place, super::Place::Shared { .. }) => {
                shared.claim(self, purse.spot(account, mark, shared.wall()), crossed);
            }
            _ => self.tell(&crossed),
        }
    }

    /// Counts that a request was denied.
    pub(super) fn count(&self, denied: &Denied) {
        let name = denied.refused().budget();
        let Some(purse) = self.purses.iter().find(|purse| purse.budget.name == *name) else { return };
        match denied {
            Denied::Refused(_) => purse.meters.refusals.increment(1),
            Denied::Degrade(_) => purse.meters.degraded.increment(1),
        }
    }

    /// Tells that a threshold is crossed.
    pub(super) fn tell(&self, crossed: &Crossed) {
        let purse = self.purses.iter().find(|purse| purse.budget.name == crossed.budget);
        if let Some(purse) = purse {
            purse.meters.crossed.increment(1);
        }
        if let Some(watch) = &self.watch {
            watch.crossed(crossed);
            return;
        }
        tracing::warn!(
            budget = &*crossed.budget,
            subject = &*crossed.subject,
            percent = crossed.percent,
            spent = %crossed.spent,
            amount = %crossed.amount,
            "a threshold of a budget is crossed"
        );
    }
}
