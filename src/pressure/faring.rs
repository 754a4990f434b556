use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tollway_rate_limit::adaptive::{ByStatus, Classify, Signal};
use tollway_wire::ErrorKind;

use crate::Error;

/// Finds out how a provider fares by its answers and failures.
#[derive(Clone, Copy, Debug)]
pub struct Faring;

impl Classify<Error> for Faring {
    fn head(&self, status: StatusCode, _: &HeaderMap) -> Signal {
        ByStatus::signal(status)
    }

    fn failure(&self, error: &Error) -> (Signal, Option<Duration>) {
        match error {
            Error::Attempt { source, .. } => self.failure(source),
            Error::Timeout { .. } => (Signal::Overloaded, None),
            Error::Upstream(error) => {
                let is_overloaded = matches!(error.kind, ErrorKind::RateLimit | ErrorKind::Overloaded);
                let signal = if is_overloaded { Signal::Overloaded } else { Signal::Fine };
                (signal, error.retry_after)
            }
            _ => (Signal::Fine, None),
        }
    }
}
