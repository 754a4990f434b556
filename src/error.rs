use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tollway_core::Upstream;
use tollway_wire::{ApiError, ErrorKind, Refusal};

/// Why a request was not answered by a model.
///
/// The variant says who is guilty: the client, the upstream, or the gateway.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client asked for a path there is not.
    #[error("unknown request URL: {method} {path}")]
    NotFound {
        /// The method.
        method: http::Method,
        /// The path, without its query.
        path: String,
    },
    /// The client used the wrong method on a path there is.
    #[error("not allowed to {method} on {path}, use {allow}")]
    MethodNotAllowed {
        /// The method.
        method: http::Method,
        /// The path, without its query.
        path: String,
        /// The method to use.
        allow: &'static str,
    },
    /// The client's body is larger than the limit.
    #[error("the request body is larger than the limit of {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The client did not send its body in time.
    #[error("no byte of the request body came for {} s", .0.as_secs())]
    BodyTimeout(Duration),
    /// The client took too long over its body.
    #[error("the request body did not come within {} s", .0.as_secs())]
    BodySlow(Duration),
    /// The client's body broke off.
    #[error("the request body could not be read: {0}")]
    BodyBroken(#[source] BoxError),
    /// The client's request is wrong, or cannot be said in the upstream's format.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Nobody here serves the model the client asked for.
    #[error("{message}")]
    UnknownModel {
        /// What is wrong, and which names are known.
        message: String,
    },
    /// Nobody here is the provider that was asked for, or it cannot be known which one it is.
    #[error("{message}")]
    UnknownProvider {
        /// What is wrong, and what to do.
        message: String,
    },
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(#[from] tollway_auth::Error),
    /// The upstream answered with an error.
    #[error("{}", .0.message)]
    Upstream(ApiError),
    /// There is no access token for the upstream.
    #[error("provider {provider}: {reason}")]
    Identity {
        /// The provider's name.
        provider: String,
        /// Why there is none, and what to do about it.
        reason: String,
        /// Whether it may go well in a moment.
        passing: bool,
    },
    /// The upstream could not be reached.
    #[error("could not connect to provider {provider}: {reason}")]
    Connect {
        /// The provider's name.
        provider: String,
        /// The chain of causes, in words.
        reason: String,
    },
    /// The upstream broke the connection before its answer was whole.
    #[error("provider {provider} broke the connection: {reason}")]
    Broken {
        /// The provider's name.
        provider: String,
        /// The chain of causes, in words.
        reason: String,
    },
    /// The upstream did not answer in time.
    #[error("provider {provider}: no {waited_for} within {} s", .limit.as_secs_f32())]
    Timeout {
        /// The provider's name.
        provider: String,
        /// What was waited for.
        waited_for: &'static str,
        /// For how long.
        limit: Duration,
    },
    /// The client stopped reading the answer.
    #[error("the answer was not read for {} s", .0.as_secs_f32())]
    Unread(Duration),
    /// An attempt at an upstream failed: one of the errors above, and whose it is.
    #[error("{source}")]
    Attempt {
        /// Who was asked for what.
        upstream: Arc<Upstream>,
        /// What went wrong.
        source: Box<Error>,
    },
    /// A fault of ours; the details are in the log.
    #[error("the gateway failed to handle the request")]
    Internal,
}

/// What is waited for before anything can be sent.
pub(crate) const CONNECTION: &str = "connection";

/// Any error, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    /// The error in the terms every dialect can say.
    pub fn to_api_error(&self) -> ApiError {
        let (status, kind, code) = match self {
            Self::NotFound { .. } => (404, ErrorKind::NotFound, Some("unknown_url")),
            Self::MethodNotAllowed { .. } => (405, ErrorKind::InvalidRequest, Some("method_not_allowed")),
            Self::BodyTooLarge { .. } => (413, ErrorKind::TooLarge, Some("request_too_large")),
            Self::BodyTimeout(_) | Self::BodySlow(_) => {
                (408, ErrorKind::InvalidRequest, Some("request_timeout"))
            }
            Self::BodyBroken(_) | Self::Refused(_) => (400, ErrorKind::InvalidRequest, None),
            Self::UnknownModel { .. } => (404, ErrorKind::NotFound, Some("model_not_found")),
            Self::UnknownProvider { .. } => (404, ErrorKind::NotFound, Some("provider_not_found")),
            Self::Forbidden(error) => return crate::auth::to_api_error(error),
            Self::Upstream(error) => return error.clone(),
            Self::Attempt { source, .. } => return source.to_api_error(),
            Self::Identity { passing: true, .. } => (503, ErrorKind::Overloaded, Some("no_access_token")),
            Self::Identity { .. } => (502, ErrorKind::Internal, Some("no_access_token")),
            Self::Connect { .. } => (502, ErrorKind::Internal, Some("upstream_unreachable")),
            Self::Broken { .. } => (502, ErrorKind::Internal, Some("upstream_broken")),
            Self::Timeout { .. } => (504, ErrorKind::Timeout, Some("upstream_timeout")),
            Self::Unread(_) => (408, ErrorKind::Timeout, Some("answer_unread")),
            Self::Internal => (500, ErrorKind::Internal, Some("gateway_error")),
        };
        let param = match self {
            Self::Refused(refusal) => refusal.param.clone(),
            Self::UnknownModel { .. } => Some("model".to_owned()),
            _ => None,
        };
        ApiError {
            status,
            kind,
            message: self.to_string(),
            code: code.map(str::to_owned),
            param,
            retry_after: None,
        }
    }

    /// Whether an upstream may have got the request that failed so.
    pub(crate) fn was_sent(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Identity { .. } => false,
            Self::Timeout { waited_for, .. } => *waited_for != CONNECTION,
            Self::Attempt { source, .. } => source.was_sent(),
            _ => true,
        }
    }

    /// The HTTP status to present.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.to_api_error().status).unwrap_or(StatusCode::BAD_GATEWAY)
    }
}

/// An error and its causes in one line, each cause once.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}
