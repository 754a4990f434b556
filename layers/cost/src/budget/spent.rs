use std::sync::Arc;

use tollway_core::Money;

use super::Budget;

/// How a subject stands with a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The budget.
    pub budget: Arc<Budget>,
    /// Who; empty where all is counted together, or for those who found no place of their own.
    pub subject: Arc<str>,
    /// What is spent in the period that runs. Of a shared budget, by all replicas as last heard, with what
    /// the others hold.
    pub spent: Money,
    /// What this process has reserved besides.
    pub reserved: Money,
    /// What this process holds besides of a shared budget, for its own requests.
    pub leased: Money,
}

impl Spent {
    /// What is left of the amount: nothing where more is spent.
    pub fn left(&self) -> Money {
        let taken = self.spent.saturating_add(self.reserved).saturating_add(self.leased);
        self.budget.amount.saturating_sub(taken).max(Money::ZERO)
    }
}
