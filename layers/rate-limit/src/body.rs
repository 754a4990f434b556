use bytes::Bytes;
use tollway_core::{End, Observe, Tap};

use crate::{Actual, Decision, Reservation, Watch};

/// The body of an answer; when it ends, the request is settled.
pub type LimitedBody<B, W> = Tap<B, Settling<W>>;

/// Holds what a request took until its end is seen, by whatever way it comes: the answer is whole, the
/// service failed, or either was dropped.
#[derive(Debug)]
pub struct Settling<W: Watch>(
    // Boxed: what was taken of ten rules is most of a kilobyte, and goes through as many hands as there
    // are layers outside of this one.
    Option<Box<(Reservation, W)>>,
);

impl<W: Watch> Settling<W> {
    pub(crate) fn new(reservation: Reservation, watch: W) -> Self {
        Self(Some(Box::new((reservation, watch))))
    }

    /// How the caller stands; nothing where nothing was taken.
    pub(crate) fn decision(&self) -> Option<Decision> {
        self.0.as_deref().map(|(reservation, _)| *reservation.decision())
    }

    /// Gives everything back.
    pub(crate) fn cancel(&mut self) {
        if let Some(taken) = self.0.take() {
            let (reservation, _) = *taken;
            reservation.settle(tokio::time::Instant::now().into_std(), Actual::NOTHING);
        }
    }
}

impl<W: Watch> Default for Settling<W> {
    /// Of a request that took nothing.
    fn default() -> Self {
        Self(None)
    }
}

impl<W: Watch> Observe for Settling<W> {
    fn frame(&mut self, data: &Bytes) {
        if let Some((_, watch)) = self.0.as_deref_mut() {
            watch.frame(data);
        }
    }

    fn end(&mut self, end: End) {
        let Some(taken) = self.0.take() else { return };
        let (reservation, watch) = *taken;
        if let Some(actual) = watch.end(end) {
            reservation.settle(tokio::time::Instant::now().into_std(), actual);
        }
    }
}

impl<W: Watch> Drop for Settling<W> {
    fn drop(&mut self) {
        self.end(End::Cancelled);
    }
}
