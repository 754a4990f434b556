use std::fs::{self, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Row as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteRow};

use super::sql::{self, key_store};
use super::{AuditPage, Changes, KeyStore, Pending, StoreError};
use crate::audit::{Act, AuditEntry, AuditHead};
use crate::keys::{Change, Digest, Key, KeyId, Previous};
use crate::time::{millis, moment};

/// Keeps keys in a file of SQLite.
///
/// Follows the file's name: where another file has taken its place, as when a backup was brought back, that
/// one counts. One that is gone is not made again, as it would hold no keys.
#[derive(Debug)]
pub struct SqliteStore {
    pool: sqlx::SqlitePool,
    migrator: Migrator,
    file: PathBuf,
    /// Whether the file was there, and ready, once.
    was_ready: AtomicBool,
}

impl SqliteStore {
    /// Keeps keys in a file, which is made when the store is [prepared](KeyStore::prepare). Opens
    /// nothing yet. To be called within a Tokio runtime.
    pub fn new(file: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(file)
            // Readers of another process, such as `tollway keys list`, do not wait for writers.
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(5));
        let watch = Arc::new(Watch::new(file));
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            .acquire_timeout(Duration::from_secs(5))
            .before_acquire(move |_, connection| {
                let is_good = watch.has_seen_no_other(connection.age);
                Box::pin(async move { Ok(is_good) })
            });
        Self {
            pool: pool.connect_lazy_with(options),
            migrator: sql::migrator(include_str!("../../../migrations/0001_keys.sqlite.sql")),
            file: file.to_owned(),
            was_ready: AtomicBool::new(false),
        }
    }

    /// Makes the file, for its owner alone, unless it was there before; of one that cannot be written SQLite
    /// would not say which.
    #[expect(clippy::unused_async, reason = "PostgreSQL is asked here")]
    async fn begin_anew(&self) -> Result<(), StoreError> {
        if self.was_ready.load(Ordering::Acquire) {
            return Ok(());
        }
        // Nothing is added to what is there.
        let made = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.file);
        let named = |error| format!("cannot be written: {}: {error}", self.file.display());
        made.map(drop).map_err(|error| StoreError::Failed(named(error).into()))
    }

    fn is_ready(&self) {
        self.was_ready.store(true, Ordering::Release);
    }
}

/// Sees whether a name leads to another file than before: whoever has one open does not notice.
#[derive(Debug)]
struct Watch {
    file: PathBuf,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// The device and the number of the file; none where there was none.
    place: Option<(u64, u64)>,
    /// When it was seen first.
    since: Instant,
}

impl Watch {
    fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), seen: Mutex::new(Seen { place: look(file), since: Instant::now() }) }
    }

    /// Whether no other file was seen since somebody of this age opened it.
    fn has_seen_no_other(&self, age: Duration) -> bool {
        let place = look(&self.file);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.place != place {
            *seen = Seen { place, since: Instant::now() };
        }
        age < seen.since.elapsed()
    }
}

fn look(file: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

// A transaction that begins by reading could not be sure to write.
key_store!(SqliteStore, SqliteConnection, SqliteRow, begin: "BEGIN IMMEDIATE");
