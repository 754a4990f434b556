//! How an attempt's end is recorded.

use std::sync::Arc;

use bytes::Bytes;
use tollway_core::{Attempt, Dialect, End, Observe, Outcome};
use tollway_wire::relay::UsageTap;

use super::beginning::Beginning;
use crate::Error;

/// Records an attempt's outcome once: what is set, or `cancelled` when it is dropped before.
#[derive(Debug)]
pub(super) struct Ending {
    attempt: Arc<Attempt>,
    armed: bool,
}

impl Ending {
    pub(super) const fn new(attempt: Arc<Attempt>) -> Self {
        Self { attempt, armed: true }
    }

    /// The attempt.
    pub(super) const fn attempt(&self) -> &Arc<Attempt> {
        &self.attempt
    }

    /// Records the outcome.
    pub(super) fn set(&mut self, outcome: Outcome) {
        if std::mem::take(&mut self.armed) {
            self.attempt.set_outcome(outcome);
        }
    }

    /// Leaves the record to another.
    pub(super) const fn disarm(&mut self) {
        self.armed = false;
    }
}

/// A WebSocket's end is recorded by those who carry it; this is for when they never do.
impl Observe for Ending {
    fn frame(&mut self, _: &Bytes) {}

    fn end(&mut self, _: End) {}
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.set(Outcome::Cancelled);
    }
}

impl Error {
    /// What an attempt that failed with this error came to.
    pub(super) const fn outcome(&self) -> Outcome {
        match self {
            Self::Timeout { .. } | Self::Unread(_) => Outcome::TimedOut,
            Self::Upstream(_) => Outcome::Refused,
            _ => Outcome::Broken,
        }
    }
}

/// Reads the usage of a whole answer in passing.
#[derive(Debug)]
pub(super) struct UsageObserver {
    tap: UsageTap,
    /// How long the answer is, where it was told.
    length: Option<u64>,
    in_one_piece: bool,
    attempt: Arc<Attempt>,
    beginning: Beginning,
}

impl UsageObserver {
    pub(super) fn new(dialect: Dialect, length: Option<u64>, attempt: Arc<Attempt>) -> Self {
        let beginning = Beginning::new(attempt.clone(), length);
        Self { tap: UsageTap::body(dialect), length, in_one_piece: false, attempt, beginning }
    }

    /// Whether what passed is a whole answer, or an error in its place. Usage stands at the end, from
    /// where it was read if the answer came in one piece.
    pub(super) fn is_whole(&mut self) -> bool {
        self.in_one_piece && self.tap.reading().usage().is_some() || self.tap.finish().is_ok()
    }

    /// Whether an error has passed in place of the answer.
    pub(super) const fn error_passed(&self) -> bool {
        self.tap.reading().error_passed()
    }
}

impl Observe for UsageObserver {
    fn frame(&mut self, data: &Bytes) {
        self.attempt.set_first_byte();
        if self.length == Some(data.len() as u64) {
            self.in_one_piece = true;
            self.tap.feed_whole(data);
        } else {
            self.tap.feed(data);
            self.beginning.push(data);
        }
    }

    fn end(&mut self, end: End) {
        let is_whole = self.is_whole();
        if let Some(usage) = self.tap.reading().usage() {
            self.attempt.set_usage(usage);
        }
        self.attempt.set_told(self.tap.take_told());
        self.attempt.set_outcome(match end {
            End::Complete if self.tap.reading().error_passed() => Outcome::Refused,
            End::Complete if is_whole => Outcome::Complete,
            End::Complete | End::Error => Outcome::Broken,
            End::Cancelled => Outcome::Cancelled,
        });
        self.beginning.settle();
    }
}
