//! A streamed answer → [`Event`]s.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tollway_core::{Dialect, Usage};

use super::{
    answer::{Answer, Candidate, PromptFeedback},
    decode_response::{blocked_content, decode_part, parse, unreadable},
    error, finish,
    frames::Frames,
    grounding::{self, Citations},
    logprobs,
    text_index::TextIndex,
    tier, time,
    usage::Tally,
    words::Words,
};
use crate::{
    ApiError, DecodeContext, StreamEnd, Truncated,
    call_ids::CallIds,
    chat::{Content, Delta, Event, Finish, FinishReason, Image, Native, Part, Source, Start},
};

/// The most candidates of one answer. Gemini gives eight.
const MOST_CHOICES: usize = 128;

/// Reads `streamGenerateContent`, as server-sent events or as a growing JSON array.
///
/// Gemini marks no end: the answer is whole when every candidate told why it finished, or the prompt
/// was held back. [`Event::Finish`] therefore comes only with [`finish`](Self::finish), when no later
/// frame can add a call to a candidate that already said `STOP`.
#[derive(Debug)]
pub struct StreamDecoder {
    frames: Frames,
    state: State,
    end: Option<Result<StreamEnd, Truncated>>,
}

impl StreamDecoder {
    /// A decoder for the answer to one request.
    pub fn new(cx: DecodeContext) -> Self {
        let state = State {
            ids: CallIds::new(&cx.seed),
            cx,
            events: VecDeque::new(),
            started: false,
            failed: false,
            tally: Tally::default(),
            usage: None,
            choices: Vec::new(),
            blocked: None,
        };
        Self { frames: Frames::Unknown, state, end: None }
    }

    /// Takes in the next bytes of the body.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.state.failed && self.end.is_none() {
            self.frames.feed(bytes);
        }
    }

    /// The next event, or `None` until more is fed.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.state.events.pop_front() {
                return Some(event);
            }
            if self.state.failed || self.end.is_some() {
                return None;
            }
            match self.frames.next_frame() {
                Ok(None) => return None,
                Ok(Some(frame)) => self.state.take_frame(frame),
                Err(_) => self.state.fail(unreadable(&"a frame of the stream is too large")),
            }
        }
    }

    /// Ends the stream. Further events may be there after it.
    pub fn finish(&mut self) -> Result<StreamEnd, Truncated> {
        if let Some(end) = self.end {
            return end;
        }
        let end = self.read_to_end();
        self.end = Some(end);
        end
    }

    fn read_to_end(&mut self) -> Result<StreamEnd, Truncated> {
        while !self.state.failed {
            match self.frames.next_frame() {
                Ok(Some(frame)) => self.state.take_frame(frame),
                Ok(None) => break,
                Err(_) => self.state.fail(unreadable(&"a frame of the stream is too large")),
            }
        }
        if self.state.failed || self.frames.is_cut() {
            return Err(Truncated);
        }
        match self.frames.finish() {
            // What cannot be read at the very end was cut off.
            Ok(Some(tail)) if !is_whole(tail) => return Err(Truncated),
            Ok(Some(tail)) => self.state.take_frame(tail),
            Ok(None) => {}
            Err(_) => return Err(Truncated),
        }
        self.state.end()
    }
}

/// Whether a frame is whole JSON, or no JSON at all.
fn is_whole(frame: &[u8]) -> bool {
    is_silent(frame) || serde_json::from_slice::<serde::de::IgnoredAny>(frame).is_ok()
}

/// Frames without an answer. Gemini ends with no mark, but servers in its place do.
fn is_silent(frame: &[u8]) -> bool {
    matches!(frame.trim_ascii(), b"" | b"[DONE]")
}

/// What is known of the answer so far.
#[derive(Debug)]
struct State {
    cx: DecodeContext,
    events: VecDeque<Event>,
    started: bool,
    failed: bool,
    ids: CallIds,
    tally: Tally,
    usage: Option<Usage>,
    choices: Vec<Growing>,
    blocked: Option<Finish>,
}

/// A candidate that grows.
#[derive(Debug, Default)]
struct Growing {
    index: u32,
    finish: Option<Finish>,
    calls: u32,
    searches: u64,
    text: TextIndex,
    citations: Citations,
}

