use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::Record;

/// Records on their way from requests to the writer. Nobody who adds one ever waits, nor wakes the writer
/// for each: it is woken by the first, and when there are enough for a batch.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
    capacity: usize,
    batch: usize,
}

#[derive(Debug, Default)]
struct State {
    records: Vec<Record>,
    /// How many were ever taken in.
    pushed: u64,
    /// How many were turned away.
    refused: u64,
    is_closing: bool,
    is_urgent: bool,
}

/// What the writer finds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) records: Vec<Record>,
    /// How many were turned away since it looked last.
    pub(crate) refused: u64,
    pub(crate) is_closing: bool,
}

impl Queue {
    pub(crate) fn new(capacity: usize, batch: usize) -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), capacity, batch }
    }

    /// Adds a record; says whether there was room for it.
    pub(crate) fn push(&self, record: Record) -> bool {
        let mut state = self.lock();
        if state.is_closing || state.records.len() >= self.capacity {
            state.refused += 1;
            return false;
        }
        state.records.push(record);
        state.pushed += 1;
        let count = state.records.len();
        drop(state);
        if count == 1 || count == self.batch {
            self.changed.notify_one();
        }
        true
    }

    /// Takes all there are.
    pub(crate) fn take(&self) -> Found {
        let mut state = self.lock();
        state.is_urgent = false;
        Found {
            records: std::mem::take(&mut state.records),
            refused: std::mem::take(&mut state.refused),
            is_closing: state.is_closing,
        }
    }

    /// Waits until something changed that the writer should know.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Whether the writer should not wait for more.
    pub(crate) fn is_due(&self) -> bool {
        let state = self.lock();
        state.is_closing || state.is_urgent || state.records.len() >= self.batch
    }

    /// Has what is there written now, and says how many records there were ever.
    pub(crate) fn hurry(&self) -> u64 {
        let mut state = self.lock();
        state.is_urgent = true;
        let pushed = state.pushed;
        drop(state);
        self.changed.notify_one();
        pushed
    }

    /// Takes nothing more in.
    pub(crate) fn close(&self) {
        self.lock().is_closing = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
