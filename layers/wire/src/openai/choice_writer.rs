//! One choice of a streamed answer in OpenAI's format.

use serde::Serialize;
use serde_json::Value;
use tollway_core::Dialect;

use super::annotations::encode_annotations;
use super::encode_message::Seal;
use super::encode_response::LogprobsOut;
use super::finish::encode_finish;
use super::frame::{Frame, member};
use super::out::json;
use super::reasoning::is_detail;
use super::reasoning_out::Detail;
use super::stream_image::picture_of;
use super::thinking_out::{Entry, ThinkingOut};
use crate::chat::{Delta, Finish, FinishReason, Native, Signature};

/// What was written of a choice.
#[derive(Debug, Default)]
pub(super) struct Writing {
    pub(super) index: u32,
    pub(super) finished: bool,
    calls: Vec<Call>,
    thinking: ThinkingOut,
}

/// A tool call that was begun.
#[derive(Debug)]
struct Call {
    index: u32,
    custom: bool,
    has_arguments: bool,
}

impl Writing {
    /// A choice of which nothing was written.
    pub(super) fn new(index: u32) -> Self {
        Self { index, ..Self::default() }
    }

    /// Whether it called tools.
    pub(super) const fn calls(&self) -> bool {
        !self.calls.is_empty()
    }
}

/// Writes to one choice.
pub(super) struct Writer<'a> {
    pub(super) frame: &'a Frame,
    pub(super) choice: &'a mut Writing,
    pub(super) out: &'a mut Vec<u8>,
    /// Whether calls are written in the legacy form.
    pub(super) legacy: bool,
}

