use std::sync::Arc;

use bytes::Bytes;
use tollway_core::{End, Observe, Tap};

use super::{Adaptive, Pass, Signal, Told};

/// The body of an answer; when it ends, another request may be sent.
pub type AdaptiveBody<B> = Tap<B, Flight>;

/// A request in flight. Over when it is dropped, or the body that it observes has ended.
#[derive(Debug)]
pub struct Flight(Option<(Arc<Adaptive>, Pass)>);

impl Flight {
    /// Of a request that nobody counts.
    pub(super) const NOBODYS: Self = Self(None);

    pub(super) const fn new(adaptive: Arc<Adaptive>, pass: Pass) -> Self {
        Self(Some((adaptive, pass)))
    }

    /// The head of the answer has come, or the failure to get one.
    pub fn head(&self, told: &Told, signal: Signal) {
        let Some((adaptive, pass)) = &self.0 else { return };
        if signal != Signal::Fine || !told.is_nothing() {
            adaptive.with(|gate, now| gate.head(now, pass, told, signal));
        }
    }

    /// The first byte of the answer's body has come. Only the first call counts.
    pub fn first_byte(&mut self) {
        if let Some((adaptive, pass)) = &mut self.0
            && pass.is_measured()
        {
            adaptive.with(|gate, now| gate.first_byte(now, pass));
        }
    }

    fn leave(&mut self) {
        if let Some((adaptive, pass)) = self.0.take() {
            adaptive.with(|gate, now| gate.leave(now, pass));
        }
    }
}

impl Observe for Flight {
    fn frame(&mut self, data: &Bytes) {
        if !data.is_empty() {
            self.first_byte();
        }
    }

    fn end(&mut self, _: End) {
        self.leave();
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.leave();
    }
}
