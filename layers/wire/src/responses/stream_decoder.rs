//! A streamed answer from OpenAI's Responses format → [`Event`]s.

use serde::de::IgnoredAny;

use super::stream_state::StreamState;
use crate::chat::Event;
use crate::openai::error::unreadable;
use crate::sse::SseDecoder;
use crate::{DecodeContext, StreamEnd, Truncated};

/// Reads the event stream of an answer, fed in any pieces.
///
/// An answer is whole when `response.completed` or `response.incomplete` came. After it and after an
/// error everything is passed over.
#[derive(Clone, Debug)]
pub struct StreamDecoder {
    sse: SseDecoder,
    state: StreamState,
    end: Option<Result<StreamEnd, Truncated>>,
}

impl StreamDecoder {
    /// A decoder for the answer to one request.
    pub fn new(cx: DecodeContext) -> Self {
        Self { sse: SseDecoder::new(), state: StreamState::new(cx), end: None }
    }

    /// Takes in the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.state.is_over() && self.end.is_none() {
            self.sse.feed(bytes);
        }
    }

    /// The next event, or `None` until more is fed.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.state.next_event() {
                return Some(event);
            }
            if self.end.is_some() || !self.read_frame() {
                return None;
            }
        }
    }

    /// Ends the stream after its last byte. Further events may be there after it.
    pub fn finish(&mut self) -> Result<StreamEnd, Truncated> {
        if let Some(end) = self.end {
            return end;
        }
        while self.read_frame() {}
        if !self.state.is_over() {
            match self.sse.finish() {
                // A last event that was cut is no event.
                Ok(Some(event)) if serde_json::from_slice::<IgnoredAny>(event.data).is_ok() => {
                    self.state.take_frame(event.data);
                }
                Ok(_) => {}
                Err(error) => self.state.fail(unreadable(error)),
            }
        }
        let end = if self.state.is_whole() { Ok(StreamEnd) } else { Err(Truncated) };
        self.end = Some(end);
        end
    }

    /// Reads a frame, if there is a whole one and it may still matter.
    fn read_frame(&mut self) -> bool {
        if self.state.is_over() {
            return false;
        }
        match self.sse.next_event() {
            Ok(Some(event)) => self.state.take_frame(event.data),
            Ok(None) => return false,
            Err(error) => self.state.fail(unreadable(error)),
        }
        true
    }
}
