use std::sync::{Arc, Mutex, PoisonError};

use crate::{Settling, Watch};

/// What a request holds whose connection went over to another protocol, in the extensions of its answer.
///
/// Whoever carries that connection takes it, and [ends](tollway_core::Observe::end) it with the
/// connection. When the last clone is dropped untaken, it ends as cancelled.
#[derive(Debug)]
pub struct Upgraded<W: Watch>(Arc<Mutex<Settling<W>>>);

impl<W: Watch> Upgraded<W> {
    pub(crate) fn new(settling: Settling<W>) -> Self {
        Self(Arc::new(Mutex::new(settling)))
    }

    /// Takes it; whoever does so after that takes nothing.
    pub fn take(&self) -> Settling<W> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<W: Watch> Clone for Upgraded<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
