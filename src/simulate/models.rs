//! What models refuse: the few capabilities that decide about a 400.
//!
//! Names that no family claims are let do everything, so that a newcomer may call a model as he likes.

/// Reasoning of an OpenAI model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenAiModel {
    /// Takes `reasoning_effort`, refuses `max_tokens` and, while it reasons, sampling parameters.
    pub(super) reasons: bool,
    /// A family known not to reason.
    pub(super) plain: bool,
    pub(super) efforts: &'static [&'static str],
    /// Does not reason unless asked to.
    pub(super) default_none: bool,
}

const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// Reads the capabilities of an OpenAI model from its name.
pub(super) fn openai(model: &str) -> OpenAiModel {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| model.starts_with(prefix));
    let plain = starts(&["gpt-3.5", "gpt-4", "chatgpt-4o", "davinci", "babbage"])
        || (model.starts_with("gpt-5") && model.contains("-chat"));
    let reasons = !plain && starts(&["o1", "o3", "o4-", "gpt-5", "gpt-6"]);
    let efforts: &[&str] = if starts(&["o1", "o3", "o4"]) {
        &["low", "medium", "high"]
    } else if starts(&["gpt-5.1"]) {
        &["none", "low", "medium", "high"]
    } else if starts(&["gpt-5."]) {
        &["none", "low", "medium", "high", "xhigh"]
    } else if starts(&["gpt-5"]) {
        &["minimal", "low", "medium", "high"]
    } else if starts(&["gpt-6.1-sol"]) {
        &["low", "medium", "high", "xhigh", "max"]
    } else {
        EFFORTS
    };
    OpenAiModel {
        reasons,
        plain,
        efforts,
        default_none: starts(&["gpt-5.1", "gpt-5.2", "gpt-5.4"]) && !model.contains("codex"),
    }
}

/// What a Claude model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClaudeModel {
    /// `temperature`, `top_p`, `top_k`.
    pub(super) sampling: bool,
    /// A last turn of the assistant.
    pub(super) prefill: bool,
    /// `tool_choice` `any` or `tool`.
    pub(super) forced_tool: bool,
    /// Turns of role `system` among the messages.
    pub(super) system_turns: bool,
    /// `thinking: {type: adaptive}`.
    pub(super) adaptive: bool,
    /// `thinking: {type: enabled, budget_tokens}`.
    pub(super) budget: bool,
    /// Cannot be told not to think.
    pub(super) always_thinks: bool,
    /// Levels of `output_config.effort`; none where it is refused.
    pub(super) efforts: &'static [&'static str],
    /// `output_config.format`.
    pub(super) structured: bool,
}

/// Reads the capabilities of a Claude model from its name.
pub(super) fn claude(model: &str) -> ClaudeModel {
    let known = |names: &[&str]| names.iter().any(|name| names_model(model, name));
    let newest = known(&["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1"]);
    let no_sampling =
        newest || known(&["claude-sonnet-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-5"]);
    let adaptive_only = no_sampling || known(&["claude-fable-5"]);
    let ancient = ["claude-2", "claude-3", "claude-instant"].iter().any(|old| model.starts_with(old));
    let old = ancient
        || known(&[
            "claude-sonnet-4-0",
            "claude-opus-4-0",
            "claude-sonnet-4",
            "claude-opus-4",
            "claude-opus-4-1",
            "claude-sonnet-4-5",
            "claude-haiku-4-5",
            "claude-opus-4-5",
        ]);
    let efforts: &[&str] = if known(&["claude-opus-4-5"]) {
        &["low", "medium", "high"]
    } else if old {
        &[]
    } else if known(&["claude-opus-4-6", "claude-sonnet-4-6"]) {
        &["low", "medium", "high", "max"]
    } else {
        &["low", "medium", "high", "xhigh", "max"]
    };
    ClaudeModel {
        sampling: !no_sampling,
        prefill: !no_sampling,
        forced_tool: !newest,
        system_turns: newest || known(&["claude-opus-4-8", "claude-fable-5", "claude-opus-5"]),
        adaptive: !old,
        budget: !adaptive_only && (!ancient || model.starts_with("claude-3-7")),
        always_thinks: newest,
        efforts,
        structured: !ancient
            && !known(&["claude-sonnet-4-0", "claude-opus-4-0", "claude-sonnet-4", "claude-opus-4"]),
    }
}

