use std::path::Path;
use std::sync::Mutex;
use std::time::SystemTime;

use tollway_core::Money;
use tollway_usage::store::{Page, Pending, Position, Written};
use tollway_usage::{
    Batch, Day, Facts, Filter, Retention, SqliteStore, StoreError, Swept, UsageQuery, UsageRow, UsageStore,
};

/// A store that fails when it is told to.
#[derive(Debug)]
pub(crate) struct Flaky {
    inner: SqliteStore,
    mood: Mutex<Mood>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Works,
    /// Writes nothing and says so.
    Refuses,
    /// Writes, and says that it did not: the connection broke after the commit.
    Denies,
    /// Never answers.
    Hangs,
    /// Refuses what has a request of this name.
    Dislikes(&'static str),
}

impl Flaky {
    pub(crate) fn new(file: &Path, mood: Mood) -> Self {
        Self { inner: SqliteStore::new(file), mood: Mutex::new(mood) }
    }

    pub(crate) fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    async fn put(&self, batch: &Batch) -> Result<Written, StoreError> {
        let mood = *self.mood.lock().unwrap();
        let refusal = || StoreError::Unreadable("a test".to_owned());
        match mood {
            Mood::Refuses => Err(refusal()),
            Mood::Denies => self.inner.write(batch).await.and(Err(refusal())),
            Mood::Hangs => std::future::pending().await,
            Mood::Dislikes(name) if format!("{batch:?}").contains(name) => Err(refusal()),
            Mood::Works | Mood::Dislikes(_) => self.inner.write(batch).await,
        }
    }
}

impl UsageStore for Flaky {
    fn prepare(&self) -> Pending<'_, ()> {
        self.inner.prepare()
    }

    fn write<'s>(&'s self, batch: &'s Batch) -> Pending<'s, Written> {
        Box::pin(self.put(batch))
    }

    fn query<'s>(&'s self, query: &'s UsageQuery) -> Pending<'s, Vec<UsageRow>> {
        self.inner.query(query)
    }

    fn daily_costs<'s>(
        &'s self,
        filters: &'s [Filter],
        from: Day,
        to: Day,
    ) -> Pending<'s, Vec<(Day, Money)>> {
        self.inner.daily_costs(filters, from, to)
    }

    fn spent_since<'s>(&'s self, kind: &'s str, since: SystemTime) -> Pending<'s, Vec<(String, Money)>> {
        self.inner.spent_since(kind, since)
    }

    fn facts(&self, from: SystemTime, to: SystemTime) -> Pending<'_, Facts> {
        self.inner.facts(from, to)
    }

    fn last_use(&self, since: Day) -> Pending<'_, Vec<(String, Day)>> {
        self.inner.last_use(since)
    }

    fn page(&self, after: Position, before: SystemTime, limit: u32) -> Pending<'_, Page> {
        self.inner.page(after, before, limit)
    }

    fn sweep(&self, retention: Retention, now: SystemTime) -> Pending<'_, Swept> {
        self.inner.sweep(retention, now)
    }
}
