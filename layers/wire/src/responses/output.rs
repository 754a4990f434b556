//! Output items of an answer as they are written, whole or in a stream.

use serde::Serialize;
use serde_json::Value;

/// An item of the output.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message {
        id: &'a str,
        status: &'static str,
        role: &'static str,
        content: Vec<PartOut<'a>>,
    },
    Reasoning {
        id: &'a str,
        summary: Vec<Summary<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<&'a str>,
    },
    FunctionCall {
        id: &'a str,
        status: &'static str,
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    CustomToolCall {
        id: &'a str,
        status: &'static str,
        call_id: &'a str,
        name: &'a str,
        input: &'a str,
    },
}

/// A part of a message.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum PartOut<'a> {
    OutputText { text: &'a str, annotations: &'a [Value], logprobs: &'a [Value] },
    Refusal { refusal: &'a str },
}

/// A part of a summary.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Summary<'a> {
    SummaryText { text: &'a str },
}

impl<'a> Summary<'a> {
    /// A summary of one part, or of none where nothing is shown.
    pub(super) fn of(text: &'a str) -> Vec<Self> {
        if text.is_empty() { Vec::new() } else { vec![Self::SummaryText { text }] }
    }
}
