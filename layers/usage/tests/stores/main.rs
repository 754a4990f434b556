//! Every store keeps the same promises: in a file of SQLite, in a real PostgreSQL.
#![cfg(any(feature = "sqlite", feature = "postgres"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[cfg(feature = "sqlite")]
mod flaky;
mod promises;
mod records;
mod reference;
#[cfg(feature = "postgres")]
mod server;
#[cfg(feature = "sqlite")]
mod writer;

use std::sync::Arc;

use tollway_usage::UsageStore;

#[cfg(feature = "sqlite")]
mod sqlite {
    use sqlx::{Connection as _, Row as _};
    use tollway_usage::{Batch, SqliteStore, StoreError};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keeps_the_promises() {
        for promise in 0..promises::COUNT {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("usage.db");
            let open = || Arc::new(SqliteStore::new(&file)) as Arc<dyn UsageStore>;
            promises::check(promise, open(), open()).await;
        }
    }

    #[tokio::test]
    async fn a_file_is_its_owner_s_alone_and_without_any_text() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("usage.db");
        let store = SqliteStore::new(&file);
        store.prepare().await.unwrap();
        let mut records = promises::sample(&mut proptest::test_runner::TestRunner::default(), 1, 2);
        for record in &mut records {
            record.tags = Arc::new([("project".into(), "x".into())].into());
            record.user = Some("ada".into());
        }
        let users = tollway_usage::UserHash::new(&[7; 32]).unwrap();
        store.write(&Batch::new(&records, Some(&users))).await.unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

        let url = format!("sqlite://{}", file.display());
        let mut reader = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let row = sqlx::query("SELECT user_id, tags FROM tollway_usage_request").fetch_one(&mut reader).await;
        let row = row.unwrap();
        let (user, tags): (String, String) = (row.get(0), row.get(1));
        assert_eq!((&*user, &*tags), (&*users.hash("ada"), r#"{"project":"x"}"#));
        assert!(std::fs::read(file.with_extension("db-wal")).unwrap().windows(3).all(|seen| seen != b"ada"));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_opened_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::new(&folder.path().join("missing/usage.db"));
        assert!(matches!(store.prepare().await, Err(StoreError::Failed(_))));
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use sqlx::{Connection as _, Executor as _, SqlSafeStr as _};
    use tollway_usage::{PostgresStore, UsageWriter, WriterSettings};

    use super::*;
    use crate::server::Server;

    pub(crate) fn open(url: &str) -> Arc<dyn UsageStore> {
        Arc::new(PostgresStore::new(url).unwrap())
    }

    /// Makes an empty database, and says its URL.
    pub(crate) async fn database(server: &Server) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = sqlx::PgConnection::connect(&server.url("postgres")).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        admin.execute(create.into_sql_str()).await.unwrap();
        server.url(&name)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keeps_the_promises() {
        let Some(server) = Server::start() else { return };
        for promise in 0..promises::COUNT {
            let url = database(&server).await;
            promises::check(promise, open(&url), open(&url)).await;
        }
    }

    /// Requests do not notice that the database has stopped, and nothing is lost or doubled by it.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_frozen_database_delays_nobody() {
        let Some(server) = Server::start() else { return };
        let store = open(&database(&server).await);
        store.prepare().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = WriterSettings {
            patience: Duration::from_millis(300),
            interval: Duration::from_millis(20),
            retry: Duration::from_millis(100),
            ..WriterSettings::new(folder.path().to_owned())
        };
        let writer = UsageWriter::start(store.clone(), settings).unwrap();
        let records = promises::sample(&mut proptest::test_runner::TestRunner::default(), 100, 101);
        let record = |count: usize| {
            let mut longest = Duration::ZERO;
            for record in records.iter().cycle().take(count).cloned() {
                let began = std::time::Instant::now();
                assert!(writer.record(record));
                longest = longest.max(began.elapsed());
            }
            longest
        };
        let until_empty = async || {
            while std::fs::read_dir(folder.path()).unwrap().count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        record(1_000);
        writer.flush().await;
        until_empty().await;
        assert_eq!(promises::requests(&*store).await, 1_000);

        server.signal("STOP");
        let mut longest = Duration::ZERO;
        for _ in 0..10 {
            longest = longest.max(record(500));
            writer.flush().await;
        }
        assert!(longest < Duration::from_millis(50), "{longest:?}");
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert!(files > 0, "nothing was spilled");
        server.signal("CONT");

        // The frozen batch may have arrived after all: it must not be there twice.
        until_empty().await;
        writer.close().await;
        assert_eq!(promises::requests(&*store).await, 6_000);
    }

    #[tokio::test]
    async fn a_url_is_not_repeated_in_errors() {
        let error = PostgresStore::new("postgres://ada:hunter2@:x/y").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
