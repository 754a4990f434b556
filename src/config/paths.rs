use http::Uri;
use tollway_core::{Dialect, Endpoint};

use super::BaseUrl;

/// The rest of the path at each endpoint, below the base URL. May hold `{model}`, and a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Chat, answered at once.
    pub chat: String,
    /// Chat, answered as a stream.
    pub chat_stream: String,
    /// Legacy text completions.
    pub text_completion: String,
    /// Vectors for texts.
    pub embeddings: String,
}

impl Paths {
    /// The paths of a format as its provider serves it.
    pub fn of(dialect: Dialect) -> Self {
        let (chat, chat_stream, text_completion, embeddings) = match dialect {
            Dialect::Anthropic => ("/v1/messages", "/v1/messages", "/v1/complete", "/v1/embeddings"),
            Dialect::Gemini => (
                "/models/{model}:generateContent",
                "/models/{model}:streamGenerateContent?alt=sse",
                "/models/{model}:generateContent",
                "/models/{model}:batchEmbedContents",
            ),
            _ => ("/chat/completions", "/chat/completions", "/completions", "/embeddings"),
        };
        Self {
            chat: chat.to_owned(),
            chat_stream: chat_stream.to_owned(),
            text_completion: text_completion.to_owned(),
            embeddings: embeddings.to_owned(),
        }
    }
}

/// The URLs of a provider's endpoints, made once so that a request has nothing to assemble.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    chat: Address,
    chat_stream: Address,
    text_completion: Address,
    embeddings: Address,
}

/// A URL, or the text of one that waits for a model.
#[derive(Clone, Debug)]
enum Address {
    Fixed(Uri),
    Template(Box<str>),
}

impl Endpoints {
    /// Joins base, paths and query. The error names the path that makes no URL.
    pub(super) fn new(
        base: &BaseUrl,
        paths: &Paths,
        query: &[(String, String)],
    ) -> Result<Self, &'static str> {
        let address = |name: &'static str, path: &str| Address::new(base, path, query).ok_or(name);
        Ok(Self {
            chat: address("chat", &paths.chat)?,
            chat_stream: address("chat_stream", &paths.chat_stream)?,
            text_completion: address("text_completion", &paths.text_completion)?,
            embeddings: address("embeddings", &paths.embeddings)?,
        })
    }

    /// A copy that shares no reference counts with this one.
    pub(super) fn apart(&self) -> Self {
        let Self { chat, chat_stream, text_completion, embeddings } = self;
        Self {
            chat: chat.apart(),
            chat_stream: chat_stream.apart(),
            text_completion: text_completion.apart(),
            embeddings: embeddings.apart(),
        }
    }

    /// The URL of an endpoint for a model, whose name was found fit for a path.
    pub(super) fn uri(&self, endpoint: Endpoint, model: &str, stream: bool) -> Option<Uri> {
        let address = match endpoint {
            Endpoint::Chat if stream => &self.chat_stream,
            Endpoint::Chat => &self.chat,
            Endpoint::TextCompletion => &self.text_completion,
            Endpoint::Embeddings => &self.embeddings,
            _ => return None,
        };
        match address {
            Address::Fixed(uri) => Some(uri.clone()),
            Address::Template(_) if !is_path_segment(model) => None,
            Address::Template(text) => text.replace("{model}", model).parse().ok(),
        }
    }

    /// Whether a model's name becomes part of a URL.
    pub(super) fn carry_model(&self) -> bool {
        let all = [&self.chat, &self.chat_stream, &self.text_completion, &self.embeddings];
        all.iter().any(|address| matches!(address, Address::Template(_)))
    }
}

impl Address {
    fn new(base: &BaseUrl, path: &str, query: &[(String, String)]) -> Option<Self> {
        let mut text = format!("{base}{path}");
        if !query.is_empty() {
            let pairs = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            text.push(if text.contains('?') { '&' } else { '?' });
            text.push_str(&pairs);
        }
        let uri: Uri = text.replace("{model}", "model").parse().ok()?;
        Some(if text.contains("{model}") { Self::Template(text.into()) } else { Self::Fixed(uri) })
    }
}

impl Address {
    fn apart(&self) -> Self {
        match self {
            Self::Fixed(uri) => Self::Fixed(uri.to_string().parse().unwrap_or_else(|_| uri.clone())),
            Self::Template(text) => Self::Template(text.clone()),
        }
    }
}

/// Whether a model's name can be one segment of a path and nothing more: it must not climb, name
/// another method after a colon, or begin a query.
pub fn is_path_segment(model: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@~".contains(&byte);
    !model.is_empty() && model.bytes().all(plain) && model != "." && !model.contains("..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn endpoints(base: &str, dialect: Dialect, query: &[(&str, &str)]) -> Endpoints {
        let query: Vec<_> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Endpoints::new(&BaseUrl::parse(base).unwrap(), &Paths::of(dialect), &query).unwrap()
    }

    #[test]
    fn joins_urls() {
        let azure = endpoints(
            "https://r.openai.azure.com/openai/deployments/{model}",
            Dialect::OpenAi,
            &[("api-version", "2024-10-21")],
        );
        assert_eq!(
            azure.uri(Endpoint::Chat, "gpt-4o", true).unwrap(),
            "https://r.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
        );
        let gemini = endpoints("https://g.com/v1beta", Dialect::Gemini, &[("a", "b c&d")]);
        assert_eq!(
            gemini.uri(Endpoint::Chat, "gemini-2.5-flash", true).unwrap(),
            "https://g.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&a=b+c%26d"
        );
        assert!(gemini.carry_model());
        let openai = endpoints("https://api.openai.com/v1", Dialect::OpenAi, &[]);
        assert_eq!(
            openai.uri(Endpoint::Embeddings, "a/b?c", false).unwrap(),
            "https://api.openai.com/v1/embeddings"
        );
        assert!(!openai.carry_model());
    }

    #[test]
    fn models_stay_in_their_segment() {
        let gemini = endpoints("https://g.com/v1beta", Dialect::Gemini, &[]);
        for model in [
            "",
            ".",
            "..",
            "a/../b",
            "a/b",
            "a:countTokens",
            "a?b",
            "a#b",
            "a%2fb",
            "a b",
            "a\nb",
            "é",
            "a\\b",
        ] {
            assert_eq!(gemini.uri(Endpoint::Chat, model, false), None, "{model}");
        }
    }

    proptest! {
        #[test]
        fn no_model_changes_the_rest_of_the_url(model in ".{0,20}") {
            let gemini = endpoints("https://g.com/v1beta", Dialect::Gemini, &[]);
            if let Some(uri) = gemini.uri(Endpoint::Chat, &model, false) {
                prop_assert_eq!(uri.path(), format!("/v1beta/models/{}:generateContent", model));
                prop_assert_eq!(uri.query(), None);
                prop_assert_eq!(uri.host(), Some("g.com"));
            }
        }
    }
}
