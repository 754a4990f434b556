//! How many records a second the writer brings into SQLite, what that costs, and what memory it takes.
//!
//! `taskset -c 1 cargo bench -p tollway-usage --features sqlite --bench writer [-- RECORDS]`: on one core are
//! then the threads that record, batch and write alike.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

mod traffic;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tollway_usage::{SqliteStore, UsageStore as _, UsageWriter, WriterSettings};

use crate::traffic::Traffic;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count: u64 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("usage.db");
    let store = Arc::new(SqliteStore::new(&file));
    store.prepare().await.unwrap();
    let settings = WriterSettings {
        // As fast as it can: what is measured is not how soon it gives up.
        patience: Duration::from_mins(10),
        ..WriterSettings::new(folder.path().join("spill"))
    };
    let capacity = settings.capacity as u64;
    let writer = UsageWriter::start(store, settings).unwrap();

    let mut traffic = Traffic::new(7);
    let began_at = SystemTime::now();
    let making = Instant::now();
    (0..20_000).for_each(|number| drop(traffic.record(began_at, number)));
    let making = making.elapsed() / 20_000;

    let (began, cpu, before) = (Instant::now(), cpu(), memory("VmRSS:"));
    let mut longest = Duration::ZERO;
    for number in 0..count {
        let record = traffic.record(began_at + Duration::from_micros(number * 20), number);
        let at = Instant::now();
        assert!(writer.record(record), "the queue is full");
        longest = longest.max(at.elapsed());
        // As many as fit into the queue at once.
        if number % (capacity / 2) == capacity / 2 - 1 {
            writer.flush().await;
        }
    }
    writer.close().await;
    let (elapsed, cpu) = (began.elapsed(), cpu_since(cpu));
    let rate = |time: Duration| u128::from(count) * 1_000 / time.as_millis().max(1);
    let making = making * u32::try_from(count).unwrap();
    println!("{count} records in {elapsed:.2?}: {}/s", rate(elapsed));
    println!("CPU of all threads {cpu:.2?}: {} records for a second of one core", rate(cpu));
    println!("of which making them {making:.2?}: without it {}", rate(cpu.saturating_sub(making)));
    println!("longest call of record: {longest:.2?}");
    println!("memory: {before} KiB before, {} KiB at most", memory("VmHWM:"));
    println!("file: {} bytes a record", std::fs::metadata(&file).unwrap().len() / count);
}

/// What the process has used of all cores, in ticks of 10 ms.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(") ").next().unwrap().to_owned();
    after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

fn cpu_since(before: u64) -> Duration {
    Duration::from_millis((cpu() - before) * 10)
}

fn memory(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    line.split_whitespace().nth(1).unwrap().to_owned()
}
