//! [`Event`]s → a streamed answer, as server-sent events.

use std::mem;

use serde_json::Value;
use tollway_core::{Dialect, Framing, Usage};

use super::{
    encode_calls::{any_function_call, own_signature},
    encode_response::{AnswerOut, CandidateOut, ContentOut, text_part},
    encode_turns::PartOut,
    error::encode_error,
    finish,
    framed::Framed,
    grounding, logprobs, marked,
    part::{Blob, WirePart},
    text_index::TextIndex,
    tier, time,
    usage::UsageOut,
};
use crate::{
    ApiError, EncodeContext, ErrorKind,
    chat::{Delta, Event, Finish, Signature, ToolCall},
    portable,
    sse::MAX_EVENT,
};

/// Writes `streamGenerateContent`, as server-sent events or as a growing JSON array.
///
/// Gemini cuts no arguments: a call is held until its candidate ends and is then written whole. Why
/// candidates finished is written by [`finish`](Self::finish), so that a stream that breaks never
/// looks like a whole answer.
#[derive(Debug)]
pub struct StreamEncoder {
    cx: EncodeContext,
    framed: Framed,
    id: Option<String>,
    model: Option<String>,
    created: Option<u64>,
    tier: Option<&'static str>,
    usage: Option<Usage>,
    choices: Vec<Held>,
    /// Bytes of arguments held.
    held: usize,
    ended: bool,
}

/// What is held back of a candidate.
#[derive(Debug, Default)]
struct Held {
    index: u32,
    calls: Vec<HeldCall>,
    finish: Option<Finish>,
    text: TextIndex,
}

#[derive(Debug)]
struct HeldCall {
    index: u32,
    call: ToolCall,
    signature: Option<Signature>,
}

impl StreamEncoder {
    /// An encoder for one answer.
    pub fn new(cx: EncodeContext) -> Self {
        Self {
            cx,
            framed: Framed::default(),
            id: None,
            model: None,
            created: None,
            tier: None,
            usage: None,
            choices: Vec::new(),
            held: 0,
            ended: false,
        }
    }

    /// The form of the stream, if not server-sent events (`alt=sse`). An array closes only when the
    /// answer is whole, or in an error.
    #[must_use]
    pub fn with_framing(self, framing: Framing) -> Self {
        Self { framed: Framed::new(framing), ..self }
    }

