//! Shared budgets: what is leased, what is asked of the store, what is sent to it, and what holds while it
//! does not answer.

mod asking;
mod minder;
mod outbox;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use tokio::{runtime::Handle, sync::Notify};

pub use self::asking::Asking;
pub(super) use self::asking::Question;
use self::outbox::{Outbox, Waiting};
use super::{
    Crossed, Settings,
    accounts::Account,
    books::Books,
    cell::Cell,
    meters::StoreMeters,
    period::millis,
    purse::Purse,
    reservation::{Charge, Source},
    store::{Spot, Store, StoreError},
};

/// The store of the budgets as it is seen from here.
#[derive(Debug)]
pub(super) struct Shared {
    store: Arc<dyn Store>,
    timeout: Duration,
    retry: Duration,
    replicas: u32,
    began: Instant,
    /// Failures since the last answer; none while the breaker is closed.
    failures: AtomicU32,
    outbox: Outbox,
    /// Accounts of which something is leased.
    leases: Mutex<Vec<(u16, Arc<Account>)>>,
    /// Calls the minder, who must not keep the books alive while it waits.
    work: Arc<Notify>,
    minded: AtomicBool,
    asked: AtomicU64,
    opened: AtomicU64,
    lost: AtomicU64,
    meters: StoreMeters,
}

/// How it stands with a store, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether decisions ask the store.
    pub answers: bool,
    /// How often the breaker has opened.
    pub opened: u64,
    /// How many decisions have asked the store.
    pub asked: u64,
    /// How many corrections wait to be sent.
    pub waiting: usize,
    /// How many amounts could not be given back: they count as spent until their period ends.
    pub lost: u64,
}

impl Shared {
    pub(super) fn new(store: Arc<dyn Store>, settings: &Settings) -> Self {
        Self {
            store,
            timeout: settings.store_timeout,
            retry: settings.store_retry,
            replicas: settings.replicas.max(1),
            began: Instant::now(),
            failures: AtomicU32::new(0),
            outbox: Outbox::default(),
            leases: Mutex::default(),
            work: Arc::default(),
            minded: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            meters: StoreMeters::new(),
        }
    }

    pub(super) fn health(&self) -> Health {
        Health {
            answers: self.answers(),
            opened: self.opened.load(Ordering::Relaxed),
            asked: self.asked.load(Ordering::Relaxed),
            waiting: self.outbox.len(),
            lost: self.lost.load(Ordering::Relaxed),
        }
    }

    /// Whether the breaker is closed.
    pub(super) fn answers(&self) -> bool {
        self.failures.load(Ordering::Relaxed) == 0
    }

    pub(super) const fn replicas(&self) -> u32 {
        self.replicas
    }

    /// In what time the store will have been asked again.
    pub(super) fn retry_in(&self) -> Duration {
        let failures = self.failures.load(Ordering::Relaxed);
        let doubled = self.retry.saturating_mul(1 << failures.saturating_sub(1).min(10));
        doubled.min(LONGEST_RETRY.max(self.retry))
    }

    /// The time of the process, for leases.
    pub(super) fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The wall's time, to say after what time the store may forget: what counts is told by whoever asks.
    #[expect(clippy::unused_self, reason = "the clock is the store's")]
    pub(super) fn wall(&self) -> i64 {
        millis(SystemTime::now())
    }

    /// Opens the breaker: the first failure suffices, as each further one would make a client wait.
    fn failed(&self, error: &StoreError) {
        if self.failures.fetch_max(1, Ordering::Relaxed) == 0 {
            self.opened.fetch_add(1, Ordering::Relaxed);
            self.meters.failures.increment(1);
            self.meters.up.set(0);
            tracing::warn!(%error, "the store of the budgets does not answer, each budget does as it says for that");
            self.work.notify_one();
        }
    }

    fn answered(&self) {
        if self.failures.swap(0, Ordering::Relaxed) > 0 {
            self.meters.up.set(1);
            tracing::info!("the store of the budgets answers again");
        }
    }

