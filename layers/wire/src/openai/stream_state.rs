//! What a streamed answer has told so far.

use std::collections::VecDeque;

use serde_json::{Map, Value};
use tollway_core::Usage;

use super::chunk::{Chunk, ChunkChoice};
use super::decode_response::own_extra;
use super::error::{decode_error, in_answer, unreadable};
use super::finish::decode_finish;
use super::growing::{Grower, Growing};
use super::json::Node;
use super::shortcut::{Kind, Place, Shortcuts};
use super::usage::read_usage;
use crate::call_ids::CallIds;
use crate::chat::{Delta, Event, FinishReason, Start};
use crate::{ApiError, DecodeContext, StreamEnd, Truncated};

/// The most choices of one answer. OpenAI allows 128.
const MOST_CHOICES: usize = 128;

/// What is known of the answer so far.
#[derive(Debug)]
pub(super) struct StreamState {
    cx: DecodeContext,
    ids: CallIds,
    events: VecDeque<Event>,
    start: Start,
    /// The tier that was told last.
    tier: Option<String>,
    started: bool,
    /// `[DONE]` came.
    done: bool,
    failed: bool,
    usage: Option<Usage>,
    choices: Vec<Growing>,
    shortcuts: Shortcuts,
}

impl StreamState {
    /// Nothing is known.
    pub(super) fn new(cx: DecodeContext) -> Self {
        Self {
            ids: CallIds::new(&cx.seed),
            cx,
            events: VecDeque::new(),
            start: Start::default(),
            tier: None,
            started: false,
            done: false,
            failed: false,
            usage: None,
            choices: Vec::new(),
            shortcuts: Shortcuts::default(),
        }
    }

    /// The next step told.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether nothing that comes can matter any more.
    pub(super) const fn is_over(&self) -> bool {
        self.done || self.failed
    }

    /// Takes in a frame.
    pub(super) fn take_frame(&mut self, name: &[u8], data: &[u8]) {
        if name.is_empty() && self.take_shortcut(data) {
            return;
        }
        if is_done(data) {
            self.done = true;
            return self.end_choices();
        }
        if data.trim_ascii().is_empty() {
            return;
        }
        // Servers behind a gateway name the event of an error, or send it in an array.
        if name == b"error" || data.trim_ascii_start().first() != Some(&b'{') {
            return match serde_json::from_slice::<Value>(data) {
                Ok(value @ (Value::Object(_) | Value::Array(_))) => self.fail(in_answer(&value)),
                Ok(_) => self.fail(unreadable("a frame of the stream is not an object")),
                Err(_) if name == b"error" => self.fail(decode_error(0, data)),
                Err(error) => self.fail(unreadable(error)),
            };
        }
        let text = match std::str::from_utf8(data) {
            Ok(text) => text,
            Err(error) => return self.fail(unreadable(error)),
        };
        match serde_json::from_str(text) {
            Ok(chunk) => self.take_parsed(chunk, text),
            Err(error) => self.fail(unreadable(error)),
        }
    }

    /// Takes a chunk that differs from an earlier one in its text alone.
    fn take_shortcut(&mut self, data: &[u8]) -> bool {
        let Some((index, kind, text)) = self.shortcuts.find(data) else { return false };
        let Some(choice) = self.choices.iter_mut().find(|choice| choice.index == index) else { return false };
        if let Kind::Arguments { calls, .. } = kind
            && calls != choice.count_calls()
        {
            return false;
        }
        if !text.0.is_empty() {
            let mut grower = Grower { choice, ids: &mut self.ids, cx: &self.cx, events: &mut self.events };
            match (kind, text.0.into_owned()) {
                (Kind::Reasoning, text) => grower.tell_thinking(text),
                (kind, text) => grower.tell(kind.delta(text)),
            }
        }
        true
    }

    /// Parses a chunk, and learns from it if it told nothing but a text.
    fn take_parsed(&mut self, chunk: Chunk<'_>, text: &str) {
        let place = if self.started { Place::of(&chunk, text) } else { None };
        let before = self.events.len();
        self.take(chunk, text);
        if let (Some(place), Some(event)) = (place, self.events.get(before))
            && self.events.len() == before + 1
            && let Event::Delta { choice: index, .. } = event
        {
            let choice = self.choices.iter().find(|choice| choice.index == *index);
            self.shortcuts.learn(text, place, event, choice.map_or(0, Growing::count_calls));
        }
    }

    fn take(&mut self, chunk: Chunk<'_>, text: &str) {
        if !matches!(chunk.error, Node::Null | Node::Bool(false)) {
            return self.fail(in_answer(&as_error(chunk.error.into_value())));
        }
        if !chunk.x_groq.error.is_null() {
            return self.fail(in_answer(&as_error(chunk.x_groq.error)));
        }
        let groq = chunk.x_groq.usage.and_then(read_usage);
        if chunk.choices.is_none() && chunk.usage.is_none() && groq.is_none() {
            return self.take_silent(&chunk, text);
        }
        if !self.started {
            self.learn(&chunk, text);
        } else if let Some(tier) = chunk.service_tier.said()
            && self.tier.as_deref() != Some(tier)
        {
            self.tier = Some(tier.to_owned());
            self.events.push_back(Event::Tier(tier.to_owned()));
        }
        let mut usage = chunk.usage.and_then(read_usage).or(groq);
        for (place, choice) in chunk.choices.into_iter().flatten().enumerate() {
            usage = usage.or_else(|| choice.usage.and_then(read_usage));
            self.take_choice(choice, place);
            if self.failed {
                return;
            }
        }
        if usage.is_some() && usage != self.usage {
            self.begin();
            self.usage = usage;
            self.events.extend(usage.map(Event::Usage));
        }
    }

