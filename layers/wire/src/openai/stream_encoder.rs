//! [`Event`]s → a streamed answer in OpenAI's format.

use tollway_core::Usage;

use super::choice_writer::{Writer, Writing};
use super::error::encode_error;
use super::frame::Frame;
use super::usage::UsageOut;
use crate::chat::{Delta, Event, FinishReason, Start};
use crate::{ApiError, EncodeContext};

/// Writes the event stream of an answer, one frame per step.
///
/// Every choice begins with a chunk that names its role, as OpenAI's do. Blocks only another dialect
/// understands have no place here and are left out.
#[derive(Debug)]
pub struct StreamEncoder {
    cx: EncodeContext,
    frame: Option<Frame>,
    choices: Vec<Writing>,
    usage: Option<Usage>,
    ended: bool,
}

impl StreamEncoder {
    /// An encoder at the start of a stream.
    pub fn new(cx: EncodeContext) -> Self {
        Self { cx, frame: None, choices: Vec::new(), usage: None, ended: false }
    }

    /// Writes the frames of an event. Usage waits for the end, where OpenAI puts it.
    pub fn encode(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match event {
            Event::Start(start) => self.frame = Some(Frame::chat(start, &self.cx)),
            Event::Delta { choice, delta } => self.with(*choice, delta, out, |writer| writer.delta(delta)),
            Event::Finish { choice, finish } => {
                self.with(*choice, &Delta::Text(String::new()), out, |writer| writer.finish(finish));
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Tier(_) => {}
            Event::Error(error) => self.fail(error, out),
        }
    }

    /// Ends a whole answer: choices that were not told why they ended, the usage if the client asked
    /// for it and it is known, and `[DONE]`.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        let open: Vec<u32> =
            self.choices.iter().filter(|choice| !choice.finished).map(|choice| choice.index).collect();
        let missing = if self.choices.is_empty() { vec![0] } else { open };
        for choice in missing {
            let called = self.choices.iter().any(|known| known.index == choice && known.calls());
            let reason = if called { FinishReason::ToolCalls } else { FinishReason::Stop };
            self.encode(&Event::Finish { choice, finish: reason.into() }, out);
        }
        self.ended = true;
        if let (true, Some(usage), Some(frame)) = (self.cx.include_usage, &self.usage, &self.frame) {
            frame.usage(&UsageOut::from(usage), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// Ends a broken answer with an error. No `[DONE]` follows, so that no client takes it for a
    /// whole one.
    pub fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&encode_error(error));
        out.extend_from_slice(b"\n\n");
    }

    /// Writes to a choice, which begins with its role.
    fn with(&mut self, index: u32, first: &Delta, out: &mut Vec<u8>, write: impl FnOnce(&mut Writer<'_>)) {
        let cx = &self.cx;
        let frame = self.frame.get_or_insert_with(|| Frame::chat(&Start::default(), cx));
        let known = self.choices.iter().position(|choice| choice.index == index);
        let at = known.unwrap_or_else(|| {
            self.choices.push(Writing::new(index));
            self.choices.len() - 1
        });
        let Some(choice) = self.choices.get_mut(at) else { return };
        let mut writer = Writer { frame, choice, out, legacy: cx.legacy_functions };
        if known.is_none() {
            let content = if matches!(first, Delta::ToolCall { .. }) { "null" } else { "\"\"" };
            writer.begin(content);
        }
        write(&mut writer);
    }
}
