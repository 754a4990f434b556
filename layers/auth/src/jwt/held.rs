use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use tokio::sync::{Notify, watch};

use super::KeySet;

/// What is held of an issuer's keys. Requests read it, and one [refresher](super::KeyRefresh) writes it.
#[derive(Debug, Default)]
pub(super) struct Held {
    keys: ArcSwapOption<HeldKeys>,
    /// How many sets of keys there were. No two of them have one number, lest a token that was verified by
    /// the one is taken for verified by the other.
    revisions: AtomicU64,
    /// Why the last fetch failed, if it did.
    trouble: ArcSwapOption<String>,
    /// Whether no fetch may begin at present: there was one just now, or there is nobody to do it.
    resting: AtomicBool,
    /// Whether somebody has asked for other keys since the last fetch.
    wanted: AtomicBool,
    asks: Notify,
    /// Counts the fetches that have ended.
    fetches: watch::Sender<u64>,
}

/// Keys, and until when they are believed.
#[derive(Debug)]
pub(super) struct HeldKeys {
    pub(super) set: KeySet,
    /// Which of the sets it is that were held, one after the other.
    pub(super) revision: u64,
    until: Option<SystemTime>,
}

/// How an issuer's keys stand, for metrics and health.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuerStatus {
    /// The issuer.
    pub issuer: String,
    /// How many keys of its are held.
    pub keys: usize,
    /// Until when they are believed. `None`: for ever, or there are none.
    pub until: Option<SystemTime>,
    /// How many fetches have ended, well or badly.
    pub fetches: u64,
    /// Why the last fetch failed, if it did.
    pub trouble: Option<Arc<String>>,
}

impl Held {
    /// Keys that are never fetched.
    pub(super) fn fixed(set: KeySet) -> Self {
        let keys = Arc::new(HeldKeys { set, revision: 0, until: None });
        Self { keys: ArcSwapOption::new(Some(keys)), resting: AtomicBool::new(true), ..Self::default() }
    }

    /// Looks at the keys that are believed now.
    pub(super) fn with_keys<T>(&self, now: SystemTime, look: impl FnOnce(&HeldKeys) -> T) -> Option<T> {
        let keys = self.keys.load();
        keys.as_deref().filter(|keys| keys.until.is_none_or(|until| now < until)).map(look)
    }

    /// Whether it is of no use to wait for other keys.
    pub(super) fn is_resting(&self) -> bool {
        self.resting.load(Ordering::Acquire)
    }

    /// Asks for other keys, and watches for the end of a fetch.
    pub(super) fn ask(&self) -> watch::Receiver<u64> {
        let fetches = self.fetches.subscribe();
        self.wanted.store(true, Ordering::Release);
        self.asks.notify_one();
        fetches
    }

    /// Ends when somebody has asked for other keys.
    pub(super) async fn asked(&self) {
        while !self.wanted.load(Ordering::Acquire) {
            self.asks.notified().await;
        }
    }

    /// Takes over keys, which may be those that it has. Tells whether they are others.
    pub(super) fn put(&self, set: KeySet, until: SystemTime) -> bool {
        let known = self.keys.load();
        let same = known.as_ref().filter(|known| known.set == set).map(|known| known.revision);
        let revision = same.unwrap_or_else(|| self.revisions.fetch_add(1, Ordering::Relaxed) + 1);
        self.keys.store(Some(Arc::new(HeldKeys { set, revision, until: Some(until) })));
        same.is_none()
    }

    /// Lets go of keys that are not believed any more. Tells whether there were some.
    pub(super) fn withdraw(&self, now: SystemTime) -> bool {
        let is_over = |keys: &Arc<HeldKeys>| keys.until.is_some_and(|until| until <= now);
        let goes = self.keys.load().as_ref().is_some_and(is_over);
        if goes {
            self.keys.store(None);
        }
        goes
    }

    /// Takes over what another one holds, unless there is something already.
    pub(super) fn inherit(&self, other: &Self) {
        let Some(theirs) = other.keys.load_full() else { return };
        self.revisions.fetch_max(theirs.revision, Ordering::Relaxed);
        self.keys.compare_and_swap(&None::<Arc<HeldKeys>>, Some(theirs));
    }

    /// Notes that a fetch has ended, and how. None begins until [`wake`](Self::wake).
    pub(super) fn rest(&self, trouble: Option<String>) {
        self.trouble.store(trouble.map(Arc::new));
        self.resting.store(true, Ordering::Release);
        // Those who asked have their answer.
        self.wanted.store(false, Ordering::Release);
        self.fetches.send_modify(|fetches| *fetches += 1);
    }

    /// Lets a fetch begin as soon as somebody asks for one.
    pub(super) fn wake(&self) {
        self.resting.store(false, Ordering::Release);
    }

    pub(super) fn status(&self, issuer: &str) -> IssuerStatus {
        let keys = self.keys.load();
        IssuerStatus {
            issuer: issuer.to_owned(),
            keys: keys.as_ref().map_or(0, |keys| keys.set.len()),
            until: keys.as_ref().and_then(|keys| keys.until),
            fetches: *self.fetches.borrow(),
            trouble: self.trouble.load_full(),
        }
    }
}
