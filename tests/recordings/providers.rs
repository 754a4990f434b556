//! The providers whose answers were recorded, as the gateway is configured for them.

use serde_json::{Value, json};
use tollway_core::Dialect;

use crate::{
    events::Event,
    reading::{Reading, anthropic, gemini, openai},
    recording::Recording,
};

/// Every provider at the scripted upstream, each below the path it has in the world.
pub(crate) const CONFIGURATION: &str = "
providers:
  openai: { base_url: '{upstream}/v1', api_key: test-key }
  azure:
    kind: azure-openai
    base_url: '{upstream}/openai/deployments/{model}'
    query: { api-version: 2024-10-21 }
    api_key: test-key
  anthropic: { base_url: '{upstream}', api_key: test-key }
  gemini: { base_url: '{upstream}/v1beta', api_key: test-key }
  vertex:
    base_url: '{upstream}/v1beta1'
    project: pydantic-ai
    location: global
    api_key: test-key
  mistral: { base_url: '{upstream}/v1', api_key: test-key }
  groq: { base_url: '{upstream}/openai/v1', api_key: test-key }
  deepseek: { base_url: '{upstream}', api_key: test-key }
  openrouter: { base_url: '{upstream}/api/v1', api_key: test-key }
log: { access: 'off' }
";

/// Where chats were recorded.
pub(crate) const CHATS: &[&str] = &[
    "openai/chat-completions",
    "azure/completions",
    "anthropic/messages",
    "gemini/generateContent",
    "gemini/streamGenerateContent",
    "vertex/generateContent",
    "vertex/streamGenerateContent",
    "mistral/completions",
    "groq/completions",
    "deepseek/completions",
    "openrouter/completions",
];

/// Where legacy completions were recorded.
pub(crate) const COMPLETIONS: &[&str] = &["openai/completions"];

/// Where embeddings were recorded.
pub(crate) const EMBEDDINGS: &[&str] =
    &["openai/embeddings", "mistral/embeddings", "gemini/batchEmbedContents"];

/// The client's path for what was recorded.
pub(crate) fn endpoint(recording: &Recording) -> &'static str {
    let path = recording.path.split(['?', '#']).next().unwrap_or_default();
    if path.ends_with("/chat/completions") {
        "/v1/chat/completions"
    } else if path.ends_with("/completions") {
        "/v1/completions"
    } else if path.ends_with("/embeddings") || path.ends_with(":batchEmbedContents") {
        "/v1/embeddings"
    } else {
        "/v1/chat/completions"
    }
}

/// The format a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    OpenAi,
    Anthropic,
    Gemini,
}

impl Format {
    pub(crate) fn of(provider: &str) -> Self {
        match provider {
            "anthropic" => Self::Anthropic,
            "gemini" | "vertex" => Self::Gemini,
            _ => Self::OpenAi,
        }
    }

    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::OpenAi => Dialect::OpenAi,
            Self::Anthropic => Dialect::Anthropic,
            Self::Gemini => Dialect::Gemini,
        }
    }

    pub(crate) fn whole(self, answer: &Value) -> Reading {
        match self {
            Self::OpenAi => openai::whole(answer),
            Self::Anthropic => anthropic::whole(answer),
            Self::Gemini => gemini::whole(answer),
        }
    }

    pub(crate) fn stream(self, events: &[Event]) -> Reading {
        match self {
            Self::OpenAi => openai::stream(events),
            Self::Anthropic => anthropic::stream(events),
            Self::Gemini => gemini::stream(events),
        }
    }

    pub(crate) fn completing_event(self, events: &[Event]) -> Option<usize> {
        match self {
            Self::OpenAi => openai::completing_event(events),
            Self::Anthropic => anthropic::completing_event(events),
            Self::Gemini => gemini::completing_event(events),
        }
    }
}

/// Whether the gateway gives a provider's answers on byte for byte. Mistral's are written anew, as its
/// thinking models answer in parts that OpenAI's format does not have.
pub(crate) fn is_relayed(recording: &Recording) -> bool {
    let is_mistrals_chat = recording.provider == "mistral" && endpoint(recording) == "/v1/chat/completions";
    Format::of(&recording.provider) == Format::OpenAi && !is_mistrals_chat
}

/// Whether the recording is of a chat at all, not of a count of tokens.
pub(crate) fn is_chat(recording: &Recording) -> bool {
    !recording.path.contains("count_tokens")
}

/// How a client asks for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    Plain,
    Streamed,
    StreamedWithUsage,
}

/// What a client says to get the recorded answer: the recorded request where that speaks OpenAI's
/// dialect, else a question with the same tools on offer.
pub(crate) fn question(recording: &Recording, asks: Asks) -> Value {
    let mut question = match Format::of(&recording.provider) {
        Format::OpenAi => recording.request.clone(),
        Format::Gemini if endpoint(recording) == "/v1/embeddings" => return input(recording),
        Format::Anthropic | Format::Gemini => {
            let mut question = json!({ "messages": [{ "role": "user", "content": "Go on." }] });
            let tools: Vec<_> = tool_names(&recording.request).into_iter().map(function).collect();
            if !tools.is_empty() {
                question["tools"] = tools.into();
            }
            question
        }
    };
    question["model"] = format!("{}/{}", recording.provider, model(recording)).into();
    if endpoint(recording) == "/v1/embeddings" {
        return question;
    }
    question["stream"] = (asks != Asks::Plain).into();
    if let Some(fields) = question.as_object_mut() {
        fields.remove("stream_options");
    }
    if asks == Asks::StreamedWithUsage {
        question["stream_options"] = json!({ "include_usage": true });
    }
    question
}

/// The request for vectors that Gemini was sent, in OpenAI's words.
fn input(recording: &Recording) -> Value {
    let requests = recording.request["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts: Vec<_> =
        requests.iter().map(|request| request["content"]["parts"][0]["text"].clone()).collect();
    let mut question = json!({ "model": format!("gemini/{}", model(recording)), "input": texts });
    if let Some(dimensions) = requests.first().and_then(|first| first["outputDimensionality"].as_u64()) {
        question["dimensions"] = dimensions.into();
    }
    question
}

/// The model that was asked: it stands in the path where the body names none.
fn model(recording: &Recording) -> &str {
    let in_path = |before: &str| recording.path.split_once(before).map(|(_, rest)| rest);
    if let Some(rest) = in_path("/models/").or_else(|| in_path("/deployments/")) {
        return rest.split([':', '/']).next().unwrap_or_default();
    }
    recording.request["model"].as_str().unwrap_or_default()
}

/// The names of the functions on offer, in Anthropic's or Gemini's words.
fn tool_names(request: &Value) -> Vec<&str> {
    let tools = request["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut names = Vec::new();
    for tool in tools {
        if tool["input_schema"].is_object() {
            names.extend(tool["name"].as_str());
        }
        let functions = tool["functionDeclarations"].as_array().map(Vec::as_slice).unwrap_or_default();
        names.extend(functions.iter().filter_map(|function| function["name"].as_str()));
    }
    names
}

fn function(name: &str) -> Value {
    json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object" } } })
}
