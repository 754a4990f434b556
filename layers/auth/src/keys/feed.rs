use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::table::Batch;
use super::{KeyStore, KeyTable, StoreError};
use crate::audit::AuditHead;
use crate::metered;

/// Carries what changes in a store into a table, each second.
///
/// A store that does not answer changes nothing: the keys that are known stay known.
#[derive(Debug)]
pub struct KeyFeed {
    store: Arc<dyn KeyStore>,
    table: Arc<KeyTable>,
    interval: Duration,
    timeout: Duration,
    progress: Progress,
    /// Where the store's log ended when changes were read last.
    head: AuditHead,
    status: watch::Sender<FeedStatus>,
}

/// How far a feed has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The store may not be ready for use.
    Unprepared,
    /// Nothing was read yet.
    Empty,
    /// The store is another one than what was read.
    Restored,
    /// All changes up to a revision are in the table.
    At(i64),
}

/// How a feed stands with its store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeedStatus {
    /// Nothing was read yet.
    Starting,
    /// Everything is known, up to a revision.
    Following(i64),
    /// The store does not answer. Known keys go on, new ones and revocations are not heard of.
    Lost(Arc<str>),
}

/// Watches how a feed stands with its store.
#[derive(Clone, Debug)]
pub struct FeedWatch(watch::Receiver<FeedStatus>);

impl FeedWatch {
    /// How it stands now.
    pub fn status(&self) -> FeedStatus {
        self.0.borrow().clone()
    }

    /// Waits until it stands so. `None` if the feed has ended before.
    pub async fn wait_for(&mut self, is_so: impl FnMut(&FeedStatus) -> bool) -> Option<FeedStatus> {
        self.0.wait_for(is_so).await.ok().map(|status| status.clone())
    }
}

impl KeyFeed {
    /// Feeds a table from a store, which from now on the table [expects](KeyTable::expect) keys of.
    pub fn new(store: Arc<dyn KeyStore>, table: Arc<KeyTable>) -> Self {
        table.expect();
        Self {
            store,
            table,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
            progress: Progress::Unprepared,
            head: AuditHead::default(),
            status: watch::Sender::new(FeedStatus::Starting),
        }
    }

    /// Asks so often. Default: each second.
    #[must_use]
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Waits so long for each answer. Default: five seconds.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How the feed stands with its store, for metrics and health.
    pub fn watch(&self) -> FeedWatch {
        FeedWatch(self.status.subscribe())
    }

    /// Feeds for ever. Dropping the future ends it.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // What went wrong is in the status and in the log.
            let _ = self.catch_up().await;
        }
    }

    /// Reads what changed since the last time.
    pub async fn catch_up(&mut self) -> Result<(), StoreError> {
        let result = self.advance().await;
        let status = match (&result, self.progress) {
            (Ok(()), Progress::At(revision)) => FeedStatus::Following(revision),
            (Ok(()), _) => FeedStatus::Starting,
            (Err(error), _) => FeedStatus::Lost(error.to_string().into()),
        };
        metered::store_is_up(result.is_ok());
        let was_lost = matches!(*self.status.borrow(), FeedStatus::Lost(_));
        match &result {
            Err(error) if !was_lost => {
                tracing::warn!(%error, "the store of keys does not answer; known keys go on");
            }
            Ok(()) if was_lost => tracing::info!("the store of keys answers again"),
            _ => {}
        }
        self.status.send_if_modified(|known| {
            let is_news = *known != status;
            *known = status;
            is_news
        });
        result
    }

    async fn advance(&mut self) -> Result<(), StoreError> {
        if self.progress == Progress::Unprepared {
            self.answer(self.store.prepare(self.table.pepper().fingerprint())).await?;
            self.progress = Progress::Empty;
        }
        if let Progress::At(from) = self.progress {
            let Some(at) = self.follow(from).await? else {
                // A backup was brought back, or it is another one.
                tracing::warn!(from, "the store of keys is not what it was; reading all keys again");
                self.progress = Progress::Restored;
                return self.read_all().await;
            };
            self.progress = Progress::At(at);
            return Ok(());
        }
        self.read_all().await
    }

    /// Takes over what changed after a revision, page by page. `None` if the store is not the one that had
    /// reached it.
    async fn follow(&mut self, mut at: i64) -> Result<Option<i64>, StoreError> {
        loop {
            let changes = self.answer(self.store.changes(at, PAGE)).await?;
            if changes.revision < at || !self.goes_on(changes.head).await? {
                return Ok(None);
            }
            self.head = changes.head;
            let is_last = changes.keys.len() < PAGE as usize;
            at = changes.keys.last().map_or(at, |key| key.revision);
            if !changes.keys.is_empty() {
                self.table.apply(changes.keys);
            }
            if is_last {
                return Ok(Some(at));
            }
        }
    }

    /// Whether a log that ends here goes on from where it ended: a store that was brought back from a backup,
    /// and has changed since, may have come as far as before by another way.
    async fn goes_on(&self, head: AuditHead) -> Result<bool, StoreError> {
        if head == self.head || self.head.sequence == 0 {
            return Ok(true);
        }
        let page = self.answer(self.store.audit(self.head.sequence - 1, 1)).await?;
        Ok(page.entries.first().is_some_and(|entry| entry.head() == self.head))
    }

    /// Takes over all keys at once, so that those that are known stay known until all are read.
    async fn read_all(&mut self) -> Result<(), StoreError> {
        let (mut at, mut batch, mut head) = (0, Batch::default(), None);
        loop {
            let changes = self.answer(self.store.changes(at, PAGE)).await?;
            head = head.or(Some(changes.head));
            let is_last = changes.keys.len() < PAGE as usize;
            at = changes.keys.last().map_or(at, |key| key.revision);
            batch.add(changes.keys);
            if is_last {
                break;
            }
        }
        self.table.replace(batch, (self.progress != Progress::Restored).then_some(at));
        self.progress = Progress::At(at);
        self.head = head.unwrap_or_default();
        Ok(())
    }

    async fn answer<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let answer = tokio::time::timeout(self.timeout, asked).await;
        answer.unwrap_or(Err(StoreError::Timeout(self.timeout)))
    }
}

/// How many keys are read at once: a few megabytes.
const PAGE: u32 = 10_000;
