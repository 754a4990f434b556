//! How long reports take over a year of requests in SQLite, all of them written through the store.
//!
//! `cargo bench -p tollway-usage --features sqlite --bench year [-- REQUESTS]`: ten million take some minutes
//! to write, and 4 GB in the folder for temporary files.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

mod traffic;

use std::time::{Duration, Instant, UNIX_EPOCH};

use sqlx::Connection as _;
use tollway_usage::{Batch, Day, Order, Retention, SqliteStore, UsageQuery, UsageStore as _};

use crate::traffic::Traffic;

const DAYS: u64 = 365;
/// 2026-01-01.
const FIRST: u32 = 20_454;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count: u64 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(10_000_000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("usage.db");
    let store = SqliteStore::new(&file);
    store.prepare().await.unwrap();
    let began = Instant::now();
    let mut traffic = Traffic::new(7);
    for day in 0..DAYS {
        let midnight = UNIX_EPOCH + Duration::from_secs((u64::from(FIRST) + day) * 86_400);
        let a_day = count / DAYS;
        let gap = Duration::from_hours(24) / u32::try_from(a_day).unwrap();
        let times = (0..a_day).map(|number| (number, midnight + gap * u32::try_from(number).unwrap()));
        let records: Vec<_> =
            times.map(|(number, time)| traffic.record(time, day * a_day + number)).collect();
        for records in records.chunks(4_096) {
            store.write(&Batch::new(records, None)).await.unwrap();
        }
    }
    println!("{count} requests written in {:.1?}", began.elapsed());
    let began = Instant::now();
    let last = UNIX_EPOCH + Duration::from_secs((u64::from(FIRST) + DAYS - 1) * 86_400);
    let keep = Retention { records: None, sums: None, hours: None };
    store.sweep(keep, last).await.unwrap();
    println!("months added up in {:.1?}", began.elapsed());
    drop(store);

    let url = format!("sqlite://{}", file.display());
    let mut reader = sqlx::SqliteConnection::connect(&url).await.unwrap();
    for level in 0..10_i64 {
        let rows = "SELECT COUNT(*) FROM tollway_usage_daily WHERE level = $1";
        let rows: i64 = sqlx::query_scalar(rows).bind(level).fetch_one(&mut reader).await.unwrap();
        println!("sums of level {level}: {rows} rows");
    }
    let store = SqliteStore::new(&file);
    for (by, top, order) in [
        ("", None, Order::Cost),
        ("model team day", Some(20), Order::Cost),
        ("model team day", None, Order::Dimensions),
        ("day", None, Order::Dimensions),
        ("month provider", None, Order::Cost),
        ("tag:project model", Some(20), Order::Cost),
        ("key", Some(20), Order::Cost),
        ("user model", Some(20), Order::Cost),
        ("route model day", Some(20), Order::Cost),
        ("key user day", Some(20), Order::Cost),
        ("key model day", Some(20), Order::Cost),
    ] {
        let year = UsageQuery::new(Day::from_number(FIRST), Day::from_number(FIRST + 365));
        let by_all = by.split_terminator(' ').map(|name| name.parse().unwrap()).collect();
        let query = UsageQuery { by: by_all, top, order, ..year };
        let mut times = Vec::new();
        let mut rows = 0;
        for _ in 0..5 {
            let began = Instant::now();
            rows = store.query(&query).await.unwrap().len();
            times.push(began.elapsed());
        }
        let first = times[0];
        times.sort_unstable();
        let millis = |time: Duration| time.as_millis();
        println!(
            "by {by:?} top {top:?}: {rows} rows, median {} ms, first {}",
            millis(times[2]),
            millis(first)
        );
    }
}
