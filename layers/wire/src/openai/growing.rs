//! A choice that grows, chunk by chunk.

use std::borrow::Cow;
use std::collections::VecDeque;

use tollway_core::Dialect;

use super::chunk::{CallDelta, FunctionDelta, WireDelta};
use super::decode_answer::{decode_image, decode_piece};
use super::error::unreadable;
use super::json::{Fields, Node};
use super::lenient::{Arguments, Loose};
use super::plain_thinking::Plain;
use super::reasoning::{Entry, decode_entry};
use super::stream_image;
use crate::call_ids::CallIds;
use crate::chat::{Content, Delta, Event, Finish, Reasoning, Signature};
use crate::sse::MAX_EVENT;
use crate::{ApiError, DecodeContext};

/// The most tool calls of one choice.
const MOST_CALLS: usize = 4096;

/// What is known of a choice.
#[derive(Debug)]
pub(super) struct Growing {
    pub(super) index: u32,
    finished: bool,
    calls: Vec<Call>,
    plain: Plain,
    /// The last thing told was thinking.
    thinks: bool,
    /// Bytes of arguments held.
    held: usize,
    /// Gemini's seals on calls that have not come yet, by the call's id.
    seals: Vec<(String, String)>,
}

/// A tool call that grows.
#[derive(Debug)]
struct Call {
    wire: Option<u64>,
    id: Option<String>,
    told: bool,
    custom: bool,
    /// Arguments that came before the name.
    held: String,
}

impl Growing {
    pub(super) const fn new(index: u32) -> Self {
        Self {
            index,
            finished: false,
            calls: Vec::new(),
            plain: Plain::new(),
            thinks: false,
            held: 0,
            seals: Vec::new(),
        }
    }

    pub(super) const fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether it called tools.
    pub(super) const fn calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// How many tools it called.
    pub(super) const fn count_calls(&self) -> usize {
        self.calls.len()
    }

    /// Which call a piece belongs to. Servers tell it by index, by id, or by nothing: then a name or
    /// a new id begins a call, and anything else goes on with the last. Some number every call zero.
    fn call_of(&self, index: Option<u64>, id: Option<&str>, names: bool) -> Option<usize> {
        let is_same = |call: &Call| match (id, call.id.as_deref()) {
            (Some(id), Some(known)) => id == known || !names,
            _ => true,
        };
        match index {
            Some(index) => {
                let at = self.calls.iter().rposition(|call| call.wire == Some(index))?;
                self.calls.get(at).is_some_and(is_same).then_some(at)
            }
            None => match id {
                Some(id) => self.calls.iter().rposition(|call| call.id.as_deref() == Some(id)),
                None if names => None,
                None => self.calls.len().checked_sub(1),
            },
        }
    }
}

/// A choice, and all it needs to tell its events.
pub(super) struct Grower<'a> {
    pub(super) choice: &'a mut Growing,
    pub(super) ids: &'a mut CallIds,
    pub(super) cx: &'a DecodeContext,
    pub(super) events: &'a mut VecDeque<Event>,
}