    /// A frame with neither choices nor usage: an error of another shape, or nothing.
    fn take_silent(&mut self, chunk: &Chunk<'_>, text: &str) {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return };
        let complains =
            ["message", "detail"].iter().any(|name| value.get(name).is_some_and(|told| !told.is_null()));
        if complains || chunk.object.said() == Some("error") {
            self.fail(in_answer(&value));
        }
    }

    /// Learns what is told of the answer as a whole. Azure's first chunk tells next to nothing.
    fn learn(&mut self, chunk: &Chunk<'_>, text: &str) {
        let fill = |known: &mut Option<String>, told: Option<&str>| {
            if let (None, Some(told)) = (&known, told) {
                *known = Some(told.to_owned());
            }
        };
        fill(&mut self.start.id, chunk.id.said());
        fill(&mut self.start.model, chunk.model.said());
        fill(&mut self.start.service_tier, chunk.service_tier.said());
        fill(&mut self.start.system_fingerprint, chunk.system_fingerprint.said());
        let created = chunk.created.0.filter(|created| *created > 0);
        self.start.created = self.start.created.or(created);
        let Some(mut rest) = serde_json::from_str(text).ok().and_then(Node::into_fields) else { return };
        for passed_over in KNOWN {
            rest.take(passed_over);
        }
        for (name, value) in own_extra(rest, Map::new()) {
            match (self.start.extra.get_mut(&name), value) {
                (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
                (_, value) => {
                    self.start.extra.insert(name, value);
                }
            }
        }
    }

    /// Tells the start, once.
    fn begin(&mut self) {
        if !std::mem::replace(&mut self.started, true) {
            self.tier.clone_from(&self.start.service_tier);
            self.events.push_back(Event::Start(std::mem::take(&mut self.start)));
        }
    }

    fn take_choice(&mut self, wire: ChunkChoice<'_>, place: usize) {
        self.begin();
        if !matches!(wire.error, Node::Null | Node::Bool(false)) {
            return self.fail(in_answer(&as_error(wire.error.into_value())));
        }
        let index = wire.index.0.and_then(|index| u32::try_from(index).ok());
        let index = index.or(u32::try_from(place).ok()).unwrap_or(u32::MAX);
        let at = match self.choices.iter().position(|choice| choice.index == index) {
            Some(at) => at,
            None if self.choices.len() >= MOST_CHOICES => {
                return self.fail(unreadable("more choices than can be told apart"));
            }
            None => {
                self.choices.push(Growing::new(index));
                self.choices.len() - 1
            }
        };
        let Some(choice) = self.choices.get_mut(at) else { return };
        let mut grower = Grower { choice, ids: &mut self.ids, cx: &self.cx, events: &mut self.events };
        if let Some(delta) = wire.delta.or(wire.message)
            && let Err(error) = grower.grow(delta)
        {
            return self.fail(error);
        }
        if !wire.logprobs.is_null() {
            grower.tell(Delta::Logprobs(wire.logprobs.into_value()));
        }
        let Some(word) = wire.finish_reason.said() else { return };
        let native = wire.native_finish_reason.into_said();
        // vLLM's name for the stop sequence; a number is a token.
        let sequence = wire.stop_reason.into_words();
        let finish = decode_finish(word, native, sequence, grower.choice.calls());
        if let Err(error) = finish.and_then(|finish| grower.finish(finish)) {
            self.fail(error);
        }
    }

    /// Tells the end of choices whose server sent the end mark and no reason.
    fn end_choices(&mut self) {
        let mut fault = Ok(());
        for choice in &mut self.choices {
            let reason = if choice.calls() { FinishReason::ToolCalls } else { FinishReason::Stop };
            let mut grower = Grower { choice, ids: &mut self.ids, cx: &self.cx, events: &mut self.events };
            fault = fault.and(grower.finish(reason.into()));
        }
        if let Err(error) = fault {
            self.fail(error);
        }
    }

    /// Tells an error, after which nothing is told.
    pub(super) fn fail(&mut self, error: ApiError) {
        if !std::mem::replace(&mut self.failed, true) {
            self.begin();
            self.events.push_back(Event::Error(error));
        }
    }

    /// Whether the answer is whole.
    pub(super) fn end(&self) -> Result<StreamEnd, Truncated> {
        let is_told = !self.choices.is_empty();
        let is_whole = self.done || self.choices.iter().all(Growing::is_finished);
        if is_told && is_whole && !self.failed { Ok(StreamEnd) } else { Err(Truncated) }
    }
}

/// The members of a chunk with a place of their own, or of no use.
const KNOWN: [&str; 11] = [
    "id",
    "object",
    "created",
    "model",
    "service_tier",
    "system_fingerprint",
    "choices",
    "usage",
    "x_groq",
    "obfuscation",
    "p",
];

/// An error where only its inside is at hand.
fn as_error(inner: Value) -> Value {
    Value::Object(Map::from_iter([("error".to_owned(), inner)]))
}

/// Whether a frame is the end mark.
pub(super) fn is_done(data: &[u8]) -> bool {
    data.trim_ascii() == b"[DONE]"
}
