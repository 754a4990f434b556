//! What an answer says, whatever the dialect it is read from.

use serde_json::Value;

/// An answer, as far as it came.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) text: String,
    /// Words of refusal, where the dialect keeps them apart.
    pub(crate) refusal: String,
    /// Thinking that is shown.
    pub(crate) thinking: String,
    pub(crate) calls: Vec<Call>,
    /// Why it ended, in the dialect's own words.
    pub(crate) stop: String,
    pub(crate) usage: Option<Usage>,
    pub(crate) error: Option<Failure>,
    /// Whether the dialect's mark of a complete answer was there.
    pub(crate) complete: bool,
    /// The turn as a client gives it back: a message, items or parts.
    pub(crate) turn: Vec<Value>,
    /// Where the answer breaks the rules of its format.
    pub(crate) faults: Vec<String>,
}

/// A call of a tool.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Call {
    /// None where Gemini gives none.
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

/// Tokens, brought from the dialect's way of counting to one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// All input, cached included.
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) written: u64,
    /// All output, reasoning included.
    pub(crate) output: u64,
}

/// An error in the dialect's shape.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// `type` at OpenAI and Anthropic, `status` at Gemini.
    pub(crate) kind: String,
    /// OpenAI's `param`.
    pub(crate) param: String,
}

impl Answer {
    pub(crate) fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// Notes a fault unless something holds.
    pub(crate) fn must(&mut self, holds: bool, fault: impl Into<String>) {
        if !holds {
            self.fault(fault);
        }
    }
}

/// A text field, empty where there is none.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The elements of a list, none where there is none.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A count, 0 where there is none.
pub(crate) fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}
