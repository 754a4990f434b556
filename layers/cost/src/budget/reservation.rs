use std::{mem, sync::Arc, time::SystemTime};

use smallvec::SmallVec;
use tollway_core::Money;

use super::{accounts::Account, books::Books, period::millis};

/// What a request has taken of each budget until it is settled.
///
/// It counts from when it is made, under the period that ran then. Dropped unsettled, it is settled to what
/// was [noted](Self::note) last; where nothing was, all that was reserved is spent: a provider may bill it.
#[derive(Debug)]
#[must_use = "what is reserved and not settled is spent"]
pub struct Reservation {
    books: Arc<Books>,
    charges: Charges,
    amount: Money,
    noted: Option<(i64, Money)>,
}

/// What was taken of one budget.
#[derive(Debug)]
pub(super) struct Charge {
    pub(super) purse: u16,
    pub(super) account: Arc<Account>,
    pub(super) mark: i64,
    pub(super) source: Source,
}

/// By whose leave it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// By the count of this process.
    Local,
    /// By the store, or of a lease: under a memory of the store's.
    Store {
        /// Which.
        epoch: u64,
    },
    /// By nobody's, while the store did not answer.
    Alone,
}

/// As many as a request usually has, without asking for memory.
pub(super) type Charges = SmallVec<[Charge; INLINE]>;

/// How many budgets a request usually is under.
pub(super) const INLINE: usize = 6;

impl Reservation {
    pub(super) const fn new(books: Arc<Books>, charges: Charges, amount: Money) -> Self {
        Self { books, charges, amount, noted: None }
    }

    pub(super) fn add(&mut self, charge: Charge) {
        self.charges.push(charge);
    }

    /// How much is reserved, of each budget.
    pub const fn amount(&self) -> Money {
        self.amount
    }

    /// The names of the budgets it is reserved of.
    pub fn budgets(&self) -> impl Iterator<Item = &Arc<str>> {
        self.charges.iter().filter_map(|charge| Some(&self.books.purse(charge.purse)?.budget.name))
    }

    /// Says what is known to be spent so far, in case nobody comes to settle.
    pub fn note(&mut self, now: SystemTime, spent: Money) {
        self.noted = Some((millis(now), spent));
    }

    /// Replaces what was reserved by what it came to.
    ///
    /// What was reserved beyond it is free again; what it came to beyond that is spent, even beyond the
    /// amount of the budget.
    pub fn settle(mut self, now: SystemTime, actual: Money) {
        self.note(now, actual);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let actual = self.noted.map_or(self.amount, |(_, spent)| spent.max(Money::ZERO));
        for charge in mem::take(&mut self.charges) {
            self.books.settle(&charge, self.amount.nanos(), actual.nanos());
        }
    }
}
