//! A message of a stream as it is written, part by part.

use serde_json::Value;

use super::annotations;
use super::events_out::Events;
use super::frame::{AnyPart, Frame, ItemOut};
use super::output::{Item, PartOut};

/// A message that grows.
#[derive(Debug)]
pub(super) struct MessageOut {
    place: usize,
    id: String,
    parts: Vec<PartGrowing>,
}

/// A part of a message that grows, the last of its message.
#[derive(Debug, Default)]
struct PartGrowing {
    refuses: bool,
    text: String,
    annotations: Vec<Value>,
    logprobs: Vec<Value>,
    /// How many characters of the answer's text stand before it.
    offset: u64,
}

impl PartGrowing {
    fn out(&self) -> PartOut<'_> {
        if self.refuses {
            return PartOut::Refusal { refusal: &self.text };
        }
        PartOut::OutputText { text: &self.text, annotations: &self.annotations, logprobs: &self.logprobs }
    }
}

impl MessageOut {
    /// Begins a message.
    pub(super) fn begin(events: &mut Events, out: &mut Vec<u8>) -> Self {
        let (place, id) = events.begin("msg");
        let item = Item::Message { id: &id, status: "in_progress", role: "assistant", content: Vec::new() };
        events.added(place, ItemOut::Known(item), out);
        Self { place, id, parts: Vec::new() }
    }

    /// Adds words of text, or of a refusal. `offset` is how many characters of text stand before.
    pub(super) fn say(
        &mut self,
        words: &str,
        refuses: bool,
        offset: u64,
        events: &mut Events,
        out: &mut Vec<u8>,
    ) {
        if self.parts.last().is_none_or(|part| part.refuses != refuses) {
            self.end_part(events, out);
            self.parts.push(PartGrowing { refuses, offset, ..PartGrowing::default() });
            if let Some(part) = self.parts.last() {
                let frame = Frame { part: Some(AnyPart::Content(part.out())), ..self.frame() };
                events.write("response.content_part.added", frame, out);
            }
        }
        let logprobs: Option<&[Value]> = if refuses { None } else { Some(&[]) };
        let frame = Frame { delta: Some(words), logprobs, ..self.frame() };
        let kind = if refuses { "response.refusal.delta" } else { "response.output_text.delta" };
        events.write(kind, frame, out);
        if let Some(part) = self.parts.last_mut() {
            part.text.push_str(words);
        }
    }

    /// Adds citations of the text so far.
    pub(super) fn annotate(&mut self, cited: &[Value], events: &mut Events, out: &mut Vec<u8>) {
        for annotation in cited {
            let Some(part) = self.parts.last().filter(|part| !part.refuses) else { return };
            let Some(annotation) = annotations::encode(annotation, part.offset) else { continue };
            let annotation_index = Some(part.annotations.len());
            let frame = Frame { annotation: Some(&annotation), annotation_index, ..self.frame() };
            events.write("response.output_text.annotation.added", frame, out);
            if let Some(part) = self.parts.last_mut() {
                part.annotations.push(annotation);
            }
        }
    }

    /// Adds log probabilities of tokens of the text; tells whether there is a text.
    pub(super) fn add_logprobs(&mut self, tokens: &mut Vec<Value>) {
        if let Some(part) = self.parts.last_mut().filter(|part| !part.refuses) {
            part.logprobs.append(tokens);
        }
    }

    /// Ends the message.
    pub(super) fn end(mut self, status: &'static str, events: &mut Events, out: &mut Vec<u8>) {
        self.end_part(events, out);
        let content = self.parts.iter().map(PartGrowing::out).collect();
        let item = Item::Message { id: &self.id, status, role: "assistant", content };
        events.done(self.place, &item, out);
    }

    fn end_part(&mut self, events: &mut Events, out: &mut Vec<u8>) {
        let Some(part) = self.parts.last() else { return };
        if part.refuses {
            let frame = Frame { refusal: Some(&part.text), ..self.frame() };
            events.write("response.refusal.done", frame, out);
        } else {
            let frame = Frame { text: Some(&part.text), logprobs: Some(&part.logprobs), ..self.frame() };
            events.write("response.output_text.done", frame, out);
        }
        let frame = Frame { part: Some(AnyPart::Content(part.out())), ..self.frame() };
        events.write("response.content_part.done", frame, out);
    }

    /// What every event of the last part says.
    fn frame(&self) -> Frame<'_> {
        Frame {
            item_id: Some(&self.id),
            output_index: Some(self.place),
            content_index: Some(self.parts.len().saturating_sub(1)),
            ..Frame::default()
        }
    }
}
