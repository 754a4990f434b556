//! Messages → `instructions` and input items.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;
use tollway_core::Dialect;

use super::call_id;
use super::encode_part::{ContentOut, Speaker, encode_content};
use super::seal;
use crate::chat::{Chat, Content, Message, Part, Reasoning, Role, ToolCall, ToolResult};
use crate::openai::encode_request::Dropped;
use crate::openai::tool_names::ToolNames;
use crate::{ReasoningStyle, Refusal, Traits};

/// The conversation as it is sent.
#[derive(Default)]
pub(super) struct InputOut<'a> {
    pub(super) instructions: Option<&'a str>,
    pub(super) items: Vec<ItemOut<'a>>,
}

/// An item, or one kept whole.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ItemOut<'a> {
    Known(KnownItem<'a>),
    Native(&'a Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum KnownItem<'a> {
    Message {
        role: &'static str,
        content: ContentOut<'a>,
    },
    Reasoning {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        summary: Vec<SummaryOut<'a>>,
        encrypted_content: &'a str,
    },
    FunctionCall {
        call_id: Cow<'a, str>,
        name: Cow<'a, str>,
        arguments: &'a str,
    },
    CustomToolCall {
        call_id: Cow<'a, str>,
        name: Cow<'a, str>,
        input: &'a str,
    },
    FunctionCallOutput {
        call_id: Cow<'a, str>,
        output: ContentOut<'a>,
    },
    CustomToolCallOutput {
        call_id: Cow<'a, str>,
        output: ContentOut<'a>,
    },
}

#[derive(Serialize)]
pub(super) struct SummaryOut<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) text: &'a str,
}

impl<'a> SummaryOut<'a> {
    /// The parts of a summary: one, or none of a thought that is not shown.
    pub(super) fn of(text: &'a str) -> Vec<Self> {
        if text.is_empty() { Vec::new() } else { vec![Self { kind: "summary_text", text }] }
    }
}

/// Writes the conversation.
pub(super) fn encode_input<'a>(
    chat: &'a Chat,
    traits: &Traits,
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Result<InputOut<'a>, Refusal> {
    let own = chat.dialect == Some(Dialect::Responses);
    // That a server takes earlier thinking in chats says nothing of this API, which always takes its own.
    let thinks = traits.reasoning != ReasoningStyle::None;
    let out = InputOut::default();
    let mut writer = Writer { own, thinks, names, dropped, out, custom: HashSet::new() };
    let (instructions, messages) = split_instructions(&chat.messages);
    writer.out.instructions = instructions;
    let skipped = chat.messages.len() - messages.len();
    for (index, message) in messages.iter().enumerate() {
        writer.message(message, &format!("messages[{}]", skipped + index))?;
    }
    Ok(writer.out)
}

/// The first instructions, if they are one plain text and not all there is.
fn split_instructions(messages: &[Message]) -> (Option<&str>, &[Message]) {
    if let [first, rest @ ..] = messages
        && matches!(first.role, Role::System)
        && first.name.is_none()
        && rest.iter().any(|message| !matches!(message.role, Role::System | Role::Developer))
        && let [Part { content: Content::Text(text), cache_control: None, .. }] = first.content.as_slice()
        && !text.text.is_empty()
    {
        return (Some(&text.text), rest);
    }
    (None, messages)
}

struct Writer<'w, 'a> {
    /// Whether the request came in this dialect.
    own: bool,
    /// Whether the model takes earlier thinking.
    thinks: bool,
    names: &'a ToolNames,
    dropped: &'w mut Dropped,
    out: InputOut<'a>,
    /// Ids of calls of custom tools, whose results are of another type.
    custom: HashSet<&'a str>,
}

