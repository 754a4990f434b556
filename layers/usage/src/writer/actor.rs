use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Progress, WriterSettings};
use crate::metered::Meters;
use crate::queue::Queue;
use crate::spill::{Spill, SpillError};
use crate::{Batch, StoreError, UsageStore};

/// What runs on the writer's thread: it may wait for the disk, for nobody else is there.
#[derive(Debug)]
pub(super) struct Actor {
    queue: Arc<Queue>,
    store: Arc<dyn UsageStore>,
    spill: Spill,
    settings: WriterSettings,
    meters: Meters,
    progress: watch::Sender<Progress>,
    /// When what is in the queue is made into batches.
    gather_at: Option<Instant>,
    /// Batches for the store, and since when they wait.
    waiting: VecDeque<(Arc<Batch>, Instant)>,
    is_up: bool,
    is_closing: bool,
    retry_at: Instant,
    /// How many batches the store took.
    taken: u64,
    /// Files that the store did not take: how often, and how many it had taken when it was tried first.
    refused: HashMap<PathBuf, (u32, u64)>,
}

/// What is being written.
struct Job {
    batch: Arc<Batch>,
    /// Where it came from, if not from memory.
    file: Option<PathBuf>,
    write: Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>,
}

impl Actor {
    pub(super) fn new(
        queue: Arc<Queue>,
        store: Arc<dyn UsageStore>,
        spill: Spill,
        settings: WriterSettings,
        meters: Meters,
        progress: watch::Sender<Progress>,
    ) -> Self {
        Self {
            queue,
            store,
            spill,
            settings,
            meters,
            progress,
            gather_at: None,
            waiting: VecDeque::new(),
            is_up: true,
            is_closing: false,
            retry_at: Instant::now(),
            taken: 0,
            refused: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self) {
        self.meters.up.set(1.0);
        self.meters.spill_bytes.set(approximate(self.spill.bytes()));
        let mut job: Option<Job> = None;
        loop {
            if self.is_closing {
                // What is in a file stays there for the next start.
                job = job.filter(|job| job.file.is_none());
            }
            if job.is_none() {
                job = self.next();
            }
            if self.is_closing && job.is_none() {
                break;
            }
            let wake = self.wake_at(job.is_none());
            tokio::select! {
                ended = ended(job.as_mut()) => {
                    if let Some(job) = job.take() {
                        self.ended(job, ended);
                    }
                }
                () = self.queue.changed() => {
                    self.gather_at.get_or_insert_with(|| Instant::now() + self.settings.interval);
                }
                () = until(wake) => {}
            }
            if self.queue.is_due() || self.gather_at.is_some_and(|at| at <= Instant::now()) {
                self.gather();
            }
            self.spill_what_waited();
        }
        self.progress.send_modify(|progress| progress.has_ended = true);
    }

    /// The next thing to write: what waits, else what lies in files.
    fn next(&mut self) -> Option<Job> {
        let is_time = self.retry_at <= Instant::now();
        let is_tried = self.is_up || (is_time && self.spill.is_empty());
        if is_tried && let Some((batch, _)) = self.waiting.pop_front() {
            return Some(self.job(batch, None, self.settings.patience));
        }
        if self.is_closing || !is_time {
            return None;
        }
        loop {
            match self.spill.oldest() {
                // Nobody waits for it, and a slow store shall take it at last.
                Ok(Some((file, batch))) => return Some(self.job(Arc::new(batch), Some(file), LONG)),
                Ok(None) if self.spill.is_empty() => return None,
                Ok(None) => {}
                Err(error) => {
                    self.meters.lost("unreadable", 1);
                    tracing::error!(%error, "usage is lost");
                }
            }
        }
    }

    fn job(&self, batch: Arc<Batch>, file: Option<PathBuf>, patience: Duration) -> Job {
        let (store, written) = (self.store.clone(), batch.clone());
        let write = Box::pin(async move {
            match timeout(patience, store.write(&written)).await {
                Ok(written) => written.map(drop),
                Err(_) => Err(StoreError::Timeout(patience)),
            }
        });
        Job { batch, file, write }
    }

    fn ended(&mut self, job: Job, ended: Result<(), StoreError>) {
        let records = count(&job.batch);
        match (ended, job.file) {
            (Ok(()), file) => {
                self.taken += 1;
                self.is_up = true;
                self.meters.written.increment(records);
                match file {
                    Some(file) => {
                        self.refused.remove(&file);
                        self.spill.remove(&file);
                        self.meters.spill_bytes.set(approximate(self.spill.bytes()));
                    }
                    None => self.settle(records),
                }
            }
            (Err(error), file) => {
                self.failed(&error);
                match file {
                    Some(file) => self.refuse(&file, records),
                    None => self.put_aside(&job.batch),
                }
            }
        }
        self.meters.up.set(if self.is_up { 1.0 } else { 0.0 });
    }

    fn failed(&mut self, error: &StoreError) {
        if self.is_up {
            tracing::warn!(%error, "the store of usage does not take what is written: it goes into files");
        }
        self.is_up = false;
        self.retry_at = Instant::now() + self.settings.retry;
        self.meters.failures.increment(1);
    }

    /// A file that the store refuses again and again while it takes others would be tried for ever.
    fn refuse(&mut self, file: &Path, records: u64) {
        let (tries, taken) = self.refused.entry(file.to_owned()).or_insert((0, self.taken));
        *tries += 1;
        if *tries >= MOST_TRIES && *taken < self.taken {
            self.refused.remove(file);
            self.spill.set_aside(file);
            self.meters.lost("refused", records);
        } else {
            self.spill.put_last(file);
        }
    }

    /// Makes batches of what is in the queue.
    fn gather(&mut self) {
        self.gather_at = None;
        let found = self.queue.take();
        self.is_closing |= found.is_closing;
        self.meters.lost("queue_full", found.refused);
        if found.refused > 0 {
            tracing::error!(records = found.refused, "usage is lost: the queue was full");
        }
        for records in found.records.chunks(self.settings.batch.max(1)) {
            let batch = Arc::new(Batch::new(records, self.settings.users.as_ref()));
            self.waiting.push_back((batch, Instant::now()));
        }
        let queued: u64 = self.waiting.iter().map(|(batch, _)| count(batch)).sum();
        self.meters.queued.set(approximate(queued));
    }

    /// What waited for too long, and what is too much to wait, goes into files.
    fn spill_what_waited(&mut self) {
        while let Some((_, since)) = self.waiting.front() {
            let is_late = since.elapsed() >= self.settings.patience;
            // Where not even a file could be written, the store is tried with what there is.
            let is_tried = self.is_up || (self.spill.is_empty() && self.retry_at <= Instant::now());
            if is_tried && !is_late && self.waiting.len() <= MOST_WAITING {
                break;
            }
            if let Some((batch, _)) = self.waiting.pop_front() {
                self.put_aside(&batch);
            }
        }
    }

    /// Writes a batch into a file.
    fn put_aside(&mut self, batch: &Batch) {
        let records = count(batch);
        match self.spill.put(batch) {
            Ok(()) => self.meters.spilled.increment(records),
            Err(error) => {
                let reason = if matches!(error, SpillError::Full(_)) { "spill_full" } else { "spill_failed" };
                self.meters.lost(reason, records);
                tracing::error!(%error, records, "usage is lost");
            }
        }
        self.meters.spill_bytes.set(approximate(self.spill.bytes()));
        self.settle(records);
    }

    fn settle(&self, records: u64) {
        self.progress.send_modify(|progress| progress.settled += records);
    }

    /// When something has to be done that nobody tells of.
    fn wake_at(&self, is_idle: bool) -> Option<Instant> {
        let spill_at = self.waiting.front().map(|(_, since)| *since + self.settings.patience);
        let retry_at = (is_idle && !self.spill.is_empty()).then_some(self.retry_at);
        [self.gather_at, spill_at, retry_at].into_iter().flatten().min()
    }
}

async fn ended(job: Option<&mut Job>) -> Result<(), StoreError> {
    match job {
        Some(job) => job.write.as_mut().await,
        None => pending().await,
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

fn count(batch: &Batch) -> u64 {
    u64::try_from(batch.len()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is shown with a few digits")]
const fn approximate(number: u64) -> f64 {
    number as f64
}

/// How many batches wait for the store in memory, beside the one that is being written.
const MOST_WAITING: usize = 2;
/// How often a file is tried before it is set aside, where the store takes others.
const MOST_TRIES: u32 = 3;
/// How long a batch out of a file may take.
const LONG: Duration = Duration::from_secs(30);
