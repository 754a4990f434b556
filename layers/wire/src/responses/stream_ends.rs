//! Items of a streamed answer that begin and end, and the answer's own end.

use serde_json::Value;
use serde_json::value::RawValue;

use super::decode_output::{Output, canonical_logprobs, decode_call, decode_native, decode_reasoning};
use super::stream_item::Kind;
use super::stream_state::{StreamState, fields};
use super::wire_event::WireEvent;
use super::{status, usage};
use crate::ApiError;
use crate::chat::{Content, Delta, Event, Part};
use crate::openai::json::{Fields, Node};

impl StreamState {
    /// Begins an item that an event tells of.
    pub(super) fn added(&mut self, event: &WireEvent<'_>) -> Result<(), ApiError> {
        let item = fields(event.item)?;
        let place =
            event.output_index.0.unwrap_or_else(|| u64::try_from(self.items.len()).unwrap_or(u64::MAX));
        self.start(None);
        self.begin_item(place, item)
    }

    /// Begins an item, and tells a call.
    fn begin_item(&mut self, place: u64, item: Fields<'_>) -> Result<(), ApiError> {
        let kind = match item.str("type").unwrap_or_default() {
            "message" => Kind::Message,
            "reasoning" => Kind::Reasoning,
            word @ ("function_call" | "custom_tool_call") => {
                let word = word.to_owned();
                let index = self.calls;
                if self.items.contains_key(&place) {
                    return Ok(());
                }
                self.calls += 1;
                self.begin(place, Kind::Call(index))?;
                let call = decode_call(item, &word, &self.cx, &mut self.ids);
                let (id, name, custom) = (call.id, call.name, call.custom);
                self.tell(Delta::ToolCall { index, id, name, custom, signature: None });
                if let Some(item) = self.items.get_mut(&place) {
                    let delta = |fragment| Delta::ToolArguments { index, fragment };
                    item.complete(&call.arguments, delta, &mut self.queue);
                }
                return Ok(());
            }
            _ => Kind::Whole,
        };
        self.begin(place, kind).map(|_| ())
    }

    /// Tells of an item that is done what was not told yet.
    pub(super) fn done(&mut self, place: u64, item: Fields<'_>) -> Result<(), ApiError> {
        self.start(None);
        let kind = item.str("type").unwrap_or_default().to_owned();
        let is_call = matches!(kind.as_str(), "function_call" | "custom_tool_call");
        if is_call {
            let arguments = item.str(if kind == "function_call" { "arguments" } else { "input" });
            let arguments = arguments.unwrap_or_default().to_owned();
            self.begin_item(place, item)?;
            if let Some(growing) = self.items.get_mut(&place)
                && let Kind::Call(index) = growing.kind
            {
                growing.done = true;
                let delta = |fragment| Delta::ToolArguments { index, fragment };
                growing.complete(&arguments, delta, &mut self.queue);
            }
            return Ok(());
        }
        let known = match kind.as_str() {
            "message" => Kind::Message,
            "reasoning" => Kind::Reasoning,
            _ => Kind::Whole,
        };
        let growing = self.begin(place, known)?;
        if std::mem::replace(&mut growing.done, true) {
            return Ok(());
        }
        let spoken = growing.is_spoken();
        match kind.as_str() {
            "message" if spoken => {}
            "message" => {
                let mut output = Output::new(&self.cx);
                output.item(Node::Object(item));
                let parts = std::mem::take(&mut output.parts);
                let logprobs = canonical_logprobs(std::mem::take(&mut output.logprobs));
                self.parts(parts);
                if let Some(logprobs) = logprobs {
                    self.tell(Delta::Logprobs(logprobs));
                }
            }
            "reasoning" => {
                let mut part = decode_reasoning(item);
                if let (true, Content::Reasoning(reasoning)) = (spoken, &mut part.content) {
                    reasoning.text.clear();
                }
                self.parts(vec![part]);
            }
            _ => self.parts(vec![decode_native(item)]),
        }
        Ok(())
    }

    /// Tells parts that came whole.
    fn parts(&mut self, parts: Vec<Part>) {
        let before = self.queue.len();
        for part in parts {
            match part.content {
                Content::Text(text) => {
                    if !text.text.is_empty() {
                        self.tell(Delta::Text(text.text));
                    }
                    if !text.annotations.is_empty() {
                        self.tell(Delta::Annotations(text.annotations));
                    }
                }
                Content::Refusal(words) => self.tell(Delta::Refusal(words)),
                Content::Reasoning(reasoning) if !reasoning.text.is_empty() => {
                    self.tell(Delta::Reasoning(reasoning.text));
                }
                Content::Native(native) => {
                    self.searches += u64::from(usage::is_search(&native.value));
                    self.tell(Delta::Native(native));
                }
                _ => {}
            }
            if let Some(signature) = part.signature {
                self.tell(Delta::Signature(signature));
            }
        }
        self.count_since(before);
    }

    /// Ends the answer: what it holds that was not streamed, why it ended, and its usage.
    pub(super) fn end(&mut self, response: Option<&RawValue>) -> Result<(), ApiError> {
        self.start(response);
        let mut response = fields(response)?;
        let output = response.take("output").map(Node::into_elements).unwrap_or_default();
        for (place, item) in (0_u64..).zip(output) {
            let is_done = self.items.get(&place).is_some_and(|item| item.done);
            if let (false, Some(item)) = (is_done, item.into_fields()) {
                self.done(place, item)?;
            }
        }
        let response = Value::Object(response.into_map());
        let finish = status::decode(&response, self.calls > 0)?;
        self.queue.push_back(Event::Finish { choice: 0, finish });
        let tier = response.get("service_tier").and_then(Value::as_str);
        self.queue.extend(tier.map(|tier| Event::Tier(tier.to_owned())));
        self.queue.extend(usage::decode(&response, self.searches).map(Event::Usage));
        self.whole = true;
        Ok(())
    }
}
