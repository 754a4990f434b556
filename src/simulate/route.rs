//! Which provider's endpoint a path is.

use super::fault::Provider;
use http::Method;

/// An endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface {
    Chat,
    Completions,
    Responses,
    /// Counts the tokens of a Responses request.
    InputTokens,
    /// A stored response, whose id stands for the model.
    Response,
    /// What led to a stored response.
    InputItems,
    /// Ends the making of a stored response.
    Cancel,
    Embeddings,
    Messages,
    CountTokens,
    Generate {
        stream: bool,
    },
    GeminiCountTokens,
    Embed,
    BatchEmbed,
    Models,
    Model,
    Stats,
    Last,
    Ledger,
    Reset,
    Health,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route<'p> {
    pub(super) provider: Provider,
    pub(super) surface: Surface,
    /// The model that the path names.
    pub(super) model: Option<&'p str>,
    /// The method that the endpoint takes.
    pub(super) get: bool,
}

/// Finds the endpoint of a path; nothing for a path that no provider has.
pub(super) fn route(path: &str, anthropic_version: bool) -> Option<Route<'_>> {
    use Provider::{Anthropic, Compatible, Gemini, Groq, Mistral, OpenAi};
    let found = |provider, surface, model| {
        let get = matches!(
            surface,
            Surface::Models
                | Surface::Model
                | Surface::InputItems
                | Surface::Stats
                | Surface::Last
                | Surface::Ledger
                | Surface::Health
        );
        Some(Route { provider, surface, model, get })
    };
    match path {
        "/sim/stats" => return found(OpenAi, Surface::Stats, None),
        "/sim/last" => return found(OpenAi, Surface::Last, None),
        "/sim/ledger" => return found(OpenAi, Surface::Ledger, None),
        "/sim/reset" => return found(OpenAi, Surface::Reset, None),
        "/sim/health" => return found(OpenAi, Surface::Health, None),
        "/v1/messages" => return found(Anthropic, Surface::Messages, None),
        "/v1/messages/count_tokens" => return found(Anthropic, Surface::CountTokens, None),
        _ => {}
    }
    if let Some(rest) = path.strip_prefix("/v1beta/models") {
        return match rest.strip_prefix('/') {
            None => found(Gemini, Surface::Models, None).filter(|_| rest.is_empty()),
            Some(rest) => match rest.split_once(':') {
                Some((model, verb)) => found(Gemini, verb_of(verb)?, Some(model)),
                None => found(Gemini, Surface::Model, Some(rest)),
            },
        };
    }
    if let Some(rest) = path.strip_prefix("/openai/deployments/") {
        let (deployment, rest) = rest.split_once('/')?;
        return found(OpenAi, openai(rest)?, Some(deployment));
    }
    // Newer Google SDKs call the same methods under v1, where OpenAI has its models.
    if let Some((model, verb)) = path.strip_prefix("/v1/models/").and_then(|rest| rest.split_once(':'))
        && let Some(surface) = verb_of(verb)
    {
        return found(Gemini, surface, Some(model));
    }
    let prefixes = [
        ("/mistral/v1/", Mistral),
        ("/groq/openai/v1/", Groq),
        ("/compatible/v1/", Compatible),
        ("/v1/", OpenAi),
    ];
    let (rest, provider) = prefixes
        .into_iter()
        .find_map(|(prefix, provider)| path.strip_prefix(prefix).map(|rest| (rest, provider)))?;
    // Anthropic and OpenAI share the path of their list of models; the version header tells them apart.
    let provider = if anthropic_version && provider == OpenAi { Anthropic } else { provider };
    if let Some(id) = rest.strip_prefix("responses/").filter(|_| provider == OpenAi) {
        return match id.split_once('/') {
            _ if id == "input_tokens" => found(provider, Surface::InputTokens, None),
            None if !id.is_empty() => found(provider, Surface::Response, Some(id)),
            Some((id, "input_items")) if !id.is_empty() => found(provider, Surface::InputItems, Some(id)),
            Some((id, "cancel")) if !id.is_empty() => found(provider, Surface::Cancel, Some(id)),
            _ => None,
        };
    }
    match rest.strip_prefix("models/") {
        Some(model) if !model.is_empty() => found(provider, Surface::Model, Some(model)),
        _ => found(provider, openai(rest)?, None),
    }
}

fn openai(rest: &str) -> Option<Surface> {
    Some(match rest {
        "chat/completions" => Surface::Chat,
        "completions" => Surface::Completions,
        "responses" => Surface::Responses,
        "embeddings" => Surface::Embeddings,
        "models" => Surface::Models,
        _ => return None,
    })
}

