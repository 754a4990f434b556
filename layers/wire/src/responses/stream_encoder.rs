//! [`Event`]s → a streamed answer in OpenAI's Responses format.

use serde_json::Value;
use tollway_core::{Dialect, Usage};

use super::annotations;
use super::call_out::CallOut;
use super::echo::Echo;
use super::events_out::Events;
use super::frame::{ItemOut, code_of, write_error, write_response};
use super::ids::Ids;
use super::message_out::MessageOut;
use super::reasoning_out::{ReasoningOut, seal_alone};
use super::response_out::{ErrorOut, Incomplete, ResponseOut};
use super::usage::{ToolUsageOut, UsageOut};
use super::{seal, status};
use crate::chat::{Delta, Event, Finish, FinishReason, Native, Signature, Start};
use crate::openai::encode_response::is_tier;
use crate::{ApiError, EncodeContext};

/// Writes the event stream of an answer.
///
/// Canonical deltas know no items: one begins where the kind of delta changes. Calls stay open until
/// the end, since the pieces of parallel calls may come in any order. The answer is kept, for the last
/// event holds the whole of it. Of several choices the first is written.
#[derive(Debug)]
pub struct StreamEncoder {
    settings: Echo,
    ids: Ids,
    id: String,
    model: String,
    created: u64,
    tier: Option<String>,
    begun: bool,
    ended: bool,
    events: Events,
    open: Option<Open>,
    calls: Vec<CallOut>,
    /// Whether a call was told last.
    called: bool,
    /// How many characters of text were written.
    written: u64,
    /// Log probabilities that wait for a text.
    logprobs: Vec<Value>,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

/// The item that grows.
#[derive(Debug)]
enum Open {
    Message(MessageOut),
    Reasoning(ReasoningOut),
}

impl StreamEncoder {
    /// An encoder at the start of a stream.
    pub fn new(cx: EncodeContext) -> Self {
        Self::of(cx, false)
    }

    /// One that writes no events: for the whole answer.
    pub(super) fn silent(cx: EncodeContext) -> Self {
        Self::of(cx, true)
    }

    fn of(cx: EncodeContext, silent: bool) -> Self {
        let ids = Ids::new(&cx.id);
        Self {
            settings: cx.echo,
            id: ids.answer(None),
            events: Events::new(ids.clone(), silent),
            ids,
            model: cx.model,
            created: cx.created,
            tier: None,
            begun: false,
            ended: false,
            open: None,
            calls: Vec::new(),
            called: false,
            written: 0,
            logprobs: Vec::new(),
            usage: None,
            finish: None,
        }
    }

    /// Writes the frames of an event. Usage and the reason of the end wait for the end.
    pub fn encode(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match event {
            Event::Start(start) => {
                self.know(start);
                self.begin(out);
            }
            Event::Delta { choice: 0, delta } => {
                self.begin(out);
                self.delta(delta, out);
            }
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            Event::Tier(tier) => self.tier = Some(tier.clone()).filter(|tier| is_tier(tier)),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Error(error) => self.fail(error, out),
            Event::Delta { .. } | Event::Finish { .. } => {}
        }
    }

    /// Ends a whole answer: its items, and `response.completed` or `response.incomplete` with all of it.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        self.begin(out);
        let (status, _) = self.close_all(out);
        self.ended = true;
        let kind = if status == "completed" { "response.completed" } else { "response.incomplete" };
        self.tell(kind, out);
    }

