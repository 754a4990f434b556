use std::path::Path;
use std::time::Duration;

use sqlx::Row as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteRow};

use super::sql::{self, key_store};
use super::{AuditPage, Changes, KeyStore, Pending, StoreError};
use crate::audit::{Act, AuditEntry, AuditHead};
use crate::keys::{Change, Digest, Key, KeyId, Previous};
use crate::time::{millis, moment};

/// Keeps keys in a file of SQLite.
#[derive(Debug)]
pub struct SqliteStore {
    pool: sqlx::SqlitePool,
    migrator: Migrator,
}

impl SqliteStore {
    /// Keeps keys in a file, which is made when the store is [prepared](KeyStore::prepare). Opens
    /// nothing yet. To be called within a Tokio runtime.
    pub fn new(file: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            // Readers of another process, such as `tollway keys list`, do not wait for writers.
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(5));
        Self {
            pool: pool.connect_lazy_with(options),
            migrator: sql::migrator(include_str!("../../../migrations/0001_keys.sqlite.sql")),
        }
    }
}

// A transaction that begins by reading could not be sure to write.
key_store!(SqliteStore, SqliteConnection, SqliteRow, begin: "BEGIN IMMEDIATE");
