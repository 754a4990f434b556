//! Messages of a request in OpenAI's format.

use std::borrow::Cow;

use serde::Serialize;

use super::call_id;
use super::encode_part::{ContentOut, encode_content};
use super::encode_request::Dropped;
use super::reasoning::is_detail;
use super::reasoning_out::{Detail, details};
use super::tool_names::ToolNames;
use crate::chat::{Audio, Content, Message, Part, Role, Signature, ToolResult};
use crate::{ReasoningStyle, Refusal, Traits};

/// A message.
#[derive(Default, Serialize)]
pub(super) struct MessageOut<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ContentOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Detail<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<AudioId<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Seal<'a>>,
}

#[derive(Serialize)]
struct AudioId<'a> {
    id: &'a str,
}

/// A tool call, in a request or an answer.
#[derive(Serialize)]
pub(super) struct ToolCallOut<'a> {
    pub(super) id: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function: Option<FunctionCallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<CustomCallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Seal<'a>>,
}

/// A function's name and arguments.
#[derive(Serialize)]
pub(super) struct FunctionCallOut<'a> {
    name: Cow<'a, str>,
    arguments: &'a str,
}

#[derive(Serialize)]
struct CustomCallOut<'a> {
    name: Cow<'a, str>,
    input: &'a str,
}

impl<'a> ToolCallOut<'a> {
    /// A call under a name that may have been changed.
    pub(super) fn new(
        call: &'a crate::chat::ToolCall,
        name: Cow<'a, str>,
        seal: Option<&'a Signature>,
    ) -> Self {
        let extra_content = seal.and_then(Seal::of);
        let (kind, function, custom) = if call.custom {
            ("custom", None, Some(CustomCallOut { name, input: &call.arguments }))
        } else {
            // Clients parse the arguments as JSON, which an empty text is not.
            let none = call.arguments.trim().is_empty();
            let arguments = if none { "{}" } else { call.arguments.as_str() };
            ("function", Some(FunctionCallOut { name, arguments }), None)
        };
        Self { id: Cow::Borrowed(&call.id), kind, function, custom, extra_content }
    }
}

/// Gemini's seal where Google's OpenAI endpoint puts it.
#[derive(Serialize)]
pub(super) struct Seal<'a> {
    google: GoogleSeal<'a>,
}

#[derive(Serialize)]
struct GoogleSeal<'a> {
    thought_signature: &'a str,
}

impl<'a> Seal<'a> {
    /// The seal, if it is Gemini's.
    pub(super) fn of(signature: &'a Signature) -> Option<Self> {
        let gemini = signature.dialect == tollway_core::Dialect::Gemini;
        gemini.then_some(Self { google: GoogleSeal { thought_signature: &signature.value } })
    }
}

/// Writes the conversation. A turn of several tool results becomes one message each.
pub(super) fn encode_messages<'a>(
    messages: &'a [(usize, Cow<'a, Message>)],
    traits: &Traits,
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Result<Vec<MessageOut<'a>>, Refusal> {
    let mut out = Vec::with_capacity(messages.len());
    for (index, message) in messages {
        let mut writer = Writer { traits, names, dropped, path: format!("messages[{index}]") };
        match message.role {
            Role::System => out.push(writer.plain("system", message)?),
            Role::Developer => out.push(writer.plain("developer", message)?),
            Role::Assistant => out.push(writer.assistant(message)?),
            Role::User | Role::Tool => writer.turn(message, &mut out)?,
        }
    }
    Ok(out)
}

struct Writer<'w, 'a> {
    traits: &'w Traits,
    names: &'a ToolNames,
    dropped: &'w mut Dropped,
    path: String,
}