impl State {
    fn take_frame(&mut self, frame: &[u8]) {
        if is_silent(frame) {
            return;
        }
        if frame.trim_ascii_start().starts_with(b"[") {
            match parse::<Vec<Answer<'_>>>(frame) {
                Ok(answers) => answers.into_iter().for_each(|answer| self.take(answer)),
                Err(error) => self.fail(unreadable(&error)),
            }
            return;
        }
        match parse(frame) {
            Ok(answer) => self.take(answer),
            Err(error) => self.fail(unreadable(&error)),
        }
    }

    fn take(&mut self, answer: Answer<'_>) {
        if self.failed {
            return;
        }
        if let Some(error) = answer.error {
            return self.fail(error::decode_status(error.get().as_bytes()));
        }
        if !self.started {
            self.started = true;
            self.events.push_back(Event::Start(start(&answer)));
        }
        for (place, candidate) in answer.candidates.into_iter().flatten().enumerate() {
            self.take_candidate(candidate, u32::try_from(place).unwrap_or(u32::MAX));
        }
        if let Some(feedback) = &answer.prompt_feedback {
            self.take_feedback(feedback);
        }
        if let Some(counters) = &answer.usage_metadata {
            self.tally.update(counters);
        }
        self.tally.web_searches = self.choices.iter().map(|choice| choice.searches).sum();
        let usage = self.tally.usage();
        if usage != self.usage {
            self.usage = usage;
            self.events.extend(usage.map(Event::Usage));
        }
    }

    fn take_candidate(&mut self, mut candidate: Candidate<'_>, place: u32) {
        let index = candidate.index.unwrap_or(place);
        let at = match self.choices.iter().position(|choice| choice.index == index) {
            Some(at) => at,
            None if self.choices.len() >= MOST_CHOICES => {
                return self.fail(unreadable(&"more candidates than can be told apart"));
            }
            None => {
                self.choices.push(Growing { index, ..Growing::default() });
                self.choices.len() - 1
            }
        };
        let Some(choice) = self.choices.get_mut(at) else { return };
        let events = &mut self.events;
        let mut grow = |delta| events.push_back(Event::Delta { choice: index, delta });
        for part in candidate.content.take().and_then(|turn| turn.parts).into_iter().flatten() {
            if let Some(part) = decode_part(part, &mut self.ids, &self.cx) {
                choice.take_part(part, &mut grow);
            }
        }
        if let Some(result) = &candidate.logprobs_result {
            grow(Delta::Logprobs(logprobs::decode(result)));
        }
        let cited = choice.citations.read(&candidate, &choice.text);
        if !cited.is_empty() {
            grow(Delta::Annotations(cited));
        }
        choice.searches = choice.searches.max(grounding::web_searches(&candidate));
        if let Some(reason) = candidate.finish_reason.as_ref().filter(|reason| finish::is_final(reason)) {
            choice.finish = Some(finish::decode(reason, false));
        }
    }

    fn take_feedback(&mut self, feedback: &PromptFeedback<'_>) {
        let Some(finish) = feedback.block_reason.as_ref().and_then(finish::decode_block) else { return };
        if self.blocked.replace(finish).is_none() {
            for part in blocked_content(Some(feedback)) {
                if let Content::Refusal(words) = part.content {
                    let delta = Delta::Refusal(words);
                    self.events.push_back(Event::Delta { choice: 0, delta });
                }
            }
        }
    }

    fn fail(&mut self, error: ApiError) {
        self.failed = true;
        self.events.push_back(Event::Error(error));
    }

    /// Tells how each candidate finished, if all did.
    fn end(&mut self) -> Result<StreamEnd, Truncated> {
        if self.failed {
            return Err(Truncated);
        }
        if self.choices.is_empty() {
            let finish = self.blocked.take().ok_or(Truncated)?;
            self.events.push_back(Event::Finish { choice: 0, finish });
            return Ok(StreamEnd);
        }
        if self.choices.iter().any(|choice| choice.finish.is_none()) {
            return Err(Truncated);
        }
        self.choices.sort_by_key(|choice| choice.index);
        for choice in &mut self.choices {
            let Some(mut finish) = choice.finish.take() else { continue };
            if choice.calls > 0 && finish.reason == FinishReason::Stop {
                finish.reason = FinishReason::ToolCalls;
            }
            self.events.push_back(Event::Finish { choice: choice.index, finish });
        }
        Ok(StreamEnd)
    }
}

impl Growing {
    /// Tells a part, and its seal after it. A call comes whole: Gemini does not cut arguments.
    fn take_part(&mut self, part: Part, grow: &mut impl FnMut(Delta)) {
        match part.content {
            Content::Text(text) if !text.text.is_empty() => {
                self.text.push(&text.text);
                grow(Delta::Text(text.text));
            }
            Content::Reasoning(thought) if !thought.text.is_empty() => grow(Delta::Reasoning(thought.text)),
            Content::ToolCall(call) => {
                let index = self.calls;
                self.calls = self.calls.saturating_add(1);
                let (id, name, custom, signature) = (call.id, call.name, call.custom, part.signature);
                grow(Delta::ToolCall { index, id, name, custom, signature });
                return grow(Delta::ToolArguments { index, fragment: call.arguments });
            }
            Content::Audio(audio) => {
                grow(Delta::Audio(json!({ "data": audio.data, "format": audio.format })));
            }
            Content::Image(Image { source, .. }) => grow(native_media(source)),
            Content::Document(document) => grow(native_media(document.source)),
            Content::Native(native) => grow(Delta::Native(native)),
            _ => {}
        }
        if let Some(signature) = part.signature {
            grow(Delta::Signature(signature));
        }
    }
}

/// A picture or file in an answer, for which a stream has no canonical step.
fn native_media(source: Source) -> Delta {
    let value: Value = match source {
        Source::Base64 { media_type, data } => {
            json!({ "inlineData": { "mimeType": media_type, "data": data } })
        }
        Source::Url { url, media_type: Some(kind) } => {
            json!({ "fileData": { "mimeType": kind, "fileUri": url } })
        }
        Source::Url { url, media_type: None } | Source::File { id: url } => {
            json!({ "fileData": { "fileUri": url } })
        }
        Source::Text(text) => json!({ "text": text }),
    };
    Delta::Native(Native { dialect: Dialect::Gemini, value })
}

fn start(answer: &Answer<'_>) -> Start {
    let owned = |words: &Option<Words<'_>>| words.as_ref().map(|words| words.to_string());
    Start {
        id: owned(&answer.response_id),
        model: owned(&answer.model_version),
        created: answer.create_time.as_deref().and_then(time::parse),
        service_tier: answer.usage_metadata.as_deref().and_then(tier::tier).map(str::to_owned),
        ..Start::default()
    }
}
