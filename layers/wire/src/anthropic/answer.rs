//! The content blocks of an answer as they are written, whole or at the start of a stream's block.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, value::RawValue};
use tollway_core::Dialect;

use super::{
    block::encode_seal,
    call_id,
    citation::{CitationOut, from_annotation},
    marked,
    parts::object,
};
use crate::{
    chat::{Content, Part, Signature, ToolCall},
    seal,
};

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum AnswerItem<'a> {
    Block(AnswerBlock<'a>),
    Native(&'a Value),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum AnswerBlock<'a> {
    Text {
        text: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<CitationOut<'a>>,
    },
    Thinking {
        thinking: &'a str,
        signature: Cow<'a, str>,
    },
    RedactedThinking {
        data: Cow<'a, str>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Input<'a>,
    },
}

/// What a call is given.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Input<'a> {
    /// Nothing yet: the pieces follow in the stream.
    Empty {},
    /// The arguments as the model wrote them.
    Object(&'a RawValue),
    /// Arguments that are not an object, which models of other providers do write. Anthropic's
    /// clients want an object: the text stands in it.
    Text { raw_arguments: &'a str },
}

impl<'a> AnswerItem<'a> {
    /// Appends a part of an answer, and what stands for a seal of another provider on it. Nothing for what
    /// Anthropic's format has no word for.
    pub(super) fn push(part: &'a Part, out: &mut Vec<Self>) {
        let seal = part.signature.as_ref();
        match &part.content {
            Content::ToolCall(call) => {
                out.extend(seal.and_then(|seal| Self::seal_on_call(&call.id, seal)));
                out.extend(Self::of(part));
            }
            Content::Text(_) => {
                out.extend(Self::of(part));
                out.extend(seal.and_then(Self::seal_on_text));
            }
            _ => out.extend(Self::of(part)),
        }
    }

    /// What stands for another provider's seal on the text before it.
    pub(super) fn seal_on_text(signature: &Signature) -> Option<Self> {
        let foreign = signature.dialect != Dialect::Anthropic;
        foreign.then(|| Self::Block(AnswerBlock::RedactedThinking { data: seal::on_text(signature).into() }))
    }

    /// What stands for another provider's seal on the call behind it.
    pub(super) fn seal_on_call(id: &str, signature: &Signature) -> Option<Self> {
        let foreign = signature.dialect != Dialect::Anthropic;
        foreign
            .then(|| Self::Block(AnswerBlock::RedactedThinking { data: seal::on_call(id, signature).into() }))
    }

    fn of(part: &'a Part) -> Option<Self> {
        let block = match &part.content {
            Content::Text(text) if text.text.is_empty() => return None,
            Content::Text(text) => AnswerBlock::Text {
                text: &text.text,
                citations: text.annotations.iter().filter_map(from_annotation).collect(),
            },
            Content::Refusal(text) => AnswerBlock::Text { text, citations: Vec::new() },
            Content::Reasoning(reasoning) => match &reasoning.redacted {
                Some(data) => AnswerBlock::RedactedThinking {
                    data: match marked::owner(part) {
                        Dialect::Anthropic => Cow::Borrowed(data),
                        dialect => Cow::Owned(seal::redacted(dialect, data)),
                    },
                },
                None => AnswerBlock::Thinking {
                    thinking: &reasoning.text,
                    signature: part.signature.as_ref().map(encode_seal).unwrap_or_default(),
                },
            },
            Content::ToolCall(call) => AnswerBlock::ToolUse {
                id: call_id::shown(&call.id),
                name: &call.name,
                input: Input::of(call),
            },
            Content::Native(native) if native.dialect == Dialect::Anthropic => {
                return Some(Self::Native(&native.value));
            }
            // What is said in an audio answer is its text.
            Content::Audio(audio) => {
                AnswerBlock::Text { text: audio.transcript.as_deref()?, citations: Vec::new() }
            }
            _ => return None,
        };
        Some(Self::Block(block))
    }
}

impl<'a> Input<'a> {
    fn of(call: &'a ToolCall) -> Self {
        match object(&call.arguments) {
            Some(input) => Self::Object(input),
            None => Self::Text { raw_arguments: &call.arguments },
        }
    }
}
