//! A chunk of a streamed answer, as the various servers write it, borrowed from its bytes.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::Node;
use super::lenient::{Arguments, Count, Loose, object_or_default};
use super::usage::XGroq;

/// One frame of the stream. Everything may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) id: Loose<'a>,
    #[serde(borrow)]
    pub(super) object: Loose<'a>,
    pub(super) created: Count,
    #[serde(borrow)]
    pub(super) model: Loose<'a>,
    #[serde(borrow)]
    pub(super) service_tier: Loose<'a>,
    #[serde(borrow)]
    pub(super) system_fingerprint: Loose<'a>,
    #[serde(borrow)]
    pub(super) choices: Option<Vec<ChunkChoice<'a>>>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "object_or_default")]
    pub(super) x_groq: XGroq<'a>,
    #[serde(borrow)]
    pub(super) error: Node<'a>,
}

/// By what a choice grows, and whether it ends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChunkChoice<'a> {
    pub(super) index: Count,
    #[serde(borrow)]
    pub(super) delta: Option<WireDelta<'a>>,
    /// Some servers send a last chunk with the whole in place of a delta, or an answer that was
    /// never cut.
    #[serde(borrow)]
    pub(super) message: Option<WireDelta<'a>>,
    #[serde(borrow)]
    pub(super) logprobs: Node<'a>,
    #[serde(borrow)]
    pub(super) finish_reason: Loose<'a>,
    #[serde(borrow)]
    pub(super) native_finish_reason: Loose<'a>,
    #[serde(borrow)]
    pub(super) stop_reason: Node<'a>,
    /// Moonshot's place for it.
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Node<'a>,
}

/// The `delta` of a choice.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireDelta<'a> {
    #[serde(borrow)]
    pub(super) content: Node<'a>,
    #[serde(borrow)]
    pub(super) reasoning_content: Node<'a>,
    #[serde(borrow)]
    pub(super) reasoning: Node<'a>,
    #[serde(borrow)]
    pub(super) reasoning_details: Node<'a>,
    #[serde(borrow)]
    pub(super) refusal: Node<'a>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<CallDelta<'a>>>,
    #[serde(borrow)]
    pub(super) function_call: Option<FunctionDelta<'a>>,
    #[serde(borrow)]
    pub(super) annotations: Node<'a>,
    #[serde(borrow)]
    pub(super) audio: Node<'a>,
    #[serde(borrow)]
    pub(super) images: Node<'a>,
    #[serde(borrow)]
    pub(super) extra_content: Node<'a>,
}

/// A tool call, or the next piece of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CallDelta<'a> {
    pub(super) index: Count,
    #[serde(borrow)]
    pub(super) id: Loose<'a>,
    #[serde(borrow)]
    pub(super) function: Option<FunctionDelta<'a>>,
    #[serde(borrow)]
    pub(super) custom: Option<CustomDelta<'a>>,
    #[serde(borrow)]
    pub(super) extra_content: Node<'a>,
}

/// A function's name and the next piece of its arguments.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionDelta<'a> {
    #[serde(borrow)]
    pub(super) name: Loose<'a>,
    #[serde(borrow)]
    pub(super) arguments: Arguments<'a>,
}

/// A custom tool's name and the next piece of its input.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CustomDelta<'a> {
    #[serde(borrow)]
    pub(super) name: Loose<'a>,
    #[serde(borrow)]
    pub(super) input: Arguments<'a>,
}
