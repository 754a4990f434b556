//! The promises of the whole module. Each file's own promises stand in the file.

mod auth;
mod catalogue;
mod errors;
mod examples;
mod facts;
mod groups;
mod limits;
mod loading;
mod prices;
mod secrets;
mod vertex;

use super::{ConfigError, Env, Settings, Source};

/// Loads a text with these variables.
fn load(text: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    Settings::load(&Source::text(text), &variables.iter().copied().collect::<Env>())
}

/// Variables that give the five usual providers a key.
const KEYS: [(&str, &str); 5] = [
    ("OPENAI_API_KEY", "sk-openai"),
    ("ANTHROPIC_API_KEY", "sk-ant"),
    ("GEMINI_API_KEY", "AIza"),
    ("MISTRAL_API_KEY", "mistral"),
    ("GROQ_API_KEY", "gsk_groq"),
];
