use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use tokio::sync::{Notify, watch};

use super::KeySet;

/// What is held of an issuer's keys. Requests read it, and one [refresher](super::KeyRefresh) writes it.
#[derive(Debug, Default)]
pub(super) struct Held {
    keys: ArcSwapOption<HeldKeys>,
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
        let revision = known.as_ref().map_or(0, |known| known.revision);
        let is_news = known.as_ref().is_none_or(|known| known.set != set);
        let keys = HeldKeys { set, revision: revision + u64::from(is_news), until: Some(until) };
        self.keys.store(Some(Arc::new(keys)));
        is_news
    }

    /// Takes over what another one holds, unless there is something already.
    pub(super) fn inherit(&self, other: &Self) {
        let (none, theirs) = (None::<Arc<HeldKeys>>, other.keys.load_full());
        self.keys.compare_and_swap(&none, theirs);
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
