use serde::Serialize;
use serde_json::{Map, Value, json};
use tollway_core::{Dialect, Usage};

use super::{
    answer::{AnswerBlock, AnswerItem, Input},
    block::encode_seal,
    call_id,
    citation::{CitationOut, from_annotation},
    error::write_error,
    interleaved::grouped,
    message_id::message_id,
    stop::encode_stop,
    usage::UsageOut,
};
use crate::{
    ApiError, EncodeContext,
    chat::{Delta, Event, Finish, FinishReason, Native, Signature, Start},
    whole::Whole,
};

/// Writes the event stream of an answer.
///
/// Canonical deltas know no blocks: one begins where the kind of delta changes, with every tool
/// call, and after citations, which belong to the block before them. Of several choices the first is
/// written.
#[derive(Debug)]
pub struct StreamEncoder {
    cx: EncodeContext,
    start: Start,
    usage: Usage,
    finish: Option<Finish>,
    started: bool,
    ended: bool,
    refused: bool,
    open: Option<Open>,
    /// The index of the open block, or of the next one.
    at: u32,
    /// The block of every tool call, by the call's index.
    calls: Vec<(u32, u32)>,
    /// How far the arguments of the open call are.
    arguments: Whole,
    /// What came while they were not whole.
    held: Vec<Delta>,
}

/// The kind of the open block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text { cited: bool },
    Thinking,
    Call,
}

impl StreamEncoder {
    /// An encoder at the start of a stream.
    pub fn new(cx: EncodeContext) -> Self {
        Self {
            cx,
            start: Start::default(),
            usage: Usage::default(),
            finish: None,
            started: false,
            ended: false,
            refused: false,
            open: None,
            at: 0,
            calls: Vec::new(),
            arguments: Whole::default(),
            held: Vec::new(),
        }
    }

    /// Writes the frames of an event. `message_start` waits for the first content, so that it can
    /// hold the usage that some providers tell right after their start.
    pub fn encode(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match event {
            Event::Start(start) => self.start = start.clone(),
            Event::Tier(tier) => self.start.service_tier = Some(tier.clone()),
            Event::Usage(usage) => self.usage = *usage,
            Event::Delta { choice: 0, delta } => {
                self.begin(out);
                self.delta(delta, out);
            }
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            Event::Error(error) => self.fail(error, out),
            Event::Delta { .. } | Event::Finish { .. } => {}
        }
    }