    /// Ends a broken answer: an `error` event, and `response.failed`, which some clients wait for. No
    /// `response.completed` follows, so that no client takes it for a whole one.
    pub fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        self.begin(out);
        self.ended = true;
        write_error(error, self.events.number(), out);
        let sequence_number = self.events.number();
        let response = ResponseOut {
            error: Some(ErrorOut { code: code_of(error), message: &error.message }),
            ..self.response("failed", None)
        };
        write_response("response.failed", sequence_number, (&response, &self.settings), out);
    }

    /// The whole answer, after all its events.
    pub(super) fn whole(mut self) -> Vec<u8> {
        let mut none = Vec::new();
        let (status, reason) = self.close_all(&mut none);
        let mut out = Vec::with_capacity(self.events.size() + self.settings.members().len() + 1024);
        self.response(status, reason).write(&self.settings, &mut out);
        out
    }

    /// Takes what is known when the answer begins over what was known of the request.
    fn know(&mut self, start: &Start) {
        self.id = self.ids.answer(start.id.as_deref());
        if let Some(model) = &start.model {
            self.model.clone_from(model);
        }
        self.created = start.created.unwrap_or(self.created);
        self.tier = start.service_tier.clone().filter(|tier| is_tier(tier));
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.begun {
            return;
        }
        self.begun = true;
        self.tell("response.created", out);
        self.tell("response.in_progress", out);
    }

    /// Writes an event that holds the answer as far as it is known.
    fn tell(&mut self, kind: &'static str, out: &mut Vec<u8>) {
        if self.events.is_silent() {
            return;
        }
        let (status, reason) = match &self.finish {
            Some(finish) if self.ended => status::encode(finish),
            _ => ("in_progress", None),
        };
        let sequence_number = self.events.number();
        let response = self.response(status, reason);
        write_response(kind, sequence_number, (&response, &self.settings), out);
    }

    fn response(&self, status: &'static str, reason: Option<&'static str>) -> ResponseOut<'_> {
        let usage = self.usage.as_ref().filter(|_| self.ended || self.events.is_silent());
        ResponseOut {
            id: &self.id,
            object: "response",
            created_at: self.created,
            status,
            error: None,
            incomplete_details: reason.map(|reason| Incomplete { reason }),
            model: &self.model,
            output: self.events.items(),
            service_tier: self.tier.as_deref(),
            usage: usage.map(UsageOut::from),
            tool_usage: usage.and_then(ToolUsageOut::of),
        }
    }

    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text(words) => self.say(words, false, out),
            Delta::Refusal(words) => self.say(words, true, out),
            Delta::Reasoning(words) => self.think(words, out),
            Delta::RedactedReasoning(data) => {
                self.close(out);
                // Only Anthropic has such thinking.
                let sealed = seal::redacted(Dialect::Anthropic, data);
                seal_alone(None, &sealed, &mut self.events, out);
            }
            Delta::Signature(signature) => self.seal(signature, out),
            Delta::ToolCall { index, id, name, custom, signature } => {
                self.close(out);
                if let Some(signature) = signature {
                    let sealed = seal::on_call(id, signature);
                    seal_alone(None, &sealed, &mut self.events, out);
                }
                let call = (*index, id.as_str(), name.as_str(), *custom);
                self.calls.push(CallOut::begin(call, &mut self.events, out));
                self.called = true;
            }
            Delta::ToolArguments { index, fragment } => {
                let call = self.calls.iter_mut().rev().find(|call| call.index == *index);
                if let Some(call) = call.filter(|_| !fragment.is_empty()) {
                    call.grow(fragment, &mut self.events, out);
                }
            }
            Delta::Annotations(cited) => {
                if let Some(Open::Message(message)) = &mut self.open {
                    message.annotate(cited, &mut self.events, out);
                }
            }
            Delta::Logprobs(logprobs) => {
                let tokens = logprobs.get("content").and_then(Value::as_array);
                self.logprobs.extend(tokens.into_iter().flatten().cloned());
                self.place_logprobs();
            }
            Delta::Audio(audio) => {
                // What is said aloud is its text.
                if let Some(words) = audio.get("transcript").and_then(Value::as_str) {
                    self.say(words, false, out);
                }
            }
            Delta::Native(native) => self.native(native, out),
        }
    }

    fn say(&mut self, words: &str, refuses: bool, out: &mut Vec<u8>) {
        if words.is_empty() {
            return;
        }
        if !matches!(self.open, Some(Open::Message(_))) {
            self.close(out);
            self.open = Some(Open::Message(MessageOut::begin(&mut self.events, out)));
        }
        self.called = false;
        if let Some(Open::Message(message)) = &mut self.open {
            message.say(words, refuses, self.written, &mut self.events, out);
        }
        if !refuses {
            self.written = self.written.saturating_add(annotations::length(words));
            self.place_logprobs();
        }
    }

    fn place_logprobs(&mut self) {
        if let Some(Open::Message(message)) = &mut self.open {
            message.add_logprobs(&mut self.logprobs);
        }
    }

    fn think(&mut self, words: &str, out: &mut Vec<u8>) {
        if words.is_empty() {
            return;
        }
        if !matches!(self.open, Some(Open::Reasoning(_))) {
            self.close(out);
            self.open = Some(Open::Reasoning(ReasoningOut::begin(&mut self.events, out)));
        }
        if let Some(Open::Reasoning(reasoning)) = &mut self.open {
            reasoning.think(words, &mut self.events, out);
        }
    }

    /// Seals what was told last. Gemini seals text and calls, the others thinking, seen or not.
    fn seal(&mut self, signature: &Signature, out: &mut Vec<u8>) {
        if signature.value.is_empty() {
            return;
        }
        if let Some(Open::Reasoning(reasoning)) = self.open.take_if(|open| matches!(open, Open::Reasoning(_)))
        {
            reasoning.end(Some(signature), &mut self.events, out);
            return;
        }
        self.close(out);
        if let Some((id, encrypted)) = seal::own(signature) {
            return seal_alone(id, encrypted, &mut self.events, out);
        }
        let sealed = match self.calls.last() {
            _ if signature.dialect != Dialect::Gemini => seal::on_thinking(signature),
            Some(call) if self.called => seal::on_call(&call.call_id, signature),
            _ => seal::on_text(signature),
        };
        seal_alone(None, &sealed, &mut self.events, out);
    }

    /// An item that came whole.
    fn native(&mut self, native: &Native, out: &mut Vec<u8>) {
        if native.dialect != Dialect::Responses {
            return;
        }
        self.close(out);
        self.called = false;
        let (place, _) = self.events.begin("item");
        self.events.added(place, ItemOut::Native(&native.value), out);
        self.events.done(place, &native.value, out);
    }

    /// Ends the item that grows.
    fn close(&mut self, out: &mut Vec<u8>) {
        self.close_as("completed", out);
    }

    fn close_as(&mut self, status: &'static str, out: &mut Vec<u8>) {
        match self.open.take() {
            Some(Open::Message(message)) => message.end(status, &mut self.events, out),
            Some(Open::Reasoning(reasoning)) => reasoning.end(None, &mut self.events, out),
            None => {}
        }
    }

    /// Ends all items; tells how the answer ended.
    fn close_all(&mut self, out: &mut Vec<u8>) -> (&'static str, Option<&'static str>) {
        let finish = self.finish.get_or_insert_with(|| FinishReason::Stop.into());
        let (status, reason) = status::encode(finish);
        self.close_as(status, out);
        for call in std::mem::take(&mut self.calls) {
            call.end(status, &mut self.events, out);
        }
        (status, reason)
    }
}
