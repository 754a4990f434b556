//! The body types that cross the stack.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use crate::error::BoxError;

/// The body of every answer of the gateway.
pub type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;

/// A response of the gateway.
pub type Answer = http::Response<AnswerBody>;

/// A whole body.
pub(crate) fn full(bytes: impl Into<Bytes>) -> AnswerBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}
