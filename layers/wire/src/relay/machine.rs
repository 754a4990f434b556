use tollway_core::{Dialect, Framing};

use super::{body::BodyScan, cutter::Cutter, events::Cut, foreign::Foreign, reading::Reading};

/// Reads a stream's events in one dialect.
#[derive(Debug)]
pub(super) enum Machine {
    Chunks(Chunks),
    Foreign(Box<Foreign>),
}

impl Machine {
    /// For a stream of as many answers as the request asked for.
    pub(super) fn new(dialect: Dialect, framing: Framing, n: Option<u64>) -> Self {
        match Foreign::stream(dialect, framing) {
            Some(foreign) => Self::Foreign(Box::new(foreign)),
            None => Self::Chunks(Chunks::new(n)),
        }
    }

    /// Reads the next step of the stream; tells whether it is a chunk that carries usage alone.
    #[inline]
    pub(super) fn read(&mut self, cut: &Cut<'_>, reading: &mut Reading) -> bool {
        match self {
            Self::Chunks(chunks) => chunks.read(cut, reading),
            Self::Foreign(foreign) => {
                foreign.read(cut, reading);
                false
            }
        }
    }

    /// Reads an event whose end never came.
    pub(super) fn last(&mut self, cutter: &Cutter, reading: &mut Reading) -> bool {
        match self {
            Self::Chunks(chunks) => chunks.last(cutter, reading),
            // In an array nothing but an event's own end ends it.
            Self::Foreign(_) if matches!(cutter, Cutter::Elements(_)) => false,
            Self::Foreign(foreign) => {
                foreign.last(cutter.held(), cutter.is_over(), reading);
                false
            }
        }
    }

    pub(super) fn is_whole(&self, cutter: &Cutter, reading: &Reading) -> bool {
        match self {
            Self::Chunks(chunks) => chunks.is_whole(reading),
            Self::Foreign(foreign) => foreign.is_whole(reading) && cutter.may_end(),
        }
    }

    /// The number of the next event, in a dialect that counts them.
    pub(super) const fn next_sequence(&self) -> u64 {
        match self {
            Self::Chunks(_) => 0,
            Self::Foreign(foreign) => foreign.next_sequence(),
        }
    }

    /// When the answer was begun, in a dialect that repeats it at the end: seconds since the epoch.
    pub(super) const fn created(&self) -> u64 {
        match self {
            Self::Chunks(_) => 0,
            Self::Foreign(foreign) => foreign.created(),
        }
    }
}

/// Reads the events of a stream of Chat Completions.
#[derive(Debug)]
pub(super) struct Chunks {
    /// How many choices must tell why they end.
    wanted: u32,
    large: Option<Box<BodyScan>>,
}

impl Chunks {
    fn new(n: Option<u64>) -> Self {
        // `Reading` counts to 128, as OpenAI does.
        let wanted = n.and_then(|n| u32::try_from(n).ok()).map_or(1, |n| n.clamp(1, u128::BITS));
        Self { wanted, large: None }
    }

    /// Reads the next step of the stream; tells whether it is a chunk that carries usage alone.
    #[inline]
    fn read(&mut self, cut: &Cut<'_>, reading: &mut Reading) -> bool {
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
    fn last(&mut self, events: &Cutter, reading: &mut Reading) -> bool {
        if events.is_over() {
            return self.read(&Cut::PartEnd, reading);
        }
        let held = events.held();
        !held.is_empty() && reading.event(held)
    }

    const fn is_whole(&self, reading: &Reading) -> bool {
        !reading.error && (reading.done || reading.finished_choices() >= self.wanted)
    }
}
