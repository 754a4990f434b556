use std::time::Duration;

use http::{HeaderMap, StatusCode};

/// What an answer says of how an upstream fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// Nothing bad.
    #[default]
    Fine,
    /// It refuses for overload, or does not answer in time: it is to get less.
    Overloaded,
}

/// Finds out what answers and failures say of how an upstream fares.
pub trait Classify<E> {
    /// Judges the head of an answer.
    fn head(&self, status: StatusCode, _headers: &HeaderMap) -> Signal {
        ByStatus::signal(status)
    }

    /// Judges a failure to get an answer, with the time after which it is to be asked again where the
    /// failure tells one.
    fn failure(&self, error: &E) -> (Signal, Option<Duration>);
}

/// 429, 503, 504, and Anthropic's 529 are overload. Failures are not: nothing is known of their type.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByStatus;

impl ByStatus {
    /// What a status says.
    pub const fn signal(status: StatusCode) -> Signal {
        match status.as_u16() {
            429 | 503 | 504 | 529 => Signal::Overloaded,
            _ => Signal::Fine,
        }
    }
}

impl<E> Classify<E> for ByStatus {
    fn failure(&self, _: &E) -> (Signal, Option<Duration>) {
        (Signal::Fine, None)
    }
}
