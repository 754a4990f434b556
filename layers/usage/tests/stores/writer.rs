//! What is recorded is written once, whatever happens to the store and to the process.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use proptest::test_runner::TestRunner;
use sqlx::Connection as _;
use tollway_usage::{Record, UsageStore as _, UsageWriter, WriterSettings};

use crate::flaky::{Flaky, Mood};
use crate::promises::{requests, sample};

#[tokio::test]
async fn what_was_recorded_is_there_after_a_flush_and_after_the_end() {
    let place = Place::new();
    let store = place.store(Mood::Works).await;
    // However busy the machine is, nothing goes by way of a file.
    let settings = WriterSettings { patience: Duration::from_mins(1), ..place.settings() };
    let writer = UsageWriter::start(store.clone(), settings).unwrap();
    let records = sample(&mut TestRunner::default(), 2_500, 2_501);
    record_all(&writer, &records[..1_000]);
    writer.flush().await;
    assert_eq!(requests(&*store).await, 1_000);
    record_all(&writer, &records[1_000..]);
    writer.close().await;
    assert_eq!(requests(&*store).await, 2_500);
    assert!(!writer.record(records[0].clone()), "it is closed");
    assert_eq!(place.files(), 0);
}

#[tokio::test]
async fn what_the_store_does_not_take_waits_for_the_next_start() {
    for mood in [Mood::Refuses, Mood::Denies, Mood::Hangs] {
        let place = Place::new();
        let store = place.store(mood).await;
        let writer = UsageWriter::start(store.clone(), place.settings()).unwrap();
        let records = sample(&mut TestRunner::default(), 900, 901);
        for records in records.chunks(300) {
            record_all(&writer, records);
            writer.flush().await;
        }
        assert!(place.files() > 0, "{mood:?}");
        writer.close().await;

        store.becomes(Mood::Works);
        let writer = UsageWriter::start(store.clone(), place.settings()).unwrap();
        place.until_empty().await;
        writer.close().await;
        assert_eq!(requests(&*store).await, 900, "{mood:?}");
    }
}

#[tokio::test]
async fn what_the_store_does_not_take_is_written_when_it_is_back() {
    let place = Place::new();
    let store = place.store(Mood::Refuses).await;
    let settings = WriterSettings { patience: Duration::from_mins(1), ..place.settings() };
    let writer = UsageWriter::start(store.clone(), settings).unwrap();
    let records = sample(&mut TestRunner::default(), 100, 101);
    record_all(&writer, &records);
    writer.flush().await;
    store.becomes(Mood::Works);
    place.until_empty().await;
    assert_eq!(requests(&*store).await, 100);
    writer.record(records[0].clone());
    writer.flush().await;
    assert_eq!(requests(&*store).await, 101, "and goes on as before");
}

#[tokio::test]
async fn nothing_waits_for_a_store_that_does_not_answer_and_too_much_is_told() {
    let place = Place::new();
    let store = place.store(Mood::Hangs).await;
    // Nothing may be spilled, and nothing is given up before there is more than fits.
    let settings = WriterSettings { capacity: 50, batch: 1_000, spill_limit: 0, ..place.settings() };
    let patient = WriterSettings { interval: Duration::from_hours(1), ..settings };
    let writer = UsageWriter::start(store, patient).unwrap();
    let record = sample(&mut TestRunner::default(), 1, 2).remove(0);
    let taken = (0..60).filter(|_| writer.record(record.clone())).count();
    assert_eq!(taken, 50);
    writer.close().await;
    assert_eq!(place.files(), 0);
}

#[tokio::test]
async fn what_the_store_never_takes_is_set_aside() {
    let place = Place::new();
    let store = place.store(Mood::Dislikes("poison")).await;
    let writer = UsageWriter::start(store.clone(), place.settings()).unwrap();
    let record = sample(&mut TestRunner::default(), 1, 2).remove(0);
    writer.record(Record { request_id: "poison".into(), ..record.clone() });
    writer.flush().await;
    let mut written = 0;
    while place.count("bad") == 0 {
        writer.record(record.clone());
        written += 1;
        writer.flush().await;
    }
    place.until_empty().await;
    writer.close().await;
    assert_eq!(requests(&*store).await, written);
}

/// A file that is no batch, as when somebody wrote into it, keeps nobody from the others.
#[tokio::test]
async fn what_cannot_be_read_is_set_aside() {
    let place = Place::new();
    let store = place.store(Mood::Refuses).await;
    std::fs::create_dir(place.spill()).unwrap();
    std::fs::write(place.spill().join("000-broken.json"), "{").unwrap();
    std::fs::write(place.spill().join("000-cut.part"), "{").unwrap();
    let writer = UsageWriter::start(store.clone(), place.settings()).unwrap();
    let record = sample(&mut TestRunner::default(), 1, 2).remove(0);
    writer.record(record);
    writer.flush().await;
    store.becomes(Mood::Works);
    place.until_empty().await;
    writer.close().await;
    assert_eq!(requests(&*store).await, 1);
    assert_eq!(place.names(), ["000-broken.bad"]);
}

