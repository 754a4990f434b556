use std::time::Duration;

/// A provider's refusal or failure, in no provider's dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status to present.
    pub status: u16,
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// The provider's words.
    pub message: String,
    /// The provider's own code or type (`model_not_found`, `overloaded_error`, `RESOURCE_EXHAUSTED`).
    pub code: Option<String>,
    /// The field at fault.
    pub param: Option<String>,
    /// How long to wait before the next try, where the body tells it.
    pub retry_after: Option<Duration>,
}

/// What kind of failure an [`ApiError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is wrong (400, 422).
    InvalidRequest,
    /// No or wrong credentials (401).
    Authentication,
    /// Credentials that may not do this (403).
    Permission,
    /// No such model or object (404).
    NotFound,
    /// The request is too large (413).
    TooLarge,
    /// Too many requests or tokens (429).
    RateLimit,
    /// The account is out of credit (402, 429 `insufficient_quota`).
    Quota,
    /// The provider is overloaded (503, 529); worth another try.
    Overloaded,
    /// The provider took too long (504, 408).
    Timeout,
    /// The provider failed (500 and others).
    Internal,
}

impl ErrorKind {
    /// The kind a status alone suggests.
    pub const fn from_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::Quota,
            403 => Self::Permission,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimit,
            503 | 529 => Self::Overloaded,
            400..=499 => Self::InvalidRequest,
            _ => Self::Internal,
        }
    }
}

/// A request we cannot carry on: the client's fault, or a thing the target format cannot say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The path of the field in the client's own request, such as `messages[2].content[0].type`.
    pub param: Option<String>,
    /// What is wrong and what to do, with the offending value last.
    pub message: String,
}

impl Refusal {
    /// A refusal of one field.
    pub fn at(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), message: message.into() }
    }

    /// A refusal of the request as a whole.
    pub fn whole(message: impl Into<String>) -> Self {
        Self { param: None, message: message.into() }
    }
}

/// A stream that ended whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamEnd;

/// A stream that ended before the answer was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upstream's stream ended before the answer was complete")]
pub struct Truncated;
