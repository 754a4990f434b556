//! What a provider answers when it refuses.

use bytes::Bytes;
use http::Response;
use http::header::LOCATION;
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use tollway_core::Dialect;
use tollway_wire::{ApiError, ErrorKind, format};

use super::headers::{self, Passage};
use super::redact::Secrets;
use crate::Error;
use crate::body::{Answer, full};
use crate::respond::error_response;

/// The most bytes of an error that are read.
const MAX_ERROR: usize = 1024 * 1024;

/// An upstream's error in the client's shape. One that has the shape already goes through as it is,
/// but for our secrets, which some servers repeat.
pub(super) async fn refusal<B>(
    response: Response<B>,
    client: Dialect,
    upstream: Dialect,
    secrets: &Secrets,
) -> Answer
where
    B: Body<Data = Bytes, Error = Error>,
{
    let (mut parts, body) = response.into_parts();
    let body = Limited::new(body, MAX_ERROR).collect().await.map(http_body_util::Collected::to_bytes);
    let told = body.unwrap_or_default();
    let body = secrets.body(told.clone());
    secrets.headers(&mut parts.headers);
    let status = parts.status.as_u16();
    if same_shape(client, upstream) && format::is_error_shape(client, &body) {
        let passage = if body == told { Passage::Whole } else { Passage::Events };
        let mut answer = Response::new(full(body));
        *answer.status_mut() = parts.status;
        *answer.headers_mut() = headers::to_client(parts.headers, passage);
        return answer;
    }
    let error = if parts.status.is_redirection() {
        // Followed, it would lead our key and the client's words to where nobody configured.
        parts.headers.remove(LOCATION);
        let message =
            format!("the provider redirects, which is not followed; see its `base_url`: {}", parts.status);
        ApiError {
            status: 502,
            kind: ErrorKind::Internal,
            message,
            code: None,
            param: None,
            retry_after: None,
        }
    } else {
        format::decode_error(upstream, status, &body)
    };
    let mut answer = error_response(client, &error);
    for (name, value) in &headers::to_client(parts.headers, Passage::Anew) {
        answer.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    answer
}

/// Whether two dialects write errors alike.
const fn same_shape(one: Dialect, other: Dialect) -> bool {
    use Dialect::{Anthropic, Gemini, OpenAi, Responses};
    matches!(
        (one, other),
        (OpenAi | Responses, OpenAi | Responses) | (Anthropic, Anthropic) | (Gemini, Gemini)
    )
}
