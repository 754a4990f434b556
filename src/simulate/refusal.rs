//! The refusals that are no matter of validation, in each provider's words.

use super::fault::{Fault, Provider};
use super::route::{Route, Surface};
use serde_json::json;

/// The error of a status that was asked for.
pub(super) fn injected(provider: Provider, status: u16, retry_after: Option<u64>) -> Fault {
    let message = match (provider, status) {
        (Provider::Anthropic, 529) => "Overloaded".to_owned(),
        (Provider::Anthropic, 429) => {
            "This request would exceed your organization's rate limit of 50 requests per minute.".to_owned()
        }
        (Provider::Gemini, 429) => "Resource has been exhausted (e.g. check quota).".to_owned(),
        (Provider::Gemini, 503) => "The model is overloaded. Please try again later.".to_owned(),
        (_, 429) => "Rate limit reached for requests. Please try again later.".to_owned(),
        (_, 500..) => "The server had an error while processing your request. Sorry about that!".to_owned(),
        _ => format!("simulated error with status {status}"),
    };
    let mut fault = Fault::new(provider, status, message);
    if status == 429 {
        let wait = retry_after.unwrap_or(1);
        fault.retry_after = Some(wait);
        match provider {
            Provider::OpenAi | Provider::Compatible | Provider::Groq => {
                fault = fault.code("rate_limit_exceeded");
            }
            Provider::Gemini => {
                fault = fault.detail(json!([
                    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{wait}s")},
                ]));
            }
            _ => {}
        }
    }
    fault.retry_after = fault.retry_after.or(retry_after);
    fault
}

/// What a provider says in mid-stream when it can go no further.
pub(super) fn overloaded(provider: Provider) -> Fault {
    match provider {
        Provider::Anthropic => Fault::new(provider, 529, "Overloaded"),
        Provider::Gemini => Fault::new(provider, 503, "The model is overloaded. Please try again later."),
        _ => Fault::new(
            provider,
            500,
            "The server had an error while processing your request. Sorry about that!",
        ),
    }
}

/// A body that is no JSON.
pub(super) fn unparsable(provider: Provider, error: &serde_json::Error) -> Fault {
    match provider {
        Provider::Anthropic => {
            Fault::new(provider, 400, format!("The request body is not valid JSON: {error}"))
        }
        Provider::Gemini => {
            Fault::new(provider, 400, format!("Invalid JSON payload received. {error}"))
        }
        Provider::Mistral => Fault::new(provider, 422, "JSON decode error").detail(json!([
            {"type": "json_invalid", "loc": ["body", error.column()], "msg": "JSON decode error", "input": {}},
        ])),
        _ => Fault::new(
            provider,
            400,
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
        ),
    }
}

/// A model that the provider does not have.
pub(super) fn unknown_model(route: &Route<'_>, model: &str) -> Fault {
    let provider = route.provider;
    match provider {
        Provider::Anthropic => Fault::new(provider, 404, format!("model: {model}")),
        Provider::Gemini => Fault::new(
            provider,
            404,
            format!(
                "models/{model} is not found for API version v1beta, or is not supported for {}. Call ListModels to see the list of available models and their supported methods.",
                route.name()
            ),
        ),
        Provider::Mistral => {
            Fault::new(provider, 400, format!("Invalid model: {model}")).kind("invalid_model").code("1500")
        }
        _ if route.surface == Surface::Responses => {
            Fault::new(provider, 400, format!("The requested model '{model}' does not exist."))
                .param("model")
                .code("model_not_found")
        }
        _ => Fault::new(
            provider,
            404,
            format!("The model `{model}` does not exist or you do not have access to it."),
        )
        .code("model_not_found"),
    }
}
