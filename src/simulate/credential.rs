//! The key that a provider wants to see. Any is good but none and `sim-invalid`.

use super::fault::{Fault, Provider};
use http::{HeaderMap, Uri};

/// The key that every provider refuses.
const INVALID: &str = "sim-invalid";

/// Holds a request to its provider's way of sending a key.
pub(super) fn check(provider: Provider, headers: &HeaderMap, uri: &Uri) -> Result<(), Fault> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = || text("authorization")?.strip_prefix("Bearer ").map(str::trim);
    let key = match provider {
        Provider::Anthropic => text("x-api-key").or_else(bearer),
        Provider::Gemini => text("x-goog-api-key").or_else(|| query(uri, "key")).or_else(bearer),
        // Azure's header is another than OpenAI's.
        _ => bearer().or_else(|| text("api-key")),
    };
    match key {
        None | Some("") => Err(missing(provider)),
        Some(INVALID) => Err(wrong(provider)),
        Some(_) if provider == Provider::Anthropic && text("anthropic-version").is_none() => {
            Err(Fault::new(provider, 400, "anthropic-version: header is required"))
        }
        Some(_) => Ok(()),
    }
}

/// A parameter of the query.
pub(super) fn query<'u>(uri: &'u Uri, name: &str) -> Option<&'u str> {
    let mut pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(key, value)| {
        (key.trim_start_matches("%24").trim_start_matches('$') == name).then_some(value)
    })
}

fn missing(provider: Provider) -> Fault {
    let message = match provider {
        Provider::Anthropic => "x-api-key header is required",
        Provider::Gemini => {
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."
        }
        Provider::Mistral => "Unauthorized",
        _ => {
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        }
    };
    Fault::new(provider, 401, message)
}

fn wrong(provider: Provider) -> Fault {
    let message = match provider {
        Provider::Anthropic => "invalid x-api-key",
        Provider::Gemini => "API key not valid. Please pass a valid API key.",
        Provider::Mistral => "Unauthorized",
        Provider::Groq => "Invalid API Key",
        _ => {
            "Incorrect API key provided: sim-in***lid. You can find your API key at https://platform.openai.com/account/api-keys."
        }
    };
    Fault::new(provider, 401, message).code("invalid_api_key")
}
