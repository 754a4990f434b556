//! The message of an answer from OpenAI's format, as the various servers write it.

use serde_json::{Map, Value};

use super::decode_message::decode_seal;
use super::decode_part::{decode_source, thinking_text};
use super::json::{Fields, Node};
use super::path::Path;
use super::reasoning::Thinking;
use crate::call_ids::CallIds;
use crate::chat::{Audio, Content, Image, Native, Part, Reasoning, Text, ToolCall};
use crate::{DecodeContext, Refusal};

/// What tool calls need of the request they answer.
pub(super) struct Calls<'a> {
    pub(super) ids: CallIds,
    pub(super) cx: &'a DecodeContext,
}

impl Calls<'_> {
    /// The id given, or a new one.
    fn id(&mut self, given: Option<String>) -> String {
        given.unwrap_or_else(|| self.ids.next_id())
    }

    fn name(&self, sent: &str) -> String {
        self.cx.tool_name(sent).to_owned()
    }
}

/// Reads the parts of a message, in the order thinking, text, refusal, sound, pictures and calls, but
/// for thinking whose place is told.
pub(super) fn decode_answer(
    mut fields: Fields<'_>,
    path: &Path<'_>,
    calls: &mut Calls<'_>,
    extra: &mut Map<String, Value>,
) -> Result<Vec<Part>, Refusal> {
    fields.take("role");
    let plain = fields.take("reasoning_content").and_then(Node::into_words);
    let other = fields.take("reasoning").and_then(Node::into_words);
    let details = fields.take("reasoning_details").map(Node::into_elements).unwrap_or_default();
    let thinking = Thinking::decode(plain.or(other), details);

    let mut parts = Vec::new();
    match fields.take("content") {
        Some(Node::Array(nodes)) => parts.extend(nodes.into_iter().filter_map(decode_piece)),
        Some(node) => parts.extend(node.into_words().map(Part::text)),
        None => {}
    }
    seal_text(&mut fields, &mut parts);
    annotate(&mut fields, &mut parts);
    if let Some(refusal) = fields.take("refusal").and_then(Node::into_words) {
        parts.push(Content::Refusal(refusal).into());
    }
    if let Some(audio) = fields.take("audio").and_then(Node::into_fields) {
        parts.push(Content::Audio(decode_audio(audio)).into());
    }
    let images = fields.take("images").map(Node::into_elements).unwrap_or_default();
    parts.extend(images.into_iter().filter_map(decode_image));
    if let Some(call) = fields.take("function_call").and_then(Node::into_fields) {
        parts.push(decode_function(call, &path.key("function_call"), calls)?);
    }
    if let Some(node) = fields.take("tool_calls") {
        let path = path.key("tool_calls");
        for (index, node) in path.array(node)?.into_iter().enumerate() {
            let path = path.at(index);
            parts.push(decode_call(path.object(node)?, &path, calls)?);
        }
    }
    fields.keep_rest(path, extra);
    Ok(thinking.interleave(parts))
}

/// Reads one part of a content in parts: Mistral's thinking and what is like it.
pub(super) fn decode_piece(node: Node<'_>) -> Option<Part> {
    let mut fields = match node {
        Node::String(text) => return (!text.is_empty()).then(|| Part::text(text)),
        node => node.into_fields()?,
    };
    match fields.str("type") {
        Some("text") | None => Some(Part::text(fields.take("text")?.into_words()?)),
        Some("thinking") => {
            let text = thinking_text(&mut fields);
            (!text.is_empty()).then(|| Reasoning { text, redacted: None }.into())
        }
        Some("refusal") => Some(Content::Refusal(fields.take("refusal")?.into_words()?).into()),
        Some("image_url") => decode_image(Node::Object(fields)),
        Some(_) => {
            let value = Node::Object(fields).into_value();
            Some(Content::Native(Native { dialect: tollway_core::Dialect::OpenAi, value }).into())
        }
    }
}

/// Reads a picture in an answer, as OpenRouter writes it. One that is nowhere is passed over.
pub(super) fn decode_image(node: Node<'_>) -> Option<Part> {
    let url = match node.into_fields()?.take("image_url")? {
        Node::String(url) => url.into_owned(),
        node => node.into_fields()?.take("url")?.into_text()?,
    };
    let source = decode_source(url, "images").ok()?;
    Some(Content::Image(Image { source, detail: None }).into())
}

/// Puts Gemini's seal on the last text, or where there is none on an empty one.
fn seal_text(fields: &mut Fields<'_>, parts: &mut Vec<Part>) {
    let Some(seal) = decode_seal(fields) else { return };
    match parts.iter_mut().rfind(|part| matches!(part.content, Content::Text(_))) {
        Some(part) => part.signature = Some(seal),
        None => parts.push(Part { signature: Some(seal), ..Part::text("") }),
    }
}

fn annotate(fields: &mut Fields<'_>, parts: &mut [Part]) {
    let annotations = fields.take("annotations").map(Node::into_elements).unwrap_or_default();
    let text = parts.iter_mut().rev().find_map(|part| match &mut part.content {
        Content::Text(text) => Some(text),
        _ => None,
    });
    if let Some(Text { annotations: told, .. }) = text {
        told.extend(annotations.into_iter().map(Node::into_value));
    }
}

fn decode_audio(mut audio: Fields<'_>) -> Audio {
    let mut text = |name: &str| audio.take(name).and_then(Node::into_text);
    let (id, data, format, transcript) = (text("id"), text("data"), text("format"), text("transcript"));
    let expires_at = audio.take("expires_at").and_then(|at| at.as_count());
    Audio { id, data, format, transcript, expires_at }
}

fn decode_function(
    mut function: Fields<'_>,
    path: &Path<'_>,
    calls: &mut Calls<'_>,
) -> Result<Part, Refusal> {
    let name = function.take("name").and_then(Node::into_words).ok_or_else(|| path.key("name").missing())?;
    let arguments = arguments(&mut function, "arguments");
    let id = calls.id(None);
    Ok(Content::ToolCall(ToolCall { id, name: calls.name(&name), arguments, custom: false }).into())
}

fn decode_call(mut fields: Fields<'_>, path: &Path<'_>, calls: &mut Calls<'_>) -> Result<Part, Refusal> {
    let signature = decode_seal(&mut fields);
    let given = fields.take("id").and_then(Node::into_words);
    let custom = fields.take("custom").and_then(Node::into_fields);
    let function = fields.take("function").and_then(Node::into_fields);
    let (mut call, input, custom) = match (function, custom) {
        (Some(function), _) => (function, "arguments", false),
        (None, Some(custom)) => (custom, "input", true),
        (None, None) => return Err(path.key("function").missing()),
    };
    let name = call.take("name").and_then(Node::into_words).ok_or_else(|| path.key("name").missing())?;
    let arguments = arguments(&mut call, input);
    let call = ToolCall { id: calls.id(given), name: calls.name(&name), arguments, custom };
    Ok(Part { content: Content::ToolCall(call), cache_control: None, signature })
}

/// Arguments: JSON text, or from some servers the object itself.
fn arguments(call: &mut Fields<'_>, name: &str) -> String {
    match call.take(name) {
        Some(Node::String(text)) => text.into_owned(),
        Some(node @ Node::Object(_)) => node.into_value().to_string(),
        _ => String::new(),
    }
}