    /// Ends a whole answer: its blocks, why it ended with its usage, and `message_stop`.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        self.begin(out);
        self.release(true, out);
        self.close(out);
        self.ended = true;
        let stop_reason = match &self.finish {
            Some(finish) if finish.reason == FinishReason::Stop && self.refused => "refusal",
            Some(finish) => encode_stop(finish),
            None if self.calls.is_empty() => "end_turn",
            None => "tool_use",
        };
        let stop_sequence = self.finish.as_ref().and_then(|finish| finish.stop_sequence.as_deref());
        let delta = EndOut { stop_reason, stop_sequence };
        let empty = Map::new();
        let usage = UsageOut::new(&self.usage, None, &empty);
        frame("message_delta", &MessageDelta { kind: "message_delta", delta, usage }, out);
        frame("message_stop", &MessageStop { kind: "message_stop" }, out);
    }

    /// Ends a broken answer with an `error` event. No `message_stop` follows, so that no client
    /// takes it for a whole one.
    pub fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        self.ended = true;
        out.extend_from_slice(b"event: error\ndata: ");
        write_error(error, out);
        out.extend_from_slice(b"\n\n");
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.started {
            return;
        }
        self.started = true;
        let message = MessageOut {
            id: &message_id(self.start.id.as_deref(), &self.cx),
            kind: "message",
            role: "assistant",
            model: self.start.model.as_deref().unwrap_or(&self.cx.model),
            content: [],
            stop_reason: None,
            stop_sequence: None,
            usage: UsageOut::new(&self.usage, self.start.service_tier.as_deref(), &self.start.extra),
        };
        frame("message_start", &MessageStart { kind: "message_start", message }, out);
    }

    /// Writes a delta, or holds it until the open call is whole.
    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        let is_waited_for = self.is_open(delta);
        if self.is_unfinished() && !is_waited_for {
            // Nothing is no reason to wait.
            if !matches!(delta, Delta::Text(text) | Delta::Reasoning(text) if text.is_empty()) {
                self.held.push(delta.clone());
            }
            return;
        }
        self.write(delta, out);
        if is_waited_for && !self.held.is_empty() {
            self.release(false, out);
        }
    }

    /// Whether a delta is of the open call.
    fn is_open(&self, delta: &Delta) -> bool {
        let call = self.calls.last().filter(|_| self.open == Some(Open::Call)).map(|(call, _)| call);
        matches!(delta, Delta::ToolArguments { index, .. } if Some(index) == call)
    }

    fn is_unfinished(&self) -> bool {
        self.open == Some(Open::Call) && !self.arguments.is_whole()
    }

    /// Writes what was held, up to a call that is not whole either, or all of it at the end.
    fn release(&mut self, all: bool, out: &mut Vec<u8>) {
        if self.held.is_empty() || (self.is_unfinished() && !all) {
            return;
        }
        let mut groups = grouped(std::mem::take(&mut self.held)).into_iter();
        for group in groups.by_ref() {
            for delta in &group {
                self.write(delta, out);
            }
            if self.is_unfinished() && !all {
                break;
            }
        }
        self.held.extend(groups.flatten());
    }

    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text(text) => self.text(text, out),
            Delta::Refusal(text) => {
                self.refused = true;
                self.text(text, out);
            }
            Delta::Reasoning(thinking) if !thinking.is_empty() => {
                if self.open != Some(Open::Thinking) {
                    self.open_thinking(out);
                }
                grow(self.at, DeltaOut::Thinking { thinking }, out);
            }
            Delta::Signature(seal) => self.seal(seal, out),
            Delta::RedactedReasoning(data) => {
                self.close(out);
                self.whole(&AnswerItem::Block(AnswerBlock::RedactedThinking { data: data.into() }), out);
            }
            Delta::ToolCall { index, id, name, signature, .. } => {
                self.close(out);
                if let Some(seal) = signature.as_ref().and_then(|seal| AnswerItem::seal_on_call(id, seal)) {
                    self.whole(&seal, out);
                }
                let block = AnswerBlock::ToolUse { id: call_id::shown(id), name, input: Input::Empty {} };
                self.open_block(&AnswerItem::Block(block), out);
                self.open = Some(Open::Call);
                self.calls.push((*index, self.at));
                self.arguments = Whole::default();
            }
            Delta::ToolArguments { index, fragment } => {
                if self.is_open(delta) {
                    self.arguments.feed(fragment);
                } else if fragment.trim().is_empty() {
                    // The block has ended, and lacks nothing.
                    return;
                }
                // A late piece of an earlier call still names that call's block.
                let call = self.calls.iter().rev().find(|(call, _)| call == index);
                if let Some((_, at)) = call {
                    grow(*at, DeltaOut::InputJson { partial_json: fragment }, out);
                }
            }
            Delta::Annotations(annotations) => {
                if let Some(Open::Text { .. }) = self.open {
                    self.open = Some(Open::Text { cited: true });
                    for citation in annotations.iter().filter_map(from_annotation) {
                        grow(self.at, DeltaOut::Citations { citation }, out);
                    }
                }
            }
            Delta::Native(native) if native.dialect == Dialect::Anthropic => self.native(native, out),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        if self.open != Some(Open::Text { cited: false }) {
            self.close(out);
            self.open_block(&AnswerItem::Block(AnswerBlock::Text { text: "", citations: Vec::new() }), out);
            self.open = Some(Open::Text { cited: false });
        }
        grow(self.at, DeltaOut::Text { text }, out);
    }

    fn open_thinking(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        let block = AnswerBlock::Thinking { thinking: "", signature: "".into() };
        self.open_block(&AnswerItem::Block(block), out);
        self.open = Some(Open::Thinking);
    }

    /// Seals the thinking before it. Anthropic and OpenAI's Responses seal thinking that they do not
    /// show, too; another's seal is on the text before it.
    fn seal(&mut self, seal: &Signature, out: &mut Vec<u8>) {
        if self.open != Some(Open::Thinking) {
            if !matches!(seal.dialect, Dialect::Anthropic | Dialect::Responses) {
                self.close(out);
                if let Some(seal) = AnswerItem::seal_on_text(seal) {
                    self.whole(&seal, out);
                }
                return;
            }
            self.open_thinking(out);
        }
        grow(self.at, DeltaOut::Signature { signature: &encode_seal(seal) }, out);
        self.close(out);
    }

    /// A block of which nothing more comes.
    fn whole(&mut self, block: &AnswerItem<'_>, out: &mut Vec<u8>) {
        self.open_block(block, out);
        self.stop(out);
    }

    /// A block that came whole. Clients read the input of a server tool from deltas.
    fn native(&mut self, native: &Native, out: &mut Vec<u8>) {
        self.close(out);
        let input = native.value.get("input").filter(|input| input.is_object()).map(Value::to_string);
        match input {
            Some(input) => {
                let mut block = native.value.clone();
                block["input"] = json!({});
                self.open_block(&AnswerItem::Native(&block), out);
                grow(self.at, DeltaOut::InputJson { partial_json: &input }, out);
            }
            None => self.open_block(&AnswerItem::Native(&native.value), out),
        }
        self.stop(out);
    }

    fn open_block(&self, content_block: &AnswerItem<'_>, out: &mut Vec<u8>) {
        let event = BlockStart { kind: "content_block_start", index: self.at, content_block };
        frame("content_block_start", &event, out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            self.stop(out);
        }
    }

    fn stop(&mut self, out: &mut Vec<u8>) {
        frame("content_block_stop", &BlockStop { kind: "content_block_stop", index: self.at }, out);
        self.at += 1;
    }
}

fn grow(index: u32, delta: DeltaOut<'_>, out: &mut Vec<u8>) {
    frame("content_block_delta", &BlockDelta { kind: "content_block_delta", index, delta }, out);
}

fn frame(name: &str, event: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    // Writing to memory what holds no map with odd keys cannot fail.
    let _ = serde_json::to_writer(&mut *out, event);
    out.extend_from_slice(b"\n\n");
}

#[derive(Serialize)]
struct MessageStart<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: MessageOut<'a>,
}

#[derive(Serialize)]
struct MessageOut<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: [(); 0],
    stop_reason: Option<&'static str>,
    stop_sequence: Option<&'static str>,
    usage: UsageOut<'a>,
}

#[derive(Serialize)]
struct BlockStart<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
    content_block: &'a AnswerItem<'a>,
}

#[derive(Serialize)]
struct BlockDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
    delta: DeltaOut<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum DeltaOut<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
    #[serde(rename = "citations_delta")]
    Citations { citation: CitationOut<'a> },
}

#[derive(Serialize)]
struct BlockStop {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
}

#[derive(Serialize)]
struct MessageDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    delta: EndOut<'a>,
    usage: UsageOut<'a>,
}

#[derive(Serialize)]
struct EndOut<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
}

#[derive(Serialize)]
struct MessageStop {
    #[serde(rename = "type")]
    kind: &'static str,
}
