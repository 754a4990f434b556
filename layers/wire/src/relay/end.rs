//! The frames that end a stream that broke off, so that it never looks whole.

use bytes::Bytes;
use serde::Serialize;
use tollway_core::Dialect;

use crate::{ApiError, anthropic, gemini, openai};

/// An error as a server-sent event.
pub(super) fn event(dialect: Dialect, error: &ApiError, sequence: u64, mid_event: bool) -> Bytes {
    // What was cut off must not swallow the error.
    let mut out = if mid_event { b"\n\n".to_vec() } else { Vec::new() };
    let (name, data): (&[u8], _) = match dialect {
        Dialect::Anthropic => (b"event: error\n", anthropic::encode_error(error)),
        Dialect::Responses => (b"event: error\n", response_error(error, sequence)),
        Dialect::Gemini => (b"", gemini::encode_error(error)),
        _ => (b"", openai::encode_error(error)),
    };
    out.extend_from_slice(name);
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(&data);
    out.extend_from_slice(b"\n\n");
    out.into()
}

/// An error as the last element of an array, of which `any` has been given out. Within an element that
/// was cut off the array can no longer be made one; it ends in the error all the same, for those who
/// read it.
pub(super) fn element(error: &ApiError, any: bool, mid_element: bool) -> Bytes {
    let before: &[u8] = match (any || mid_element, mid_element) {
        (true, true) => b"\n,\r\n",
        (true, false) => b",\r\n",
        (false, _) => b"[",
    };
    [before, &gemini::encode_error(error), b"\n]"].concat().into()
}

/// An `error` event of the Responses API.
fn response_error(error: &ApiError, sequence_number: u64) -> Vec<u8> {
    let event = ResponseError {
        kind: "error",
        code: error.code.as_deref(),
        message: &error.message,
        param: error.param.as_deref(),
        sequence_number,
    };
    // Writing texts and numbers to memory cannot fail.
    serde_json::to_vec(&event).unwrap_or_default()
}

#[derive(Serialize)]
struct ResponseError<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    code: Option<&'a str>,
    message: &'a str,
    param: Option<&'a str>,
    sequence_number: u64,
}
