use std::{borrow::Cow, collections::VecDeque};

use serde_json::{Value, value::RawValue};

use super::{
    block::{Block, Tag, citations, decode_seal, native, parse},
    citation::to_annotation,
    decode_response::{answered, call_id, explanation, implied_reason},
    format::ANSWER_TOOL,
    stop::decode_stop,
    stream_decode::WireDelta,
    text::Str,
};
use crate::{
    DecodeContext,
    chat::{Content, Delta, Event, Finish, Native},
    sse::MAX_EVENT,
};

/// How many blocks may be open at once. Anthropic opens one at a time.
const MAX_OPEN: usize = 64;

/// The content blocks of a streamed answer: what is open, and what was counted.
#[derive(Debug)]
pub(super) struct Blocks {
    cx: DecodeContext,
    open: Vec<(u64, Open)>,
    /// Bytes held for open blocks.
    held: usize,
    /// Tool calls begun: the index of the next one, whatever the index of its block.
    calls: u32,
    answered: bool,
    /// Characters of text so far, for the places of citations.
    characters: usize,
}

/// A block that is growing.
#[derive(Debug)]
enum Open {
    Text {
        start: usize,
        citations: Vec<Value>,
    },
    Thinking {
        seal: String,
    },
    Call {
        index: u32,
        input: Option<String>,
        grew: bool,
    },
    /// A call of the answer tool: its input is the text of the answer.
    Answer {
        input: Option<String>,
        grew: bool,
    },
    /// A block kept whole until it ends.
    Native {
        block: Native,
        input: String,
    },
    /// A block that came whole.
    Whole,
}

impl Blocks {
    pub(super) const fn new(cx: DecodeContext) -> Self {
        Self { cx, open: Vec::new(), held: 0, calls: 0, answered: false, characters: 0 }
    }

    /// `content_block_start`. Text and input may already stand in it.
    pub(super) fn open(
        &mut self,
        at: Option<u64>,
        raw: &RawValue,
        queue: &mut VecDeque<Event>,
    ) -> Result<(), String> {
        let at = at.unwrap_or_default();
        self.close(Some(at), queue);
        if self.open.len() >= MAX_OPEN {
            return Err("too many content blocks are open".to_owned());
        }
        let Tag { kind } = parse(raw)?;
        let open = match &*kind.0 {
            "text" => {
                let block: Block<'_> = parse(raw)?;
                let start = self.characters;
                self.text(Str::or_empty(block.text), queue);
                Open::Text { start, citations: citations(block.citations)? }
            }
            "thinking" => {
                let block: Block<'_> = parse(raw)?;
                push_text(Str::or_empty(block.thinking), Delta::Reasoning, queue);
                Open::Thinking { seal: Str::or_empty(block.signature) }
            }
            "redacted_thinking" => {
                let block: Block<'_> = parse(raw)?;
                push(Delta::RedactedReasoning(Str::or_empty(block.data)), queue);
                Open::Whole
            }
            "tool_use" => {
                let block: Block<'_> = parse(raw)?;
                self.call(block, queue)
            }
            _ => match native(raw)? {
                Content::Native(block) => {
                    self.hold(raw.get().len())?;
                    Open::Native { block, input: String::new() }
                }
                _ => Open::Whole,
            },
        };
        self.open.push((at, open));
        Ok(())
    }