impl Grower<'_> {
    /// Tells all that a delta brings.
    pub(super) fn grow(&mut self, delta: WireDelta<'_>) -> Result<(), ApiError> {
        self.think(delta.reasoning_content, delta.reasoning, delta.reasoning_details);
        match delta.content {
            Node::Null => {}
            Node::String(text) if !text.is_empty() => self.tell(Delta::Text(text.into_owned())),
            node => self.pieces(node),
        }
        if let Some(seal) = delta.extra_content.into_fields().as_mut().and_then(google_seal) {
            self.tell(Delta::Signature(seal));
        }
        if let Some(refusal) = delta.refusal.into_words() {
            self.tell(Delta::Refusal(refusal));
        }
        let annotations = delta.annotations.into_elements();
        if !annotations.is_empty() {
            self.tell(Delta::Annotations(annotations.into_iter().map(Node::into_value).collect()));
        }
        if let audio @ Node::Object(_) = delta.audio {
            self.tell(Delta::Audio(audio.into_value()));
        }
        for image in delta.images.into_elements().into_iter().filter_map(decode_image) {
            self.tell_content(image.content);
        }
        if let Some(function) = delta.function_call {
            self.legacy_call(function)?;
        }
        for piece in delta.tool_calls.into_iter().flatten() {
            self.call(piece)?;
        }
        Ok(())
    }

    /// Tells one step.
    pub(super) fn tell(&mut self, delta: Delta) {
        self.choice.thinks = matches!(delta, Delta::Reasoning(_));
        self.events.push_back(Event::Delta { choice: self.choice.index, delta });
    }

    /// Tells thinking that came as plain text.
    pub(super) fn tell_thinking(&mut self, text: String) {
        self.choice.plain.told(&text);
        self.tell(Delta::Reasoning(text));
    }

    /// Tells the end, once. A call that never got its name is none that a client could make.
    pub(super) fn finish(&mut self, finish: Finish) -> Result<(), ApiError> {
        if self.choice.finished {
            return Ok(());
        }
        if self.choice.calls.iter().any(|call| !call.told) {
            return Err(unreadable("a tool call has no name"));
        }
        self.choice.finished = true;
        self.events.push_back(Event::Finish { choice: self.choice.index, finish });
        Ok(())
    }

    fn think(&mut self, content: Node<'_>, reasoning: Node<'_>, details: Node<'_>) {
        let plain = content.into_words().or_else(|| reasoning.into_words());
        // What stands beside plain thinking is the same thinking, if need be in other words.
        let is_beside = plain.is_some();
        if let Some(text) = plain {
            self.tell_thinking(text);
        }
        for (_, entry) in details.into_elements().into_iter().filter_map(decode_entry) {
            match entry {
                Entry::Text { text, signature } => {
                    let new = self.choice.plain.new_in(&text);
                    let is_copy = new.is_empty() || (is_beside && new.len() == text.len());
                    if !is_copy {
                        self.tell(Delta::Reasoning(new.to_owned()));
                    }
                    if let Some(seal) = signature {
                        self.seal_thinking(seal);
                    }
                }
                Entry::Redacted(data) => self.tell(Delta::RedactedReasoning(data)),
                Entry::CallSeal { call_id, value } => self.seal_call(call_id, value),
                Entry::Other(native) => self.tell(Delta::Native(native)),
            }
        }
    }

    /// Seals the thinking just told, or thinking that is not shown.
    fn seal_thinking(&mut self, seal: Signature) {
        if !self.choice.thinks {
            self.tell(Delta::Reasoning(String::new()));
        }
        self.tell(Delta::Signature(seal));
    }

    /// Seals the call just told, or one that is to come.
    fn seal_call(&mut self, call_id: String, value: String) {
        let last = self.choice.calls.last().filter(|call| call.told);
        if last.is_some_and(|call| call.id.as_ref() == Some(&call_id)) {
            self.tell(Delta::Signature(Signature { dialect: Dialect::Gemini, value }));
        } else if self.choice.seals.len() < MOST_CALLS {
            self.choice.seals.push((call_id, value));
        }
    }

    /// Tells a content in parts.
    fn pieces(&mut self, content: Node<'_>) {
        for part in content.into_elements().into_iter().filter_map(decode_piece) {
            self.tell_content(part.content);
        }
    }

    fn tell_content(&mut self, content: Content) {
        match content {
            Content::Text(text) => self.tell(Delta::Text(text.text)),
            Content::Reasoning(Reasoning { text, .. }) => self.tell(Delta::Reasoning(text)),
            Content::Refusal(text) => self.tell(Delta::Refusal(text)),
            Content::Image(image) => {
                if let Some(native) = stream_image::encode_image(&image) {
                    self.tell(Delta::Native(native));
                }
            }
            Content::Native(native) => self.tell(Delta::Native(native)),
            _ => {}
        }
    }

    fn call(&mut self, piece: CallDelta<'_>) -> Result<(), ApiError> {
        let (name, arguments, custom) = match (piece.function, piece.custom) {
            (Some(function), _) => (function.name, function.arguments, false),
            (None, Some(custom)) => (custom.name, custom.input, true),
            (None, None) => (Loose::default(), Arguments::default(), false),
        };
        let (index, id) = (piece.index.0, piece.id.said());
        let at = match self.choice.call_of(index, id, name.said().is_some()) {
            Some(at) => at,
            None => self.add_call(index, id.map(str::to_owned), custom)?,
        };
        let seal = piece.extra_content.into_fields().as_mut().and_then(google_seal);
        self.grow_call(at, name.said(), arguments.0, seal)
    }

    /// The legacy form knows one call and no id.
    fn legacy_call(&mut self, function: FunctionDelta<'_>) -> Result<(), ApiError> {
        let at = match self.choice.calls.len().checked_sub(1) {
            Some(at) => at,
            None => self.add_call(None, None, false)?,
        };
        let FunctionDelta { name, arguments } = function;
        self.grow_call(at, name.said(), arguments.0, None)
    }

    fn add_call(&mut self, wire: Option<u64>, id: Option<String>, custom: bool) -> Result<usize, ApiError> {
        let at = self.choice.calls.len();
        if at >= MOST_CALLS {
            return Err(unreadable("more tool calls than can be told apart"));
        }
        self.choice.calls.push(Call { wire, id, told: false, custom, held: String::new() });
        Ok(at)
    }

    fn grow_call(
        &mut self,
        at: usize,
        name: Option<&str>,
        arguments: Cow<'_, str>,
        seal: Option<Signature>,
    ) -> Result<(), ApiError> {
        let Some(call) = self.choice.calls.get_mut(at) else { return Ok(()) };
        if !call.told {
            call.held.push_str(&arguments);
            self.choice.held = self.choice.held.saturating_add(arguments.len());
            if self.choice.held > MAX_EVENT {
                return Err(unreadable("the arguments of a tool call without a name are too large"));
            }
            if let Some(name) = name {
                self.tell_call(at, name, seal);
            }
            return Ok(());
        }
        if !arguments.is_empty() {
            self.tell(Delta::ToolArguments { index: place(at), fragment: arguments.into_owned() });
        }
        if let Some(seal) = seal {
            self.tell(Delta::Signature(seal));
        }
        Ok(())
    }

    /// Tells that a call began, once, and the arguments held until then.
    fn tell_call(&mut self, at: usize, name: &str, signature: Option<Signature>) {
        let Some(call) = self.choice.calls.get_mut(at) else { return };
        if std::mem::replace(&mut call.told, true) {
            return;
        }
        let id = call.id.clone().unwrap_or_else(|| self.ids.next_id());
        let (custom, fragment) = (call.custom, std::mem::take(&mut call.held));
        let name = self.cx.tool_name(name).to_owned();
        let sealed = self.choice.seals.iter().position(|(call, _)| *call == id);
        let signature = signature.or_else(|| {
            let (_, value) = self.choice.seals.swap_remove(sealed?);
            Some(Signature { dialect: Dialect::Gemini, value })
        });
        self.tell(Delta::ToolCall { index: place(at), id, name, custom, signature });
        if !fragment.is_empty() {
            self.tell(Delta::ToolArguments { index: place(at), fragment });
        }
    }
}

/// A place among the calls, of which there are never too many.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn google_seal(extra_content: &mut Fields<'_>) -> Option<Signature> {
    let value = extra_content.take("google")?.into_fields()?.take("thought_signature")?.into_words()?;
    Some(Signature { dialect: Dialect::Gemini, value })
}
