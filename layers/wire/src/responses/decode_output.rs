//! Output items of an answer → parts.

use serde_json::Value;
use tollway_core::Dialect;

use super::annotations;
use super::decode_input::thoughts;
use super::seal::{self, Sealed};
use crate::DecodeContext;
use crate::call_ids::CallIds;
use crate::chat::{Content, Native, Part, Reasoning, Text, ToolCall};
use crate::openai::json::{Fields, Node};

/// Reads the items of an answer one after another.
#[derive(Debug)]
pub(super) struct Output<'c> {
    cx: &'c DecodeContext,
    ids: CallIds,
    /// How many characters of text the answer holds so far.
    offset: u64,
    /// Log probabilities of all its tokens.
    pub(super) logprobs: Vec<Value>,
    pub(super) parts: Vec<Part>,
}

impl<'c> Output<'c> {
    /// Nothing is read yet.
    pub(super) fn new(cx: &'c DecodeContext) -> Self {
        Self { cx, ids: CallIds::new(&cx.seed), offset: 0, logprobs: Vec::new(), parts: Vec::new() }
    }

    /// Reads the next item. What is no object is none.
    pub(super) fn item(&mut self, node: Node<'_>) {
        let Some(mut fields) = node.into_fields() else { return };
        let kind = fields.str("type").unwrap_or_default().to_owned();
        match kind.as_str() {
            "message" => {
                for part in fields.take("content").map(Node::into_elements).unwrap_or_default() {
                    self.content(part);
                }
            }
            "reasoning" => self.parts.push(decode_reasoning(fields)),
            "function_call" | "custom_tool_call" => {
                let call = decode_call(fields, &kind, self.cx, &mut self.ids);
                self.parts.push(Content::ToolCall(call).into());
            }
            _ => self.parts.push(decode_native(fields)),
        }
    }

    fn content(&mut self, node: Node<'_>) {
        let Some(mut fields) = node.into_fields() else { return };
        match fields.str("type") {
            Some("refusal") => {
                let refusal = fields.take("refusal").and_then(Node::into_text).unwrap_or_default();
                self.parts.push(Content::Refusal(refusal).into());
            }
            // `text` is what some servers call it.
            Some("output_text" | "text") => {
                let text = fields.take("text").and_then(Node::into_text).unwrap_or_default();
                let annotations = fields.take("annotations").map(Node::into_elements).unwrap_or_default();
                let annotations = annotations.into_iter();
                let annotations =
                    annotations.map(|cited| annotations::decode(cited.into_value(), self.offset)).collect();
                self.offset = self.offset.saturating_add(annotations::length(&text));
                let logprobs = fields.take("logprobs").map(Node::into_elements).unwrap_or_default();
                self.logprobs.extend(logprobs.into_iter().map(Node::into_value));
                self.parts.push(Content::Text(Text { text, annotations }).into());
            }
            _ => self.parts.push(decode_native(fields)),
        }
    }
}

/// A `reasoning` item: its words, and its seal where it came sealed.
pub(super) fn decode_reasoning(mut fields: Fields<'_>) -> Part {
    let id = fields.take("id").and_then(Node::into_words);
    let encrypted = fields.take("encrypted_content").and_then(Node::into_words);
    let content = Content::Reasoning(Reasoning { text: thoughts(&mut fields), redacted: None });
    let signature = encrypted.and_then(|encrypted| match seal::decode(id.as_deref(), &encrypted) {
        Sealed::Thinking(signature) => Some(signature),
        // Marks of ours have no place in a provider's answer.
        _ => None,
    });
    Part { content, cache_control: None, signature }
}

/// A call of one of the client's tools.
pub(super) fn decode_call(
    mut fields: Fields<'_>,
    kind: &str,
    cx: &DecodeContext,
    ids: &mut CallIds,
) -> ToolCall {
    let mut text = |name: &str| fields.take(name).and_then(Node::into_words);
    let custom = kind == "custom_tool_call";
    let name = text("name").unwrap_or_default();
    ToolCall {
        id: text("call_id").or_else(|| text("id")).unwrap_or_else(|| ids.next_id()),
        name: cx.tool_name(&name).to_owned(),
        arguments: text(if custom { "input" } else { "arguments" }).unwrap_or_default(),
        custom,
    }
}

/// An item only this dialect understands.
pub(super) fn decode_native(fields: Fields<'_>) -> Part {
    let value = Node::Object(fields).into_value();
    Content::Native(Native { dialect: Dialect::Responses, value }).into()
}

/// Log probabilities in the canonical form, which is Chat's.
pub(super) fn canonical_logprobs(tokens: Vec<Value>) -> Option<Value> {
    let told = Some(tokens).filter(|tokens| !tokens.is_empty())?;
    let members = [("content".to_owned(), Value::Array(told)), ("refusal".to_owned(), Value::Null)];
    Some(Value::Object(members.into_iter().collect()))
}