impl<'a> Writer<'_, 'a> {
    fn message(&mut self, message: &'a Message, path: &str) -> Result<(), Refusal> {
        if message.name.is_some() {
            self.dropped.list(&format!("{path}.name"));
        }
        let (role, speaker) = match message.role {
            Role::System => ("system", Speaker::Input),
            Role::Developer => ("developer", Speaker::Input),
            Role::User | Role::Tool => ("user", Speaker::Input),
            Role::Assistant => ("assistant", Speaker::Output),
        };
        let before = self.out.items.len();
        let mut said = Vec::new();
        for (index, part) in message.content.iter().enumerate() {
            self.check_seal(part);
            match &part.content {
                Content::ToolResult(result) => {
                    self.say(&mut said, role, speaker, path)?;
                    self.result(result, part, &format!("{path}.content[{index}]"))?;
                }
                Content::ToolCall(call) => {
                    self.say(&mut said, role, speaker, path)?;
                    self.call(call);
                }
                Content::Reasoning(reasoning) => {
                    self.say(&mut said, role, speaker, path)?;
                    self.reasoning(reasoning, part);
                }
                Content::Native(native) if is_item(&native.value, speaker) => {
                    self.say(&mut said, role, speaker, path)?;
                    if native.dialect == Dialect::Responses {
                        self.out.items.push(ItemOut::Native(&native.value));
                    } else {
                        self.dropped.list("messages[].content[]");
                    }
                }
                // The assistant says nothing by an empty text.
                Content::Text(text) if speaker == Speaker::Output && text.text.is_empty() => {}
                _ => said.push((index, part)),
            }
        }
        self.say(&mut said, role, speaker, path)?;
        if before == self.out.items.len() && speaker == Speaker::Input && message.content.is_empty() {
            self.item(KnownItem::Message { role, content: ContentOut::Text("") });
        }
        if speaker == Speaker::Output && !self.own {
            self.drop_last_thoughts(before);
        }
        Ok(())
    }

    /// Writes what was said so far as a message.
    fn say(
        &mut self,
        said: &mut Vec<(usize, &'a Part)>,
        role: &'static str,
        speaker: Speaker,
        path: &str,
    ) -> Result<(), Refusal> {
        if !said.is_empty() {
            let content = encode_content(said, speaker, path, self.dropped)?;
            said.clear();
            // Nothing may be left of blocks that have no place here.
            let is_empty = matches!(&content, ContentOut::Parts(parts) if parts.is_empty());
            if !is_empty {
                self.item(KnownItem::Message { role, content });
            }
        }
        Ok(())
    }

    fn item(&mut self, item: KnownItem<'a>) {
        self.out.items.push(ItemOut::Known(item));
    }

    fn call(&mut self, call: &'a ToolCall) {
        let (call_id, name) = (call_id::sent(&call.id), self.names.sent(&call.name));
        if call.custom {
            self.custom.insert(&call.id);
            self.item(KnownItem::CustomToolCall { call_id, name, input: &call.arguments });
        } else {
            // The API parses the arguments as JSON, which an empty text is not.
            let none = call.arguments.trim().is_empty();
            let arguments = if none { "{}" } else { call.arguments.as_str() };
            self.item(KnownItem::FunctionCall { call_id, name, arguments });
        }
    }

    fn result(&mut self, result: &'a ToolResult, part: &'a Part, path: &str) -> Result<(), Refusal> {
        if result.is_error {
            self.dropped.list("messages[].content[].is_error");
        }
        if part.cache_control.is_some() {
            self.dropped.list("messages[].content[].cache_control");
        }
        let parts: Vec<(usize, &Part)> = result.content.iter().enumerate().collect();
        let output = encode_content(&parts, Speaker::Tool, path, self.dropped)?;
        let call_id = call_id::sent(&result.call_id);
        self.item(if self.custom.contains(result.call_id.as_str()) {
            KnownItem::CustomToolCallOutput { call_id, output }
        } else {
            KnownItem::FunctionCallOutput { call_id, output }
        });
        Ok(())
    }

    /// Thinking goes back as it came when this API sealed it; without its seal it cannot.
    fn reasoning(&mut self, reasoning: &'a Reasoning, part: &'a Part) {
        match part.signature.as_ref().and_then(seal::own) {
            Some((id, encrypted_content)) if self.thinks && reasoning.redacted.is_none() => {
                let summary = SummaryOut::of(&reasoning.text);
                self.item(KnownItem::Reasoning { id, summary, encrypted_content });
            }
            _ => self.dropped.list("messages[].reasoning_content"),
        }
    }

    /// Lists another provider's seal on text or a call.
    fn check_seal(&mut self, part: &Part) {
        if part.signature.is_some() {
            match part.content {
                Content::ToolCall(_) => self.dropped.list("messages[].tool_calls[].extra_content"),
                Content::Text(_) => self.dropped.list("messages[].extra_content"),
                _ => {}
            }
        }
    }

    /// The API refuses thinking that nothing follows in its turn.
    fn drop_last_thoughts(&mut self, before: usize) {
        while self.out.items.len() > before
            && matches!(self.out.items.last(), Some(ItemOut::Known(KnownItem::Reasoning { .. })))
        {
            self.out.items.pop();
            self.dropped.list("messages[].reasoning_content");
        }
    }
}

/// Whether a block stands among the items, not among the parts of a message: all of the assistant's do,
/// and those that name their own role.
fn is_item(block: &Value, speaker: Speaker) -> bool {
    speaker == Speaker::Output || block.get("role").is_some()
}
