//! What SQLite and PostgreSQL have in common: all but how they are opened. The statements are the same,
//! the types of rows and connections are not, and stating over both what they can do would take more
//! lines than this macro.

use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::StoreError;
use crate::audit::AuditHash;
use crate::keys::Digest;

/// Implements [`KeyStore`](super::KeyStore) for a type with a `pool` and a `migrator`.
macro_rules! key_store {
    ($store:ident, $connection:ty, $row:ty, begin: $begin:expr) => {
        impl $store {
            /// Begins what writes: whoever has changed the one row of state is alone until the end.
            async fn begin(
                &self,
                revisions: i64,
            ) -> Result<(sqlx::Transaction<'static, <$row as sqlx::Row>::Database>, i64, AuditHead), StoreError>
            {
                let mut transaction = self.pool.begin_with($begin).await?;
                let state = sqlx::query(sql::LOCK).bind(revisions).fetch_one(&mut *transaction).await?;
                Ok((transaction, state.try_get("revision")?, head(&state)?))
            }

            async fn write(&self, id: KeyId, change: Change, act: Act) -> Result<Key, StoreError> {
                let (mut transaction, revision, head) = self.begin(1).await?;
                let (action, detail) = (change.action(), change.detail());
                let before = key_of(&mut transaction, id).await?;
                let mut key = change.apply(id, before, act.at)?;
                key.revision = revision;
                put(&mut transaction, &key).await?;
                let entry = AuditEntry::after(head, act, action, &id.to_string(), &detail);
                append(&mut transaction, &entry).await?;
                transaction.commit().await?;
                Ok(key)
            }

            async fn note(
                &self,
                act: Act,
                action: &str,
                subject: &str,
                detail: &str,
            ) -> Result<AuditEntry, StoreError> {
                let (mut transaction, _, head) = self.begin(0).await?;
                let entry = AuditEntry::after(head, act, action, subject, detail);
                append(&mut transaction, &entry).await?;
                transaction.commit().await?;
                Ok(entry)
            }

            async fn make_ready(&self, fingerprint: Digest) -> Result<(), StoreError> {
                self.begin_anew().await?;
                self.migrator.run(&self.pool).await.map_err(|error| StoreError::Failed(error.into()))?;
                let state = sqlx::query(sql::CLAIM).bind(&fingerprint.as_bytes()[..]);
                let claimed: Vec<u8> = state.fetch_one(&self.pool).await?.try_get("fingerprint")?;
                self.is_ready();
                if sql::digest(&claimed)? == fingerprint { Ok(()) } else { Err(StoreError::OtherPepper) }
            }
        }

        impl KeyStore for $store {
            fn prepare(&self, fingerprint: Digest) -> Pending<'_, ()> {
                Box::pin(self.make_ready(fingerprint))
            }

            fn change(&self, id: KeyId, change: Change, act: Act) -> Pending<'_, Key> {
                Box::pin(self.write(id, change, act))
            }

            fn find(&self, id: KeyId) -> Pending<'_, Option<Key>> {
                Box::pin(async move { key_of(&mut *self.pool.acquire().await?, id).await })
            }

            fn list(&self, after: Option<KeyId>, limit: u32) -> Pending<'_, Vec<Key>> {
                Box::pin(async move {
                    let after = after.map_or_else(String::new, |after| after.to_string());
                    let rows = sqlx::query(sql::LIST).bind(after).bind(i64::from(limit));
                    rows.fetch_all(&self.pool).await?.iter().map(key).collect()
                })
            }

            fn changes(&self, after: i64, limit: u32) -> Pending<'_, Changes> {
                Box::pin(async move {
                    // First: what is read after it can only be newer.
                    let state = sqlx::query(sql::STATE).fetch_one(&self.pool).await?;
                    let (revision, head) = (state.try_get("revision")?, head(&state)?);
                    // As it is mostly, each second.
                    if revision <= after {
                        return Ok(Changes { keys: Vec::new(), revision, head });
                    }
                    let rows = sqlx::query(sql::CHANGES).bind(after).bind(i64::from(limit));
                    let keys: Result<Vec<Key>, StoreError> =
                        rows.fetch_all(&self.pool).await?.iter().map(key).collect();
                    Ok(Changes { keys: keys?, revision, head })
                })
            }

            fn record<'s>(
                &'s self,
                act: Act,
                action: &'s str,
                subject: &'s str,
                detail: &'s str,
            ) -> Pending<'s, AuditEntry> {
                Box::pin(self.note(act, action, subject, detail))
            }

            fn audit(&self, after: i64, limit: u32) -> Pending<'_, AuditPage> {
                Box::pin(async move {
                    let state = sqlx::query(sql::STATE).fetch_one(&self.pool).await?;
                    let rows = sqlx::query(sql::AUDIT).bind(after).bind(i64::from(limit));
                    let entries: Result<Vec<AuditEntry>, StoreError> =
                        rows.fetch_all(&self.pool).await?.iter().map(entry).collect();
                    Ok(AuditPage { entries: entries?, head: head(&state)? })
                })
            }
        }

        async fn key_of(connection: &mut $connection, id: KeyId) -> Result<Option<Key>, StoreError> {
            let row = sqlx::query(sql::FIND).bind(id.to_string()).fetch_optional(connection).await?;
            row.as_ref().map(key).transpose()
        }

        async fn put(connection: &mut $connection, key: &Key) -> Result<(), StoreError> {
            let details = serde_json::to_string(&key.grant).map_err(sql::unreadable)?;
            let statement = sqlx::query(sql::PUT)
                .bind(key.id.to_string())
                .bind(&key.digest.as_bytes()[..])
                .bind(key.previous.as_ref().map(|previous| &previous.digest.as_bytes()[..]))
                .bind(key.previous.map(|previous| millis(previous.until)))
                .bind(details)
                .bind(millis(key.created))
                .bind(key.revoked.map(millis))
                .bind(key.revision);
            statement.execute(connection).await?;
            Ok(())
        }

        async fn append(connection: &mut $connection, entry: &AuditEntry) -> Result<(), StoreError> {
            let statement = sqlx::query(sql::APPEND)
                .bind(entry.sequence)
                .bind(millis(entry.act.at))
                .bind(&entry.act.actor)
                .bind(entry.act.address.map(|address| address.to_string()))
                .bind(&entry.action)
                .bind(&entry.subject)
                .bind(&entry.detail)
                .bind(&entry.previous[..]);
            statement.execute(&mut *connection).await?;
            let head = sqlx::query(sql::HEAD).bind(entry.sequence).bind(entry.hash().to_vec());
            head.execute(connection).await?;
            Ok(())
        }

        fn key(row: &$row) -> Result<Key, StoreError> {
            let id: String = row.try_get("id")?;
            let grant = serde_json::from_str(row.try_get("details")?).map_err(sql::unreadable)?;
            let digest = sql::digest(row.try_get("digest")?)?;
            let id = id.parse().map_err(sql::unreadable)?;
            let mut key = Key::new(id, digest, grant, moment(row.try_get("created")?));
            let previous: Option<&[u8]> = row.try_get("previous")?;
            let until: Option<i64> = row.try_get("previous_until")?;
            if let (Some(previous), Some(until)) = (previous, until) {
                key.previous = Some(Previous { digest: sql::digest(previous)?, until: moment(until) });
            }
            key.revoked = row.try_get::<Option<i64>, _>("revoked")?.map(moment);
            key.revision = row.try_get("revision")?;
            Ok(key)
        }

        fn entry(row: &$row) -> Result<AuditEntry, StoreError> {
            let address: Option<String> = row.try_get("address")?;
            let address = address.map(|address| address.parse()).transpose().map_err(sql::unreadable)?;
            Ok(AuditEntry {
                sequence: row.try_get("sequence")?,
                act: Act { actor: row.try_get("actor")?, address, at: moment(row.try_get("at")?) },
                action: row.try_get("action")?,
                subject: row.try_get("subject")?,
                detail: row.try_get("detail")?,
                previous: sql::audit_hash(row.try_get("previous")?)?,
            })
        }

        fn head(row: &$row) -> Result<AuditHead, StoreError> {
            Ok(AuditHead {
                sequence: row.try_get("audit_sequence")?,
                hash: sql::audit_hash(row.try_get("audit_hash")?)?,
            })
        }
    };
}
pub(super) use key_store;