impl Writer<'_> {
    /// Writes the role, with a content in JSON.
    pub(super) fn begin(&mut self, content: &str) {
        self.grow(|out| {
            out.extend_from_slice(b"\"role\":\"assistant\",\"content\":");
            out.extend_from_slice(content.as_bytes());
            out.extend_from_slice(b",\"refusal\":null");
        });
    }

    fn grow(&mut self, body: impl FnOnce(&mut Vec<u8>)) {
        self.frame.growth(self.choice.index, self.out, body);
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.grow(|out| member(out, name, value));
    }

    /// Writes what a step brings.
    pub(super) fn delta(&mut self, delta: &Delta) {
        match delta {
            Delta::Text(text) => {
                let due = self.choice.thinking.text();
                self.entries(due);
                self.member("content", text);
            }
            Delta::Reasoning(text) => {
                self.choice.thinking.think(text);
                if !text.is_empty() {
                    self.member("reasoning_content", text);
                }
            }
            Delta::Refusal(text) => {
                let due = self.choice.thinking.block();
                self.entries(due);
                self.member("refusal", text);
            }
            Delta::Signature(seal) => self.seal(seal),
            Delta::RedactedReasoning(data) => {
                let due = self.choice.thinking.redacted(data);
                self.entries(due);
            }
            Delta::ToolCall { index, id, name, custom, signature } => {
                let due = self.choice.thinking.block();
                self.entries(due);
                self.choice.calls.push(Call { index: *index, custom: *custom, has_arguments: false });
                self.call(id, name, *custom, signature.as_ref());
            }
            Delta::ToolArguments { index, fragment } => self.arguments(*index, fragment),
            Delta::Annotations(annotations) => {
                let known: Vec<_> = encode_annotations(annotations).collect();
                if !known.is_empty() {
                    self.member("annotations", &known);
                }
            }
            Delta::Logprobs(logprobs) => self.logprobs(logprobs),
            Delta::Audio(audio) => self.member("audio", audio),
            Delta::Native(native) => self.native(native),
        }
    }

    /// Writes why the choice ended. A function called without arguments is given the empty object
    /// first: clients read the arguments as JSON, which nothing is not.
    pub(super) fn finish(&mut self, finish: &Finish) {
        if std::mem::replace(&mut self.choice.finished, true) {
            return;
        }
        let due = self.choice.thinking.close();
        self.entries(due);
        let silent: Vec<u32> = self
            .choice
            .calls
            .iter()
            .filter(|call| !call.has_arguments && !call.custom)
            .map(|call| call.index)
            .collect();
        for index in silent {
            self.arguments(index, "{}");
        }
        let finish_reason = match encode_finish(finish) {
            _ if self.legacy && finish.reason == FinishReason::ToolCalls => "function_call",
            word => word,
        };
        let end = ChoiceOut {
            index: self.choice.index,
            delta: Empty {},
            logprobs: None,
            finish_reason: Some(finish_reason),
        };
        self.frame.choice(&end, self.out);
    }

    fn call(&mut self, id: &str, name: &str, custom: bool, seal: Option<&Signature>) {
        let place = self.choice.calls.len() - 1;
        if self.legacy {
            // The legacy form has room for one call.
            if place == 0 {
                self.member("function_call", &FunctionOut { name: Some(name), arguments: "" });
            }
            return;
        }
        let function = (!custom).then_some(FunctionOut { name: Some(name), arguments: "" });
        let custom = custom.then_some(CustomOut { name: Some(name), input: "" });
        let kind = if custom.is_some() { "custom" } else { "function" };
        let extra_content = seal.and_then(Seal::of);
        let call = CallOut { index: place, id: Some(id), kind: Some(kind), function, custom, extra_content };
        self.member("tool_calls", &[call]);
    }

    fn arguments(&mut self, index: u32, fragment: &str) {
        // The call that grows is the last one, but for servers that interleave them.
        let Some(place) = self.choice.calls.iter().rposition(|call| call.index == index) else { return };
        let Some(call) = self.choice.calls.get_mut(place) else { return };
        call.has_arguments |= !fragment.is_empty();
        let custom = call.custom;
        if self.legacy {
            if place == 0 {
                self.member("function_call", &FunctionOut { name: None, arguments: fragment });
            }
            return;
        }
        let kind = if custom { "custom\":{\"input" } else { "function\":{\"arguments" };
        self.grow(|out| {
            out.extend_from_slice(b"\"tool_calls\":[{\"index\":");
            json(out, &place);
            out.extend_from_slice(b",\"");
            member_tail(out, kind, fragment);
            out.extend_from_slice(b"}}]");
        });
    }

    /// Writes a seal: on thinking into the details, Gemini's on text or a call beside it.
    fn seal(&mut self, seal: &Signature) {
        if self.choice.thinking.is_open() || seal.dialect != Dialect::Gemini {
            let due = self.choice.thinking.seal(seal);
            self.entries(due);
        } else if let Some(seal) = Seal::of(seal) {
            self.member("extra_content", &seal);
        }
    }

    fn entries(&mut self, due: impl IntoIterator<Item = Entry>) {
        let due: Vec<Entry> = due.into_iter().collect();
        if !due.is_empty() {
            let details: Vec<Detail<'_>> = due.iter().map(Entry::detail).collect();
            self.member("reasoning_details", &details);
        }
    }

    fn logprobs(&mut self, logprobs: &Value) {
        let choice = ChoiceOut {
            index: self.choice.index,
            delta: Empty {},
            logprobs: Some(LogprobsOut::of(logprobs)),
            finish_reason: None,
        };
        self.frame.choice(&choice, self.out);
    }

    fn native(&mut self, native: &Native) {
        let due = self.choice.thinking.block();
        self.entries(due);
        if is_detail(native) {
            self.member("reasoning_details", &[&native.value]);
        } else if let Some(picture) = picture_of(native) {
            self.member("images", &[picture]);
        }
    }
}

fn member_tail(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    json(out, value);
}

#[derive(Serialize)]
struct ChoiceOut<'a> {
    index: u32,
    delta: Empty,
    logprobs: Option<LogprobsOut<'a>>,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct CallOut<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<FunctionOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<CustomOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Seal<'a>>,
}

#[derive(Serialize)]
struct FunctionOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[derive(Serialize)]
struct CustomOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    input: &'a str,
}
