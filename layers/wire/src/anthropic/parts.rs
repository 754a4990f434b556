use std::borrow::Cow;

use serde_json::value::RawValue;
use tollway_core::Dialect;

use super::{
    body::{Block, Item},
    citation,
    losses::Losses,
    media::{encode_document, encode_image},
    names::{Ids, Names},
};
use crate::{
    Refusal,
    chat::{Audio, Content, Message, Part, Reasoning, Text, ToolCall, ToolResult},
};

/// Turns parts of messages into content blocks.
#[derive(Debug)]
pub(super) struct Parts<'a, 'l> {
    pub(super) names: &'l Names<'a>,
    pub(super) ids: Ids<'a>,
    pub(super) losses: &'l mut Losses,
}

impl<'a> Parts<'a, '_> {
    /// The blocks of a message without results of tools.
    pub(super) fn items(&mut self, at: usize, message: &'a Message) -> Result<Vec<Item<'a>>, Refusal> {
        let mut items = Vec::with_capacity(message.content.len());
        let mut calls = 0;
        for (part_at, part) in message.content.iter().enumerate() {
            let path = || format!("messages[{at}].content[{part_at}]");
            let item = match &part.content {
                Content::ToolCall(call) => {
                    calls += 1;
                    Some(self.call(at, calls - 1, part, call)?)
                }
                Content::Reasoning(reasoning) => self.reasoning(at, part, reasoning),
                Content::Image(_) | Content::Document(_) => {
                    return Err(Refusal::at(path(), "Anthropic takes images and files from the user only"));
                }
                _ => self.item(part, path)?,
            };
            items.extend(item);
        }
        Ok(items)
    }

    /// A part of content; `None` when it holds nothing to send.
    pub(super) fn item(
        &mut self,
        part: &'a Part,
        path: impl Fn() -> String,
    ) -> Result<Option<Item<'a>>, Refusal> {
        let cache_control = part.cache_control.as_ref();
        let block = match &part.content {
            Content::Text(text) => return Ok(self.text(text, part, path)),
            Content::Refusal(text) if text.trim().is_empty() => return Ok(None),
            Content::Refusal(text) => Block::text(text.as_str()),
            Content::Image(image) => encode_image(image, cache_control, path, self.losses)?,
            Content::Document(document) => encode_document(document, cache_control, path)?,
            Content::Audio(Audio { transcript: Some(said), data: None, .. }) if !said.trim().is_empty() => {
                Block::text(said.as_str())
            }
            Content::Audio(_) => {
                return Err(Refusal::at(
                    format!("{}.input_audio", path()),
                    "Anthropic takes no audio; send a transcript as text",
                ));
            }
            Content::Native(native) if native.dialect == Dialect::Anthropic => {
                return Ok(Some(Item::Native(&native.value)));
            }
            Content::Native(native) => {
                return Err(Refusal::at(
                    path(),
                    format!("Anthropic has no equivalent for this block of {}", native.dialect.as_str()),
                ));
            }
            Content::Reasoning(_) => return Ok(None),
            Content::ToolCall(_) | Content::ToolResult(_) => {
                return Err(Refusal::at(path(), "a tool call or its result cannot stand here"));
            }
        };
        Ok(Some(block.into()))
    }

    /// Text, unless it is empty: Anthropic refuses empty and blank text.
    fn text(&mut self, text: &'a Text, part: &'a Part, path: impl Fn() -> String) -> Option<Item<'a>> {
        if text.text.trim().is_empty() {
            if part.cache_control.is_some() {
                self.losses.add(format!("{}.cache_control", path()));
            }
            return None;
        }
        let citations: Vec<_> = text.annotations.iter().filter_map(citation::native).collect();
        if citations.len() < text.annotations.len() {
            self.losses.add(format!("{}.annotations", path()));
        }
        let block = Block::Text {
            text: Cow::Borrowed(&text.text),
            citations,
            cache_control: part.cache_control.as_ref(),
        };
        Some(block.into())
    }

    /// Thinking goes back as it came when Anthropic sealed it. Anthropic refuses thinking without
    /// its own seal, so that the thoughts of other models are left out.
    fn reasoning(&mut self, at: usize, part: &'a Part, reasoning: &'a Reasoning) -> Option<Item<'a>> {
        let seal = part.signature.as_ref();
        let is_ours = seal.is_none_or(|seal| seal.dialect == Dialect::Anthropic);
        match (&reasoning.redacted, seal) {
            (Some(data), _) if is_ours && !data.is_empty() => Some(Block::RedactedThinking { data }.into()),
            (None, Some(seal)) if is_ours && !seal.value.is_empty() => {
                Some(Block::Thinking { thinking: &reasoning.text, signature: &seal.value }.into())
            }
            _ => {
                self.losses.add(format!("messages[{at}].reasoning_content"));
                None
            }
        }
    }

    fn call(
        &mut self,
        at: usize,
        index: usize,
        part: &'a Part,
        call: &'a ToolCall,
    ) -> Result<Item<'a>, Refusal> {
        let path = format!("messages[{at}].tool_calls[{index}]");
        if call.custom {
            return Err(Refusal::at(path, "Anthropic has no custom tools; use a function"));
        }
        let input = object(&call.arguments).ok_or_else(|| {
            Refusal::at(format!("{path}.function.arguments"), "arguments are not a JSON object")
        })?;
        let block = Block::ToolUse {
            id: self.ids.call(&call.id),
            name: self.names.sent(&call.name),
            input,
            cache_control: part.cache_control.as_ref(),
        };
        Ok(block.into())
    }

    pub(super) fn result(
        &mut self,
        at: usize,
        part: &'a Part,
        result: &'a ToolResult,
    ) -> Result<Item<'a>, Refusal> {
        let tool_use_id = self.ids.result(&result.call_id).ok_or_else(|| {
            Refusal::at(
                format!("messages[{at}].tool_call_id"),
                format!("result answers no tool call before it: {}", result.call_id),
            )
        })?;
        let mut content = Vec::with_capacity(result.content.len());
        for (part_at, part) in result.content.iter().enumerate() {
            content.extend(self.item(part, || format!("messages[{at}].content[{part_at}]"))?);
        }
        let block = Block::ToolResult {
            tool_use_id,
            content,
            is_error: result.is_error,
            cache_control: part.cache_control.as_ref(),
        };
        Ok(block.into())
    }
}

/// The arguments as the model wrote them, if they are an object: no number or order is changed.
pub(super) fn object(arguments: &str) -> Option<&RawValue> {
    let arguments = arguments.trim();
    let arguments = if arguments.is_empty() { "{}" } else { arguments };
    if !arguments.starts_with('{') {
        return None;
    }
    serde_json::from_str(arguments).ok()
}