/// The schema's history, in a table of its own: others may keep theirs in the same database.
pub(super) fn migrator(first: &'static str) -> Migrator {
    let sql = first.into_sql_str();
    let keys = Migration::new(1, Cow::Borrowed("keys"), MigrationType::Simple, sql, false);
    let mut migrator = Migrator::with_migrations(vec![keys]);
    migrator.dangerous_set_table_name("_tollway_keys_migrations");
    // A replica of an older version goes on while newer ones come.
    migrator.set_ignore_missing(true);
    migrator
}

pub(super) fn digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    bytes.try_into().map_err(unreadable)
}

pub(super) fn audit_hash(bytes: &[u8]) -> Result<AuditHash, StoreError> {
    bytes.try_into().map_err(unreadable)
}

pub(super) fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

pub(super) const LOCK: &str = "UPDATE tollway_keys_state SET revision = revision + $1 \
     RETURNING revision, audit_sequence, audit_hash";
pub(super) const CLAIM: &str = "UPDATE tollway_keys_state SET fingerprint = COALESCE(fingerprint, $1) \
     RETURNING fingerprint";
pub(super) const STATE: &str = "SELECT revision, audit_sequence, audit_hash FROM tollway_keys_state";
pub(super) const FIND: &str = "SELECT * FROM tollway_keys WHERE id = $1";
pub(super) const LIST: &str = "SELECT * FROM tollway_keys WHERE id > $1 ORDER BY id LIMIT $2";
pub(super) const CHANGES: &str = "SELECT * FROM tollway_keys WHERE revision > $1 ORDER BY revision LIMIT $2";
pub(super) const PUT: &str = "INSERT INTO tollway_keys \
     (id, digest, previous, previous_until, details, created, revoked, revision) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET \
     digest = excluded.digest, previous = excluded.previous, previous_until = excluded.previous_until, \
     details = excluded.details, revoked = excluded.revoked, revision = excluded.revision";
pub(super) const APPEND: &str = "INSERT INTO tollway_keys_audit \
     (sequence, at, actor, address, action, subject, detail, previous) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
pub(super) const HEAD: &str = "UPDATE tollway_keys_state SET audit_sequence = $1, audit_hash = $2";
pub(super) const AUDIT: &str =
    "SELECT * FROM tollway_keys_audit WHERE sequence > $1 ORDER BY sequence LIMIT $2";
