//! Where what was used is kept.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tollway_usage::{PostgresStore, SqliteStore, UsageStore, UsageWriter, UserHash, WriterSettings};

use super::Fingerprints;
use crate::BoxError;
use crate::config::{Database, Kept, Settings};

/// Where what was used is kept, and the way there.
#[derive(Clone, Debug)]
pub struct UsageBook {
    store: Arc<dyn UsageStore>,
    writer: UsageWriter,
    fingerprints: Option<Fingerprints>,
    kept: Kept,
}

impl UsageBook {
    /// Opens what the settings name, if they name anything. A file that is not asked for and cannot be made is
    /// done without, and that is said. To be called within a Tokio runtime.
    pub async fn open(settings: &Settings) -> Result<Option<Self>, BoxError> {
        let Some(kept) = &settings.usage.kept else { return Ok(None) };
        match Self::try_open(settings, kept).await {
            Ok(book) => Ok(Some(book)),
            Err(error) if kept.is_asked => Err(format!("usage: {error}").into()),
            Err(error) => {
                tracing::warn!(
                    "usage is not recorded: {error}; name a place in `usage.database`, or say `usage: {{enabled: false}}`"
                );
                Ok(None)
            }
        }
    }

    async fn try_open(settings: &Settings, kept: &Kept) -> Result<Self, BoxError> {
        let store = open(&kept.database)?;
        let prepared = tokio::time::timeout(PATIENCE, store.prepare()).await;
        match (prepared, &kept.database) {
            (Ok(Ok(())), _) => {}
            // A file is there or it is not; a server may come back, and what is recorded waits for it.
            (Ok(Err(error)), Database::Sqlite(_)) => return Err(error.into()),
            (Err(_), Database::Sqlite(file)) => {
                return Err(format!("the file did not open within {PATIENCE:?}: {}", file.display()).into());
            }
            (prepared, Database::Postgres(_)) => {
                let why = prepared.map_or_else(
                    |_| "no answer".to_owned(),
                    |ended| match ended {
                        Ok(()) => String::new(),
                        Err(error) => error.to_string(),
                    },
                );
                tracing::warn!("the database of usage does not answer yet, records wait in files: {why}");
                tokio::spawn(prepare(store.clone()));
            }
        }
        let mut terms = WriterSettings::new(kept.spill.clone());
        let secret = settings.state.secret.as_ref().map(|secret| secret.expose().as_bytes());
        if let Some(secret) = secret.filter(|_| kept.hash_users) {
            terms.users = Some(UserHash::new(secret)?);
        }
        Ok(Self {
            writer: UsageWriter::start(store.clone(), terms)?,
            store,
            fingerprints: kept.fingerprints.then(|| Fingerprints::new(secret)),
            kept: kept.clone(),
        })
    }

    /// What reports are made of.
    pub fn store(&self) -> &Arc<dyn UsageStore> {
        &self.store
    }

    /// Whether users stand in it by their hashes.
    pub(super) const fn hashes_users(&self) -> bool {
        self.kept.hash_users
    }

    /// Where records go.
    pub(super) const fn writer(&self) -> &UsageWriter {
        &self.writer
    }

    /// What tells prompts apart, if they are to be.
    pub(super) const fn fingerprints(&self) -> Option<Fingerprints> {
        self.fingerprints
    }

    /// Writes what was recorded, and takes nothing more.
    pub async fn close(&self) {
        self.writer.close().await;
    }

    /// Deletes what is older than it shall be, for ever.
    pub async fn sweep(&self) -> Infallible {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            while let Ok(swept) = self.store.sweep(self.kept.retention, SystemTime::now()).await {
                if !swept.more {
                    break;
                }
                tokio::time::sleep(BETWEEN_PIECES).await;
            }
        }
    }
}

/// Opens a database of usage. Nothing is asked of it yet.
pub fn open(database: &Database) -> Result<Arc<dyn UsageStore>, BoxError> {
    Ok(match database {
        Database::Sqlite(file) => Arc::new(SqliteStore::new(file)),
        Database::Postgres(url) => Arc::new(PostgresStore::new(url.expose())?),
    })
}

/// Prepares a store as soon as it answers.
async fn prepare(store: Arc<dyn UsageStore>) {
    while store.prepare().await.is_err() {
        tokio::time::sleep(PATIENCE).await;
    }
}

/// How long the start waits for the database.
const PATIENCE: Duration = Duration::from_secs(5);

const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// Deleting waits for those that write.
const BETWEEN_PIECES: Duration = Duration::from_millis(50);
