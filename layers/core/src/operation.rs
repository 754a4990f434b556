use std::sync::Arc;

use crate::{Dialect, Endpoint};

/// What the head of a request asks for, before its body is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The format the client speaks.
    pub dialect: Dialect,
    /// What is asked for.
    pub endpoint: Endpoint,
    /// The model, in a dialect that names it in the path (Gemini). Elsewhere it stands in the body.
    pub model: Option<Arc<str>>,
    /// Whether a stream is asked for, in a dialect that says so in the path (Gemini). Elsewhere it
    /// stands in the body.
    pub stream: Option<bool>,
    /// The form a stream has.
    pub framing: Framing,
}

impl Operation {
    /// An operation whose model and stream stand in the body, as everywhere but at Gemini's.
    pub const fn new(dialect: Dialect, endpoint: Endpoint) -> Self {
        Self { dialect, endpoint, model: None, stream: None, framing: Framing::Events }
    }
}

/// The form a streamed answer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    #[default]
    Events,
    /// One JSON array, whose elements come one by one (Gemini without `alt=sse`).
    Array,
}
