//! Messages → `contents` and `systemInstruction`.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;
use tollway_core::Dialect;

use super::{
    encode_calls::{function_call, own_signature, response},
    media,
    names::ToolNames,
    part::{FunctionResponse, WirePart},
    words::Words,
};
use crate::{
    ReasoningStyle, Refusal, Traits,
    chat::{Content, Message, Part, Role, ToolCall, ToolResult},
};

/// Base64 of `skip_thought_signature_validator`: what Google documents for a call that no Gemini
/// model made. Recorded requests send it and are answered.
pub(super) const NO_SIGNATURE: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// A conversation as it is sent.
#[derive(Debug, Default)]
pub(super) struct Turns<'a> {
    pub(super) instructions: Option<TurnOut<'a>>,
    pub(super) contents: Vec<TurnOut<'a>>,
}

/// A turn as it is sent.
#[derive(Debug, Serialize)]
pub(super) struct TurnOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
    pub(super) parts: Vec<PartOut<'a>>,
    #[serde(skip)]
    kind: Kind,
}

impl TurnOut<'_> {
    fn calls(&self) -> bool {
        let is_call =
            |part: &PartOut<'_>| matches!(part, PartOut::Wire(part) if part.function_call.is_some());
        self.parts.iter().any(is_call)
    }
}

/// A part as it is sent.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum PartOut<'a> {
    Wire(Box<WirePart<'a>>),
    Native(&'a Value),
}

/// Whose turn it is. Results of calls stand in turns of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Instructions,
    User,
    Model,
    Results,
}

impl<'a> From<WirePart<'a>> for PartOut<'a> {
    fn from(part: WirePart<'a>) -> Self {
        Self::Wire(Box::new(part))
    }
}

/// Writes a conversation. Neighbours of the same kind become one turn; turns that say nothing are
/// left out.
pub(super) fn turns<'a>(
    messages: &'a [Message],
    traits: &Traits,
    names: &mut ToolNames<'a>,
    dropped: &mut Vec<String>,
) -> Result<Turns<'a>, Refusal> {
    let mut writer = Writer {
        traits,
        names,
        dropped,
        turns: Turns::default(),
        calls: HashMap::new(),
        made: 0,
        order: Vec::new(),
        beside: Vec::new(),
    };
    for (at, message) in messages.iter().enumerate() {
        writer.message(at, message)?;
    }
    writer.finish()
}

struct Writer<'a, 'w> {
    traits: &'w Traits,
    names: &'w mut ToolNames<'a>,
    dropped: &'w mut Vec<String>,
    turns: Turns<'a>,
    /// The calls of the conversation so far by id: their names, and where they stood.
    calls: HashMap<&'a str, (&'a str, usize)>,
    /// How many calls the conversation made so far.
    made: usize,
    /// Where the call of each result in the last turn of results stood.
    order: Vec<usize>,
    /// Media of the results in the last turn that cannot stand inside them.
    beside: Vec<PartOut<'a>>,
}

