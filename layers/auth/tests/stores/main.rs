//! Every store keeps the same promises: in memory, in a file of SQLite, in a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod promises;
#[cfg(feature = "postgres")]
mod server;

use std::sync::Arc;

use tollway_auth::keys::{KeyStore, MemoryStore};

#[tokio::test]
async fn memory() {
    let store: Arc<dyn KeyStore> = Arc::new(MemoryStore::new());
    for promise in 0..promises::COUNT {
        let store: Arc<dyn KeyStore> =
            if promise == 0 { store.clone() } else { Arc::new(MemoryStore::new()) };
        promises::check(promise, store.clone(), store).await;
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use sqlx::{Connection as _, Executor as _};
    use tollway_auth::audit::AuditError;
    use tollway_auth::keys::store::verify_audit;
    use tollway_auth::keys::{SqliteStore, StoreError};

    use super::*;

    #[tokio::test]
    async fn keeps_the_promises() {
        for promise in 0..promises::COUNT {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("keys.db");
            let open = || Arc::new(SqliteStore::new(&file)) as Arc<dyn KeyStore>;
            promises::check(promise, open(), open()).await;
        }
    }

    #[tokio::test]
    async fn the_log_cannot_be_changed_and_shows_it_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.db");
        let store = SqliteStore::new(&file);
        promises::fill(&store, 5).await;
        assert_eq!(verify_audit(&store).await.unwrap().sequence, 5);

        let url = format!("sqlite://{}", file.display());
        let mut intruder = sqlx::SqliteConnection::connect(&url).await.unwrap();
        for statement in [
            "UPDATE tollway_keys_audit SET actor = 'nobody'",
            "DELETE FROM tollway_keys_audit WHERE sequence = 5",
        ] {
            let error = intruder.execute(statement).await.unwrap_err().to_string();
            assert!(error.contains("only ever added to"), "{error}");
        }
        assert_eq!(verify_audit(&store).await.unwrap().sequence, 5);

        intruder.execute("DROP TRIGGER tollway_keys_audit_stays").await.unwrap();
        intruder.execute("DROP TRIGGER tollway_keys_audit_remains").await.unwrap();
        let update = "UPDATE tollway_keys_audit SET actor = 'nobody' WHERE sequence = 3";
        intruder.execute(update).await.unwrap();
        assert!(matches!(verify_audit(&store).await, Err(StoreError::Audit(AuditError::Changed(3)))));
        intruder.execute("UPDATE tollway_keys_audit SET actor = 'ada' WHERE sequence = 3").await.unwrap();
        intruder.execute("DELETE FROM tollway_keys_audit WHERE sequence = 5").await.unwrap();
        assert!(matches!(verify_audit(&store).await, Err(StoreError::Audit(AuditError::Missing(5)))));
    }

    /// A gateway once went on with the file that was there before: keys that were revoked since passed, and
    /// new ones did not.
    #[tokio::test]
    async fn a_file_that_takes_its_place_counts_from_then_on() {
        use tollway_auth::keys::{KeyFeed, KeyTable, Keyring};

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let make = async |file: &str, keys: u8| {
            let store = Arc::new(SqliteStore::new(&at(file)));
            promises::fill(&*store, keys).await;
            let keyring = Keyring::new(store, Arc::new(KeyTable::new(promises::pepper())));
            keyring.create(promises::grant("last"), promises::act(2)).await.unwrap().1
        };
        let before = make("keys.db", 3).await;
        let table = Arc::new(KeyTable::new(promises::pepper()));
        let mut feed = KeyFeed::new(Arc::new(SqliteStore::new(&at("keys.db"))), table.clone());
        feed.catch_up().await.unwrap();
        assert!(promises::is_good(&table, &before));

        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::rename(at(&format!("keys.db{suffix}")), at(&format!("old.db{suffix}")));
        }
        assert!(feed.catch_up().await.is_err(), "it is gone");
        assert!(!at("keys.db").exists(), "and not made again, without keys");
        assert!(promises::is_good(&table, &before), "known keys go on");

        // With as many changes as the one before, or more: their number alone tells nothing.
        for more in [3, 7] {
            let _ = std::fs::remove_file(at("keys.db"));
            let after = make(&format!("new{more}.db"), more).await;
            for suffix in ["", "-wal", "-shm"] {
                let _ =
                    std::fs::rename(at(&format!("new{more}.db{suffix}")), at(&format!("keys.db{suffix}")));
            }
            feed.catch_up().await.unwrap();
            assert!(promises::is_good(&table, &after), "{more}");
            assert!(!promises::is_good(&table, &before), "{more}");
        }
    }

    #[tokio::test]
    async fn a_file_is_its_owner_s_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.db");
        promises::fill(&SqliteStore::new(&file), 1).await;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_opened_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::new(&folder.path().join("missing/keys.db"));
        assert!(matches!(store.prepare([0; 32].into()).await, Err(StoreError::Failed(_))));
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use sqlx::{Connection as _, Executor as _, SqlSafeStr as _};
    use tollway_auth::keys::store::verify_audit;
    use tollway_auth::keys::{FeedStatus, KeyFeed, KeyTable, Keyring, PostgresStore};

    use super::*;
    use crate::server::Server;

    fn open(url: &str) -> Arc<dyn KeyStore> {
        Arc::new(PostgresStore::new(url).unwrap())
    }

    /// Makes an empty database, and says its URL.
    async fn database(server: &Server) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = sqlx::PgConnection::connect(&server.url("postgres")).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        admin.execute(create.into_sql_str()).await.unwrap();
        server.url(&name)
    }

    #[tokio::test]
    async fn keeps_the_promises() {
        let Some(server) = Server::start() else { return };
        for promise in 0..promises::COUNT {
            let url = database(&server).await;
            promises::check(promise, open(&url), open(&url)).await;
        }
    }

    #[tokio::test]
    async fn the_log_cannot_be_changed() {
        let Some(server) = Server::start() else { return };
        let url = database(&server).await;
        let store = open(&url);
        promises::fill(&*store, 3).await;
        let mut intruder = sqlx::PgConnection::connect(&url).await.unwrap();
        for statement in [
            "UPDATE tollway_keys_audit SET actor = 'nobody'",
            "DELETE FROM tollway_keys_audit",
            "TRUNCATE tollway_keys_audit",
        ] {
            let error = intruder.execute(statement).await.unwrap_err().to_string();
            assert!(error.contains("only ever added to"), "{error}");
        }
        assert_eq!(verify_audit(&*store).await.unwrap().sequence, 3);
    }

    #[tokio::test]
    async fn known_keys_outlive_the_database() {
        let Some(mut server) = Server::start() else { return };
        let url = database(&server).await;
        let (store, table) = (open(&url), Arc::new(KeyTable::new(promises::pepper())));
        let feed = KeyFeed::new(store.clone(), table.clone()).interval(Duration::from_millis(100));
        let mut status = feed.watch();
        let feed = tokio::spawn(feed.run());
        status.wait_for(|status| matches!(status, FeedStatus::Following(_))).await.unwrap();
        let keyring = Keyring::new(store, table.clone());
        let (key, token) = keyring.create(promises::grant("first"), promises::act(1)).await.unwrap();

        server.crash();
        status.wait_for(|status| matches!(status, FeedStatus::Lost(_))).await.unwrap();
        assert!(promises::is_good(&table, &token));
        assert!(keyring.revoke(key.id, promises::act(2)).await.is_err(), "nobody could say it was revoked");
        assert!(promises::is_good(&table, &token));

        server.restart();
        status.wait_for(|status| matches!(status, FeedStatus::Following(_))).await.unwrap();
        keyring.revoke(key.id, promises::act(3)).await.unwrap();
        assert!(!promises::is_good(&table, &token));
        assert_eq!(verify_audit(&**keyring.store()).await.unwrap().sequence, 2);
        feed.abort();
    }

    #[tokio::test]
    async fn a_url_is_not_repeated_in_errors() {
        let error = PostgresStore::new("postgres://ada:hunter2@:x/y").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
