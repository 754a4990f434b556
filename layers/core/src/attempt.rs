use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use http::StatusCode;

use crate::{Upstream, Usage};

/// How an attempt at an upstream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The answer is whole.
    Complete,
    /// The upstream answered with an error, before or in the middle of its stream.
    Refused,
    /// The connection or the stream broke before the answer was whole.
    Broken,
    /// A time limit of ours ran out.
    TimedOut,
    /// The client went away.
    Cancelled,
}

impl Outcome {
    /// The name used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Refused => "refused",
            Self::Broken => "broken",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One try at one upstream: what was asked of whom, and what came of it.
#[derive(Debug)]
pub struct Attempt {
    upstream: Arc<Upstream>,
    started: Instant,
    status: OnceLock<StatusCode>,
    first_byte: OnceLock<Instant>,
    outcome: OnceLock<Outcome>,
    usage: Mutex<Option<Usage>>,
}

impl Attempt {
    /// Starts an attempt now.
    pub fn new(upstream: Arc<Upstream>) -> Self {
        Self {
            upstream,
            started: Instant::now(),
            status: OnceLock::new(),
            first_byte: OnceLock::new(),
            outcome: OnceLock::new(),
            usage: Mutex::new(None),
        }
    }

    /// The provider and model asked.
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// When the attempt began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Records the upstream's status. The first call wins.
    pub fn set_status(&self, status: StatusCode) {
        let _ = self.status.set(status);
    }

    /// The upstream's status, once its head has come.
    pub fn status(&self) -> Option<StatusCode> {
        self.status.get().copied()
    }

    /// Records that the first byte of the answer's body came now. The first call wins.
    pub fn set_first_byte(&self) {
        let _ = self.first_byte.set(Instant::now());
    }

    /// When the first byte of the answer's body came.
    pub fn first_byte(&self) -> Option<Instant> {
        self.first_byte.get().copied()
    }

    /// Records how the attempt ended. The first call wins: the innermost observer knows best.
    pub fn set_outcome(&self, outcome: Outcome) {
        let _ = self.outcome.set(outcome);
    }

    /// How the attempt ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome.get().copied()
    }

    /// Replaces the usage seen so far; providers report it cumulatively.
    pub fn set_usage(&self, usage: Usage) {
        *self.lock_usage() = Some(usage);
    }

    /// The usage seen so far.
    pub fn usage(&self) -> Option<Usage> {
        *self.lock_usage()
    }

    fn lock_usage(&self) -> MutexGuard<'_, Option<Usage>> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