/// Whether `model` is `name`, perhaps with a date or `-latest` behind it. `claude-opus-5` is not
/// `claude-opus-5-5`.
fn names_model(model: &str, name: &str) -> bool {
    let Some(rest) = model.strip_prefix(name) else { return false };
    let date = |rest: &str| rest.len() == 8 && rest.bytes().all(|byte| byte.is_ascii_digit());
    rest.is_empty() || rest == "-latest" || rest.strip_prefix('-').is_some_and(date)
}

/// What a Gemini model takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct GeminiModel {
    /// `2.5`, `3.1`, …; infinite for a name of no known family.
    pub(super) version: f32,
    pub(super) flash: bool,
    pub(super) lite: bool,
    pub(super) known: bool,
}

impl GeminiModel {
    /// Function calls of the current turn must come back with their thought signature.
    pub(super) fn demands_signature(self) -> bool {
        self.known && self.version >= 3.0
    }

    /// `thinkingConfig` is understood at all.
    pub(super) fn thinks(self) -> bool {
        self.version >= 2.5
    }

    /// Penalties are refused from Gemini 3 on.
    pub(super) fn penalties(self) -> bool {
        !self.known || self.version < 3.0
    }

    /// `temperature`, `topP`, `topK`: 3.8 alone is known to refuse them.
    pub(super) fn sampling(self) -> bool {
        !(self.version >= 3.8 && self.version < 4.0)
    }

    /// `thinkingLevel` instead of `thinkingBudget`.
    pub(super) fn levels(self) -> bool {
        self.version >= 3.0
    }

    /// Function calls and responses may carry an `id`.
    pub(super) fn call_ids(self) -> bool {
        self.version >= 2.0
    }
}

/// Reads the capabilities of a Gemini model from its name.
pub(super) fn gemini(model: &str) -> GeminiModel {
    let version = model
        .strip_prefix("gemini-")
        .and_then(|rest| rest.split('-').next())
        .and_then(|version| version.parse().ok());
    GeminiModel {
        version: version.unwrap_or(f32::INFINITY),
        flash: model.contains("flash"),
        lite: model.contains("lite"),
        known: version.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_by_their_whole_version() {
        assert!(claude("claude-opus-5").prefill == claude("claude-opus-4-8-20260101").prefill);
        assert!(claude("claude-opus-5").forced_tool && !claude("claude-opus-5-5").forced_tool);
        assert!(claude("claude-haiku-5-5").forced_tool && claude("claude-haiku-5-5").sampling);
        assert!(claude("claude-opus-4-5-20251101").efforts.contains(&"high"));
        assert!(claude("claude-sonnet-4-5").efforts.is_empty());
        assert!(claude("my-model").sampling && claude("my-model").adaptive);
        assert!(openai("gpt-5-mini").reasons && !openai("gpt-5-chat-latest").reasons);
        assert!(openai("gpt-4.1").plain && !openai("my-model").plain && !openai("my-model").reasons);
        assert!(
            !openai("gpt-5").efforts.contains(&"none") && openai("gpt-5.6-terra").efforts.contains(&"none")
        );
        assert!(gemini("gemini-3-flash-preview").demands_signature());
        assert!(!gemini("gemini-2.5-pro").demands_signature() && !gemini("anything").demands_signature());
        assert!(!gemini("gemini-3.8-flash").sampling() && gemini("gemini-3.6-flash").sampling());
    }
}
