use serde::{Deserialize, Serialize};

/// The model a request is encoded for, and what it accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The model's name at the provider.
    pub model: String,
    /// What it accepts.
    pub traits: Traits,
}

/// What a model accepts, as far as a request must be adapted to it.
///
/// The default is a current model that accepts everything its format can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits {
    /// The most tokens it can answer with.
    pub max_output_tokens: Option<u64>,
    /// Whether it takes `temperature`, `top_p` and `top_k`.
    pub sampling: bool,
    /// Whether a conversation may end in an assistant message that the model goes on with.
    pub prefill: bool,
    /// Whether the model may be made to call a tool.
    pub forced_tool_choice: bool,
    /// Whether it answers by a JSON Schema natively.
    pub structured_output: bool,
    /// Whether instructions may stand in mid-conversation.
    pub mid_conversation_system: bool,
    /// Whether `OpenAI` serves it by Responses alone.
    pub responses_only: bool,
    /// How it is told to think.
    pub reasoning: ReasoningStyle,
    /// The effort levels it takes, empty for all.
    pub efforts: Vec<Effort>,
    /// The most tokens it can be told to think.
    pub max_thinking_tokens: Option<u64>,
    /// Whether function calls and responses carry ids (Gemini 3 and later).
    pub function_call_ids: bool,
    /// Whether a server of OpenAI's format takes what OpenAI's own does not know: `cache_control`,
    /// `top_k`, seals on calls. If not, they are dropped and listed.
    pub extensions: bool,
    /// Whether a server of OpenAI's format takes the thinking of earlier answers, and its seals. If
    /// not, they are dropped and listed.
    pub earlier_thinking: bool,
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            max_output_tokens: None,
            sampling: true,
            prefill: true,
            forced_tool_choice: true,
            structured_output: true,
            mid_conversation_system: false,
            responses_only: false,
            reasoning: ReasoningStyle::Effort,
            efforts: Vec::new(),
            max_thinking_tokens: None,
            function_call_ids: false,
            extensions: true,
            earlier_thinking: true,
        }
    }
}

impl Traits {
    /// The nearest effort the model takes, the lower one of two equally near. A model asked to think
    /// is never told not to, unless it can do nothing else.
    pub fn nearest_effort(&self, wanted: Effort) -> Effort {
        let distance = |effort: &Effort| (*effort as i32 - wanted as i32).abs();
        let thinks = |effort: &Effort| *effort != Effort::None || wanted <= Effort::Minimal;
        self.efforts
            .iter()
            .copied()
            .min_by_key(|effort| (!thinks(effort), distance(effort), *effort))
            .unwrap_or(wanted)
    }
}

/// How a model is told to think.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningStyle {
    /// It does not think; a request to do so is dropped and listed.
    None,
    /// By level: OpenAI's `reasoning_effort`, Gemini's `thinkingLevel`, Anthropic's adaptive
    /// thinking with `output_config.effort`.
    #[default]
    Effort,
    /// By tokens: Anthropic's `thinking.budget_tokens`, Gemini's `thinkingBudget`.
    Budget,
    /// It always thinks, by level; thinking cannot be switched off.
    Always,
}

/// How hard to think, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Not at all.
    None,
    /// As little as can be.
    Minimal,
    /// A little.
    Low,
    /// The middle.
    Medium,
    /// Much.
    High,
    /// More.
    Xhigh,
    /// As much as can be.
    Max,
}

impl Effort {
    /// The word used on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The level a wire word names.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::Xhigh,
            "max" => Self::Max,
            _ => return None,
        })
    }

    /// The thinking budget in tokens that stands for this level where a model is told by tokens:
    /// 1024, 2048, 4096, 8192, 16384 from minimal to xhigh and beyond.
    pub const fn budget_tokens(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal => 1024,
            Self::Low => 2048,
            Self::Medium => 4096,
            Self::High => 8192,
            Self::Xhigh | Self::Max => 16384,
        }
    }

    /// The level that stands for a thinking budget in tokens.
    pub const fn from_budget(tokens: u64) -> Self {
        match tokens {
            0 => Self::None,
            1..=1024 => Self::Minimal,
            1025..=2048 => Self::Low,
            2049..=4096 => Self::Medium,
            4097..=8192 => Self::High,
            _ => Self::Xhigh,
        }
    }
}
