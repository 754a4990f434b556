//! What is known of a streamed answer so far.

use std::collections::{HashMap, VecDeque};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::annotations;
use super::decode_output::canonical_logprobs;
use super::decode_response::seconds;
use super::stream_item::{Growing, Kind};
use super::wire_event::{WireEvent, text};
use crate::call_ids::CallIds;
use crate::chat::{Delta, Event, Start};
use crate::openai::error::{in_answer, unreadable};
use crate::openai::json::{Fields, Node};
use crate::openai::lenient::Text;
use crate::{ApiError, DecodeContext};

/// The most items of an answer.
const MOST_ITEMS: usize = 4096;

/// The answer so far.
#[derive(Clone, Debug)]
pub(super) struct StreamState {
    pub(super) cx: DecodeContext,
    pub(super) ids: CallIds,
    pub(super) queue: VecDeque<Event>,
    pub(super) items: HashMap<u64, Growing>,
    /// The last item that began, for events that name none.
    last: u64,
    pub(super) calls: u32,
    pub(super) searches: u64,
    /// How many characters of text were told.
    characters: u64,
    started: bool,
    pub(super) whole: bool,
    failed: bool,
}

impl StreamState {
    pub(super) fn new(cx: DecodeContext) -> Self {
        Self {
            ids: CallIds::new(&cx.seed),
            cx,
            queue: VecDeque::new(),
            items: HashMap::new(),
            last: 0,
            calls: 0,
            searches: 0,
            characters: 0,
            started: false,
            whole: false,
            failed: false,
        }
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    /// Whether nothing further matters.
    pub(super) const fn is_over(&self) -> bool {
        self.whole || self.failed
    }

    /// Whether the answer came to its end.
    pub(super) const fn is_whole(&self) -> bool {
        self.whole && !self.failed
    }

    /// Reads the data of an event.
    pub(super) fn take_frame(&mut self, data: &[u8]) {
        let result = match serde_json::from_slice::<WireEvent<'_>>(data) {
            Ok(event) => self.event(&event, data),
            Err(error) => odd_event(data, &error),
        };
        if let Err(error) = result {
            self.fail(error);
        }
    }

    /// Ends the answer with an error.
    pub(super) fn fail(&mut self, error: ApiError) {
        if !self.is_over() {
            self.start(None);
            self.failed = true;
            self.queue.push_back(Event::Error(error));
        }
    }

    fn event(&mut self, event: &WireEvent<'_>, data: &[u8]) -> Result<(), ApiError> {
        match &*event.kind.0 {
            "response.output_text.delta" => {
                self.grow(event, Kind::Message, text(event.delta).as_deref(), Delta::Text)?;
                self.logprobs(event.logprobs);
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.arguments(event, text(event.delta).as_deref(), false);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.grow(event, Kind::Reasoning, text(event.delta).as_deref(), Delta::Reasoning)?;
            }
            "response.refusal.delta" => {
                self.grow(event, Kind::Message, text(event.delta).as_deref(), Delta::Refusal)?;
            }
            "response.output_item.added" => self.added(event)?,
            "response.output_item.done" => self.done(self.place(event), fields(event.item)?)?,
            "response.content_part.added" => {
                let offset = self.characters;
                if let Some(item) = self.item(event) {
                    if item.kind == Kind::Reasoning { item.next_thought() } else { item.next_part(offset) }
                }
            }
            "response.reasoning_summary_part.added" => {
                if let Some(item) = self.item(event) {
                    item.next_thought();
                }
            }
            "response.output_text.annotation.added" => self.annotate(event)?,
            "response.output_text.done" => {
                self.complete(event, Kind::Message, text(event.text).as_deref(), Delta::Text)?;
            }
            "response.refusal.done" => {
                self.complete(event, Kind::Message, text(event.refusal).as_deref(), Delta::Refusal)?;
            }
            "response.reasoning_summary_text.done" | "response.reasoning_text.done" => {
                self.complete(event, Kind::Reasoning, text(event.text).as_deref(), Delta::Reasoning)?;
            }
            "response.function_call_arguments.done" => {
                self.arguments(event, text(event.arguments).as_deref(), true);
            }
            "response.custom_tool_call_input.done" => {
                self.arguments(event, text(event.input).as_deref(), true);
            }
            "response.content_part.done" => self.part_done(event)?,
            "response.created" | "response.queued" | "response.in_progress" => self.start(event.response),
            "response.completed" | "response.incomplete" => self.end(event.response)?,
            "response.failed" | "response.cancelled" => return Err(failure(event.response)),
            "error" => return Err(in_answer(&value(data)?)),
            // A server or a proxy that knows no events for errors.
            "" if event.error.is_some_and(|error| error.get() != "null") => {
                return Err(in_answer(&value(data)?));
            }
            // Steps of hosted tools, whose items come whole, and what the API adds one day.
            _ => {}
        }
        Ok(())
    }

    fn place(&self, event: &WireEvent<'_>) -> u64 {
        event.output_index.0.unwrap_or(self.last)
    }

    fn item(&mut self, event: &WireEvent<'_>) -> Option<&mut Growing> {
        let place = self.place(event);
        self.items.get_mut(&place)
    }

    /// The item of an event, begun by it if need be: some servers do not tell that items begin.
    fn item_of(&mut self, event: &WireEvent<'_>, kind: Kind) -> Result<&mut Growing, ApiError> {
        let place = self.place(event);
        self.start(None);
        self.begin(place, kind)
    }

    pub(super) fn begin(&mut self, place: u64, kind: Kind) -> Result<&mut Growing, ApiError> {
        if self.items.len() >= MOST_ITEMS {
            return Err(unreadable("more items than can be told apart"));
        }
        self.last = place;
        let mut growing = Growing::new(kind);
        growing.offset = self.characters;
        Ok(self.items.entry(place).or_insert(growing))
    }

