//! The four formats, each a client's dialect and a provider's.

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    Chat,
    Responses,
    Messages,
    Gemini,
}

impl Dialect {
    pub(crate) const ALL: [Self; 4] = [Self::Chat, Self::Responses, Self::Messages, Self::Gemini];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Gemini => "gemini",
        }
    }

    /// The format after this one, and the first after the last.
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Chat => Self::Responses,
            Self::Responses => Self::Messages,
            Self::Messages => Self::Gemini,
            Self::Gemini => Self::Chat,
        }
    }

    /// The ways an answer can be asked for in this dialect.
    pub(crate) const fn modes(self) -> &'static [Mode] {
        match self {
            Self::Gemini => &[Mode::Plain, Mode::Events, Mode::Array],
            _ => &[Mode::Plain, Mode::Events],
        }
    }
}

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Whole.
    Plain,
    /// As server-sent events.
    Events,
    /// As a JSON array whose elements come one by one: Gemini's stream without `alt=sse`.
    Array,
}

impl Mode {
    pub(crate) const fn is_stream(self) -> bool {
        !matches!(self, Self::Plain)
    }
}
