//! Thinking of a stream as it is written: a summary, and the seal at its end.

use super::events_out::Events;
use super::frame::{AnyPart, Frame, ItemOut};
use super::output::{Item, Summary};
use super::seal;
use crate::chat::Signature;

/// What the ids of thoughts begin with that are not OpenAI's, which therefore keeps none of them: by it
/// [`holds_foreign`](crate::holds_foreign) knows them.
const MADE: &str = "rs_tollway";

/// Thinking that grows.
#[derive(Debug)]
pub(super) struct ReasoningOut {
    place: usize,
    id: String,
    text: String,
}

impl ReasoningOut {
    /// Begins to think.
    pub(super) fn begin(events: &mut Events, out: &mut Vec<u8>) -> Self {
        let (place, id) = events.begin(MADE);
        let this = Self { place, id, text: String::new() };
        let item = Item::Reasoning { id: &this.id, summary: Vec::new(), encrypted_content: None };
        events.added(place, ItemOut::Known(item), out);
        let part = Some(AnyPart::Summary(Summary::SummaryText { text: "" }));
        events.write("response.reasoning_summary_part.added", Frame { part, ..this.frame() }, out);
        this
    }

    /// Thinks on.
    pub(super) fn think(&mut self, words: &str, events: &mut Events, out: &mut Vec<u8>) {
        let frame = Frame { delta: Some(words), ..self.frame() };
        events.write("response.reasoning_summary_text.delta", frame, out);
        self.text.push_str(words);
    }

    /// Ends the thinking, sealed or not.
    pub(super) fn end(self, signature: Option<&Signature>, events: &mut Events, out: &mut Vec<u8>) {
        let frame = Frame { text: Some(&self.text), ..self.frame() };
        events.write("response.reasoning_summary_text.done", frame, out);
        let part = Some(AnyPart::Summary(Summary::SummaryText { text: &self.text }));
        events.write("response.reasoning_summary_part.done", Frame { part, ..self.frame() }, out);
        let sealed = signature.map(seal::on_thinking);
        let encrypted_content = sealed.as_deref();
        let summary = Summary::of(&self.text);
        events.done(self.place, &Item::Reasoning { id: &self.id, summary, encrypted_content }, out);
    }

    fn frame(&self) -> Frame<'_> {
        let (item_id, output_index) = (Some(self.id.as_str()), Some(self.place));
        Frame { item_id, output_index, summary_index: Some(0), ..Frame::default() }
    }
}

/// Writes a seal that stands alone: of thinking nobody sees, of text or of a call.
pub(super) fn seal_alone(id: Option<&str>, encrypted: &str, events: &mut Events, out: &mut Vec<u8>) {
    let (place, made) = events.begin(MADE);
    let id = id.unwrap_or(&made);
    let item = || Item::Reasoning { id, summary: Vec::new(), encrypted_content: Some(encrypted) };
    events.added(place, ItemOut::Known(item()), out);
    events.done(place, &item(), out);
}
