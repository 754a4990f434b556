//! Shared rules: what is leased, what is asked of the store, what is sent to it, and what holds while
//! it does not answer.

mod asking;
mod leased;
mod minder;
mod outbox;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

pub use self::asking::Asking;
pub(crate) use self::asking::Question;
pub(crate) use self::leased::{Leased, LeasedTerms};
use self::outbox::Outbox;
use crate::cell::Ticks;
use crate::key::Key;
use crate::limit::{Entered, Limit};
use crate::metered::StoreMeters;
use crate::reservation::Charge;
use crate::store::REPLICA_LIFETIME;
use crate::{Settings, Store, StoreError};

/// The store of a limiter as it is seen from here.
#[derive(Debug)]
pub struct Shared {
    store: Arc<dyn Store>,
    timeout: Duration,
    retry: Duration,
    /// Failures since the last answer; none while the breaker is closed.
    failures: AtomicU32,
    replicas: AtomicU32,
    /// Until when fewer are not believed.
    replicas_until: AtomicU64,
    outbox: Outbox,
    /// Leases, by when they end.
    ending: Mutex<BinaryHeap<Reverse<(Ticks, u16, Key)>>>,
    /// Calls the minder, who must not keep the limiter alive while it waits.
    work: Arc<Notify>,
    minded: AtomicBool,
    asked: AtomicU64,
    opened: AtomicU64,
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
    /// How many corrections were given up, as too many waited: what they would have given back
    /// counted until it left its window.
    pub lost: u64,
    /// How many replicas there are.
    pub replicas: u64,
}

impl Shared {
    pub(crate) fn new(store: Arc<dyn Store>, settings: &Settings) -> Self {
        let meters = StoreMeters::new(settings.replicas.max(1));
        meters.up.set(1);
        Self {
            store,
            timeout: settings.store_timeout,
            retry: settings.store_retry,
            failures: AtomicU32::new(0),
            replicas: AtomicU32::new(settings.replicas.max(1)),
            replicas_until: AtomicU64::new(0),
            outbox: Outbox::new(meters.lost.clone()),
            ending: Mutex::default(),
            work: Arc::default(),
            minded: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            meters,
        }
    }

    /// How it stands.
    pub fn health(&self) -> Health {
        Health {
            answers: self.answers(),
            opened: self.opened.load(Ordering::Relaxed),
            asked: self.asked.load(Ordering::Relaxed),
            waiting: self.outbox.len(),
            lost: self.outbox.lost(),
            replicas: self.replicas(),
        }
    }

    /// Whether the breaker is closed.
    pub(crate) fn answers(&self) -> bool {
        self.failures.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn replicas(&self) -> u64 {
        u64::from(self.replicas.load(Ordering::Relaxed))
    }

    /// Hears from the store how many replicas there are. It may have lost its memory and not have heard of
    /// all again: for as long as it takes to forget one, fewer are not believed.
    fn hears_of(&self, replicas: u32, now: Ticks) {
        let is_less = replicas < self.replicas.load(Ordering::Relaxed);
        if is_less && now < self.replicas_until.load(Ordering::Relaxed) {
            return;
        }
        let lifetime = u64::try_from(REPLICA_LIFETIME.as_nanos()).unwrap_or(u64::MAX);
        self.replicas_until.store(now.saturating_add(lifetime), Ordering::Relaxed);
        self.replicas.store(replicas.max(1), Ordering::Relaxed);
        self.meters.replicas.set(replicas.max(1));
    }

    /// In what time the store will have been asked again.
    pub(crate) fn retry_in(&self) -> Duration {
        let failures = self.failures.load(Ordering::Relaxed);
        let doubled = self.retry.saturating_mul(1 << failures.saturating_sub(1).min(10));
        doubled.min(LONGEST_RETRY.max(self.retry))
    }

    /// Opens the breaker: the first failure suffices, as each further one would make a client wait.
    fn failed(&self, error: &StoreError) {
        if self.failures.fetch_max(1, Ordering::Relaxed) == 0 {
            self.opened.fetch_add(1, Ordering::Relaxed);
            self.meters.failures.increment(1);
            self.meters.up.set(0);
            tracing::warn!(%error, "the store of the rate limits does not answer, each rule does as it says for that");
            self.work.notify_one();
        }
    }

    fn answered(&self) {
        if self.failures.swap(0, Ordering::Relaxed) > 0 {
            self.meters.up.set(1);
            tracing::info!("the store of the rate limits answers again");
        }
    }

    /// Settles what the store granted: part of it stays in the lease, the rest is sent.
    pub(crate) fn settle_grant(
        &self,
        cell: &mut Entered<'_, Leased>,
        limit: &Limit,
        charge: &Charge,
        mark: u64,
        now: Ticks,
        actual: u64,
    ) {
        let terms = cell.terms();
        let Some(held) = cell.known() else { return };
        let had_lease = held.lease_ends().is_some();
        let (back, more) = held.settle_grant(terms, now, mark, charge.amount, actual);
        held.out = held.out.saturating_sub(1);
        if let (false, Some(ends)) = (had_lease, held.lease_ends()) {
            self.ends(ends, charge.limit, charge.key);
        }
        let Some(subject) = held.subject.clone() else { return };
        self.send(limit, charge.limit, charge.key, &subject, (back, more));
    }

    /// Queues what goes back to the store and what is taken beyond what it granted.
    fn send(
        &self,
        limit: &Limit,
        index: u16,
        key: Key,
        subject: &Arc<str>,
        (back, more): (leased::Leftover, u64),
    ) {
        if back.amount > 0 || more > 0 {
            self.outbox.put(index, key, &limit.rule, subject, back, more);
            self.work.notify_one();
        }
    }

    /// Remembers when a lease ends.
    fn ends(&self, at: Ticks, limit: u16, key: Key) {
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        let first = ending.peek().is_none_or(|Reverse((first, ..))| at < *first);
        ending.push(Reverse((at, limit, key)));
        if first {
            self.work.notify_one();
        }
    }

    /// The next lease whose time is over, or when that will be.
    fn ended(&self, now: Ticks) -> Result<(u16, Key), Option<Ticks>> {
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        match ending.peek() {
            Some(Reverse((at, ..))) if *at > now => Err(Some(*at)),
            _ => ending.pop().map(|Reverse((_, limit, key))| (limit, key)).ok_or(None),
        }
    }
}

/// The longest time for which a store that failed is left alone.
const LONGEST_RETRY: Duration = Duration::from_secs(1);
