//! The headers that come with a provider's answers.

use super::fault::Provider;
use super::hash::{hexadecimal, identifier};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

/// The headers by which SDKs and gateways know a provider.
pub(super) fn provider_headers(provider: Provider, sequence: u64, model: &str, headers: &mut HeaderMap) {
    let mut put = |name: &'static str, value: &'static str| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    };
    match provider {
        Provider::OpenAi | Provider::Compatible | Provider::Groq => {
            put("openai-processing-ms", "1");
            put("openai-version", "2020-10-01");
            put("x-ratelimit-limit-requests", "10000");
            put("x-ratelimit-remaining-requests", "9999");
            put("x-ratelimit-reset-requests", "6ms");
            put("x-ratelimit-limit-tokens", "2000000");
            put("x-ratelimit-remaining-tokens", "1999000");
            put("x-ratelimit-reset-tokens", "1ms");
        }
        Provider::Mistral => {
            put("x-ratelimit-limit-req-minute", "360");
            put("x-ratelimit-remaining-req-minute", "359");
        }
        Provider::Anthropic => {
            put("anthropic-organization-id", "00000000-0000-4000-8000-000000000000");
            put("anthropic-ratelimit-requests-limit", "4000");
            put("anthropic-ratelimit-requests-remaining", "3999");
            put("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:01Z");
            put("anthropic-ratelimit-tokens-limit", "2400000");
            put("anthropic-ratelimit-tokens-remaining", "2399000");
            put("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:01Z");
        }
        Provider::Gemini => put("server-timing", "gfet4t7; dur=1"),
    }
    let id = request_id(provider, sequence);
    let name = if provider == Provider::Anthropic { "request-id" } else { "x-request-id" };
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static(name), id);
    }
    if provider == Provider::OpenAi
        && let Ok(model) = HeaderValue::from_str(model)
        && !model.is_empty()
    {
        headers.insert(HeaderName::from_static("openai-model"), model);
    }
}

/// The id under which a provider files a request.
fn request_id(provider: Provider, sequence: u64) -> String {
    match provider {
        Provider::Anthropic => identifier("req_011C", sequence, 20),
        Provider::Groq => identifier("req_01", sequence, 24).to_lowercase(),
        _ => hexadecimal("req_", sequence, 32),
    }
}
