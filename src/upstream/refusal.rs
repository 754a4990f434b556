//! What a provider answers when it refuses.

use bytes::Bytes;
use http::Response;
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use tollway_core::Dialect;
use tollway_wire::{anthropic, gemini, openai};

use super::headers::{self, Passage};
use super::redact::Secrets;
use crate::Error;
use crate::body::{Answer, full};
use crate::respond::error_response;

/// The most bytes of an error that are read.
const MAX_ERROR: usize = 1024 * 1024;

/// An upstream's error in the client's shape. One that has the shape already goes through as it is,
/// but for our secrets, which some servers repeat.
pub(super) async fn refusal<B>(response: Response<B>, dialect: Dialect, secrets: &Secrets) -> Answer
where
    B: Body<Data = Bytes, Error = Error>,
{
    let (mut parts, body) = response.into_parts();
    let body = Limited::new(body, MAX_ERROR).collect().await.map(http_body_util::Collected::to_bytes);
    let told = body.unwrap_or_default();
    let body = secrets.body(told.clone());
    secrets.headers(&mut parts.headers);
    let status = parts.status.as_u16();
    if dialect == Dialect::OpenAi && openai::is_error_shape(&body) {
        let passage = if body == told { Passage::Whole } else { Passage::Events };
        let mut answer = Response::new(full(body));
        *answer.status_mut() = parts.status;
        *answer.headers_mut() = headers::to_client(parts.headers, passage);
        return answer;
    }
    let error = match dialect {
        Dialect::Anthropic => anthropic::decode_error(status, &body),
        Dialect::Gemini => gemini::decode_error(status, &body),
        _ => openai::decode_error(status, &body),
    };
    let mut answer = error_response(Dialect::OpenAi, &error);
    for (name, value) in &headers::to_client(parts.headers, Passage::Anew) {
        answer.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    answer
}
