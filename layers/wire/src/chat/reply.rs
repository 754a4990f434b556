use serde_json::{Map, Value};
use tollway_core::Usage;

use super::Part;

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that served it, as the provider names it.
    pub model: Option<String>,
    /// When it was made, in seconds since the epoch.
    pub created: Option<u64>,
    /// The answers; one unless `n` was asked for.
    pub choices: Vec<Choice>,
    /// Tokens counted.
    pub usage: Option<Usage>,
    /// The service tier that served it.
    pub service_tier: Option<String>,
    /// The provider's fingerprint of its back end.
    pub system_fingerprint: Option<String>,
    /// Fields with no canonical place, written back by an encoder of the same dialect.
    pub extra: Map<String, Value>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Its place among the answers.
    pub index: u32,
    /// What it says, in order.
    pub content: Vec<Part>,
    /// Why it ended.
    pub finish: Finish,
    /// Log probabilities in OpenAI's shape (`{"content":[…],"refusal":…}`).
    pub logprobs: Option<Value>,
}

/// Why and where an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// Why.
    pub reason: FinishReason,
    /// Which stop sequence was met.
    pub stop_sequence: Option<String>,
    /// The provider's own word, where the canonical one says less.
    pub native: Option<String>,
}

impl From<FinishReason> for Finish {
    fn from(reason: FinishReason) -> Self {
        Self { reason, stop_sequence: None, native: None }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model was done.
    Stop,
    /// A stop sequence was met.
    StopSequence,
    /// The token limit was met, or the context was full.
    Length,
    /// The model waits for results of its tool calls.
    ToolCalls,
    /// The provider held back the answer, or the model refused.
    ContentFilter,
    /// A server tool's turn is unfinished; the client should send the answer back to go on.
    Pause,
}
