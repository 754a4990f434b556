use std::time::Duration;

use sqlx::Row as _;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgRow};

use super::sql::{self, key_store};
use super::{AuditPage, Changes, KeyStore, Pending, StoreError};
use crate::audit::{Act, AuditEntry, AuditHead};
use crate::keys::{Change, Digest, Key, KeyId, Previous};
use crate::time::{millis, moment};

/// Keeps keys in PostgreSQL, where all replicas find them.
#[derive(Debug)]
pub struct PostgresStore {
    pool: sqlx::PgPool,
    migrator: Migrator,
}

impl PostgresStore {
    /// Keeps keys in the database of a URL: `postgres://user:password@host/database?sslmode=verify-full`.
    /// Connects to nothing yet. To be called within a Tokio runtime.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| {
            // The URL holds a password, and an error goes into logs.
            StoreError::Unreadable(error.to_string().replace(url, "(the URL)"))
        })?;
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            // A proxy in between may have let go of it long since.
            .idle_timeout(Duration::from_mins(5));
        Ok(Self {
            pool: pool.connect_lazy_with(options.application_name("tollway")),
            migrator: sql::migrator(include_str!("../../../migrations/0001_keys.postgres.sql")),
        })
    }
}

impl PostgresStore {
    /// A database is there, or is not.
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "a file of SQLite is made here")]
    const fn begin_anew(&self) -> Result<(), StoreError> {
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "a file of SQLite is not made again")]
    const fn is_ready(&self) {}
}

key_store!(PostgresStore, PgConnection, PgRow, begin: "BEGIN");
