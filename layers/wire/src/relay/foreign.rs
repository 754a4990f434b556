//! Reads the answers of the dialects that are not Chat Completions: each event of a stream or a whole
//! answer is one JSON object, of which a few members matter.

mod anthropic;
mod gemini;
mod responses;

use tollway_core::{Dialect, Framing};

use self::{anthropic::Anthropic, gemini::Gemini, responses::Responses};
use super::{
    events::{self, Cut, MAX_HELD},
    paths::{Found, Member, Paths},
    reading::Reading,
};

/// What an answer of a dialect says, by the members that matter.
pub(super) trait Format: Default {
    type Tag: Copy + 'static;
    /// The members of an event.
    const EVENT: &'static [Member<Self::Tag>];
    /// The members of a whole answer.
    const BODY: &'static [Member<Self::Tag>];

    /// Whether an event tells nothing new. Asked of each that is not very large.
    fn passes(&mut self, data: &[u8], reading: &Reading) -> bool;

    /// Takes in what was found.
    fn found(&mut self, found: Found<'_, Self::Tag>, reading: &mut Reading);

    /// An event or answer has ended; one that was cut off only has what was found in it.
    fn end(&mut self, whole: bool, reading: &mut Reading);

    /// Whether a stream may end here.
    fn is_whole(&self, reading: &Reading) -> bool;
}

/// Reads one answer.
#[derive(Debug)]
pub(super) enum Foreign {
    Anthropic(Reader<Anthropic>),
    Responses(Reader<Responses>),
    Gemini(Reader<Gemini>),
}

/// Calls the same method of whichever reader it is.
macro_rules! each {
    ($foreign:expr, $reader:ident => $call:expr) => {
        match $foreign {
            Foreign::Anthropic($reader) => $call,
            Foreign::Responses($reader) => $call,
            Foreign::Gemini($reader) => $call,
        }
    };
}

impl Foreign {
    /// For a stream of a dialect that is not Chat Completions.
    pub(super) fn stream(dialect: Dialect, framing: Framing) -> Option<Self> {
        Some(match dialect {
            Dialect::Anthropic => Self::Anthropic(Reader::new(Anthropic::EVENT, framing)),
            Dialect::Responses => Self::Responses(Reader::new(Responses::EVENT, framing)),
            Dialect::Gemini => Self::Gemini(Reader::new(Gemini::EVENT, framing)),
            _ => return None,
        })
    }

    /// For a whole answer of a dialect that is not Chat Completions.
    pub(super) fn body(dialect: Dialect) -> Option<Self> {
        let framing = Framing::Events;
        Some(match dialect {
            Dialect::Anthropic => Self::Anthropic(Reader::new(Anthropic::BODY, framing)),
            Dialect::Responses => Self::Responses(Reader::new(Responses::BODY, framing)),
            Dialect::Gemini => Self::Gemini(Reader::new(Gemini::BODY, framing)),
            _ => return None,
        })
    }

    /// Reads the next step of a stream.
    // Apart, so that the code of the other dialects does not slow Chat Completions.
    #[inline(never)]
    pub(super) fn read(&mut self, cut: &Cut<'_>, reading: &mut Reading) {
        each!(self, reader => reader.read(cut, reading));
    }

    /// Reads an event whose end never came.
    pub(super) fn last(&mut self, held: &[u8], is_over: bool, reading: &mut Reading) {
        if is_over {
            self.read(&Cut::PartEnd, reading);
        } else if !held.is_empty() {
            self.read(&Cut::Event { bytes: held, held: 0, end: held.len() }, reading);
        }
    }

    /// Whether a stream may end here.
    pub(super) fn is_whole(&self, reading: &Reading) -> bool {
        !reading.error && each!(self, reader => reader.format.is_whole(reading))
    }

    /// Reads the next bytes of a whole answer.
    pub(super) fn feed_body(&mut self, bytes: &[u8], reading: &mut Reading) {
        each!(self, reader => reader.part(bytes, reading));
    }

    /// Whether a whole answer has ended.
    pub(super) fn end_body(&mut self, reading: &mut Reading) -> bool {
        each!(self, reader => reader.end(reading))
    }

    /// The number of the next event, in a dialect that counts them.
    pub(super) const fn next_sequence(&self) -> u64 {
        match self {
            Self::Responses(reader) => reader.format.next_sequence(),
            _ => 0,
        }
    }

    /// When the answer was begun, in a dialect that repeats it at the end: seconds since the epoch.
    pub(super) const fn created(&self) -> u64 {
        match self {
            Self::Responses(reader) => reader.format.created(),
            _ => 0,
        }
    }
}

/// Finds what matters in one answer of a format.
#[derive(Debug)]
pub(super) struct Reader<F: Format> {
    paths: Paths<F::Tag>,
    format: F,
    framing: Framing,
}

impl<F: Format> Reader<F> {
    fn new(members: &'static [Member<F::Tag>], framing: Framing) -> Self {
        Self { paths: Paths::new(members), format: F::default(), framing }
    }

    fn read(&mut self, cut: &Cut<'_>, reading: &mut Reading) {
        match cut {
            // As if it had come in pieces.
            Cut::Event { bytes, .. } if bytes.len() > MAX_HELD => {
                self.part(bytes, reading);
                self.next(reading);
            }
            Cut::Event { bytes, .. } => self.event(bytes, reading),
            Cut::Part { bytes, .. } => self.part(bytes, reading),
            Cut::PartEnd => self.next(reading),
            Cut::Newline => {}
        }
    }

    fn event(&mut self, event: &[u8], reading: &mut Reading) {
        if self.framing == Framing::Array {
            return self.object(event, reading);
        }
        let mut scratch = std::mem::take(&mut reading.scratch);
        let said = events::read(event, &mut scratch);
        reading.error |= said.is_error;
        if let Some(data) = said.data {
            self.object(data, reading);
        }
        reading.scratch = scratch;
    }

    fn object(&mut self, data: &[u8], reading: &mut Reading) {
        if !self.format.passes(data, reading) {
            self.part(data, reading);
            self.next(reading);
        }
    }

    /// Reads a piece of an object, or what stands before it.
    fn part(&mut self, bytes: &[u8], reading: &mut Reading) {
        let Self { paths, format, .. } = self;
        paths.feed(bytes, |found| format.found(found, reading));
    }

    /// Ends an object, and is ready for the next.
    fn next(&mut self, reading: &mut Reading) {
        self.end(reading);
        self.paths.reset();
    }

    fn end(&mut self, reading: &mut Reading) -> bool {
        let whole = self.paths.is_whole();
        self.format.end(whole, reading);
        whole
    }
}

#[cfg(test)]
mod tests;
