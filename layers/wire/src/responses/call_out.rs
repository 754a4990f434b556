//! A call of a stream as it is written.

use super::events_out::Events;
use super::frame::{Frame, ItemOut};
use super::output::Item;

/// A call that grows.
#[derive(Debug)]
pub(super) struct CallOut {
    /// Its place among the calls of the answer.
    pub(super) index: u32,
    place: usize,
    id: String,
    pub(super) call_id: String,
    name: String,
    custom: bool,
    arguments: String,
}

impl CallOut {
    /// Begins a call.
    pub(super) fn begin(
        (index, call_id, name, custom): (u32, &str, &str, bool),
        events: &mut Events,
        out: &mut Vec<u8>,
    ) -> Self {
        let (place, id) = events.begin(if custom { "ctc" } else { "fc" });
        let (call_id, name) = (call_id.to_owned(), name.to_owned());
        let this = Self { index, place, id, call_id, name, custom, arguments: String::new() };
        events.added(place, ItemOut::Known(this.item("in_progress")), out);
        this
    }

    /// Adds to the arguments.
    pub(super) fn grow(&mut self, fragment: &str, events: &mut Events, out: &mut Vec<u8>) {
        let frame = Frame { delta: Some(fragment), ..self.frame() };
        let kind = if self.custom {
            "response.custom_tool_call_input.delta"
        } else {
            "response.function_call_arguments.delta"
        };
        events.write(kind, frame, out);
        self.arguments.push_str(fragment);
    }

    /// Ends the call.
    pub(super) fn end(mut self, status: &'static str, events: &mut Events, out: &mut Vec<u8>) {
        // Clients parse the arguments as JSON, which an empty text is not.
        if !self.custom && self.arguments.trim().is_empty() {
            self.arguments.clear();
            self.grow("{}", events, out);
        }
        if self.custom {
            let frame = Frame { input: Some(&self.arguments), ..self.frame() };
            events.write("response.custom_tool_call_input.done", frame, out);
        } else {
            let (name, arguments) = (Some(self.name.as_str()), Some(self.arguments.as_str()));
            let frame = Frame { name, arguments, ..self.frame() };
            events.write("response.function_call_arguments.done", frame, out);
        }
        events.done(self.place, &self.item(status), out);
    }

    fn item(&self, status: &'static str) -> Item<'_> {
        let Self { id, call_id, name, arguments, .. } = self;
        if self.custom {
            return Item::CustomToolCall { id, status, call_id, name, input: arguments };
        }
        Item::FunctionCall { id, status, call_id, name, arguments }
    }

    fn frame(&self) -> Frame<'_> {
        Frame { item_id: Some(&self.id), output_index: Some(self.place), ..Frame::default() }
    }
}
