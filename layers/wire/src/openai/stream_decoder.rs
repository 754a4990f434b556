//! A streamed answer from OpenAI's format → [`Event`]s.

use serde::de::IgnoredAny;

use super::error::unreadable;
use super::stream_state::{StreamState, is_done};
use crate::chat::Event;
use crate::sse::SseDecoder;
use crate::{DecodeContext, StreamEnd, Truncated};

/// Reads the event stream of an answer, fed in any pieces.
///
/// An answer is whole when `[DONE]` came, or when every choice told why it finished: some servers
/// never send the mark. After `[DONE]` and after an error everything is passed over.
#[derive(Debug)]
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
        let end = self.read_tail();
        self.end = Some(end);
        end
    }

    /// Reads a frame, if there is a whole one and it may still matter.
    fn read_frame(&mut self) -> bool {
        if self.state.is_over() {
            return false;
        }
        match self.sse.next_event() {
            Ok(Some(event)) => self.state.take_frame(event.name, event.data),
            Ok(None) => return false,
            Err(error) => self.state.fail(unreadable(error)),
        }
        true
    }

    /// Reads what stands behind the last blank line: a frame, or one that was cut.
    fn read_tail(&mut self) -> Result<StreamEnd, Truncated> {
        if !self.state.is_over() {
            let is_cut = self.sse.is_mid_event();
            match self.sse.finish() {
                Ok(Some(event)) if is_whole(event.data) => self.state.take_frame(event.name, event.data),
                Ok(Some(_)) => return Err(Truncated),
                Ok(None) if is_cut => return Err(Truncated),
                Ok(None) => {}
                Err(error) => self.state.fail(unreadable(error)),
            }
        }
        self.state.end()
    }
}

/// Whether a frame is the end mark or whole JSON.
fn is_whole(data: &[u8]) -> bool {
    is_done(data) || serde_json::from_slice::<IgnoredAny>(data).is_ok()
}
