use super::{
    body::BodyScan,
    events::{Cut, Events},
    reading::Reading,
    tail,
};
use crate::{StreamEnd, Truncated};

/// Reads usage and wholeness of an answer from its bytes as they pass to the client.
///
/// An event stream is read event by event, of which almost all pass after a search for three words;
/// a JSON answer is never collected. Memory is bounded by [`MAX_HELD`](super::MAX_HELD).
#[derive(Debug)]
pub struct UsageTap {
    reading: Reading,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Stream(Events, Chunks),
    Body(BodyScan),
}

impl UsageTap {
    /// For an event stream of as many answers as the request asked for.
    pub fn stream(n: Option<u64>) -> Self {
        let source = Source::Stream(Events::default(), Chunks::new(n));
        Self { reading: Reading::default(), source }
    }

    /// For a JSON answer.
    pub fn body() -> Self {
        Self { reading: Reading::default(), source: Source::Body(BodyScan::default()) }
    }

    /// Reads the answer's next bytes, in pieces of any size.
    pub fn feed(&mut self, bytes: &[u8]) {
        match &mut self.source {
            Source::Stream(events, chunks) => events.feed(bytes, |cut| {
                chunks.read(&cut, &mut self.reading);
            }),
            Source::Body(body) => body.feed(bytes, &mut self.reading),
        }
    }

    /// Reads an answer that is there in one piece, and nothing was fed before. Of a JSON answer this
    /// costs a fraction of [`feed`](Self::feed), and reads usage alone.
    pub fn feed_whole(&mut self, answer: &[u8]) {
        match (&self.source, tail::usage(answer)) {
            (Source::Body(_), Some(usage)) => self.reading.count(Some(usage)),
            _ => self.feed(answer),
        }
    }

    /// Ends the answer, and tells whether it was whole.
    ///
    /// A stream is whole when `[DONE]` has come, or when every choice has told why it ends, for
    /// servers that send no `[DONE]`; never when an error has come in it. A JSON answer is whole
    /// when its object has closed, an error's too.
    pub fn finish(&mut self) -> Result<StreamEnd, Truncated> {
        let whole = match &mut self.source {
            Source::Stream(events, chunks) => {
                chunks.last(events, &mut self.reading);
                chunks.is_whole(&self.reading)
            }
            Source::Body(body) => body.is_whole(),
        };
        if whole { Ok(StreamEnd) } else { Err(Truncated) }
    }

    /// What was read so far.
    pub const fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Whether the bytes fed end between two events, so that another can be written behind them.
    pub const fn at_event_boundary(&self) -> bool {
        match &self.source {
            Source::Stream(events, _) => events.at_boundary(),
            Source::Body(_) => false,
        }
    }
}

/// Reads the events of a stream.
#[derive(Debug)]
pub(super) struct Chunks {
    /// How many choices must tell why they end.
    wanted: u32,
    large: Option<Box<BodyScan>>,
}

impl Chunks {
    pub(super) fn new(n: Option<u64>) -> Self {
        // `Reading` counts to 128, as OpenAI does.
        let wanted = n.and_then(|n| u32::try_from(n).ok()).map_or(1, |n| n.clamp(1, u128::BITS));
        Self { wanted, large: None }
    }

    /// Reads the next step of the stream; tells whether it is a chunk that carries usage alone.
    pub(super) fn read(&mut self, cut: &Cut<'_>, reading: &mut Reading) -> bool {
        match cut {
            Cut::Event { bytes, .. } => return reading.event(bytes),
            // The name of the `data:` line stands outside the value and is passed over.
            Cut::Part { bytes, .. } => self.large.get_or_insert_default().feed(bytes, reading),
            Cut::PartEnd => {
                let finished =
                    self.large.take().is_some_and(|large| large.is_whole() && large.finished() > 0);
                if finished && self.wanted == 1 {
                    reading.finished |= 1;
                }
            }
            Cut::Newline => {}
        }
        false
    }

    /// Reads an event whose blank line never came.
    pub(super) fn last(&mut self, events: &Events, reading: &mut Reading) -> bool {
        if events.is_over() {
            return self.read(&Cut::PartEnd, reading);
        }
        let held = events.held();
        !held.is_empty() && reading.event(held)
    }

    pub(super) const fn is_whole(&self, reading: &Reading) -> bool {
        !reading.error && (reading.done || reading.finished_choices() >= self.wanted)
    }
}

#[cfg(test)]
mod tests;
