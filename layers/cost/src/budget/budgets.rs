use std::{collections::HashSet, sync::Arc, time::SystemTime};

use smallvec::SmallVec;
use tollway_core::Money;

use super::{
    Asking, Budget, BudgetError, Denied, Payer, Place, Refused, Reservation, Settings, Spent, Store,
    UnpricedPolicy, Wanted, Watch,
    accounts::Account,
    books::Books,
    period::millis,
    purse::Step,
    reservation::{Charge, Charges, INLINE, Source},
    shared::{Health, Question, Shared},
};

/// Keeps any number of budgets: a request has room in all of them, or nothing is reserved.
///
/// A decision locks what the request's subjects have spent, one a budget, in one order for all; looks whether
/// all have room; and only then takes. While a request waits for the [`Store`], it holds what it took of
/// the budgets of this process. Clones keep the same budgets.
#[derive(Clone, Debug)]
pub struct Budgets {
    books: Arc<Books>,
}

/// What became of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It may pass.
    Reserved(Reservation),
    /// It may not pass as it is.
    Denied(Denied),
    /// The store has to be asked. The answer comes within the time set for it.
    Asking(Asking),
}

impl Verdict {
    /// The answer, waited for where the store has to be asked.
    pub async fn decided(self) -> Result<Reservation, Denied> {
        match self {
            Self::Reserved(reservation) => Ok(reservation),
            Self::Denied(denied) => Err(denied),
            Self::Asking(asking) => asking.await,
        }
    }
}

impl Budgets {
    /// Keeps budgets of this process, and tells nobody of thresholds but the log.
    pub fn new(budgets: impl IntoIterator<Item = Budget>, settings: Settings) -> Result<Self, BudgetError> {
        Self::build(budgets, settings, None, None)
    }

    /// Keeps budgets of which some may be shared through a store, and tells of thresholds.
    ///
    /// The first decision that asks the store starts a task that gives leases back and minds the store, on
    /// the runtime it is made on.
    pub fn build(
        budgets: impl IntoIterator<Item = Budget>,
        settings: Settings,
        store: Option<Arc<dyn Store>>,
        watch: Option<Arc<dyn Watch>>,
    ) -> Result<Self, BudgetError> {
        let budgets: Vec<Arc<Budget>> = budgets.into_iter().map(Arc::new).collect();
        if budgets.len() > usize::from(u16::MAX) {
            return Err(BudgetError::TooMany(budgets.len()));
        }
        let mut names = HashSet::new();
        for budget in &budgets {
            budget.check()?;
            if !names.insert(budget.name.clone()) {
                return Err(BudgetError::Twice(budget.name.clone()));
            }
            if store.is_none() && matches!(budget.place, Place::Shared { .. }) {
                return Err(BudgetError::NoStore(budget.name.clone()));
            }
        }
        let shared = store.map(|store| Shared::new(store, &settings));
        Ok(Self { books: Arc::new(Books::new(budgets, &settings, shared, watch)) })
    }

    /// The budgets.
    pub fn budgets(&self) -> impl Iterator<Item = &Arc<Budget>> {
        self.books.purses.iter().map(|purse| &purse.budget)
    }

    /// Reserves what a request may cost, without waiting: of all budgets it is under, or of none.
    pub fn reserve(&self, now: SystemTime, payer: &Payer<'_>, wanted: impl Into<Wanted>) -> Verdict {
        let (now, wanted) = (millis(now), wanted.into());
        let mut concerned: SmallVec<[(u16, Arc<Account>); INLINE]> = SmallVec::new();
        for (index, purse) in (0..).zip(&self.books.purses) {
            let Some(subject) = purse.budget.subject(payer) else { continue };
            if !wanted.is_priced {
                if purse.budget.unpriced == UnpricedPolicy::Refuse {
                    purse.meters.refusals.increment(1);
                    let budget = purse.budget.name.clone();
                    return Verdict::Denied(Refused::Unpriced { budget }.into());
                }
                purse.meters.unpriced.increment(1);
            }
            concerned.push((index, purse.accounts.of(subject, now)));
        }
        self.take(now, concerned, wanted)
    }

