//! Where keys outlive a process: a trait, and what stands behind it.

mod error;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt::Debug;
use std::pin::Pin;

pub use self::error::StoreError;
pub use self::memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use self::postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
use super::{Change, Digest, Key, KeyId};
use crate::audit::{self, Act, AuditEntry, AuditError, AuditHead};

/// Keeps keys, and a log of what was done to them.
///
/// Nothing on the way of a request waits for a store: a [`KeyFeed`](super::KeyFeed) carries what
/// changes into a [`KeyTable`](super::KeyTable).
///
/// Every change gets a revision, one higher than that of the change before it, and becomes visible in
/// the order of revisions. A change and its row in the log are written both or neither.
pub trait KeyStore: Debug + Send + Sync + 'static {
    /// Makes the store ready: brings its schema up to date, and holds it to the one secret that its keys
    /// are hashed with, by the [fingerprint](super::Pepper::fingerprint). May be called again.
    fn prepare(&self, fingerprint: Digest) -> Pending<'_, ()>;

    /// Changes a key, by [`Change::apply`].
    fn change(&self, id: KeyId, change: Change, act: Act) -> Pending<'_, Key>;

    /// The key of an id.
    fn find(&self, id: KeyId) -> Pending<'_, Option<Key>>;

    /// At most `limit` keys in the order of their ids, after one of them.
    fn list(&self, after: Option<KeyId>, limit: u32) -> Pending<'_, Vec<Key>>;

    /// At most `limit` keys that changed after a revision, in the order of their revisions.
    fn changes(&self, after: i64, limit: u32) -> Pending<'_, Changes>;

    /// Adds a row to the log for what changes no key. `detail` is JSON, without anything secret.
    fn record<'s>(
        &'s self,
        act: Act,
        action: &'s str,
        subject: &'s str,
        detail: &'s str,
    ) -> Pending<'s, AuditEntry>;

    /// At most `limit` rows of the log after a number, and where the log ends.
    fn audit(&self, after: i64, limit: u32) -> Pending<'_, AuditPage>;
}

/// What a store promises.
pub type Pending<'s, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>;

/// What changed in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The keys as they are now.
    pub keys: Vec<Key>,
    /// The revision that the store had reached before they were read.
    pub revision: i64,
    /// Where the log ended then.
    pub head: AuditHead,
}

/// A piece of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// Its rows.
    pub entries: Vec<AuditEntry>,
    /// Where the whole log ended before they were read.
    pub head: AuditHead,
}

/// Checks the whole log of a store up to where it ended when this began, and says where that was.
pub async fn verify_audit(store: &dyn KeyStore) -> Result<AuditHead, StoreError> {
    let mut page = store.audit(0, AUDIT_PAGE).await?;
    let (end, mut at) = (page.head, AuditHead::default());
    while at.sequence < end.sequence {
        // What was added in the meantime is for the next time.
        page.entries.retain(|entry| entry.sequence <= end.sequence);
        if page.entries.is_empty() {
            return Err(AuditError::Missing(at.sequence + 1).into());
        }
        at = audit::verify(at, &page.entries)?;
        page = store.audit(at.sequence, AUDIT_PAGE).await?;
    }
    if at == end { Ok(at) } else { Err(AuditError::End(at.sequence).into()) }
}

/// How many rows of a log are read at once.
const AUDIT_PAGE: u32 = 1000;
