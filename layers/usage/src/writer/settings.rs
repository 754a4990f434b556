use std::path::PathBuf;
use std::time::Duration;

use crate::UserHash;

/// How a [`UsageWriter`](crate::UsageWriter) works.
#[derive(Clone, Debug)]
pub struct WriterSettings {
    /// The folder in which batches wait for a store that does not answer: one for each process. It has no
    /// prompts in it and no answers either, but is readable by its owner alone.
    pub spill_folder: PathBuf,
    /// How many bytes may lie there. One more file is begun below it. Beyond, the newest batches are lost.
    pub spill_limit: u64,
    /// How many records may wait in memory to be made a batch. Beyond, the newest are lost. A record with one
    /// attempt takes about a kilobyte; as much again, and no more than two batches, may wait for the store.
    pub capacity: usize,
    /// How many records are written at once at most.
    pub batch: usize,
    /// How long the first record waits for others.
    pub interval: Duration,
    /// How long a batch waits for the store before it is written into a file.
    pub patience: Duration,
    /// How long a store that failed is left alone.
    pub retry: Duration,
    /// Hashes users, where their names shall not be kept.
    pub users: Option<UserHash>,
}

impl WriterSettings {
    /// 200 ms, batches of 8,192, a queue of 16,384, a patience of 2 s, a gibibyte in the folder.
    pub const fn new(spill_folder: PathBuf) -> Self {
        Self {
            spill_folder,
            spill_limit: 1 << 30,
            capacity: 16_384,
            batch: 8_192,
            interval: Duration::from_millis(200),
            patience: Duration::from_secs(2),
            retry: Duration::from_secs(2),
            users: None,
        }
    }
}