impl<'a> Writer<'_, 'a> {
    fn plain(&mut self, role: &'static str, message: &'a Message) -> Result<MessageOut<'a>, Refusal> {
        let content = self.content(&message.content, role)?;
        Ok(MessageOut {
            role,
            name: message.name.as_deref().map(Cow::Borrowed),
            content,
            ..MessageOut::default()
        })
    }

    fn content(&mut self, parts: &'a [Part], role: &str) -> Result<Option<ContentOut<'a>>, Refusal> {
        let parts = parts.iter().enumerate();
        encode_content(parts, &self.path, role, self.traits.extensions, self.dropped).map(Some)
    }

    /// Results stand before what the user says, since they must follow their calls.
    fn turn(&mut self, message: &'a Message, out: &mut Vec<MessageOut<'a>>) -> Result<(), Refusal> {
        let before = out.len();
        for (index, part) in message.content.iter().enumerate() {
            if let Content::ToolResult(result) = &part.content {
                out.push(self.result(result, part, index)?);
            }
        }
        let said = message.content.iter().enumerate();
        let said = said.filter(|(_, part)| !matches!(part.content, Content::ToolResult(_)));
        if said.clone().next().is_some() || out.len() == before {
            let content = encode_content(said, &self.path, "user", self.traits.extensions, self.dropped)?;
            let name = message.name.as_deref().map(Cow::Borrowed);
            out.push(MessageOut { role: "user", name, content: Some(content), ..MessageOut::default() });
        }
        Ok(())
    }

    fn result(
        &mut self,
        result: &'a ToolResult,
        part: &'a Part,
        index: usize,
    ) -> Result<MessageOut<'a>, Refusal> {
        if result.is_error {
            self.dropped.list("messages[].content[].is_error");
        }
        if part.cache_control.is_some() && result.content.iter().all(|inner| inner.cache_control.is_none()) {
            self.dropped.list("messages[].cache_control");
        }
        let path = format!("{}.content[{index}]", self.path);
        let parts = result.content.iter().enumerate();
        let content = encode_content(parts, &path, "tool", self.traits.extensions, self.dropped)?;
        let name = result.name.as_deref().filter(|_| self.traits.extensions);
        Ok(MessageOut {
            role: "tool",
            name: name.map(|name| self.names.sent(name)),
            tool_call_id: Some(call_id::sent(&result.call_id, self.traits.extensions)),
            content: Some(content),
            ..MessageOut::default()
        })
    }

    fn assistant(&mut self, message: &'a Message) -> Result<MessageOut<'a>, Refusal> {
        let name = message.name.as_deref().map(Cow::Borrowed);
        let mut out = MessageOut { role: "assistant", name, ..MessageOut::default() };
        let thinks = self.traits.earlier_thinking && self.traits.reasoning != ReasoningStyle::None;
        if thinks {
            out.reasoning_content = joined(message.content.iter().filter_map(|part| match &part.content {
                Content::Reasoning(reasoning) => Some(reasoning.text.as_str()),
                _ => None,
            }));
            out.reasoning_details = details(&message.content);
        }
        out.refusal = joined(message.content.iter().filter_map(|part| match &part.content {
            Content::Refusal(text) => Some(text.as_str()),
            _ => None,
        }));
        for part in &message.content {
            match &part.content {
                Content::Reasoning(_) if !thinks => self.dropped.list("messages[].reasoning_content"),
                Content::Native(native) if is_detail(native) && !thinks => {
                    self.dropped.list("messages[].reasoning_details");
                }
                Content::Audio(Audio { id: Some(id), .. }) => out.audio = Some(AudioId { id }),
                Content::ToolCall(call) => {
                    let seal = part.signature.as_ref();
                    let seal = self.dropped.unless(
                        self.traits.extensions,
                        "messages[].tool_calls[].extra_content",
                        seal,
                    );
                    let out_call = ToolCallOut::new(call, self.names.sent(&call.name), seal);
                    out.tool_calls.push(ToolCallOut {
                        id: call_id::sent(&call.id, self.traits.extensions),
                        ..out_call
                    });
                }
                Content::Text(_) if part.signature.is_some() => {
                    let seal = part.signature.as_ref().and_then(Seal::of);
                    out.extra_content =
                        self.dropped.unless(self.traits.extensions, "messages[].extra_content", seal);
                }
                _ => {}
            }
        }
        let said = message.content.iter().enumerate().filter(|(_, part)| match &part.content {
            Content::Reasoning(_) | Content::Refusal(_) | Content::ToolCall(_) => false,
            Content::Audio(audio) => audio.id.is_none(),
            Content::Native(native) => !is_detail(native),
            _ => true,
        });
        let speaks = said.clone().next().is_some();
        if speaks || (out.tool_calls.is_empty() && out.refusal.is_none() && out.audio.is_none()) {
            out.content =
                Some(encode_content(said, &self.path, "assistant", self.traits.extensions, self.dropped)?);
        }
        Ok(out)
    }
}

/// Texts as one, or `None` if they say nothing.
pub(super) fn joined<'a>(mut texts: impl Iterator<Item = &'a str>) -> Option<Cow<'a, str>> {
    let mut all = Cow::Borrowed(texts.next()?);
    for text in texts {
        all += text;
    }
    (!all.is_empty()).then_some(all)
}
