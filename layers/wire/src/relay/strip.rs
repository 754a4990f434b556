use bytes::Bytes;

use tollway_core::{Dialect, Framing, Told};

use super::{cutter::Cutter, end, events::Cut, machine::Machine, reading::Reading};
use crate::{ApiError, StreamEnd, Truncated};

/// Takes the usage chunk that we asked for out of a stream, and reads it like a
/// [`UsageTap`](super::UsageTap).
///
/// What is no JSON tells nothing and passes as it came: whether it matters is the client's to judge.
///
/// The chunk is the one with `choices: []`, a `usage` object and nothing but scalars beside. All other
/// bytes pass as they came and in order. Only an event that has not ended is held back, and not if
/// it is larger than [`MAX_HELD`](super::MAX_HELD); and the closing bracket of an array.
///
/// Other dialects have no such chunk, and nothing is taken out of their streams.
#[derive(Debug)]
pub struct UsageStrip {
    reading: Reading,
    dialect: Dialect,
    cutter: Cutter,
    machine: Machine,
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
    /// For a stream of as many answers as the request asked for. An array is Gemini's form alone.
    pub fn new(dialect: Dialect, framing: Framing, n: Option<u64>) -> Self {
        Self {
            reading: Reading::default(),
            dialect,
            cutter: Cutter::new(framing),
            machine: Machine::new(dialect, framing, n),
            stripped: false,
            mid_event: false,
            keeps: false,
        }
    }

    /// The same for a client that asked for the chunk itself: nothing is taken out, but events are
    /// handed on whole, so that an error can follow the last one when the server breaks off.
    pub fn keeping(dialect: Dialect, framing: Framing, n: Option<u64>) -> Self {
        Self { keeps: true, ..Self::new(dialect, framing, n) }
    }

    /// Takes the stream's next bytes and gives what is to be sent on, which may be empty. A frame
    /// that holds whole events comes back as it is, not copied.
    pub fn feed(&mut self, frame: Bytes) -> Bytes {
        let mut kept = Kept { joined: Vec::new(), from: 0 };
        let Self { reading, cutter, machine, stripped, keeps, .. } = self;
        cutter.feed(&frame, |cut| {
            let strip = machine.read(&cut, reading) && !*keeps;
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
        self.mid_event = self.cutter.is_over();
        let held = self.cutter.held().len().min(frame.len());
        kept.until(frame, held)
    }

    /// Ends the stream.
    pub fn finish(&mut self) -> Ending {
        let usage_only = self.machine.last(&self.cutter, &mut self.reading) && !self.keeps;
        let whole = self.machine.is_whole(&self.cutter, &self.reading);
        let rest = if usage_only { Bytes::new() } else { Bytes::copy_from_slice(self.cutter.held()) };
        Ending { rest, end: if whole { Ok(StreamEnd) } else { Err(Truncated) } }
    }

    /// The last bytes of a stream that broke off: an error in its own dialect and framing, behind the
    /// bytes given out. What is still held is left out, so that the error stands alone. Nothing may be
    /// given out after it.
    pub fn fail(&self, error: &ApiError) -> Bytes {
        match &self.cutter {
            Cutter::Events(_) => {
                end::event(self.dialect, error, (&self.machine, &self.reading), self.mid_event)
            }
            Cutter::Elements(elements) => end::element(error, elements.any(), self.mid_event),
        }
    }

    /// What was read so far.
    pub const fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Takes out what was told of how the answer was served, at its end.
    pub const fn take_told(&mut self) -> Told {
        self.reading.take_told()
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
