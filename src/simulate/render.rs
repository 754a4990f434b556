//! Writes answers in each dialect, whole or as a stream, and the errors that interrupt a stream.

mod anthropic;
mod chat;
mod completions;
mod embeddings;
mod gemini;
mod responses;
mod responses_stream;

pub(super) use anthropic::anthropic;
pub(super) use chat::chat;
pub(super) use completions::completions;
pub(super) use embeddings::{gemini_embedding, gemini_embeddings, openai_embeddings};
pub(super) use gemini::gemini;
pub(super) use responses::responses;

use super::fault::Fault;
use bytes::Bytes;
use serde_json::Value;

/// When every answer says it was made: answers are the same on every run.
pub(super) const CREATED: u64 = 1_767_225_600;

/// An answer as it goes over the wire.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    pub(super) content_type: &'static str,
    /// The whole body, or one frame an event.
    pub(super) frames: Vec<Bytes>,
}

/// How a dialect puts events into a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// `data: {…}`.
    Data,
    /// `event: type` before `data: {…}`.
    Named,
    /// A JSON array, element by element.
    Array,
}

pub(super) fn json(value: &Value) -> Rendered {
    Rendered { content_type: "application/json", frames: vec![Bytes::from(value.to_string())] }
}

fn stream(frames: Vec<Bytes>) -> Rendered {
    Rendered { content_type: "text/event-stream; charset=utf-8", frames }
}

fn data(value: &Value) -> Bytes {
    Bytes::from(format!("data: {value}\n\n"))
}

/// An event named after its `type`.
fn named(value: &Value) -> Bytes {
    let name = value["type"].as_str().unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {value}\n\n"))
}

/// The provider's error inside a stream.
pub(super) fn error_event(framing: Framing, fault: &Fault, responses: bool) -> Bytes {
    let body = fault.body();
    match framing {
        Framing::Data => data(&body),
        Framing::Array => Bytes::from(format!(",\n{body}\n")),
        Framing::Named if responses => named(&serde_json::json!({
            "type": "error", "code": "server_error", "message": fault.message, "param": null,
            "sequence_number": 99,
        })),
        Framing::Named => {
            let mut body = body;
            if let Some(object) = body.as_object_mut() {
                object.remove("request_id");
            }
            named(&body)
        }
    }
}

/// An event that is no JSON.
pub(super) fn malformed_event(framing: Framing) -> Bytes {
    Bytes::from_static(match framing {
        Framing::Data => b"data: {\"id\": \"broken\", \"choices\": [{\n\n",
        Framing::Named => {
            b"event: content_block_delta\ndata: {\"type\": \"content_block_delta\", \"delta\": {\n\n"
        }
        Framing::Array => b",\n{\"candidates\": [{\n",
    })
}