    /// Tells the start, once.
    pub(super) fn start(&mut self, response: Option<&RawValue>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let told = response.and_then(|raw| serde_json::from_str::<WireStart<'_>>(raw.get()).ok());
        let told = told.unwrap_or_default();
        let said =
            |text: Option<Text<'_>>| text.map(|text| text.0.into_owned()).filter(|text| !text.is_empty());
        self.queue.push_back(Event::Start(Start {
            id: said(told.id),
            model: said(told.model),
            created: seconds(&told.created_at),
            // Known at the end only: until then it is what was asked for.
            service_tier: None,
            ..Start::default()
        }));
    }

    pub(super) fn tell(&mut self, delta: Delta) {
        self.queue.push_back(Event::Delta { choice: 0, delta });
    }

    fn grow(
        &mut self,
        event: &WireEvent<'_>,
        kind: Kind,
        piece: Option<&str>,
        delta: impl Fn(String) -> Delta,
    ) -> Result<(), ApiError> {
        let piece = piece.ok_or_else(|| unreadable("a delta is missing"))?;
        self.item_of(event, kind)?;
        let place = self.place(event);
        let before = self.queue.len();
        if let Some(item) = self.items.get_mut(&place) {
            item.grow(piece, delta, &mut self.queue);
        }
        self.count_since(before);
        Ok(())
    }

    fn complete(
        &mut self,
        event: &WireEvent<'_>,
        kind: Kind,
        whole: Option<&str>,
        delta: impl Fn(String) -> Delta,
    ) -> Result<(), ApiError> {
        let Some(whole) = whole else { return Ok(()) };
        self.item_of(event, kind)?;
        let place = self.place(event);
        let before = self.queue.len();
        if let Some(item) = self.items.get_mut(&place) {
            item.complete(whole, delta, &mut self.queue);
        }
        self.count_since(before);
        Ok(())
    }

    /// Counts the characters of text told since then.
    pub(super) fn count_since(&mut self, before: usize) {
        for event in self.queue.iter().skip(before) {
            if let Event::Delta { delta: Delta::Text(text), .. } = event {
                self.characters = self.characters.saturating_add(annotations::length(text));
            }
        }
    }

    fn arguments(&mut self, event: &WireEvent<'_>, piece: Option<&str>, whole: bool) {
        let place = self.place(event);
        // Of a call that was not told, the item tells all when it is done.
        let Some((item, piece)) = self.items.get_mut(&place).zip(piece) else { return };
        let Kind::Call(index) = item.kind else { return };
        let delta = |fragment| Delta::ToolArguments { index, fragment };
        if whole {
            item.complete(piece, delta, &mut self.queue);
        } else {
            item.grow(piece, delta, &mut self.queue);
        }
    }

    fn logprobs(&mut self, raw: Option<&RawValue>) {
        let tokens = raw.and_then(|raw| serde_json::from_str::<Vec<Value>>(raw.get()).ok());
        if let Some(logprobs) = canonical_logprobs(tokens.unwrap_or_default()) {
            self.tell(Delta::Logprobs(logprobs));
        }
    }

    fn annotate(&mut self, event: &WireEvent<'_>) -> Result<(), ApiError> {
        let raw = event.annotation.ok_or_else(|| unreadable("an annotation is missing"))?;
        let annotation = value(raw.get().as_bytes())?;
        let item = self.item_of(event, Kind::Message)?;
        item.annotated += 1;
        let annotation = annotations::decode(annotation, item.offset);
        self.tell(Delta::Annotations(vec![annotation]));
        Ok(())
    }

    /// Tells annotations that no event of their own told.
    fn part_done(&mut self, event: &WireEvent<'_>) -> Result<(), ApiError> {
        let Some(raw) = event.part else { return Ok(()) };
        let mut part = fields(Some(raw))?;
        let cited = part.take("annotations").map(Node::into_elements).unwrap_or_default();
        let Some(item) = self.item(event) else { return Ok(()) };
        let (seen, offset) = (item.annotated, item.offset);
        item.annotated = seen.max(cited.len());
        let missing = cited.into_iter().skip(seen);
        let missing: Vec<Value> =
            missing.map(|node| annotations::decode(node.into_value(), offset)).collect();
        if !missing.is_empty() {
            self.tell(Delta::Annotations(missing));
        }
        Ok(())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireStart<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    created_at: Value,
}

/// An event that is not of the shape we know: passed over if its type is not known either. One of a
/// known type would be a hole in the answer.
fn odd_event(data: &[u8], error: &serde_json::Error) -> Result<(), ApiError> {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(rename = "type", borrow)]
        kind: Text<'a>,
    }
    // Some servers end as Chat does.
    if data == b"[DONE]" {
        return Ok(());
    }
    match serde_json::from_slice::<Typed<'_>>(data) {
        Ok(typed) if typed.kind.0 != "error" && !typed.kind.0.starts_with("response.") => Ok(()),
        _ => Err(unreadable(error)),
    }
}

/// Why an answer failed.
fn failure(response: Option<&RawValue>) -> ApiError {
    let response = response.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    match response.as_ref().and_then(|response| response.get("error")).filter(|error| !error.is_null()) {
        Some(error) => in_answer(error),
        None => unreadable("it failed without a reason"),
    }
}

pub(super) fn fields(raw: Option<&RawValue>) -> Result<Fields<'_>, ApiError> {
    let raw = raw.ok_or_else(|| unreadable("an event is empty"))?;
    let node: Node<'_> = serde_json::from_str(raw.get()).map_err(unreadable)?;
    node.into_fields().ok_or_else(|| unreadable("an event holds no object"))
}

fn value(data: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(data).map_err(unreadable)
}
