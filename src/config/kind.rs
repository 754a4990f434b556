use std::{borrow::Cow, sync::Arc};

use schemars::JsonSchema;
use serde::Deserialize;
use tollway_core::Dialect;
use tollway_wire::{Quirks, Traits};

/// A kind of provider: what is known of it, so that a configuration need not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// OpenAI itself.
    Openai,
    /// Anthropic itself, and servers that speak its Messages format.
    Anthropic,
    /// Google's Gemini API (AI Studio).
    Gemini,
    /// Mistral.
    Mistral,
    /// Groq.
    Groq,
    /// Any server that speaks OpenAI's Chat Completions.
    OpenaiCompatible,
    /// OpenAI's models on Azure, by the v1 API or by deployments.
    AzureOpenai,
    /// OpenRouter.
    Openrouter,
    /// DeepSeek.
    Deepseek,
    /// xAI.
    Xai,
    /// Ollama, on this machine unless told otherwise.
    Ollama,
    /// vLLM, on this machine unless told otherwise.
    Vllm,
    /// Google's Vertex AI: Gemini's and Anthropic's models.
    Vertex,
}

/// What a kind of provider brings along.
pub(super) struct Preset {
    /// The formats it speaks, the usual one first.
    pub(super) formats: &'static [Dialect],
    /// None where it differs from customer to customer.
    pub(super) base_url: Option<&'static str>,
    /// The variables its key is usually in.
    pub(super) variables: &'static [&'static str],
    /// The header its key goes into; none for `authorization: Bearer`.
    pub(super) key_header: Option<&'static str>,
    /// Whether it refuses to work without a key.
    pub(super) needs_key: bool,
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// The sections of the catalogue whose models it serves.
    pub(super) catalogue: &'static [&'static str],
    /// Where the simulated provider answers in its stead.
    pub(super) simulated: &'static str,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Openai,
        Self::Anthropic,
        Self::Gemini,
        Self::Mistral,
        Self::Groq,
        Self::OpenaiCompatible,
        Self::AzureOpenai,
        Self::Openrouter,
        Self::Deepseek,
        Self::Xai,
        Self::Ollama,
        Self::Vllm,
        Self::Vertex,
    ];

    /// The word used in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Mistral => "mistral",
            Self::Groq => "groq",
            Self::OpenaiCompatible => "openai-compatible",
            Self::AzureOpenai => "azure-openai",
            Self::Openrouter => "openrouter",
            Self::Deepseek => "deepseek",
            Self::Xai => "xai",
            Self::Ollama => "ollama",
            Self::Vllm => "vllm",
            Self::Vertex => "vertex",
        }
    }

    /// The kind a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The formats it speaks, the usual one first.
    pub fn formats(self) -> &'static [Dialect] {
        self.preset().formats
    }

    pub(super) fn preset(self) -> Preset {
        let openai = Preset {
            formats: &[Dialect::OpenAi],
            base_url: None,
            variables: &[],
            key_header: None,
            needs_key: true,
            headers: &[],
            catalogue: &[],
            simulated: "/v1",
        };
        match self {
            Self::Openai => Preset {
                formats: &[Dialect::OpenAi, Dialect::Responses],
                base_url: Some("https://api.openai.com/v1"),
                variables: &["OPENAI_API_KEY"],
                catalogue: &["openai"],
                ..openai
            },
            Self::Anthropic => Preset {
                formats: &[Dialect::Anthropic],
                base_url: Some("https://api.anthropic.com"),
                variables: &["ANTHROPIC_API_KEY"],
                key_header: Some("x-api-key"),
                headers: &[("anthropic-version", "2023-06-01")],
                catalogue: &["anthropic"],
                simulated: "",
                ..openai
            },
            Self::Gemini => Preset {
                formats: &[Dialect::Gemini],
                base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
                variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
                key_header: Some("x-goog-api-key"),
                catalogue: &["gemini"],
                simulated: "/v1beta",
                ..openai
            },
            Self::Mistral => Preset {
                base_url: Some("https://api.mistral.ai/v1"),
                variables: &["MISTRAL_API_KEY"],
                catalogue: &["mistral"],
                simulated: "/mistral/v1",
                ..openai
            },
            Self::Groq => Preset {
                base_url: Some("https://api.groq.com/openai/v1"),
                variables: &["GROQ_API_KEY"],
                catalogue: &["groq"],
                simulated: "/groq/openai/v1",
                ..openai
            },
            Self::OpenaiCompatible => Preset { needs_key: false, ..openai },
            Self::AzureOpenai => Preset {
                formats: &[Dialect::OpenAi, Dialect::Responses],
                variables: &["AZURE_OPENAI_API_KEY"],
                key_header: Some("api-key"),
                catalogue: &["openai"],
                ..openai
            },
            Self::Openrouter => Preset {
                base_url: Some("https://openrouter.ai/api/v1"),
                variables: &["OPENROUTER_API_KEY"],
                ..openai
            },
            Self::Deepseek => Preset {
                base_url: Some("https://api.deepseek.com"),
                variables: &["DEEPSEEK_API_KEY"],
                ..openai
            },
            Self::Xai => {
                Preset { base_url: Some("https://api.x.ai/v1"), variables: &["XAI_API_KEY"], ..openai }
            }
            Self::Ollama => Preset {
                base_url: Some("http://localhost:11434/v1"),
                variables: &["OLLAMA_API_KEY"],
                needs_key: false,
                ..openai
            },
            Self::Vllm => Preset {
                base_url: Some("http://localhost:8000/v1"),
                variables: &["VLLM_API_KEY"],
                needs_key: false,
                ..openai
            },
            Self::Vertex => Preset {
                formats: &[Dialect::Gemini, Dialect::Anthropic],
                // Where it is depends on the location.
                base_url: Some("https://aiplatform.googleapis.com/v1"),
                key_header: Some("x-goog-api-key"),
                // Mostly it wants tokens.
                needs_key: false,
                catalogue: &["gemini", "anthropic"],
                simulated: "/vertex/v1",
                ..openai
            },
        }
    }

    /// The formats in which a model may be asked for, of those that are configured.
    pub(super) fn formats_of<'f>(
        self,
        formats: &'f [Dialect],
        model: &str,
        traits: &Traits,
    ) -> &'f [Dialect] {
        let only = match self {
            // Each publisher's models are served in its own format.
            Self::Vertex if is_claude(model) => Dialect::Anthropic,
            Self::Vertex => Dialect::Gemini,
            _ if traits.responses_only => Dialect::Responses,
            _ => return formats,
        };
        let at = formats.iter().position(|format| *format == only);
        at.and_then(|at| formats.get(at..=at)).unwrap_or(formats)
    }

    /// The version that stands in the body of a chat of Anthropic's in place of the model, where that is
    /// part of the path.
    pub fn anthropic_version(self) -> Option<&'static str> {
        (self == Self::Vertex).then_some("vertex-2023-10-16")
    }

    /// Whether its servers of a format take the parameters that the format's clients add to a URL. Google
    /// refuses those it does not know, such as the `beta=true` of Anthropic's SDKs.
    pub fn takes_parameters_of(self, dialect: Dialect) -> bool {
        self != Self::Vertex || dialect == Dialect::Gemini
    }

    /// The section of the catalogue that a model would be in.
    pub(super) fn section_of(self, model: &str) -> Option<&'static str> {
        match self.preset().catalogue {
            [gemini, anthropic, ..] => Some(if is_claude(model) { anthropic } else { gemini }),
            [only] => Some(only),
            [] => None,
        }
    }

    /// A model's name as it is known there: Vertex AI puts an `@` before the date of Anthropic's.
    pub(super) fn model_name(self, model: &str) -> Cow<'_, str> {
        const DATE: usize = 8;
        let dated = model.len().checked_sub(DATE + 1).and_then(|at| model.split_at_checked(at));
        match dated {
            Some((name, date)) if self == Self::Vertex && is_claude(name) => match date.strip_prefix('-') {
                Some(day) if day.bytes().all(|byte| byte.is_ascii_digit()) => {
                    Cow::Owned(format!("{name}@{day}"))
                }
                _ => Cow::Borrowed(model),
            },
            _ => Cow::Borrowed(model),
        }
    }

    /// What a model accepts, less what its provider has no field for.
    pub(super) fn fit(self, traits: Arc<Traits>) -> Arc<Traits> {
        let earlier_thinking = match self {
            Self::Openai | Self::AzureOpenai | Self::Groq => false,
            // As parts of `content`, by a quirk.
            Self::Mistral => true,
            _ => return traits,
        };
        Arc::new(Traits { extensions: false, earlier_thinking, ..(*traits).clone() })
    }

    /// Where its requests depart from OpenAI's.
    pub(super) fn quirks(self) -> Quirks {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let rename = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(ours, theirs)| ((*ours).to_owned(), (*theirs).to_owned())).collect()
        };
        match self {
            // Its schema forbids what it does not know. Usage comes in the last chunk unasked, and
            // thinking models answer with parts in `content`.
            Self::Mistral => Quirks {
                rename: rename(&[("max_completion_tokens", "max_tokens"), ("seed", "random_seed")]),
                drop: owned(&[
                    "logit_bias",
                    "logprobs",
                    "modalities",
                    "prompt_cache_retention",
                    "safety_identifier",
                    "service_tier",
                    "store",
                    "stream_options",
                    "top_logprobs",
                    "user",
                    "verbosity",
                    "web_search_options",
                ]),
                drop_nulls: true,
                developer_as_system: true,
                tool_choice_any: true,
                name_on_tool_messages_only: true,
                drop_empty_assistant: true,
                drop_in_messages: owned(&[
                    "annotations",
                    "reasoning",
                    "reasoning_content",
                    "reasoning_details",
                    "extra_content",
                    "images",
                    "tool_calls.extra_content",
                ]),
                short_call_ids: true,
                nearest_effort: true,
                require_parameters: true,
                document_url: true,
                thinking_parts: true,
                refusal_as_text: true,
                turn_order: true,
                functions_as_tools: true,
                stream_usage: false,
                normalise_answers: true,
            },
            // Its documentation lists the first three as refused with 400, and `name` in messages with
            // them; it refuses the others as unknown.
            Self::Groq => Quirks {
                drop: owned(&[
                    "logit_bias",
                    "logprobs",
                    "top_logprobs",
                    "prompt_cache_key",
                    "prompt_cache_retention",
                    "safety_identifier",
                    "verbosity",
                ]),
                drop_nulls: true,
                developer_as_system: true,
                name_on_tool_messages_only: true,
                // `reasoning` is its own.
                drop_in_messages: owned(&[
                    "annotations",
                    "reasoning_content",
                    "reasoning_details",
                    "extra_content",
                    "images",
                    "tool_calls.extra_content",
                ]),
                functions_as_tools: true,
                ..Quirks::default()
            },
            // They know `max_tokens` only, and ignore the newer name.
            Self::Deepseek | Self::Ollama => Quirks {
                rename: rename(&[("max_completion_tokens", "max_tokens")]),
                developer_as_system: true,
                ..Quirks::default()
            },
            // The role goes into the model's own chat template, which does not know it.
            Self::Vllm => Quirks { developer_as_system: true, ..Quirks::default() },
            // They show no thinking, pictures or seals, and take none that another model showed.
            Self::Openai | Self::AzureOpenai => Quirks {
                drop_in_messages: owned(&[
                    "reasoning",
                    "reasoning_content",
                    "reasoning_details",
                    "extra_content",
                    "images",
                    "tool_calls.extra_content",
                ]),
                ..Quirks::default()
            },
            _ => Quirks::default(),
        }
    }
}

/// Whether a model is Anthropic's.
fn is_claude(model: &str) -> bool {
    model.starts_with("claude")
}
