//! Every refusal in the client's dialect.

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Extensions, Response, StatusCode};
use tollway_core::{Dialect, Respond};
use tollway_wire::{ApiError, ErrorKind, format};

use crate::Error;
use crate::body::{AnswerBody, full};
use crate::upstream;

/// Answers in the [`Dialect`] that stands in the request's extensions, OpenAI's when there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct InDialect;

impl Respond<Error, AnswerBody> for InDialect {
    fn respond(&self, request: &Extensions, error: &Error) -> Response<AnswerBody> {
        let dialect = request.get().copied().unwrap_or(Dialect::OpenAi);
        if let Error::Forbidden(refused) = error {
            tollway_auth::metered::refused(refused);
        }
        let mut response = error_response(dialect, &error.to_api_error());
        if let Error::MethodNotAllowed { allow, .. } = error {
            response.headers_mut().insert(http::header::ALLOW, HeaderValue::from_static(allow));
        }
        if let Error::Attempt { upstream, .. } = error {
            upstream::name(response.headers_mut(), upstream);
        }
        response
    }
}

/// The status of an error in a dialect: Anthropic has one of its own for overload, by which its SDKs know it.
const fn status_in(dialect: Dialect, error: &ApiError) -> u16 {
    match (dialect, error.kind) {
        (Dialect::Anthropic, ErrorKind::Overloaded) => 529,
        _ => error.status,
    }
}

/// An error as a response of a dialect.
pub(crate) fn error_response(dialect: Dialect, error: &ApiError) -> Response<AnswerBody> {
    let mut response = Response::new(full(format::encode_error(dialect, error)));
    *response.status_mut() =
        StatusCode::from_u16(status_in(dialect, error)).unwrap_or(StatusCode::BAD_GATEWAY);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait) = error.retry_after {
        // Whole seconds, rounded up: a client that comes back early is refused again.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}
