use bytes::Bytes;

use super::{
    events::{Cut, Events},
    reading::Reading,
    tap::Chunks,
};
use crate::{StreamEnd, Truncated};

/// Takes the usage chunk that we asked for out of a stream, and reads it like a
/// [`UsageTap`](super::UsageTap).
///
/// What is no JSON tells nothing and passes as it came: whether it matters is the client's to judge.
///
/// The chunk is the one with `choices: []`, a `usage` object and nothing but scalars beside. All other
/// bytes pass as they came and in order. Only an event that has not ended is held back, and not if
/// it is larger than [`MAX_HELD`](super::MAX_HELD).
#[derive(Debug)]
pub struct UsageStrip {
    reading: Reading,
    events: Events,
    chunks: Chunks,
    /// Whether the last event was taken out, and a `\n` that belongs to it must go, too.
    stripped: bool,
    /// Whether what was given out ends within an event.
    mid_event: bool,
    /// Whether nothing is taken out.
    keeps: bool,
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The bytes still held, to be sent on: a last event whose blank line never came. A stream that
    /// is truncated may leave them out to have its error stand alone.
    pub rest: Bytes,
    /// Whether the answer was whole, as [`UsageTap::finish`](super::UsageTap::finish) tells.
    pub end: Result<StreamEnd, Truncated>,
}

impl UsageStrip {
    /// For a stream of as many answers as the request asked for.
    pub fn new(n: Option<u64>) -> Self {
        Self {
            reading: Reading::default(),
            events: Events::default(),
            chunks: Chunks::new(n),
            stripped: false,
            mid_event: false,
            keeps: false,
        }
    }

    /// The same for a client that asked for the chunk itself: nothing is taken out, but events are
    /// handed on whole, so that an error can follow the last one when the server breaks off.
    pub fn keeping(n: Option<u64>) -> Self {
        Self { keeps: true, ..Self::new(n) }
    }

    /// Takes the stream's next bytes and gives what is to be sent on, which may be empty. A frame
    /// that holds whole events comes back as it is, not copied.
    pub fn feed(&mut self, frame: Bytes) -> Bytes {
        let mut kept = Kept { joined: Vec::new(), from: 0 };
        let Self { reading, events, chunks, stripped, keeps, .. } = self;
        events.feed(&frame, |cut| {
            let strip = chunks.read(&cut, reading) && !*keeps;
            match cut {
                Cut::Event { bytes, held, end } => {
                    *stripped = strip;
                    if strip {
                        kept.leave_out(&frame, end - (bytes.len() - held), end);
                    } else {
                        kept.joined.extend_from_slice(bytes.get(..held).unwrap_or_default());
                    }
                }
                // No event has ended in this frame, or nothing was held.
                Cut::Part { bytes, held: true } => kept.joined.extend_from_slice(bytes),
                Cut::Part { .. } => {}
                Cut::PartEnd => *stripped = false,
                Cut::Newline => {
                    if *stripped {
                        kept.leave_out(&frame, 0, 1);
                    }
                }
            }
        });
        self.mid_event = self.events.is_over();
        let held = self.events.held().len().min(frame.len());
        kept.until(frame, held)
    }

    /// Ends the stream.
    pub fn finish(&mut self) -> Ending {
        let usage_only = self.chunks.last(&self.events, &mut self.reading) && !self.keeps;
        let whole = self.chunks.is_whole(&self.reading);
        let rest = if usage_only { Bytes::new() } else { Bytes::copy_from_slice(self.events.held()) };
        Ending { rest, end: if whole { Ok(StreamEnd) } else { Err(Truncated) } }
    }

    /// What was read so far.
    pub const fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Whether the bytes given out end between two events, so that another can be written behind
    /// them. [`Ending::rest`], sent on, ends within one.
    pub const fn at_event_boundary(&self) -> bool {
        !self.mid_event
    }
}

/// The bytes of a frame that pass, with those held from earlier ones before them.
struct Kept {
    /// What had to be copied: held bytes, and what stands before a gap.
    joined: Vec<u8>,
    /// From where on the frame passes as it is.
    from: usize,
}

impl Kept {
    fn leave_out(&mut self, frame: &[u8], start: usize, end: usize) {
        self.joined.extend_from_slice(frame.get(self.from..start).unwrap_or_default());
        self.from = end;
    }

    /// What passes of all but the frame's last bytes, which are `held`.
    fn until(mut self, mut frame: Bytes, held: usize) -> Bytes {
        let end = frame.len() - held;
        if self.joined.is_empty() {
            frame.truncate(end);
            bytes::Buf::advance(&mut frame, self.from.min(end));
            return frame;
        }
        self.joined.extend_from_slice(frame.get(self.from..end).unwrap_or_default());
        self.joined.into()
    }
}

#[cfg(test)]
mod tests;
