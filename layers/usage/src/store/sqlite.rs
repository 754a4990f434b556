use std::collections::HashMap;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::sync::Mutex;
use tollway_core::{Money, Usage};

use super::facts::{self, facts};
use super::insert::Placeholder;
use super::parts::{self, MONTHLY, Part};
use super::sql::{self, usage_store};
use super::{Pending, StoreError, UsageStore, Written};
use crate::page::{Page, Position};
use crate::rollup::{self, Rollup, Series};
use crate::row::{AttemptRow, RequestRow, TOKENS};
use crate::sums::WIDTH;
use crate::time::{MILLIS_A_DAY, MILLIS_AN_HOUR, millis};
use crate::{
    Batch, Day, Facts, Filter, HourFacts, ModelFacts, PrefixFacts, PromptFacts, Retention, Sums, Swept,
    UsageQuery, UsageRow,
};

/// Keeps usage in a file of SQLite.
///
/// Its journal is written ahead and synced at checkpoints (`synchronous=NORMAL`): what was written outlives
/// the process however that ends, and the file stays whole whatever happens, but a power cut may take back
/// the last batches, those since the last checkpoint.
#[derive(Debug)]
pub struct SqliteStore {
    pool: sqlx::SqlitePool,
    /// Whoever writes has it for as long.
    writer: Mutex<Option<SqliteConnection>>,
    options: SqliteConnectOptions,
    migrator: Migrator,
    series: sql::KnownSeries,
    file: PathBuf,
}

impl SqliteStore {
    /// Keeps usage in a file, which is made when the store is [prepared](UsageStore::prepare). Opens nothing
    /// yet. To be called within a Tokio runtime.
    pub fn new(file: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(file)
            // Reports do not wait for the writer, nor it for them.
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5))
            // 16 MiB of pages: where the sums of today are.
            .pragma("cache_size", "-16384");
        let pool = SqlitePoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(5));
        Self {
            pool: pool.connect_lazy_with(options.clone()),
            writer: Mutex::new(None),
            options,
            migrator: sql::migrator(include_str!("../../migrations/0001_usage.sqlite.sql")),
            series: sql::KnownSeries::default(),
            file: file.to_owned(),
        }
    }

    /// Makes the file, for its owner alone, unless it was there before; of one that cannot be written SQLite
    /// would not say which.
    #[expect(clippy::unused_async, reason = "PostgreSQL is asked here")]
    async fn begin_anew(&self) -> Result<(), StoreError> {
        // Nothing is added to what is there.
        let made = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.file);
        let named = |error| format!("cannot be written: {}: {error}", self.file.display());
        made.map(drop).map_err(|error| StoreError::Failed(named(error).into()))
    }

    async fn connect(&self) -> Result<SqliteConnection, StoreError> {
        Ok(self.options.connect().await?)
    }
}

// A transaction that begins by reading could not be sure to write.
usage_store!(
    SqliteStore, SqliteConnection, SqliteRow, begin: "BEGIN IMMEDIATE", statements: Placeholder::Question
);
facts!(SqliteStore, SqliteRow);