fn verb_of(verb: &str) -> Option<Surface> {
    Some(match verb {
        "generateContent" => Surface::Generate { stream: false },
        "streamGenerateContent" => Surface::Generate { stream: true },
        "countTokens" => Surface::GeminiCountTokens,
        "embedContent" => Surface::Embed,
        "batchEmbedContents" => Surface::BatchEmbed,
        _ => return None,
    })
}

impl Route<'_> {
    /// Whether the endpoint takes this method.
    pub(super) fn takes(&self, method: &Method) -> bool {
        if self.surface == Surface::Response {
            return method == Method::GET || method == Method::DELETE;
        }
        if self.get { method == Method::GET } else { method == Method::POST }
    }

    /// Whether this is an endpoint of the simulator itself.
    pub(super) fn is_own(&self) -> bool {
        matches!(
            self.surface,
            Surface::Stats | Surface::Last | Surface::Ledger | Surface::Reset | Surface::Health
        )
    }

    /// Whether a model has to work for the answer.
    pub(super) fn is_work(&self) -> bool {
        matches!(
            self.surface,
            Surface::Chat
                | Surface::Completions
                | Surface::Responses
                | Surface::Embeddings
                | Surface::Messages
                | Surface::Generate { .. }
                | Surface::Embed
                | Surface::BatchEmbed
        )
    }

    /// The name under which requests are counted.
    pub(super) fn name(&self) -> &'static str {
        match (self.provider, self.surface) {
            (Provider::Mistral, Surface::Chat) => "mistral chat",
            (Provider::Groq, Surface::Chat) => "groq chat",
            (Provider::Compatible, Surface::Chat) => "compatible chat",
            (_, Surface::Chat) => "chat",
            (_, Surface::Completions) => "completions",
            (_, Surface::Responses) => "responses",
            (_, Surface::InputTokens) => "input_tokens",
            (_, Surface::Response | Surface::InputItems | Surface::Cancel) => "stored responses",
            (Provider::Mistral, Surface::Embeddings) => "mistral embeddings",
            (_, Surface::Embeddings) => "embeddings",
            (_, Surface::Messages) => "messages",
            (_, Surface::CountTokens) => "count_tokens",
            (_, Surface::Generate { stream: false }) => "generateContent",
            (_, Surface::Generate { stream: true }) => "streamGenerateContent",
            (_, Surface::GeminiCountTokens) => "countTokens",
            (_, Surface::Embed) => "embedContent",
            (_, Surface::BatchEmbed) => "batchEmbedContents",
            (_, Surface::Models | Surface::Model) => "models",
            (_, Surface::Stats | Surface::Last | Surface::Ledger | Surface::Reset | Surface::Health) => "sim",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_providers() {
        let read = |path| route(path, false).map(|route| (route.provider, route.surface, route.model));
        assert_eq!(read("/v1/chat/completions"), Some((Provider::OpenAi, Surface::Chat, None)));
        assert_eq!(read("/mistral/v1/embeddings"), Some((Provider::Mistral, Surface::Embeddings, None)));
        assert_eq!(
            read("/groq/openai/v1/models/openai/gpt-oss-20b"),
            Some((Provider::Groq, Surface::Model, Some("openai/gpt-oss-20b")))
        );
        assert_eq!(
            read("/v1beta/models/gemini-2.5-pro:streamGenerateContent"),
            Some((Provider::Gemini, Surface::Generate { stream: true }, Some("gemini-2.5-pro")))
        );
        assert_eq!(
            read("/v1/models/gemini-2.5-pro:countTokens"),
            Some((Provider::Gemini, Surface::GeminiCountTokens, Some("gemini-2.5-pro")))
        );
        assert_eq!(read("/v1/models/ft:mine"), Some((Provider::OpenAi, Surface::Model, Some("ft:mine"))));
        assert_eq!(
            read("/openai/deployments/mine/chat/completions"),
            Some((Provider::OpenAi, Surface::Chat, Some("mine")))
        );
        assert_eq!(
            read("/v1/responses/resp_1/input_items"),
            Some((Provider::OpenAi, Surface::InputItems, Some("resp_1")))
        );
        assert_eq!(read("/v1/responses/input_tokens"), Some((Provider::OpenAi, Surface::InputTokens, None)));
        assert_eq!(route("/v1/models", true).unwrap().provider, Provider::Anthropic);
        for none in [
            "/",
            "/v1/",
            "/v1/chat",
            "/v1/responses/",
            "/v1/responses/a/b",
            "/mistral/v1/responses/a",
            "/v1beta/models/x:dance",
            "/v1beta/modelsx",
            "/nothing",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
