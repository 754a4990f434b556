use std::time::SystemTime;

use tollway_core::{Money, Usage};

/// What advice is made of: sums over the records of some time, by the provider and the model that served.
/// Only attempts that were answered whole count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// When the first request of that time came; none where there was none.
    pub since: Option<SystemTime>,
    /// What each model was used for, by tier, by streams and by length.
    pub models: Vec<ModelFacts>,
    /// When it was used.
    pub hours: Vec<HourFacts>,
    /// Prompts that were asked more than once.
    pub prompts: Vec<PromptFacts>,
    /// Beginnings of prompts that were sent more than once within the same five minutes.
    pub prefixes: Vec<PrefixFacts>,
}

/// What a model was used for at a tier, by requests of about the same length, streamed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// The provider.
    pub provider: String,
    /// The model that served.
    pub model: String,
    /// The tier that served; none where that was not told.
    pub tier: Option<String>,
    /// Whether with streams.
    pub stream: bool,
    /// The input tokens of the longest request: less than 16,384 more than those of the shortest.
    pub longest_input: u64,
    /// How often it answered.
    pub attempts: u64,
    /// Tokens by class, those of predictions apart.
    pub usage: Usage,
    /// What they came to.
    pub cost: Money,
    /// How many requests said how much output they want at most.
    pub capped: u64,
    /// The sum of what these asked for at most.
    pub asked_output: u64,
    /// The sum of what these got.
    pub capped_output: u64,
    /// The longest output of these.
    pub longest_output: u64,
}

/// What a model was used for in an hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HourFacts {
    /// The provider.
    pub provider: String,
    /// The model that served.
    pub model: String,
    /// The hour, by its number since 1970-01-01 in UTC.
    pub hour: u32,
    /// How often it answered.
    pub attempts: u64,
    /// How often with a stream: somebody waited for it.
    pub streams: u64,
    /// What that came to.
    pub cost: Money,
}

/// What was paid for more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptFacts {
    /// The provider.
    pub provider: String,
    /// The model that served.
    pub model: String,
    /// How many different prompts were asked more than once.
    pub prompts: u64,
    /// How often they were asked in all.
    pub attempts: u64,
    /// What all of it came to.
    pub cost: Money,
    /// What it came to beyond the mean of each prompt: what asking once would have saved.
    pub repeated_cost: Money,
}

/// What a provider's prompt cache could have read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixFacts {
    /// The provider.
    pub provider: String,
    /// The model that served.
    pub model: String,
    /// How many different beginnings, counted in each five minutes, were sent more than once.
    pub prefixes: u64,
    /// How often they were sent in all.
    pub attempts: u64,
    /// About how many tokens of them were sent again.
    pub repeated_tokens: u64,
    /// How many input tokens of these were read from the provider's cache.
    pub cached_input: u64,
    /// All their input tokens.
    pub input: u64,
    /// What these requests came to.
    pub cost: Money,
}
