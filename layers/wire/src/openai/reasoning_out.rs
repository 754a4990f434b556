//! The `reasoning_details` we write.

use serde::Serialize;
use serde_json::Value;
use tollway_core::Dialect;

use super::reasoning::{ANTHROPIC, Blocks, format_of, is_detail};
use crate::chat::{Content, Part, Reasoning, Signature};

/// One entry of `reasoning_details` to be written.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Detail<'a> {
    /// Thinking text and its seal.
    Text {
        #[serde(rename = "type")]
        kind: &'static str,
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<&'a str>,
        format: &'static str,
        index: u64,
    },
    /// Sealed thinking.
    Encrypted {
        #[serde(rename = "type")]
        kind: &'static str,
        data: &'a str,
        format: &'static str,
        index: u64,
    },
    /// An entry kept whole.
    Native(&'a Value),
}

impl<'a> Detail<'a> {
    /// An entry for thinking text.
    pub(super) fn text(text: &'a str, signature: Option<&'a Signature>, index: u64) -> Self {
        let dialect = signature.map_or(Dialect::Anthropic, |signature| signature.dialect);
        Self::Text {
            kind: "reasoning.text",
            text,
            signature: signature.map(|signature| signature.value.as_str()),
            format: format_of(dialect),
            index,
        }
    }

    /// An entry for sealed thinking.
    pub(super) fn encrypted(data: &'a str, index: u64) -> Self {
        Self::Encrypted { kind: "reasoning.encrypted", data, format: ANTHROPIC, index }
    }
}

/// The `reasoning_details` of a message: none unless something in it is sealed.
pub(super) fn details(content: &[Part]) -> Vec<Detail<'_>> {
    let mut sealed = false;
    let mut blocks = Blocks::default();
    let mut details = Vec::new();
    for part in content {
        let index = blocks.place(&part.content);
        match &part.content {
            Content::Reasoning(Reasoning { redacted: Some(data), .. }) => {
                sealed = true;
                details.push(Detail::encrypted(data, index));
            }
            Content::Reasoning(reasoning) => {
                sealed |= part.signature.is_some();
                details.push(Detail::text(&reasoning.text, part.signature.as_ref(), index));
            }
            Content::Native(native) if is_detail(native) => {
                sealed = true;
                details.push(Detail::Native(&native.value));
            }
            _ => {}
        }
    }
    if sealed { details } else { Vec::new() }
}
