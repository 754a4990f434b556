//! The models that each provider lists.

use super::fault::{Fault, Provider};
use super::refusal::unknown_model;
use super::render;
use super::route::{Route, Surface};
use serde_json::{Value, json};

/// The list of models, or one of them.
pub(super) fn models(route: &Route<'_>) -> Result<Value, Fault> {
    let names: &[&str] = match route.provider {
        Provider::OpenAi | Provider::Compatible => &[
            "gpt-4o",
            "gpt-4o-mini",
            "gpt-4.1",
            "gpt-5",
            "gpt-5-mini",
            "gpt-5.6",
            "gpt-6.1-sol",
            "o3",
            "text-embedding-3-small",
            "text-embedding-3-large",
        ],
        Provider::Mistral => &["mistral-large-4", "mistral-small-2603", "codestral-latest", "mistral-embed"],
        Provider::Groq => &["openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3.8-27b"],
        Provider::Anthropic => {
            &["claude-opus-5-5", "claude-sonnet-5-5", "claude-sonnet-4-5", "claude-haiku-4-5"]
        }
        Provider::Gemini => &[
            "gemini-4-argon",
            "gemini-3.8-flash",
            "gemini-2.5-pro",
            "gemini-2.5-flash",
            "gemini-embedding-001",
        ],
    };
    let one = |name: &str| match route.provider {
        Provider::Anthropic => {
            json!({"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"})
        }
        Provider::Gemini => json!({
            "name": format!("models/{name}"), "version": "001", "displayName": name,
            "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        }),
        _ => json!({"id": name, "object": "model", "created": render::CREATED, "owned_by": "simulated"}),
    };
    if let Some(asked) = route.model.filter(|_| route.surface == Surface::Model) {
        let known = names.contains(&asked) || !asked.starts_with("sim-unknown");
        return if known { Ok(one(asked)) } else { Err(unknown_model(route, asked)) };
    }
    let all: Vec<Value> = names.iter().map(|name| one(name)).collect();
    Ok(match route.provider {
        Provider::Anthropic => {
            json!({"data": all, "has_more": false, "first_id": names.first(), "last_id": names.last()})
        }
        Provider::Gemini => json!({"models": all}),
        _ => json!({"object": "list", "data": all}),
    })
}
