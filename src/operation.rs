//! From a request's head to what it asks for, and to the dialect it is answered in.

use http::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;
use tollway_core::{Dialect, Endpoint, Framing, Operation};

/// The dialect whose errors and lists a client can read.
///
/// Paths tell it, but for the list of models, which Anthropic's and Google's SDKs ask for at `OpenAI`'s
/// path; they are known by their headers, or by Google's parameter for keys.
pub(crate) fn dialect(uri: &Uri, headers: &HeaderMap) -> Dialect {
    let path = uri.path();
    if path.starts_with("/v1beta/") {
        return Dialect::Gemini;
    }
    let Some(rest) = path.strip_prefix("/v1/") else { return Dialect::OpenAi };
    if is_below(rest, "messages") {
        Dialect::Anthropic
    } else if is_below(rest, "responses") {
        Dialect::Responses
    } else if is_below(rest, "models") {
        let is_google = || {
            headers.contains_key("x-goog-api-key")
                || headers.contains_key("x-goog-api-client")
                || parameters(uri.query()).any(|(name, _)| matches!(&*name, "key" | "$key"))
        };
        if gemini(path, None).is_some() || is_google() {
            Dialect::Gemini
        } else if headers.contains_key("anthropic-version") {
            Dialect::Anthropic
        } else {
            Dialect::OpenAi
        }
    } else {
        Dialect::OpenAi
    }
}

/// What a request to this URI asks of a model; none where it asks for something else.
pub(crate) fn operation(uri: &Uri) -> Option<Operation> {
    let (dialect, endpoint) = match uri.path() {
        "/v1/chat/completions" => (Dialect::OpenAi, Endpoint::Chat),
        "/v1/completions" => (Dialect::OpenAi, Endpoint::TextCompletion),
        "/v1/embeddings" => (Dialect::OpenAi, Endpoint::Embeddings),
        "/v1/responses" => (Dialect::Responses, Endpoint::Chat),
        "/v1/responses/input_tokens" => (Dialect::Responses, Endpoint::CountTokens),
        "/v1/messages" => (Dialect::Anthropic, Endpoint::Chat),
        "/v1/messages/count_tokens" => (Dialect::Anthropic, Endpoint::CountTokens),
        path => return gemini(path, uri.query()),
    };
    Some(Operation::new(dialect, endpoint))
}

/// Gemini's `models/{model}:{verb}`, at the version that its SDKs use and at the stable one.
fn gemini(path: &str, query: Option<&str>) -> Option<Operation> {
    let rest = path.strip_prefix("/v1beta/models/").or_else(|| path.strip_prefix("/v1/models/"))?;
    // Names at some providers hold colons themselves.
    let (model, verb) = rest.rsplit_once(':')?;
    let (endpoint, stream) = match verb {
        "generateContent" => (Endpoint::Chat, false),
        "streamGenerateContent" => (Endpoint::Chat, true),
        "countTokens" => (Endpoint::CountTokens, false),
        "embedContent" => (Endpoint::Embedding, false),
        "batchEmbedContents" => (Endpoint::Embeddings, false),
        _ => return None,
    };
    let model = percent_decode_str(model).decode_utf8().ok()?;
    let framing = if stream && !wants_events(query) { Framing::Array } else { Framing::Events };
    Some(Operation {
        dialect: Dialect::Gemini,
        endpoint,
        model: Some(model.into()),
        stream: Some(stream),
        framing,
    })
}

/// Whether a query asks for events in place of an array.
fn wants_events(query: Option<&str>) -> bool {
    parameters(query).any(|(name, value)| matches!(&*name, "alt" | "$alt") && value == "sse")
}

fn parameters(query: Option<&str>) -> url::form_urlencoded::Parse<'_> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
}

