//! Where usage outlives a process: a trait, and what stands behind it.

mod error;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod facts;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod insert;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod parts;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt::Debug;
use std::pin::Pin;
use std::time::SystemTime;

use tollway_core::Money;

pub use self::error::StoreError;
#[cfg(feature = "postgres")]
pub use self::postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
pub use crate::page::{Page, Position};
use crate::{Batch, Day, Facts, Filter, Retention, Swept, UsageQuery, UsageRow};

/// Keeps records, and sums of them by day and by hour.
///
/// Nothing on the way of a request waits for a store: a [`UsageWriter`](crate::UsageWriter) writes into it.
pub trait UsageStore: Debug + Send + Sync + 'static {
    /// Makes the store ready: brings its schema up to date. May be called again.
    fn prepare(&self) -> Pending<'_, ()>;

    /// Writes a batch and what it adds to the sums: all of it, or nothing. Where the store has the batch
    /// already, nothing is written and that is said. Writers follow one another; who gives up waiting, by
    /// dropping the future, lets go of the connection as well.
    fn write<'s>(&'s self, batch: &'s Batch) -> Pending<'s, Written>;

    /// Sums by what they are asked for, from the daily sums alone.
    fn query<'s>(&'s self, query: &'s UsageQuery) -> Pending<'s, Vec<UsageRow>>;

    /// What each day from one to another, both of them included, came to. Days without any cost are zero.
    fn daily_costs<'s>(&'s self, filters: &'s [Filter], from: Day, to: Day)
    -> Pending<'s, Vec<(Day, Money)>>;

    /// What was spent since a moment by each subject of a kind: `global` (its subject is empty), `key`,
    /// `user`, `team`, or `tag:` with the name of a tag. Whole hours of UTC, the one of the moment included.
    fn spent_since<'s>(&'s self, kind: &'s str, since: SystemTime) -> Pending<'s, Vec<(String, Money)>>;

    /// What advice is made of: sums over the records from one moment to before another. It reads all of them:
    /// for some days or weeks, as the advice is for.
    fn facts(&self, from: SystemTime, to: SystemTime) -> Pending<'_, Facts>;

    /// The last day on which each key was used, of those that were used since a day.
    fn last_use(&self, since: Day) -> Pending<'_, Vec<(String, Day)>>;

    /// At most `limit` requests with their attempts, after a position and before a moment.
    fn page(&self, after: Position, before: SystemTime, limit: u32) -> Pending<'_, Page>;

    /// Adds up the days of months that are over to sums of months, which reports read faster; deletes a piece
    /// of what is older than it shall be, and says whether there is more. To be called each day at least.
    fn sweep(&self, retention: Retention, now: SystemTime) -> Pending<'_, Swept>;
}

/// What a store promises.
pub type Pending<'s, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>;

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is written now.
    New,
    /// It was there before.
    Before,
}
