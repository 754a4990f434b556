use tollway_core::Framing;

use super::{
    elements::Elements,
    events::{Cut, Events},
};

/// Cuts a stream of either framing into its events.
#[derive(Debug)]
pub(super) enum Cutter {
    Events(Events),
    Elements(Box<Elements>),
}

impl Cutter {
    pub(super) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Events => Self::Events(Events::default()),
            Framing::Array => Self::Elements(Box::default()),
        }
    }

    /// Takes the stream's next bytes.
    #[inline]
    pub(super) fn feed(&mut self, frame: &[u8], on: impl FnMut(Cut<'_>)) {
        match self {
            Self::Events(events) => events.feed(frame, on),
            Self::Elements(elements) => elements.feed(frame, on),
        }
    }

    /// What is held of an event that has not ended.
    pub(super) fn held(&self) -> &[u8] {
        match self {
            Self::Events(events) => events.held(),
            Self::Elements(elements) => elements.held(),
        }
    }

    /// Whether an event too large to hold is under way.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Events(events) => events.is_over(),
            Self::Elements(elements) => elements.is_over(),
        }
    }

    /// Whether the stream stands between two events.
    pub(super) fn at_boundary(&self) -> bool {
        match self {
            Self::Events(events) => events.at_boundary(),
            Self::Elements(elements) => elements.held().is_empty() && !elements.is_over(),
        }
    }

    /// Whether the form of the stream lets it end here.
    pub(super) fn may_end(&self) -> bool {
        match self {
            Self::Events(_) => true,
            Self::Elements(elements) => elements.is_closed(),
        }
    }
}
