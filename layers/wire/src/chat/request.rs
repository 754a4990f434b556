use serde_json::{Map, Value};
use tollway_core::Dialect;

use super::{Message, Origins, Tool, ToolChoice};
use crate::Effort;

/// A request for a conversation's next message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chat {
    /// The model, as the client named it.
    pub model: String,
    /// The conversation, instructions included, in order.
    pub messages: Vec<Message>,
    /// The tools on offer.
    pub tools: Vec<Tool>,
    /// Which of them the model must call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether the model may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// The shape the answer must have.
    pub response_format: Option<ResponseFormat>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// The most tokens to answer with.
    pub max_tokens: Option<u64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How many answers.
    pub n: Option<u32>,
    /// Whether log probabilities of the answer's tokens are wanted.
    pub logprobs: Option<bool>,
    /// How many alternatives per token.
    pub top_logprobs: Option<u32>,
    /// How much thinking.
    pub reasoning: Option<ReasoningRequest>,
    /// Whether the client asked for an event stream.
    pub stream: bool,
    /// Whether the client asked for usage in the stream (OpenAI's `stream_options.include_usage`).
    pub include_usage: bool,
    /// The application's name for its user.
    pub user: Option<String>,
    /// Key-value pairs the client attached.
    pub metadata: Option<Map<String, Value>>,
    /// The service tier asked for.
    pub service_tier: Option<String>,
    /// Whether the client offered its tools as OpenAI's legacy `functions`, and expects calls as
    /// `function_call`.
    pub legacy_functions: bool,
    /// The dialect it was read from, whose fields [`Chat::extra`] holds. None stands for OpenAI's.
    pub dialect: Option<Dialect>,
    /// Where the messages stand in the client's own request, for refusals.
    pub origins: Origins,
    /// Fields of the client's dialect with no canonical place, by name. An encoder of the same
    /// dialect writes them back; any other encoder lists them as dropped, or refuses.
    pub extra: Map<String, Value>,
}

/// How tokens are drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// Temperature on OpenAI's scale, 0 to 2.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// The k likeliest only.
    pub top_k: Option<u64>,
    /// Penalty by frequency, -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// Penalty by presence, -2 to 2.
    pub presence_penalty: Option<f64>,
    /// Seed for repeatable sampling.
    pub seed: Option<i64>,
    /// Bias by token id.
    pub logit_bias: Option<Map<String, Value>>,
}

/// The shape an answer must have.
#[derive(Clone, Debug, PartialEq)]
pub enum ResponseFormat {
    /// Free text.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON by a schema.
    JsonSchema {
        /// The schema's name.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// The JSON Schema.
        schema: Value,
        /// Whether it must match exactly.
        strict: Option<bool>,
    },
}

/// How much thinking a client asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasoningRequest {
    /// By level.
    pub effort: Option<Effort>,
    /// By tokens. Zero means none.
    pub budget_tokens: Option<u64>,
    /// Whether the client wants to see thoughts or their summary.
    pub include_thoughts: Option<bool>,
}