    fn take(&self, now: i64, concerned: SmallVec<[(u16, Arc<Account>); INLINE]>, wanted: Wanted) -> Verdict {
        let books = &self.books;
        let mut cells: SmallVec<[_; INLINE]> = concerned.iter().map(|(_, account)| account.lock()).collect();
        let mut steps: SmallVec<[_; INLINE]> = SmallVec::new();
        let mut denied: Option<Denied> = None;
        for ((index, _), cell) in concerned.iter().zip(&mut cells) {
            let Some(purse) = books.purse(*index) else { continue };
            cell.roll(&purse.budget.period, now);
            match purse.step(cell, &wanted, books.shared.as_ref()) {
                Ok(step) => steps.push((step, cell.mark)),
                Err(another) => denied = Some(worse(denied, another)),
            }
        }
        if let Some(denied) = denied {
            drop(cells);
            return Verdict::Denied(self.counted(denied));
        }
        let amount = wanted.amount.nanos();
        for (((index, _), cell), (step, _)) in concerned.iter().zip(&mut cells).zip(&steps) {
            let Some(purse) = books.purse(*index) else { continue };
            match step {
                Step::Take(Source::Store { .. }) => {
                    cell.share.leased = cell.share.leased.saturating_sub(amount);
                    cell.reserved = cell.reserved.saturating_add(amount);
                    if let Some(shared) = &books.shared {
                        cell.share.used = shared.millis();
                    }
                }
                Step::Take(source) => {
                    if !cell.has_room(amount, purse.limit()) {
                        purse.meters.over.increment(1);
                    }
                    cell.take(amount);
                    if *source == Source::Alone {
                        cell.share.alone = cell.share.alone.saturating_add(amount);
                    }
                }
                Step::Ask => {}
            }
        }
        drop(cells);

        let mut charges = Charges::new();
        let mut questions = Vec::new();
        for ((index, account), (step, mark)) in concerned.into_iter().zip(steps) {
            match step {
                Step::Take(source) => {
                    let charge = Charge { purse: index, account, mark, source };
                    if let (Source::Alone, Some(shared)) = (source, &books.shared) {
                        shared.more_alone(&charge, amount);
                    }
                    charges.push(charge);
                }
                Step::Ask => questions.push(Question::new(index, account, mark)),
            }
        }
        let reservation = Reservation::new(books.clone(), charges, wanted.amount);
        if questions.is_empty() {
            return Verdict::Reserved(reservation);
        }
        Verdict::Asking(Asking::new(books.clone(), reservation, questions, wanted, now))
    }

    fn counted(&self, denied: Denied) -> Denied {
        self.books.count(&denied);
        denied
    }

    /// Makes a subject's spending at least so much in the period that runs: after a restart, what the records
    /// of usage say. Says whether there is such a budget.
    ///
    /// Of a rolling period it counts as spent now, and so for longer than it would have.
    pub fn restore(&self, now: SystemTime, budget: &str, subject: &str, spent: Money) -> bool {
        let now = millis(now);
        let Some(purse) = self.books.purses.iter().find(|purse| &*purse.budget.name == budget) else {
            return false;
        };
        let account = purse.accounts.of(subject, now);
        let mut cell = account.lock();
        cell.roll(&purse.budget.period, now);
        let missing = spent.nanos().saturating_sub(cell.total);
        if missing > 0 {
            let mark = cell.mark;
            cell.add(mark, missing);
            // The store hears of it with the next request.
            (cell.share.epoch, cell.share.heard) = (0, mark);
            // Who is told of thresholds was told of these before the restart.
            cell.crossed(&purse.told, purse.limit());
        }
        true
    }

    /// How all subjects stand that have spent something in the period that runs.
    pub fn spent(&self, now: SystemTime) -> impl Iterator<Item = Spent> {
        let now = millis(now);
        self.books.purses.iter().flat_map(move |purse| {
            purse.accounts.all().filter_map(move |account| {
                let mut cell = account.lock();
                cell.roll(&purse.budget.period, now);
                (cell.total > 0).then(|| Spent {
                    budget: purse.budget.clone(),
                    subject: account.subject.clone(),
                    spent: Money::from_nanos(cell.spent()),
                    reserved: Money::from_nanos(cell.reserved),
                    leased: Money::from_nanos(cell.share.leased),
                })
            })
        })
    }

    /// How it stands with the store, where there is one.
    pub fn health(&self) -> Option<Health> {
        self.books.shared.as_ref().map(Shared::health)
    }

    /// Gives back what is leased and sends what waits to be sent, before the process ends.
    pub async fn close(&self) {
        if let Some(shared) = &self.books.shared {
            shared.close(&self.books).await;
        }
    }
}

/// Of two, the one that says more: a refusal, and the one that resets later.
pub(super) fn worse(one: Option<Denied>, other: Denied) -> Denied {
    let Some(one) = one else { return other };
    let weight = |denied: &Denied| match denied {
        Denied::Refused(Refused::Spent { resets: None, .. }) => (2, None),
        Denied::Refused(Refused::Spent { resets, .. }) => (1, *resets),
        Denied::Refused(_) => (1, None),
        Denied::Degrade(degrade) => (0, degrade.spent.resets()),
    };
    if weight(&other) > weight(&one) { other } else { one }
}
