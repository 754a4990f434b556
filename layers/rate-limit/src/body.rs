use bytes::Bytes;
use tollway_core::{End, Observe, Tap};

use crate::{Actual, Reservation, Watch};

/// The body of an answer; when it ends, the request is settled.
pub type LimitedBody<B, W> = Tap<B, Settling<W>>;

/// Holds what a request took until its end is seen, by whatever way it comes: the answer is whole, the
/// service failed, or either was dropped.
#[derive(Debug)]
pub struct Settling<W: Watch>(Option<(Reservation, W)>);

impl<W: Watch> Settling<W> {
    pub(crate) const fn new(reservation: Reservation, watch: W) -> Self {
        Self(Some((reservation, watch)))
    }

    /// Gives everything back.
    pub(crate) fn cancel(&mut self) {
        if let Some((reservation, _)) = self.0.take() {
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
        if let Some((_, watch)) = &mut self.0 {
            watch.frame(data);
        }
    }

    fn end(&mut self, end: End) {
        let Some((reservation, watch)) = self.0.take() else { return };
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
