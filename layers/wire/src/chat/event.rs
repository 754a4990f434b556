use serde_json::{Map, Value};
use tollway_core::Usage;

use super::{Finish, Native, Signature};
use crate::ApiError;

/// A step of a streamed answer.
///
/// A decoder yields [`Event::Start`] first, once. After [`Event::Error`] nothing follows. That a
/// stream is whole is told by the decoder's `finish`, never by an event alone.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The answer begins.
    Start(Start),
    /// A choice grows.
    Delta {
        /// Which choice.
        choice: u32,
        /// By what.
        delta: Delta,
    },
    /// A choice is at its end.
    Finish {
        /// Which choice.
        choice: u32,
        /// Why.
        finish: Finish,
    },
    /// The tier that served, where that is told after the start, or told otherwise.
    Tier(String),
    /// Tokens counted so far: replaces what earlier events said.
    Usage(Usage),
    /// The provider failed in mid-stream.
    Error(ApiError),
}

/// What is known when a streamed answer begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that serves it.
    pub model: Option<String>,
    /// When it was made, in seconds since the epoch.
    pub created: Option<u64>,
    /// The service tier that serves it.
    pub service_tier: Option<String>,
    /// The provider's fingerprint of its back end.
    pub system_fingerprint: Option<String>,
    /// Fields with no canonical place, written back by an encoder of the same dialect.
    pub extra: Map<String, Value>,
}

/// By what a choice grows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Delta {
    /// Text.
    Text(String),
    /// A refusal's words.
    Refusal(String),
    /// Thinking.
    Reasoning(String),
    /// Sealed thinking, whole.
    RedactedReasoning(String),
    /// The seal of the part before it: of the thinking just streamed, or of the text (Gemini).
    Signature(Signature),
    /// A tool call begins.
    ToolCall {
        /// Its place among the tool calls of the choice: 0, 1, …
        index: u32,
        /// Its id.
        id: String,
        /// The tool's name.
        name: String,
        /// Whether it is a custom tool.
        custom: bool,
        /// The provider's seal on the call (Gemini).
        signature: Option<Signature>,
    },
    /// A tool call's arguments grow.
    ToolArguments {
        /// Its place among the tool calls of the choice.
        index: u32,
        /// The next piece of text.
        fragment: String,
    },
    /// Citations of the text so far, in OpenAI's `annotations` shape.
    Annotations(Vec<Value>),
    /// Log probabilities in OpenAI's shape (`{"content":[…],"refusal":…}`).
    Logprobs(Value),
    /// Sound in OpenAI's `delta.audio` shape.
    Audio(Value),
    /// A block only its own dialect understands, whole.
    Native(Native),
}