impl<'a> Writer<'a, '_> {
    fn message(&mut self, at: usize, message: &'a Message) -> Result<(), Refusal> {
        if message.name.is_some() {
            self.dropped.push(format!("messages[{at}].name"));
        }
        for (piece, part) in message.content.iter().enumerate() {
            if part.cache_control.is_some() {
                self.dropped.push(format!("messages[{at}].content[{piece}].cache_control"));
            }
            match (message.role, &part.content) {
                (_, Content::ToolResult(result)) => self.result(at, result)?,
                (Role::System | Role::Developer, content) => self.instruction(at, piece, content)?,
                (Role::Tool, _) => {
                    return Err(Refusal::at(
                        format!("messages[{at}]"),
                        "a tool message holds tool results only",
                    ));
                }
                (role, _) => {
                    if let Some(part) = self.part(at, piece, part)? {
                        self.push(if role == Role::Assistant { Kind::Model } else { Kind::User }, part);
                    }
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, kind: Kind, part: PartOut<'a>) {
        if kind != Kind::Results {
            self.close_results();
        }
        match self.turns.contents.last_mut() {
            Some(last) if last.kind == kind => last.parts.push(part),
            _ => {
                let role = if kind == Kind::Model { "model" } else { "user" };
                self.turns.contents.push(TurnOut { role: Some(role), parts: vec![part], kind });
            }
        }
    }

    /// Puts the results of the last turn in the order of their calls, as Gemini pairs them, and what
    /// could not stand inside them in a turn of the user.
    fn close_results(&mut self) {
        let order = std::mem::take(&mut self.order);
        let results = self.turns.contents.last_mut().filter(|last| last.kind == Kind::Results);
        if let Some(results) = results.filter(|_| !order.is_sorted()) {
            let mut placed: Vec<_> = order.into_iter().zip(results.parts.drain(..)).collect();
            placed.sort_by_key(|(place, _)| *place);
            results.parts.extend(placed.into_iter().map(|(_, part)| part));
        }
        let parts = std::mem::take(&mut self.beside);
        if !parts.is_empty() {
            self.turns.contents.push(TurnOut { role: Some("user"), parts, kind: Kind::User });
        }
    }

    fn instruction(&mut self, at: usize, piece: usize, content: &'a Content) -> Result<(), Refusal> {
        let Content::Text(text) = content else {
            let path = format!("messages[{at}].content[{piece}]");
            return Err(Refusal::at(path, "Gemini takes only text for instructions"));
        };
        if !text.text.is_empty() {
            let part = WirePart { text: Some(text.text.as_str().into()), ..WirePart::default() };
            let none = || TurnOut { role: None, parts: Vec::new(), kind: Kind::Instructions };
            self.turns.instructions.get_or_insert_with(none).parts.push(part.into());
        }
        Ok(())
    }

    fn part(&mut self, at: usize, piece: usize, part: &'a Part) -> Result<Option<PartOut<'a>>, Refusal> {
        let path = || format!("messages[{at}].content[{piece}]");
        let signature = own_signature(part.signature.as_ref());
        let mut wire = match &part.content {
            Content::Text(text) => {
                if !text.annotations.is_empty() {
                    self.dropped.push(format!("{}.annotations", path()));
                }
                if text.text.is_empty() && signature.is_none() {
                    return Ok(None);
                }
                WirePart { text: Some(text.text.as_str().into()), ..WirePart::default() }
            }
            Content::Refusal(text) => WirePart { text: Some(text.as_str().into()), ..WirePart::default() },
            Content::Reasoning(thought) => {
                if thought.redacted.is_some() {
                    self.dropped.push(path());
                }
                if thought.text.is_empty() && signature.is_none() {
                    return Ok(None);
                }
                WirePart { text: Some(thought.text.as_str().into()), thought: true, ..WirePart::default() }
            }
            Content::ToolCall(call) => self.call(at, call)?,
            Content::Native(native) if native.dialect == Dialect::Gemini => {
                return Ok(Some(PartOut::Native(&native.value)));
            }
            Content::Native(_) => {
                self.dropped.push(path());
                return Ok(None);
            }
            _ => self.medium(part, path)?,
        };
        wire.thought_signature = signature;
        Ok(Some(wire.into()))
    }

    fn call(&mut self, at: usize, call: &'a ToolCall) -> Result<WirePart<'a>, Refusal> {
        let wire = function_call(call, self.names.sent(&call.name), self.traits.function_call_ids);
        self.calls.insert(&call.id, (&call.name, self.made));
        self.made += 1;
        wire.ok_or_else(|| {
            let path = format!("messages[{at}].tool_calls");
            Refusal::at(
                path,
                format!("the arguments of {} must be a JSON object: {}", call.name, call.arguments),
            )
        })
    }

    /// A picture, document or sound, and a note of what is told of it beside its data.
    fn medium(&mut self, part: &'a Part, path: impl Fn() -> String) -> Result<WirePart<'a>, Refusal> {
        match &part.content {
            Content::Image(image) => {
                if image.detail.as_deref().is_some_and(|detail| detail != "auto") {
                    self.dropped.push(format!("{}.image_url.detail", path()));
                }
                media::to_part(&image.source, || format!("{}.image_url.url", path()))
            }
            Content::Document(document) => {
                if document.name.is_some() {
                    self.dropped.push(format!("{}.file.filename", path()));
                }
                media::to_part(&document.source, || format!("{}.file.file_data", path()))
            }
            Content::Audio(audio) => media::audio_part(audio, || format!("{}.input_audio", path())),
            _ => Err(Refusal::at(path(), "Gemini has no such part")),
        }
    }

    fn result(&mut self, at: usize, result: &'a ToolResult) -> Result<(), Refusal> {
        let known = self.calls.get(result.call_id.as_str()).copied();
        let Some(name) = known.map(|(name, _)| name).or(result.name.as_deref()) else {
            let path = format!("messages[{at}].tool_call_id");
            return Err(Refusal::at(path, format!("no call before it has this id: {}", result.call_id)));
        };
        let mut texts: Vec<&'a str> = Vec::new();
        let mut parts = Vec::new();
        let mut beside = Vec::new();
        for (piece, part) in result.content.iter().enumerate() {
            match &part.content {
                Content::Text(text) => texts.push(&text.text),
                Content::Refusal(text) => texts.push(text),
                Content::Native(_) => self.dropped.push(format!("messages[{at}].content[{piece}]")),
                _ => {
                    let wire = self.medium(part, || format!("messages[{at}].content[{piece}]"))?;
                    if let (Some(text), None) = (&wire.text, &wire.inline_data) {
                        beside.push(WirePart { text: Some(text.clone()), ..WirePart::default() }.into());
                    } else if self.traits.function_call_ids && media::fits_in_response(part) {
                        parts.push(wire);
                    } else {
                        beside.push(wire.into());
                    }
                }
            }
        }
        let response = FunctionResponse {
            id: self.traits.function_call_ids.then(|| result.call_id.as_str().into()),
            name: Words(self.names.sent(name)),
            response: response(&texts, result.is_error),
            parts,
        };
        let part = WirePart { function_response: Some(Box::new(response)), ..WirePart::default() };
        self.push(Kind::Results, part.into());
        self.order.push(known.map_or(usize::MAX, |(_, place)| place));
        if !beside.is_empty() {
            let note = format!("From the result of {name}:");
            let note = WirePart { text: Some(note.into()), ..WirePart::default() };
            self.beside.push(note.into());
            self.beside.append(&mut beside);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Turns<'a>, Refusal> {
        self.close_results();
        let mut turns = self.turns;
        if turns.contents.is_empty() {
            // Gemini refuses a request that says nothing but instructions.
            let Some(instructions) = turns.instructions.take() else {
                return Err(Refusal::at("messages", "nothing is said"));
            };
            turns.contents.push(TurnOut { role: Some("user"), kind: Kind::User, ..instructions });
        }
        if turns.contents.first().is_some_and(|first| first.kind == Kind::Model && first.calls()) {
            // A conversation whose beginning the client cut off: Gemini refuses a call that answers
            // nobody, and takes a user who says nothing (recorded).
            let nobody = WirePart { text: Some("".into()), ..WirePart::default() };
            let parts = vec![nobody.into()];
            turns.contents.insert(0, TurnOut { role: Some("user"), parts, kind: Kind::User });
        }
        let prefilled = turns.contents.last().is_some_and(|last| last.kind == Kind::Model);
        if prefilled && !self.traits.prefill {
            return Err(Refusal::at("messages", "the model does not go on with an assistant message"));
        }
        if matches!(self.traits.reasoning, ReasoningStyle::Effort | ReasoningStyle::Always) {
            turns.contents.iter_mut().filter(|turn| turn.kind == Kind::Model).for_each(seal_step);
        }
        Ok(turns)
    }
}

/// Seals the first call of a step that has no seal of Gemini's: a model that thinks by level refuses
/// the request otherwise. This is how history made by another model comes through a failover.
fn seal_step(turn: &mut TurnOut<'_>) {
    let first = turn.parts.iter_mut().find_map(|part| match part {
        PartOut::Wire(part) if part.function_call.is_some() => Some(part),
        _ => None,
    });
    if let Some(part) = first {
        part.thought_signature.get_or_insert_with(|| NO_SIGNATURE.into());
    }
}
