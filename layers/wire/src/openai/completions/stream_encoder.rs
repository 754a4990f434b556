//! [`Event`]s → a streamed legacy completion.

use serde::Serialize;
use tollway_core::Usage;

use super::CompletionOptions;
use super::encode_response::finish_word;
use crate::chat::{Delta, Event, Finish, FinishReason, Start};
use crate::openai::error::encode_error;
use crate::openai::frame::Frame;
use crate::openai::usage::UsageOut;
use crate::{ApiError, EncodeContext};

/// Writes the event stream of a completion, one frame per step of text.
#[derive(Debug)]
pub struct StreamEncoder {
    cx: EncodeContext,
    options: CompletionOptions,
    frame: Option<Frame>,
    /// The choices that began, and whether they ended.
    choices: Vec<(u32, bool)>,
    usage: Option<Usage>,
    ended: bool,
}

impl StreamEncoder {
    /// An encoder at the start of a stream that does not repeat the prompt.
    pub fn new(cx: EncodeContext) -> Self {
        let options = CompletionOptions::default();
        Self { cx, options, frame: None, choices: Vec::new(), usage: None, ended: false }
    }

    /// The same for a request with these options, which may want the prompt first.
    #[must_use]
    pub fn with_options(self, options: &CompletionOptions) -> Self {
        Self { options: options.clone(), ..self }
    }

    /// Writes the frames of an event. Usage waits for the end, where OpenAI puts it.
    pub fn encode(&mut self, event: &Event, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match event {
            Event::Start(start) => self.frame = Some(Self::frame(start, &self.cx)),
            Event::Delta { choice, delta: Delta::Text(text) | Delta::Refusal(text) } => {
                self.text(*choice, text, out);
            }
            Event::Delta { .. } | Event::Tier(_) => {}
            Event::Finish { choice, finish } => self.end_choice(*choice, finish, out),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Error(error) => self.fail(error, out),
        }
    }

    /// Ends a whole answer: choices that were not told why they ended, the usage if the client asked
    /// for it and it is known, and `[DONE]`.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        let open = self.choices.iter().filter(|(_, ended)| !ended).map(|(index, _)| *index);
        let open = if self.choices.is_empty() { vec![0] } else { open.collect() };
        for choice in open {
            self.end_choice(choice, &FinishReason::Stop.into(), out);
        }
        self.ended = true;
        if let (true, Some(usage), Some(frame)) = (self.cx.include_usage, &self.usage, &self.frame) {
            frame.usage(&UsageOut::from(usage), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// Ends a broken answer with an error, and no `[DONE]`.
    pub fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&encode_error(error));
        out.extend_from_slice(b"\n\n");
    }

    fn frame(start: &Start, cx: &EncodeContext) -> Frame {
        Frame::new("text_completion", start, cx)
    }

    /// Writes text, and before the first of a choice the prompt where it is wanted.
    fn text(&mut self, choice: u32, text: &str, out: &mut Vec<u8>) {
        if !self.choices.iter().any(|(known, _)| *known == choice) {
            self.choices.push((choice, false));
            if let Some(prompt) = self.options.echo.clone() {
                self.write(choice, &prompt, None, out);
            }
        }
        if !text.is_empty() {
            self.write(choice, text, None, out);
        }
    }

    fn end_choice(&mut self, choice: u32, finish: &Finish, out: &mut Vec<u8>) {
        self.text(choice, "", out);
        let known = self.choices.iter_mut().find(|(known, _)| *known == choice);
        if known.is_some_and(|(_, ended)| !std::mem::replace(ended, true)) {
            self.write(choice, "", Some(finish_word(finish.reason)), out);
        }
    }

    fn write(&mut self, index: u32, text: &str, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        let cx = &self.cx;
        let frame = self.frame.get_or_insert_with(|| Self::frame(&Start::default(), cx));
        frame.choice(&ChoiceOut { text, index, logprobs: None, finish_reason }, out);
    }
}

#[derive(Serialize)]
struct ChoiceOut<'a> {
    text: &'a str,
    index: u32,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}
