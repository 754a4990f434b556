use std::time::Duration;

use http::StatusCode;

/// Why a request is not sent to an upstream. Holds nothing about other callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The upstream has more to do than it can.
    #[error("the upstream is overloaded: {reason}")]
    Overloaded {
        /// Why this request and not another.
        reason: Shed,
        /// After what time it makes sense to come again.
        retry_after: Duration,
    },
    /// The provider's own limit is reached, and would refuse.
    #[error("the provider's rate limit is reached")]
    Exhausted {
        /// After what time the provider takes such a request again.
        retry_after: Duration,
    },
}

/// Why a request is sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shed {
    /// As many as may wait were waiting.
    Full,
    /// One that matters more came when as many were waiting as may.
    Displaced,
    /// It waited for as long as it may.
    Late,
}

impl Shed {
    /// The name used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Displaced => "displaced",
            Self::Late => "late",
        }
    }
}

impl std::fmt::Display for Shed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "too many requests are waiting",
            Self::Displaced => "requests of a higher priority are waiting",
            Self::Late => "the request waited for too long",
        })
    }
}

impl Refused {
    /// The status to answer with: 503 for an overload, of which the client is innocent, and 429 for a limit.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Overloaded { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Exhausted { .. } => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// After what time to come again.
    pub const fn retry_after(&self) -> Duration {
        match self {
            Self::Overloaded { retry_after, .. } | Self::Exhausted { retry_after } => *retry_after,
        }
    }
}

impl From<&Refused> for StatusCode {
    fn from(refused: &Refused) -> Self {
        refused.status()
    }
}
