//! Reads what an answer counts, as it passes.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use tollway_core::{Attempt, Dialect, End, Framing, Observe, Outcome, Usage};
use tollway_wire::others::TailTap;
use tollway_wire::relay::UsageTap;

/// Where the usage of an answer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    /// Nowhere: a list, a file, or what was counted before.
    Nothing,
    /// At its end.
    Tail,
    /// Where the format of a provider's own chat has it.
    Chat(Dialect),
    /// In Gemini's stream, which is an array where nothing else is asked for.
    Array,
}

/// What reads it.
#[derive(Debug)]
pub(super) enum Reader {
    Nothing,
    Tail(TailTap),
    Chat(Box<UsageTap>),
}

impl Reader {
    /// The one place that knows what reads which format.
    pub(super) fn new(counting: Counting, headers: &HeaderMap) -> Self {
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_stream = kind.trim_start().starts_with("text/event-stream");
        match counting {
            Counting::Chat(dialect) if is_stream => {
                Self::Chat(Box::new(UsageTap::stream(dialect, Framing::Events, None)))
            }
            Counting::Array if is_stream => {
                Self::Chat(Box::new(UsageTap::stream(Dialect::Gemini, Framing::Events, None)))
            }
            Counting::Array => Self::Chat(Box::new(UsageTap::stream(Dialect::Gemini, Framing::Array, None))),
            Counting::Chat(dialect) => Self::Chat(Box::new(UsageTap::body(dialect))),
            Counting::Tail if is_stream || kind.contains("json") => Self::Tail(TailTap::default()),
            _ => Self::Nothing,
        }
    }

    fn feed(&mut self, data: &[u8]) {
        match self {
            Self::Nothing => {}
            Self::Tail(tap) => tap.feed(data),
            Self::Chat(tap) => tap.feed(data),
        }
    }

    fn usage(&mut self) -> Option<Usage> {
        match self {
            Self::Nothing => None,
            Self::Tail(tap) => tap.usage(),
            Self::Chat(tap) => {
                // What stands in the last event is read at the end; whether all is whole is for the
                // client to see.
                let _ = tap.finish();
                tap.reading().usage()
            }
        }
    }
}

/// Watches an answer pass, and records its attempt's end.
#[derive(Debug)]
pub(super) struct Observer {
    reader: Reader,
    attempt: Arc<Attempt>,
}

impl Observer {
    pub(super) const fn new(reader: Reader, attempt: Arc<Attempt>) -> Self {
        Self { reader, attempt }
    }
}

impl Observe for Observer {
    fn frame(&mut self, data: &Bytes) {
        self.attempt.set_first_byte();
        self.reader.feed(data);
    }

    fn end(&mut self, end: End) {
        if let Some(usage) = self.reader.usage() {
            self.attempt.set_usage(usage);
        }
        if let Reader::Chat(tap) = &mut self.reader {
            self.attempt.set_told(tap.take_told());
        }
        self.attempt.set_outcome(match end {
            End::Complete => Outcome::Complete,
            End::Error => Outcome::Broken,
            End::Cancelled => Outcome::Cancelled,
        });
    }
}
