use tollway_core::{Dialect, Framing, Told};

use super::{body::BodyScan, cutter::Cutter, foreign::Foreign, machine::Machine, reading::Reading, tail};
use crate::{StreamEnd, Truncated};

/// Reads usage and wholeness of an answer from its bytes as they pass to the client.
///
/// An event stream is read event by event. Almost all of them pass after a search for a few words, but
/// for Gemini's, of which each tells what the answer has cost so far. A JSON answer is never collected.
/// Memory is bounded by [`MAX_HELD`](super::MAX_HELD).
///
/// Counts of tokens (`{"input_tokens":…}`, `{"totalTokens":…}`) are whole answers without usage: nothing
/// was spent. So are Gemini's vectors from models that tell none.
#[derive(Debug)]
pub struct UsageTap {
    reading: Reading,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Stream(Cutter, Machine),
    Body(BodyScan),
    ForeignBody(Box<Foreign>),
}

impl UsageTap {
    /// For a stream of as many answers as the request asked for. An array is Gemini's form alone.
    pub fn stream(dialect: Dialect, framing: Framing, n: Option<u64>) -> Self {
        let source = Source::Stream(Cutter::new(framing), Machine::new(dialect, framing, n));
        Self { reading: Reading::default(), source }
    }

    /// For a JSON answer.
    pub fn body(dialect: Dialect) -> Self {
        let source = match Foreign::body(dialect) {
            Some(foreign) => Source::ForeignBody(Box::new(foreign)),
            None => Source::Body(BodyScan::default()),
        };
        Self { reading: Reading::default(), source }
    }

    /// Reads the answer's next bytes, in pieces of any size.
    pub fn feed(&mut self, bytes: &[u8]) {
        match &mut self.source {
            Source::Stream(cutter, machine) => cutter.feed(bytes, |cut| {
                machine.read(&cut, &mut self.reading);
            }),
            Source::Body(body) => body.feed(bytes, &mut self.reading),
            Source::ForeignBody(foreign) => foreign.feed_body(bytes, &mut self.reading),
        }
    }

    /// Reads an answer that is there in one piece, and nothing was fed before. Of a JSON answer of Chat
    /// Completions this costs a fraction of [`feed`](Self::feed), and reads usage and what was told of how it was served.
    pub fn feed_whole(&mut self, answer: &[u8]) {
        if let Source::Body(_) = self.source
            && let usage @ Some(_) = tail::usage(answer)
        {
            tail::told(answer, &mut self.reading);
            return self.reading.count(usage);
        }
        self.feed(answer);
        if let Source::ForeignBody(..) = self.source {
            self.end_body();
        }
    }

    /// Ends the answer, and tells whether it was whole.
    ///
    /// A stream is whole when its dialect's mark of the end has come (`[DONE]`, `message_stop`,
    /// `response.completed`, `response.incomplete`), or where there is none, when every choice has told
    /// why it ends: for servers that send no `[DONE]`, and at Gemini, where a blocked prompt tells it for
    /// all, and an array must have closed. It never is when an error has come in it. A JSON answer is
    /// whole when its object has closed, an error's too.
    pub fn finish(&mut self) -> Result<StreamEnd, Truncated> {
        let whole = match &mut self.source {
            Source::Stream(cutter, machine) => {
                machine.last(cutter, &mut self.reading);
                machine.is_whole(cutter, &self.reading)
            }
            Source::Body(body) => {
                // It is the last word where all that stands behind it has come: usage, and the tier.
                if body.is_cut() {
                    self.reading.told.finish = None;
                }
                body.is_whole()
            }
            Source::ForeignBody(..) => self.end_body(),
        };
        if whole { Ok(StreamEnd) } else { Err(Truncated) }
    }

    /// What was read so far.
    pub const fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Takes out what was told of how the answer was served, at its end.
    pub const fn take_told(&mut self) -> Told {
        self.reading.take_told()
    }

    /// Whether the bytes fed end between two events, so that another can be written behind them.
    pub fn at_event_boundary(&self) -> bool {
        match &self.source {
            Source::Stream(cutter, _) => cutter.at_boundary(),
            Source::Body(_) | Source::ForeignBody(..) => false,
        }
    }

    /// Ends a whole answer once; tells whether it has closed.
    fn end_body(&mut self) -> bool {
        match &mut self.source {
            Source::ForeignBody(foreign) => foreign.end_body(&mut self.reading),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
