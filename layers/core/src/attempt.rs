use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use http::StatusCode;

use crate::{Charge, Told, Upstream, Usage};

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
    outcome: OnceLock<(Outcome, Instant)>,
    reported: Mutex<Reported>,
    charge: OnceLock<Charge>,
}

/// What the answer has told so far.
#[derive(Debug, Default)]
struct Reported {
    usage: Option<Usage>,
    told: Arc<Told>,
    /// Tokens of output that were counted here.
    counted: Option<u64>,
    /// Whether the provider never got the request.
    unsent: bool,
    /// Whether the provider bills nothing for what was asked.
    free: bool,
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
            reported: Mutex::default(),
            charge: OnceLock::new(),
        }
    }

    /// The provider and model asked.
    pub fn upstream(&self) -> &Arc<Upstream> {
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

    /// Records how the attempt ended, now. The first call wins: the innermost observer knows best.
    pub fn set_outcome(&self, outcome: Outcome) {
        self.outcome.get_or_init(|| (outcome, Instant::now()));
    }

    /// How the attempt ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome.get().map(|(outcome, _)| *outcome)
    }

    /// When it did.
    pub fn ended(&self) -> Option<Instant> {
        self.outcome.get().map(|(_, ended)| *ended)
    }

    /// Replaces the usage seen so far; providers report it cumulatively.
    pub fn set_usage(&self, usage: Usage) {
        self.reported().usage = Some(usage);
    }

    /// The usage seen so far.
    pub fn usage(&self) -> Option<Usage> {
        self.reported().usage
    }

    /// Replaces what the answer told of how it was served.
    pub fn set_told(&self, told: Told) {
        let told = Arc::new(told);
        self.reported().told = told;
    }

    /// What the answer told of how it was served.
    pub fn told(&self) -> Arc<Told> {
        self.reported().told.clone()
    }

    /// Records how many tokens of output were counted here as they passed: for an answer that breaks off
    /// before its provider tells the usage.
    pub fn set_counted_output(&self, tokens: u64) {
        self.reported().counted = Some(tokens);
    }

    /// How many tokens of output were counted here.
    pub fn counted_output(&self) -> Option<u64> {
        self.reported().counted
    }

    /// Records that the provider never got the request, so that nothing can have been done for it.
    pub fn set_unsent(&self) {
        self.reported().unsent = true;
    }

    /// Whether the provider may have got the request.
    pub fn was_sent(&self) -> bool {
        !self.reported().unsent
    }

    /// Records that the provider bills nothing for what was asked: a list, a file, what was made before.
    pub fn set_free(&self) {
        self.reported().free = true;
    }

    /// Whether it is known that the provider bills nothing for what was asked.
    pub fn is_free(&self) -> bool {
        self.reported().free
    }

    /// Records what the attempt came to. The first call wins.
    pub fn set_charge(&self, charge: Charge) {
        let _ = self.charge.set(charge);
    }

    /// What the attempt came to, once it has ended and was priced.
    pub fn charge(&self) -> Option<Charge> {
        self.charge.get().copied()
    }

    fn reported(&self) -> MutexGuard<'_, Reported> {
        self.reported.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    #[test]
    fn the_first_end_is_the_end() {
        let upstream = Upstream { provider: "p".into(), dialect: Dialect::OpenAi, model: "m".into() };
        let attempt = Attempt::new(Arc::new(upstream));
        assert_eq!((attempt.outcome(), attempt.ended()), (None, None));
        attempt.set_outcome(Outcome::Refused);
        let ended = attempt.ended();
        assert!(ended.is_some_and(|ended| ended >= attempt.started()));
        attempt.set_outcome(Outcome::Complete);
        assert_eq!((attempt.outcome(), attempt.ended()), (Some(Outcome::Refused), ended));
    }
}