/// The process that records is killed as it records. What it had flushed is there; of the rest whole batches
/// are, in order, and none twice.
#[tokio::test]
async fn a_process_that_is_killed_loses_what_was_not_written_yet_and_no_more() {
    for mood in ["works", "refuses"] {
        let place = Place::new();
        let recorded = record_until_killed(place.0.path(), mood);
        let store = place.store(Mood::Works).await;
        let writer = UsageWriter::start(store.clone(), place.settings()).unwrap();
        place.until_empty().await;
        writer.close().await;

        let mut names = place.request_ids().await;
        assert_eq!(requests(&*store).await, names.len() as u64);
        names.sort_unstable();
        assert!(names.len() >= FLUSHED && names.len() <= recorded, "{} of {recorded}", names.len());
        let expected: Vec<_> = (0..names.len()).map(|number| format!("{number:06}")).collect();
        assert_eq!(names, expected, "{mood}");
    }
}

fn record_all(writer: &UsageWriter, records: &[Record]) {
    for record in records {
        assert!(writer.record(record.clone()));
    }
}

const FLUSHED: usize = 3_000;

/// Runs [`child`] in a process of its own, kills it, and says how many records it made at most.
fn record_until_killed(folder: &Path, mood: &str) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer::child", "--ignored", "--nocapture"])
        .env("TOLLWAY_USAGE_TEST", folder)
        .env("TOLLWAY_USAGE_MOOD", mood)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut numbers = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("at ")?.parse().ok());
    let last: usize = numbers.find(|number| *number >= FLUSHED + 2_000).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    // It tells a number before it records what comes up to the next.
    numbers.last().unwrap_or(last) + STEP
}

const STEP: usize = 100;

#[tokio::test]
#[ignore = "is run by the test that kills it"]
async fn child() {
    let Some(folder) = std::env::var_os("TOLLWAY_USAGE_TEST") else { return };
    let is_down = std::env::var_os("TOLLWAY_USAGE_MOOD").is_some_and(|mood| mood == "refuses");
    let place = Path::new(&folder);
    let store =
        Arc::new(Flaky::new(&place.join("usage.db"), if is_down { Mood::Refuses } else { Mood::Works }));
    store.prepare().await.unwrap();
    let settings = WriterSettings { batch: 500, ..settings(&place.join("spill")) };
    let writer = UsageWriter::start(store, settings).unwrap();
    let record = sample(&mut TestRunner::default(), 1, 2).remove(0);
    for number in 0_usize.. {
        if number.is_multiple_of(STEP) {
            tell(number);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(writer.record(Record { request_id: format!("{number:06}").into(), ..record.clone() }));
        if number + 1 == FLUSHED {
            writer.flush().await;
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is how the processes talk")]
fn tell(number: usize) {
    println!("\nat {number}");
}

/// A folder with a database and spilled batches.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn store(&self, mood: Mood) -> Arc<Flaky> {
        let store = Flaky::new(&self.0.path().join("usage.db"), mood);
        store.prepare().await.unwrap();
        Arc::new(store)
    }

    fn spill(&self) -> std::path::PathBuf {
        self.0.path().join("spill")
    }

    fn settings(&self) -> WriterSettings {
        settings(&self.spill())
    }

    fn names(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.spill()).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// How many batches wait.
    fn files(&self) -> usize {
        self.count("json")
    }

    fn count(&self, extension: &str) -> usize {
        let is_one = |name: &&String| Path::new(name).extension().is_some_and(|found| found == extension);
        self.names().iter().filter(is_one).count()
    }

    /// Waits until all batches have left the folder.
    async fn until_empty(&self) {
        while self.files() > 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn request_ids(&self) -> Vec<String> {
        let url = format!("sqlite://{}", self.0.path().join("usage.db").display());
        let mut reader = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let ids = sqlx::query_scalar("SELECT request_id FROM tollway_usage_request ORDER BY id");
        ids.fetch_all(&mut reader).await.unwrap()
    }
}

fn settings(spill: &Path) -> WriterSettings {
    WriterSettings {
        interval: Duration::from_millis(10),
        patience: Duration::from_millis(200),
        retry: Duration::from_millis(10),
        ..WriterSettings::new(spill.to_owned())
    }
}
