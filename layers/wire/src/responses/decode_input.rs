//! Input items → messages.

use std::collections::HashMap;

use serde_json::{Map, Value};
use tollway_core::Dialect;

use super::decode_call::{CALLS, RESULTS, decode_call, decode_result, keep_rest};
use super::decode_part::decode_content;
use super::seal::{self, Sealed};
use crate::Refusal;
use crate::chat::{Chat, Content, Mark, Message, Native, Part, Reasoning, Role, Signature, Text};
use crate::openai::json::{Fields, Node};
use crate::openai::path::Path;

/// Types of items that are the conversation itself, or name it: without them the question is another.
const HOLDING: [&str; 3] = ["item_reference", "compaction", "additional_tools"];

/// Reads `input`: a text or an array of items.
///
/// What the assistant thinks, says and calls in a row becomes one message, until it says something again.
pub(super) fn decode_input(fields: &mut Fields<'_>, chat: &mut Chat) -> Result<(), Refusal> {
    let path = Path::ROOT.key("input");
    let nodes = match fields.take("input") {
        None if STATE.iter().any(|name| fields.has(name)) => return Ok(()),
        None => return Err(path.missing()),
        Some(Node::String(text)) => {
            chat.messages.push(Message { role: Role::User, name: None, content: vec![Part::text(text)] });
            return Ok(());
        }
        Some(node) => path.array(node)?,
    };
    let Chat { messages, extra, origins, .. } = chat;
    let mut input = Input { messages, extra, seals: HashMap::new(), spoken: true };
    for (index, node) in nodes.into_iter().enumerate() {
        let path = path.at(index);
        let fields = path.object(node)?;
        let (mark, blocks) = (Mark::at(input.messages), fields.elements("content"));
        input.item(fields, &path)?;
        origins.turn(input.messages, mark, index, blocks);
    }
    input.seal_calls();
    Ok(())
}

/// The fields that can stand for a conversation.
const STATE: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

struct Input<'c> {
    messages: &'c mut Vec<Message>,
    extra: &'c mut Map<String, Value>,
    /// Seals on calls, by the call's id.
    seals: HashMap<String, Signature>,
    /// Whether the last message of the assistant holds what it said.
    spoken: bool,
}