    /// `content_block_delta`. A delta of a type we do not know is passed over.
    pub(super) fn grow(
        &mut self,
        at: Option<u64>,
        delta: WireDelta<'_>,
        queue: &mut VecDeque<Event>,
    ) -> Result<(), String> {
        let at = at.unwrap_or_default();
        let kind = delta.kind.map_or(Cow::Borrowed(""), |kind| kind.0);
        match &*kind {
            "text_delta" => self.text(Str::or_empty(delta.text), queue),
            "thinking_delta" => push_text(Str::or_empty(delta.thinking), Delta::Reasoning, queue),
            "input_json_delta" => {
                let fragment = Str::or_empty(delta.partial_json);
                self.grow_input(at, fragment, queue)?;
            }
            "signature_delta" => {
                let more = delta.signature.unwrap_or_default();
                self.hold(more.0.len())?;
                if let Some(Open::Thinking { seal }) = self.find(at) {
                    seal.push_str(&more.0);
                }
            }
            "citations_delta" => {
                if let Some(raw) = delta.citation {
                    self.hold(raw.get().len())?;
                    let citation = parse(raw)?;
                    if let Some(Open::Text { citations, .. }) = self.find(at) {
                        citations.push(citation);
                    }
                }
            }
            "compaction_delta" => {
                if let Some(raw) = delta.content {
                    self.hold(raw.get().len())?;
                    let content = parse(raw)?;
                    if let Some(Open::Native { block, .. }) = self.find(at) {
                        append(block, content);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// `content_block_stop`, or what stands for it where a server leaves it out.
    pub(super) fn close(&mut self, at: Option<u64>, queue: &mut VecDeque<Event>) {
        let at = at.unwrap_or_default();
        if let Some(place) = self.open.iter().position(|(open, _)| *open == at) {
            let (_, open) = self.open.remove(place);
            self.closed(open, queue);
        }
    }

    /// The end of the message: closes what is open and tells why the answer ended.
    pub(super) fn finish(&mut self, delta: Option<WireDelta<'_>>, queue: &mut VecDeque<Event>) {
        for (_, open) in std::mem::take(&mut self.open) {
            self.closed(open, queue);
        }
        let delta = delta.unwrap_or_default();
        let details: Option<Value> = delta.stop_details.and_then(|raw| parse(raw).ok());
        if let Some(words) = details.as_ref().and_then(explanation) {
            push(Delta::Refusal(words.to_owned()), queue);
        }
        let mut finish = match delta.stop_reason {
            Some(reason) => decode_stop(&reason.0, delta.stop_sequence.map(|stop| stop.0.into_owned())),
            None => Finish::from(implied_reason(self.calls)),
        };
        if self.answered {
            answered(&mut finish, self.calls);
        }
        queue.push_back(Event::Finish { choice: 0, finish });
    }

    fn text(&mut self, text: String, queue: &mut VecDeque<Event>) {
        self.characters += text.chars().count();
        push_text(text, Delta::Text, queue);
    }

    fn call(&mut self, block: Block<'_>, queue: &mut VecDeque<Event>) -> Open {
        let name = Str::or_empty(block.name);
        // It is `{}` at Anthropic, and the pieces follow; some servers put the whole input here.
        let input = block.input.map(RawValue::get).filter(|input| !is_empty_object(input)).map(str::to_owned);
        if name == ANSWER_TOOL {
            self.answered = true;
            return Open::Answer { input, grew: false };
        }
        let index = self.calls;
        self.calls += 1;
        let mut id = Str::or_empty(block.id);
        if id.is_empty() {
            id = call_id(&self.cx, index);
        }
        let name = self.cx.tool_name(&name).to_owned();
        push(Delta::ToolCall { index, id, name, custom: false, signature: None }, queue);
        Open::Call { index, input, grew: false }
    }

    fn grow_input(&mut self, at: u64, fragment: String, queue: &mut VecDeque<Event>) -> Result<(), String> {
        if fragment.is_empty() {
            return Ok(());
        }
        match self.find(at) {
            Some(Open::Call { index, grew, .. }) => {
                *grew = true;
                push(Delta::ToolArguments { index: *index, fragment }, queue);
            }
            Some(Open::Answer { grew, .. }) => {
                *grew = true;
                self.text(fragment, queue);
            }
            Some(Open::Native { input, .. }) => {
                input.push_str(&fragment);
                self.hold(fragment.len())?;
            }
            _ => return Err(format!("input came for a block that takes none: {at}")),
        }
        Ok(())
    }

    fn closed(&mut self, open: Open, queue: &mut VecDeque<Event>) {
        match open {
            Open::Text { start, citations } => {
                if !citations.is_empty() {
                    let end = self.characters;
                    let annotations = citations.into_iter().map(|one| to_annotation(one, start, end));
                    push(Delta::Annotations(annotations.collect()), queue);
                }
            }
            Open::Thinking { seal } => {
                if let Some(seal) = decode_seal(&seal) {
                    push(Delta::Signature(seal), queue);
                }
            }
            Open::Call { index, input, grew: false } => {
                let fragment = input.unwrap_or_else(|| "{}".to_owned());
                push(Delta::ToolArguments { index, fragment }, queue);
            }
            Open::Answer { input, grew: false } => {
                self.text(input.unwrap_or_else(|| "{}".to_owned()), queue);
            }
            Open::Native { mut block, input } => {
                if !input.is_empty()
                    && let Some(fields) = block.value.as_object_mut()
                {
                    let input = serde_json::from_str(&input).unwrap_or(Value::String(input));
                    fields.insert("input".to_owned(), input);
                }
                push(Delta::Native(block), queue);
            }
            Open::Call { .. } | Open::Answer { .. } | Open::Whole => {}
        }
        if self.open.is_empty() {
            self.held = 0;
        }
    }

    fn find(&mut self, at: u64) -> Option<&mut Open> {
        self.open.iter_mut().find(|(open, _)| *open == at).map(|(_, open)| open)
    }

    fn hold(&mut self, bytes: usize) -> Result<(), String> {
        self.held = self.held.saturating_add(bytes);
        if self.held > MAX_EVENT {
            return Err(format!("a content block is larger than {MAX_EVENT} bytes"));
        }
        Ok(())
    }
}

fn push(delta: Delta, queue: &mut VecDeque<Event>) {
    queue.push_back(Event::Delta { choice: 0, delta });
}

fn push_text(text: String, delta: impl FnOnce(String) -> Delta, queue: &mut VecDeque<Event>) {
    if !text.is_empty() {
        push(delta(text), queue);
    }
}

fn is_empty_object(json: &str) -> bool {
    json.trim()
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|inner| inner.trim().is_empty())
}

/// Adds to the `content` of a compaction block, which is text.
fn append(block: &mut Native, content: Value) {
    let Some(fields) = block.value.as_object_mut() else { return };
    match (fields.get_mut("content"), content) {
        (Some(Value::String(text)), Value::String(more)) => text.push_str(&more),
        (_, content) => {
            fields.insert("content".to_owned(), content);
        }
    }
}
