//! What a provider answers when it refuses what was relayed to it.

use bytes::Bytes;
use http::Response;
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use tollway_core::Dialect;
use tollway_wire::format;

use crate::Error;
use crate::body::{Answer, full};
use crate::respond::error_response;
use crate::upstream::headers::{self, Passage};
use crate::upstream::redact::Secrets;

/// The most bytes of an error that are read.
const MAX_ERROR: usize = 1024 * 1024;

/// A provider's error, less our secrets, which some servers repeat (those in its headers are out). It goes through as it is, but
/// where it must have `shape` and has not, or is too long to be looked through.
pub(super) async fn refused<B>(
    response: Response<B>,
    shape: Option<Dialect>,
    dialect: Dialect,
    secrets: &Secrets,
) -> Answer
where
    B: Body<Data = Bytes, Error = Error>,
{
    let (parts, body) = response.into_parts();
    let told = Limited::new(body, MAX_ERROR).collect().await.map(http_body_util::Collected::to_bytes).ok();
    let body = secrets.body(told.clone().unwrap_or_default());
    if told.is_some() && (shape.is_none() || format::is_error_shape(Dialect::OpenAi, &body)) {
        let passage = if told.as_ref() == Some(&body) { Passage::Whole } else { Passage::Events };
        let mut answer = Response::new(full(body));
        *answer.status_mut() = parts.status;
        *answer.headers_mut() = headers::to_client(parts.headers, passage);
        return answer;
    }
    let status = parts.status.as_u16();
    let error = format::decode_error(dialect, status, &body);
    let mut answer = error_response(shape.unwrap_or(dialect), &error);
    for (name, value) in &headers::to_client(parts.headers, Passage::Anew) {
        answer.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    answer
}
