//! How many requests are worked on at once.

use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places to work in; who finds none stands in line.
#[derive(Debug, Default)]
pub(super) struct Slots(Option<Arc<Semaphore>>);

/// A place to work in, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    /// So many places, or as many as are wanted.
    pub(super) fn new(count: Option<NonZeroUsize>) -> Self {
        let most = |count: NonZeroUsize| count.get().min(Semaphore::MAX_PERMITS);
        Self(count.map(|count| Arc::new(Semaphore::new(most(count)))))
    }

    /// Waits for a place, first come, first served; nothing where there is no end of them.
    ///
    /// Who drops the future leaves the line.
    pub(super) async fn take(&self) -> Option<Slot> {
        let permit = self.0.clone()?.acquire_owned().await;
        // It is never closed.
        permit.ok().map(|permit| Slot { _permit: permit })
    }
}
