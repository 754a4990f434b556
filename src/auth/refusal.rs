use http::header::WWW_AUTHENTICATE;
use http::{Extensions, Response};
use tollway_auth::Error;
use tollway_core::{Dialect, Respond};
use tollway_wire::{ApiError, ErrorKind};

use crate::body::AnswerBody;
use crate::respond::{InDialect, error_response};

impl Respond<Error, AnswerBody> for InDialect {
    fn respond(&self, request: &Extensions, error: &Error) -> Response<AnswerBody> {
        let dialect = request.get().copied().unwrap_or(Dialect::OpenAi);
        if let Error::Unavailable { reason } = error {
            tracing::warn!("a credential could not be verified: {reason}");
        }
        let mut response = error_response(dialect, &to_api_error(error));
        if let Some(challenge) = error.challenge() {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The refusal in the terms every dialect can say.
pub(crate) fn to_api_error(error: &Error) -> ApiError {
    let status = error.status();
    let kind = match status.as_u16() {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        429 => ErrorKind::RateLimit,
        _ => ErrorKind::Overloaded,
    };
    let message = match error {
        Error::Missing => format!(
            "{error}; give one as your SDK does, in `Authorization: Bearer`, `x-api-key` or `x-goog-api-key`"
        ),
        other => other.to_string(),
    };
    let param = matches!(error, Error::Model { .. }).then(|| "model".to_owned());
    let code = Some(error.code().to_owned());
    ApiError { status: status.as_u16(), kind, message, code, param, retry_after: error.retry_after() }
}