    /// Writes what an event adds, if it can be written yet.
    pub fn encode(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match event {
            Event::Start(start) => {
                self.id.clone_from(&start.id);
                self.model.clone_from(&start.model);
                self.created = start.created;
                self.tier = start.service_tier.as_deref().and_then(tier::service_tier);
            }
            Event::Delta { choice, delta } => self.delta(*choice, delta, out),
            Event::Finish { choice, finish } => {
                let at = self.choice(*choice);
                if let Some(held) = self.choices.get_mut(at) {
                    held.finish = Some(finish.clone());
                    let calls = mem::take(&mut held.calls);
                    self.calls(*choice, &calls, out);
                }
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Tier(tier) => self.tier = tier::service_tier(tier),
            Event::Error(error) => self.fail(error, out),
        }
    }

    /// Ends a whole answer: writes why each candidate finished, and the usage.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if mem::replace(&mut self.ended, true) {
            return;
        }
        let mut choices = mem::take(&mut self.choices);
        for held in &mut choices {
            let calls = mem::take(&mut held.calls);
            self.calls(held.index, &calls, out);
        }
        let candidates = choices.iter().filter_map(|held| {
            let finish = held.finish.as_ref()?;
            Some(CandidateOut {
                content: Some(silence()),
                finish_reason: Some(finish::encode(finish)),
                index: held.index,
                grounding_metadata: None,
                logprobs_result: None,
            })
        });
        self.frame(candidates.collect(), out);
        self.framed.end(out);
    }

    /// Ends a broken answer: writes an error frame, after which nothing is written.
    pub fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        if mem::replace(&mut self.ended, true) {
            return;
        }
        self.framed.open(out);
        out.extend_from_slice(&encode_error(error));
        self.framed.close(out);
        self.framed.end(out);
    }

    fn delta(&mut self, choice: u32, delta: &Delta, out: &mut Vec<u8>) {
        let at = self.choice(choice);
        let Some(held) = self.choices.get_mut(at) else { return };
        match delta {
            Delta::Text(text) | Delta::Refusal(text) => {
                held.text.push(text);
                self.part(choice, text_part(text).into(), out);
            }
            Delta::Reasoning(text) => {
                self.part(choice, WirePart { thought: true, ..text_part(text) }.into(), out);
            }
            Delta::Signature(signature) => {
                // Gemini itself seals text by an empty part after it. Others seal thinking.
                let thought = signature.dialect != Dialect::Gemini;
                let thought_signature = Some(marked::seal(signature));
                self.part(choice, WirePart { thought, thought_signature, ..text_part("") }.into(), out);
            }
            Delta::ToolCall { index, id, name, custom, signature } => {
                let call = ToolCall {
                    id: id.clone(),
                    name: name.clone(),
                    arguments: String::new(),
                    custom: *custom,
                };
                held.calls.push(HeldCall { index: *index, call, signature: signature.clone() });
            }
            Delta::ToolArguments { index, fragment } => {
                self.held = self.held.saturating_add(fragment.len());
                if self.held > MAX_EVENT {
                    return self.fail(&too_large(), out);
                }
                // The call that grows is the last one begun, but for servers that interleave them.
                if let Some(held) = held.calls.iter_mut().rev().find(|held| held.index == *index) {
                    held.call.arguments.push_str(fragment);
                }
            }
            Delta::Annotations(annotations) => {
                let grounding_metadata = grounding::encode(annotations, &[], &held.text);
                self.told(choice, grounding_metadata, None, out);
            }
            Delta::Logprobs(told) => {
                let logprobs_result = logprobs::encode(told);
                self.told(choice, None, logprobs_result, out);
            }
            Delta::Audio(audio) => {
                let text = |key| audio.get(key).and_then(Value::as_str);
                if let Some(data) = text("data") {
                    let mime_type = format!("audio/{}", text("format").unwrap_or("pcm")).into();
                    let inline_data = Some(Box::new(Blob { mime_type, data: data.into() }));
                    self.part(choice, WirePart { inline_data, ..WirePart::default() }.into(), out);
                }
            }
            Delta::Native(native) if native.dialect == Dialect::Gemini => {
                self.part(choice, PartOut::Native(&native.value), out);
            }
            Delta::RedactedReasoning(data) => {
                let thought_signature = Some(marked::redacted(Dialect::Anthropic, data));
                self.part(choice, WirePart { thought: true, thought_signature, ..text_part("") }.into(), out);
            }
            Delta::Native(native) => {
                if let Some(query) = portable::query_of(native) {
                    let grounding_metadata = grounding::encode(&[], &[query], &held.text);
                    self.told(choice, grounding_metadata, None, out);
                }
            }
        }
    }

    /// Writes a candidate's calls, now that their arguments are whole. They stand in one frame, as a
    /// client that keeps each frame as a turn must keep parallel calls together.
    fn calls(&mut self, choice: u32, calls: &[HeldCall], out: &mut Vec<u8>) {
        let own = calls.iter().map(|held| own_signature(held.signature.as_ref()));
        let seals = marked::on_calls(own, &self.cx);
        let parts = calls.iter().zip(seals).filter_map(|(held, seal)| {
            let mut part = any_function_call(&held.call)?;
            part.thought_signature = seal;
            Some(PartOut::from(part))
        });
        let parts: Vec<PartOut<'_>> = parts.collect();
        if !parts.is_empty() {
            self.parts(choice, parts, out);
        }
    }

    fn part(&mut self, index: u32, part: PartOut<'_>, out: &mut Vec<u8>) {
        self.parts(index, vec![part], out);
    }

    fn parts(&mut self, index: u32, parts: Vec<PartOut<'_>>, out: &mut Vec<u8>) {
        let content = Some(ContentOut { parts, role: "model" });
        let candidate = CandidateOut {
            content,
            finish_reason: None,
            index,
            grounding_metadata: None,
            logprobs_result: None,
        };
        self.frame(vec![candidate], out);
    }

    fn told(&mut self, index: u32, grounding: Option<Value>, logprobs: Option<Value>, out: &mut Vec<u8>) {
        if grounding.is_some() || logprobs.is_some() {
            let candidate = CandidateOut {
                content: Some(silence()),
                finish_reason: None,
                index,
                grounding_metadata: grounding,
                logprobs_result: logprobs,
            };
            self.frame(vec![candidate], out);
        }
    }

    fn frame(&mut self, candidates: Vec<CandidateOut<'_>>, out: &mut Vec<u8>) {
        let answer = AnswerOut {
            candidates,
            prompt_feedback: None,
            usage_metadata: UsageOut::new(self.usage.as_ref(), self.tier),
            model_version: self.model.as_deref().unwrap_or(&self.cx.model),
            response_id: self.id.as_deref().unwrap_or(&self.cx.id),
            create_time: self.created.map(time::format),
        };
        self.framed.open(out);
        // Writing to memory what has no maps with odd keys cannot fail.
        let _ = serde_json::to_writer(&mut *out, &answer);
        self.framed.close(out);
    }

    /// Where a candidate's state stands.
    fn choice(&mut self, index: u32) -> usize {
        self.choices.iter().position(|held| held.index == index).unwrap_or_else(|| {
            self.choices.push(Held { index, ..Held::default() });
            self.choices.len() - 1
        })
    }
}

fn too_large() -> ApiError {
    ApiError {
        status: 502,
        kind: ErrorKind::Internal,
        message: "the arguments of the answer's tool calls are too large".to_owned(),
        code: None,
        param: None,
        retry_after: None,
    }
}

/// Content that says nothing: what tells only of the end has a part, too, and clients look for it.
fn silence() -> ContentOut<'static> {
    ContentOut { parts: vec![text_part("").into()], role: "model" }
}
