use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgRow};
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

/// Keeps usage in PostgreSQL, where all replicas add to the same sums.
#[derive(Debug)]
pub struct PostgresStore {
    pool: sqlx::PgPool,
    /// Whoever writes has it for as long.
    writer: Mutex<Option<PgConnection>>,
    options: PgConnectOptions,
    migrator: Migrator,
    series: sql::KnownSeries,
}

impl PostgresStore {
    /// Keeps usage in the database of a URL: `postgres://user:password@host/database?sslmode=verify-full`.
    /// Connects to nothing yet. To be called within a Tokio runtime.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| {
            // The URL holds a password, and an error goes into logs.
            StoreError::Unreadable(error.to_string().replace(url, "(the URL)"))
        })?;
        let options = options.application_name("tollway");
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            // A proxy in between may have let go of it long since.
            .idle_timeout(Duration::from_mins(5));
        Ok(Self {
            pool: pool.connect_lazy_with(options.clone()),
            writer: Mutex::new(None),
            options,
            migrator: sql::migrator(include_str!("../../migrations/0001_usage.postgres.sql")),
            series: sql::KnownSeries::default(),
        })
    }

    /// Asks once without the pool, which tries for as long as it may and then only says that it did.
    async fn begin_anew(&self) -> Result<(), StoreError> {
        if self.pool.size() == 0 {
            // It answers; how it takes leave does not matter.
            let _ = self.connect().await?.close().await;
        }
        Ok(())
    }

    async fn connect(&self) -> Result<PgConnection, StoreError> {
        Ok(self.options.connect().await?)
    }
}

usage_store!(PostgresStore, PgConnection, PgRow, begin: "BEGIN", statements: Placeholder::Dollar);
facts!(PostgresStore, PgRow);
