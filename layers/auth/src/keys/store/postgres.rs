use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgRow};
use sqlx::{Connection as _, Row as _};

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
    /// Asks once without the pool, which tries for as long as it may and then only says that it did.
    async fn begin_anew(&self) -> Result<(), StoreError> {
        if self.pool.size() > 0 {
            return Ok(());
        }
        let connection = PgConnection::connect_with(&self.pool.connect_options()).await?;
        // It answers; how it takes leave does not matter.
        let _ = connection.close().await;
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "a file of SQLite is not made again")]
    const fn is_ready(&self) {}
}

key_store!(PostgresStore, PgConnection, PgRow, begin: "BEGIN");