/// Whether a path is a segment, or goes on below it.
fn is_below(path: &str, segment: &str) -> bool {
    path.strip_prefix(segment).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(uri: &str) -> Option<Operation> {
        operation(&uri.parse().unwrap())
    }

    #[test]
    fn paths_name_operations() {
        let plain = |dialect, endpoint| Some(Operation::new(dialect, endpoint));
        assert_eq!(asked("/v1/chat/completions"), plain(Dialect::OpenAi, Endpoint::Chat));
        assert_eq!(asked("/v1/responses"), plain(Dialect::Responses, Endpoint::Chat));
        assert_eq!(asked("/v1/messages?beta=true"), plain(Dialect::Anthropic, Endpoint::Chat));
        assert_eq!(asked("/v1/messages/count_tokens"), plain(Dialect::Anthropic, Endpoint::CountTokens));
        assert_eq!(asked("/v1/responses/input_tokens"), plain(Dialect::Responses, Endpoint::CountTokens));
        for path in
            ["/v1/responses/resp_1", "/v1/messages/batches", "/v1beta/models", "/v1beta/models/x:dance"]
        {
            assert_eq!(asked(path), None, "{path}");
        }
    }

    #[test]
    fn gemini_names_the_model_and_the_stream_in_the_path() {
        let named = |endpoint, model: &str, stream, framing| {
            Some(Operation {
                dialect: Dialect::Gemini,
                endpoint,
                model: Some(model.into()),
                stream: Some(stream),
                framing,
            })
        };
        for (path, expected) in [
            ("/v1beta/models/m:generateContent?key=k", named(Endpoint::Chat, "m", false, Framing::Events)),
            ("/v1/models/m:streamGenerateContent?alt=sse", named(Endpoint::Chat, "m", true, Framing::Events)),
            (
                "/v1beta/models/m:streamGenerateContent?%24alt=sse",
                named(Endpoint::Chat, "m", true, Framing::Events),
            ),
            (
                "/v1beta/models/m:streamGenerateContent?alt=json",
                named(Endpoint::Chat, "m", true, Framing::Array),
            ),
            ("/v1beta/models/m:streamGenerateContent", named(Endpoint::Chat, "m", true, Framing::Array)),
            (
                "/v1beta/models/ollama/llama3:8b:countTokens",
                named(Endpoint::CountTokens, "ollama/llama3:8b", false, Framing::Events),
            ),
            (
                "/v1beta/models/openai%2Fgpt-5:generateContent",
                named(Endpoint::Chat, "openai/gpt-5", false, Framing::Events),
            ),
            ("/v1beta/models/m:embedContent", named(Endpoint::Embedding, "m", false, Framing::Events)),
            ("/v1beta/models/m:batchEmbedContents", named(Endpoint::Embeddings, "m", false, Framing::Events)),
            ("/v1beta/models/%FF:generateContent", None),
        ] {
            assert_eq!(asked(path), expected, "{path}");
        }
    }

    #[test]
    fn a_client_is_answered_in_its_own_dialect() {
        let none = HeaderMap::new();
        let with =
            |name: &'static str| std::iter::once((name.parse().unwrap(), "x".parse().unwrap())).collect();
        let of = |uri: &str, headers: &HeaderMap| dialect(&uri.parse().unwrap(), headers);
        for (uri, expected) in [
            ("/v1/chat/completions", Dialect::OpenAi),
            ("/v1/responses/resp_1", Dialect::Responses),
            ("/v1/responsesx", Dialect::OpenAi),
            ("/v1/messages/batches", Dialect::Anthropic),
            ("/v1beta/anything", Dialect::Gemini),
            ("/v1/models/m:generateContent", Dialect::Gemini),
            ("/v1/models/ft:mine", Dialect::OpenAi),
            ("/", Dialect::OpenAi),
        ] {
            assert_eq!(of(uri, &none), expected, "{uri}");
        }
        assert_eq!(of("/v1/models", &with("anthropic-version")), Dialect::Anthropic);
        assert_eq!(of("/v1/models/x", &with("x-goog-api-key")), Dialect::Gemini);
        assert_eq!(of("/v1/models", &with("x-goog-api-client")), Dialect::Gemini);
        assert_eq!(of("/v1/models?pageSize=5&key=k", &none), Dialect::Gemini);
        assert_eq!(of("/v1/models?limit=5", &none), Dialect::OpenAi);
        assert_eq!(of("/v1/chat/completions", &with("anthropic-version")), Dialect::OpenAi);
    }
}
