mod actor;
mod settings;

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::sync::watch;

use self::actor::Actor;
pub use self::settings::WriterSettings;
use crate::metered::Meters;
use crate::queue::Queue;
use crate::spill::Spill;
use crate::{Record, UsageStore};

/// Takes records from requests, and writes them in batches on a thread of its own.
///
/// [`record`](Self::record) never waits for anything. A batch that the store does not take in time is written
/// into a file, synced, and written into the store when that is back, or at the next start.
///
/// What can be lost, and only this:
///
/// - [`close`](Self::close) loses nothing.
/// - A process that is killed loses what it recorded within the last [interval](WriterSettings::interval),
///   and the batch that was being written. While the store does not answer, that is at most what it recorded
///   within the last interval and [patience](WriterSettings::patience).
/// - Records beyond the [capacity](WriterSettings::capacity) of the queue, where neither the store nor the
///   disk keeps up, and batches beyond the [limit](WriterSettings::spill_limit) of the folder: the newest are
///   lost, counted and logged.
///
/// Clones write into the same queue. When the last is dropped, what is there is still written.
#[derive(Clone, Debug)]
pub struct UsageWriter(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    queue: Arc<Queue>,
    progress: watch::Receiver<Progress>,
}

/// How far the writer is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// How many records are written, spilled or given up.
    settled: u64,
    has_ended: bool,
}

impl UsageWriter {
    /// Starts the thread. What was left in the folder is written first. Fails where the folder cannot be
    /// used: it must be there before it is needed.
    pub fn start(store: Arc<dyn UsageStore>, settings: WriterSettings) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(settings.capacity, settings.batch));
        let spill = Spill::open(&settings.spill_folder, settings.spill_limit).map_err(|error| {
            let folder = settings.spill_folder.display();
            io::Error::new(error.kind(), format!("cannot spill usage into the folder: {folder}: {error}"))
        })?;
        let (tell, progress) = watch::channel(Progress::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let actor = Actor::new(queue.clone(), store, spill, settings, Meters::new(), tell);
        thread::Builder::new()
            .name("usage-writer".to_owned())
            .spawn(move || runtime.block_on(actor.run()))?;
        Ok(Self(Arc::new(Handle { queue, progress })))
    }

    /// Hands a record over. Says whether there was room for it; where there was not, it is gone and counted.
    pub fn record(&self, record: Record) -> bool {
        self.0.queue.push(record)
    }

    /// Waits until all that was recorded before is in the store or in a file.
    pub async fn flush(&self) {
        let target = self.0.queue.hurry();
        self.until(|progress| progress.settled >= target).await;
    }

    /// Takes nothing more in, and waits until all is in the store or in a file. For as long as the store
    /// takes, but no longer than the [patience](WriterSettings::patience) where it does not answer.
    pub async fn close(&self) {
        self.0.queue.close();
        self.until(|progress| progress.has_ended).await;
    }

    async fn until(&self, is_there: impl Fn(&Progress) -> bool) {
        // An error says that the thread has ended, and there is nothing left to wait for.
        let _ = self.0.progress.clone().wait_for(|progress| progress.has_ended || is_there(progress)).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.close();
    }
}
