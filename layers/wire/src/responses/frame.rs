//! An event of a stream as it is written.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::echo::Echo;
use super::output::{Item, PartOut, Summary};
use super::response_out::{ErrorOut, ResponseOut};
use crate::{ApiError, ErrorKind};

/// An event with the fields its type has.
#[derive(Default, Serialize)]
pub(super) struct Frame<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) sequence_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) annotation_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item: Option<ItemOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<AnyPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) annotation: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<&'a [Value]>,
}

/// An item that begins, or one that is done.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ItemOut<'a> {
    Known(Item<'a>),
    Done(&'a RawValue),
    Native(&'a Value),
}

/// A part of a message or of a summary.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum AnyPart<'a> {
    Content(PartOut<'a>),
    Summary(Summary<'a>),
}

/// The `error` event.
#[derive(Serialize)]
struct ErrorFrame<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence_number: u64,
    code: Option<&'a str>,
    message: &'a str,
    param: Option<&'a str>,
}

/// Appends the `error` event, which says that the stream broke off.
pub(crate) fn write_error(error: &ApiError, sequence_number: u64, out: &mut Vec<u8>) {
    let frame = ErrorFrame {
        kind: "error",
        sequence_number,
        code: Some(code_of(error)),
        message: &error.message,
        param: error.param.as_deref(),
    };
    write("error", &frame, out);
}

/// A relayed answer that broke off, by what was seen of it.
#[derive(Debug)]
pub(crate) struct Failed<'a> {
    pub(crate) id: &'a str,
    /// In seconds since the epoch.
    pub(crate) created: u64,
    pub(crate) model: Option<&'a str>,
}

impl Failed<'_> {
    /// Appends `response.failed`, which some clients wait for behind the `error` event. What the answer
    /// held has passed, and is not repeated.
    pub(crate) fn write(&self, error: &ApiError, sequence_number: u64, out: &mut Vec<u8>) {
        let response = ResponseOut {
            id: self.id,
            object: "response",
            created_at: self.created,
            status: "failed",
            error: Some(ErrorOut { code: code_of(error), message: &error.message }),
            incomplete_details: None,
            model: self.model.unwrap_or_default(),
            output: Vec::new(),
            service_tier: None,
            usage: None,
            tool_usage: None,
        };
        write_response("response.failed", sequence_number, (&response, &Echo::default()), out);
    }
}

/// The code of an error: its own, or the API's for its kind.
pub(super) fn code_of(error: &ApiError) -> &str {
    error.code.as_deref().unwrap_or(match error.kind {
        ErrorKind::RateLimit => "rate_limit_exceeded",
        ErrorKind::Quota => "insufficient_quota",
        ErrorKind::InvalidRequest | ErrorKind::TooLarge => "invalid_prompt",
        _ => "server_error",
    })
}

/// Appends an event that holds the answer so far.
pub(super) fn write_response(
    kind: &'static str,
    sequence_number: u64,
    (response, settings): (&ResponseOut<'_>, &Echo),
    out: &mut Vec<u8>,
) {
    write(kind, &Frame { kind, sequence_number, ..Frame::default() }, out);
    // Into the object just written, before its brace and the empty line behind it.
    out.truncate(out.len().saturating_sub(b"}\n\n".len()));
    out.extend_from_slice(b",\"response\":");
    response.write(settings, out);
    out.extend_from_slice(b"}\n\n");
}

/// Appends an event under its name.
pub(super) fn write(name: &str, event: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    // Memory takes every byte, and no map here has keys that are not strings: this cannot fail.
    let written = serde_json::to_writer(&mut *out, event);
    debug_assert!(written.is_ok(), "an event could not be written as JSON");
    out.extend_from_slice(b"\n\n");
}