    /// Makes of what was taken what it came to: the rest stays in the lease or is given back.
    pub(super) fn settle(&self, purse: &Purse, charge: &Charge, cell: &mut Cell, reserved: i64, actual: i64) {
        let (back, more) = (reserved.saturating_sub(actual).max(0), actual.saturating_sub(reserved).max(0));
        let Source::Store { epoch } = charge.source else {
            cell.settle(charge.mark, reserved, actual);
            if more > 0 {
                if charge.mark == cell.mark {
                    cell.share.alone = cell.share.alone.saturating_add(more);
                }
                self.put(charge, 0, Waiting::more_alone(more));
            }
            if back > 0 {
                let unsent = self.outbox.take_back(charge, back);
                if charge.mark == cell.mark {
                    cell.share.alone = cell.share.alone.saturating_sub(unsent).max(0);
                }
                self.put(charge, 0, Waiting::back(back.saturating_sub(unsent)));
            }
            return;
        };
        cell.release(charge.mark, reserved);
        let is_leasing = charge.mark == cell.mark && epoch == cell.share.epoch;
        if is_leasing && more > 0 {
            let of_lease = more.min(cell.share.leased);
            cell.share.leased = cell.share.leased.saturating_sub(of_lease);
            let beyond = more.saturating_sub(of_lease);
            cell.add(charge.mark, beyond);
            self.put(charge, epoch, Waiting::more(beyond));
        } else if is_leasing && back > 0 {
            let room = purse.budget.lease().amount.nanos().saturating_sub(cell.share.leased);
            let kept = back.min(room.max(0));
            self.lease(charge.purse, &charge.account, cell, kept);
            cell.add(charge.mark, kept.saturating_sub(back));
            self.put(charge, epoch, Waiting::back(back.saturating_sub(kept)));
        } else {
            self.put(charge, epoch, Waiting { back, more, alone: 0 });
        }
    }

    /// Adds to what is leased.
    fn lease(&self, purse: u16, account: &Arc<Account>, cell: &mut Cell, amount: i64) {
        if amount <= 0 {
            return;
        }
        cell.share.leased = cell.share.leased.saturating_add(amount);
        cell.share.used = self.millis();
        if !cell.share.is_listed {
            cell.share.is_listed = true;
            self.leases.lock().unwrap_or_else(PoisonError::into_inner).push((purse, account.clone()));
        }
    }

    /// Tells the store, when it answers again, what was taken without it.
    pub(super) fn more_alone(&self, charge: &Charge, amount: i64) {
        self.put(charge, 0, Waiting::more_alone(amount));
    }

    fn put(&self, charge: &Charge, epoch: u64, waiting: Waiting) {
        if waiting.is_something() {
            self.outbox.put(charge.purse, &charge.account, charge.mark, epoch, waiting);
            self.work.notify_one();
        }
    }

    fn loses(&self, amounts: u64) {
        self.lost.fetch_add(amounts, Ordering::Relaxed);
        self.meters.lost.increment(amounts);
    }

    /// Tells that a threshold is crossed, if no other replica has; also where nobody can say.
    pub(super) fn claim(&self, books: &Arc<Books>, spot: Spot, crossed: Crossed) {
        let Ok(runtime) = Handle::try_current() else { return books.tell(&crossed) };
        if !self.answers() {
            return books.tell(&crossed);
        }
        let claimed = self.store.claim(spot, crossed.percent);
        let (books, timeout) = (books.clone(), self.timeout.max(PATIENCE));
        runtime.spawn(async move {
            if !matches!(tokio::time::timeout(timeout, claimed).await, Ok(Ok(false))) {
                books.tell(&crossed);
            }
        });
    }
}

/// The longest time for which a store that failed is left alone.
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// For what nobody waits for.
const PATIENCE: Duration = Duration::from_secs(1);
