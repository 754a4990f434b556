use std::time::Duration;

use http::{HeaderValue, StatusCode};
use tollway_core::Caller;

use crate::{CertificateFault, TokenFault};

/// Why a request may not pass.
///
/// Says nothing about other callers, and repeats nothing of the credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request presents no credential.
    #[error("no API key was given")]
    Missing,
    /// Nobody knows the credential.
    #[error("the API key is not valid")]
    Invalid,
    /// The credential was good once.
    #[error("the API key has expired")]
    Expired,
    /// The credential was taken back.
    #[error("the API key was revoked")]
    Revoked,
    /// A token of an issuer is not accepted.
    #[error("the token is not accepted: {0}")]
    Token(TokenFault),
    /// A client's certificate is not accepted.
    #[error("the client's certificate {0}")]
    Certificate(CertificateFault),
    /// The caller lacks what this place asks for.
    #[error("the API key lacks the scope {scope}")]
    Scope {
        /// What is asked for.
        scope: Box<str>,
    },
    /// The caller may not ask this model.
    #[error("the API key does not allow the model {model}")]
    Model {
        /// The model as the client named it.
        model: Box<str>,
    },
    /// The caller may not be served by this provider.
    #[error("the API key does not allow the provider {provider}")]
    Provider {
        /// The provider's name.
        provider: Box<str>,
    },
    /// The caller may not come here.
    #[error("the API key does not allow the path {route}")]
    Route {
        /// The path.
        route: Box<str>,
    },
    /// From this address came too many credentials that nobody knows.
    #[error("too many attempts with API keys that are not valid, retry in {} s", seconds(*.retry_after))]
    TooManyFailures {
        /// After what time the next attempt is judged.
        retry_after: Duration,
    },
    /// What is needed to judge the credential cannot be reached.
    #[error("the credential cannot be verified at present")]
    Unavailable {
        /// What could not be reached, for the log.
        reason: Box<str>,
    },
}

impl Error {
    /// The status to answer with.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Missing
            | Self::Invalid
            | Self::Expired
            | Self::Revoked
            | Self::Token(_)
            | Self::Certificate(_) => StatusCode::UNAUTHORIZED,
            Self::Scope { .. } | Self::Model { .. } | Self::Provider { .. } | Self::Route { .. } => {
                StatusCode::FORBIDDEN
            }
            Self::TooManyFailures { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A word for it, for programs and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing_api_key",
            Self::Invalid => "invalid_api_key",
            Self::Expired => "api_key_expired",
            Self::Revoked => "api_key_revoked",
            Self::Token(TokenFault::Expired) => "token_expired",
            Self::Token(_) => "invalid_token",
            Self::Certificate(CertificateFault::Expired) => "certificate_expired",
            Self::Certificate(_) => "invalid_certificate",
            Self::Scope { .. } => "missing_scope",
            Self::Model { .. } => "model_not_allowed",
            Self::Provider { .. } => "provider_not_allowed",
            Self::Route { .. } => "path_not_allowed",
            Self::TooManyFailures { .. } => "too_many_failed_attempts",
            Self::Unavailable { .. } => "authentication_unavailable",
        }
    }

    /// What to say in `www-authenticate` (RFC 6750 §3), if anything.
    pub const fn challenge(&self) -> Option<HeaderValue> {
        match self {
            Self::Missing => Some(HeaderValue::from_static("Bearer")),
            Self::Invalid | Self::Expired | Self::Revoked | Self::Token(_) => {
                Some(HeaderValue::from_static("Bearer error=\"invalid_token\""))
            }
            Self::Scope { .. } => Some(HeaderValue::from_static("Bearer error=\"insufficient_scope\"")),
            _ => None,
        }
    }

    /// Whether somebody may have been guessing.
    pub(crate) const fn is_guess(&self) -> bool {
        match self {
            Self::Invalid => true,
            Self::Token(fault) => fault.is_forgery(),
            _ => false,
        }
    }

    /// When it makes sense to come back.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyFailures { retry_after } => Some(*retry_after),
            Self::Unavailable { .. } => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

/// What the body names is known only further in: whoever reads it asks here.
impl Error {
    /// Refuses a model that the caller may not ask.
    pub fn unless_model(caller: &Caller, model: &str) -> Result<(), Self> {
        if caller.models.allows(model) { Ok(()) } else { Err(Self::Model { model: model.into() }) }
    }

    /// Refuses a provider that the caller may not be served by.
    pub fn unless_provider(caller: &Caller, provider: &str) -> Result<(), Self> {
        if caller.providers.allows(provider) {
            Ok(())
        } else {
            Err(Self::Provider { provider: provider.into() })
        }
    }
}

impl From<&Error> for StatusCode {
    fn from(error: &Error) -> Self {
        error.status()
    }
}

/// Whole seconds, rounded up: who comes back early is refused again.
const fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + (duration.subsec_nanos() > 0) as u64
}

#[cfg(test)]
mod tests {
    use tollway_core::Allowed;

    use super::*;

    #[test]
    fn what_a_body_names_is_held_to_what_the_caller_may() {
        let mut caller = Caller::anonymous();
        assert_eq!(Error::unless_model(&caller, "gpt-5"), Ok(()));
        caller.models = Allowed::new(["gpt-*"]);
        caller.providers = Allowed::new(["openai"]);
        assert_eq!(Error::unless_model(&caller, "gpt-5"), Ok(()));
        let error = Error::unless_model(&caller, "claude-5").unwrap_err();
        assert_eq!(error.to_string(), "the API key does not allow the model claude-5");
        assert_eq!((error.status(), error.challenge()), (StatusCode::FORBIDDEN, None));
        assert_eq!(Error::unless_provider(&caller, "openai"), Ok(()));
        assert!(Error::unless_provider(&caller, "azure").is_err());
    }

    #[test]
    fn who_comes_back_as_told_is_not_refused_again() {
        let error = Error::TooManyFailures { retry_after: Duration::from_millis(5001) };
        assert!(error.to_string().ends_with("retry in 6 s"), "{error}");
        assert_eq!(error.retry_after(), Some(Duration::from_millis(5001)));
        assert_eq!(Error::Invalid.retry_after(), None);
    }
}