impl Input<'_> {
    fn item(&mut self, fields: Fields<'_>, path: &Path<'_>) -> Result<(), Refusal> {
        let kind = fields.kind(path)?;
        match kind.as_deref() {
            None | Some("message") => self.message(fields, path),
            Some("reasoning") => self.reasoning(fields, path),
            Some(kind) if CALLS.contains(&kind) => {
                let call = decode_call(kind, fields, path, self.extra)?;
                self.assistant(Content::ToolCall(call).into());
                Ok(())
            }
            Some(kind) if RESULTS.contains(&kind) => {
                let result = decode_result(fields, path, self.extra)?;
                self.push(Role::Tool, Content::ToolResult(result).into());
                Ok(())
            }
            Some(kind) => {
                if HOLDING.contains(&kind) {
                    self.extra.insert(path.key("type").to_string(), kind.into());
                }
                let of_developer = fields.str("role") == Some("developer");
                let value = Node::Object(fields).into_value();
                let part = Content::Native(Native { dialect: Dialect::Responses, value }).into();
                if of_developer {
                    self.push(Role::Developer, part);
                } else {
                    self.assistant(part);
                }
                Ok(())
            }
        }
    }

    fn message(&mut self, mut fields: Fields<'_>, path: &Path<'_>) -> Result<(), Refusal> {
        let word = fields.require_string(path, "role")?;
        let role = match word.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            "developer" => Role::Developer,
            other => {
                let expected = "one of user, assistant, system, developer";
                return Err(path.key("role").wrong_value(expected, other));
            }
        };
        let node = fields.require(path, "content")?;
        let content = decode_content(node, &path.key("content"), self.extra)?;
        keep_rest(fields, path, self.extra);
        if role != Role::Assistant {
            self.messages.push(Message { role, name: None, content });
            return Ok(());
        }
        if self.spoken {
            self.open_assistant();
        }
        for part in content {
            // A model says nothing by an empty text, and some formats refuse one.
            if !matches!(&part.content, Content::Text(text) if text.text.is_empty()) {
                self.assistant(part);
            }
        }
        self.spoken = true;
        Ok(())
    }

    fn reasoning(&mut self, mut fields: Fields<'_>, path: &Path<'_>) -> Result<(), Refusal> {
        let id = fields.string(path, "id")?;
        let encrypted = fields.string(path, "encrypted_content")?.filter(|seal| !seal.is_empty());
        let text = thoughts(&mut fields);
        keep_rest(fields, path, self.extra);
        let sealed = encrypted.map(|encrypted| seal::decode(id.as_deref(), &encrypted));
        let (redacted, signature) = match sealed {
            None => (None, None),
            Some(Sealed::Thinking(signature)) => (None, Some(signature)),
            Some(Sealed::Redacted(dialect, data)) => {
                (Some(data), Some(Signature { dialect, value: String::new() }))
            }
            Some(Sealed::Call(call_id, signature)) => {
                self.seals.insert(call_id, signature);
                return Ok(());
            }
            Some(Sealed::Text(signature)) => {
                self.seal_text(signature);
                return Ok(());
            }
        };
        let content = Content::Reasoning(Reasoning { text, redacted });
        self.assistant(Part { content, cache_control: None, signature });
        Ok(())
    }

    /// Adds to the assistant's message, which begins with what it thinks, says or calls first.
    fn assistant(&mut self, part: Part) {
        if self.messages.last().is_none_or(|last| last.role != Role::Assistant) {
            self.open_assistant();
        }
        if let Some(last) = self.messages.last_mut() {
            last.content.push(part);
        }
    }

    fn open_assistant(&mut self) {
        self.spoken = false;
        self.messages.push(Message { role: Role::Assistant, name: None, content: Vec::new() });
    }

    /// Adds to the last message of a role, or to a new one.
    fn push(&mut self, role: Role, part: Part) {
        match self.messages.last_mut() {
            Some(last) if last.role == role && role == Role::Tool => last.content.push(part),
            _ => self.messages.push(Message { role, name: None, content: vec![part] }),
        }
    }

    /// Seals the text just said, or an empty one, which Gemini seals too.
    fn seal_text(&mut self, signature: Signature) {
        let last = self.messages.last_mut().filter(|last| last.role == Role::Assistant);
        let text = last.and_then(|last| last.content.last_mut());
        match text {
            Some(part) if part.signature.is_none() && matches!(part.content, Content::Text(_)) => {
                part.signature = Some(signature);
            }
            _ => {
                let content = Content::Text(Text::default());
                self.assistant(Part { content, cache_control: None, signature: Some(signature) });
            }
        }
    }

    /// Gives calls their seals, which stand in items of their own.
    fn seal_calls(self) {
        let Self { messages, mut seals, .. } = self;
        if seals.is_empty() {
            return;
        }
        for part in messages.iter_mut().flat_map(|message| &mut message.content) {
            if let Content::ToolCall(call) = &part.content {
                part.signature = seals.remove(&call.id);
            }
        }
    }
}

/// The words of a `reasoning` item: raw thoughts and the summary's parts, set apart by blank lines.
pub(super) fn thoughts(fields: &mut Fields<'_>) -> String {
    let parts =
        ["content", "summary"].map(|name| fields.take(name).map(Node::into_elements).unwrap_or_default());
    let texts = parts.into_iter().flatten().filter_map(|part| part.into_fields()?.take("text")?.into_words());
    texts.collect::<Vec<_>>().join(BETWEEN)
}

/// What stands between two parts of a summary.
pub(super) const BETWEEN: &str = "\n\n";
