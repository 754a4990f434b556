use http::Uri;
use tollway_core::{Dialect, Endpoint, Framing};

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
    /// One vector for one text.
    pub embedding: String,
    /// How many tokens a chat is; none where the provider does not tell.
    pub count_tokens: Option<String>,
}

impl Paths {
    /// The paths of a format as its provider serves it.
    pub fn of(dialect: Dialect) -> Self {
        let openai = |chat: &str, count_tokens: Option<&str>| Self {
            chat: chat.to_owned(),
            chat_stream: chat.to_owned(),
            text_completion: "/completions".to_owned(),
            embeddings: "/embeddings".to_owned(),
            embedding: "/embeddings".to_owned(),
            count_tokens: count_tokens.map(str::to_owned),
        };
        match dialect {
            Dialect::Responses => openai("/responses", Some("/responses/input_tokens")),
            Dialect::Anthropic => Self {
                text_completion: "/v1/complete".to_owned(),
                embeddings: "/v1/embeddings".to_owned(),
                embedding: "/v1/embeddings".to_owned(),
                ..openai("/v1/messages", Some("/v1/messages/count_tokens"))
            },
            Dialect::Gemini => Self {
                chat: "/models/{model}:generateContent".to_owned(),
                chat_stream: "/models/{model}:streamGenerateContent?alt=sse".to_owned(),
                text_completion: "/models/{model}:generateContent".to_owned(),
                embeddings: "/models/{model}:batchEmbedContents".to_owned(),
                embedding: "/models/{model}:embedContent".to_owned(),
                count_tokens: Some("/models/{model}:countTokens".to_owned()),
            },
            _ => openai("/chat/completions", None),
        }
    }
}

/// The URLs of a format's endpoints, made once so that a request has nothing to assemble.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    chat: Address,
    chat_stream: Address,
    /// A stream that is one JSON array.
    chat_array: Address,
    text_completion: Address,
    embeddings: Address,
    embedding: Address,
    count_tokens: Option<Address>,
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
        // Gemini writes an array where nothing else is asked for.
        let array = paths.chat_stream.replace("?alt=sse&", "?").replace("?alt=sse", "");
        let count_tokens = paths.count_tokens.as_deref().map(|path| address("count_tokens", path));
        Ok(Self {
            chat: address("chat", &paths.chat)?,
            chat_stream: address("chat_stream", &paths.chat_stream)?,
            chat_array: address("chat_stream", &array)?,
            text_completion: address("text_completion", &paths.text_completion)?,
            embeddings: address("embeddings", &paths.embeddings)?,
            embedding: address("embedding", &paths.embedding)?,
            count_tokens: count_tokens.transpose()?,
        })
    }

    /// A copy that shares no reference counts with this one.
    pub(super) fn apart(&self) -> Self {
        Self {
            chat: self.chat.apart(),
            chat_stream: self.chat_stream.apart(),
            chat_array: self.chat_array.apart(),
            text_completion: self.text_completion.apart(),
            embeddings: self.embeddings.apart(),
            embedding: self.embedding.apart(),
            count_tokens: self.count_tokens.as_ref().map(Address::apart),
        }
    }

    /// The URL of an endpoint for a model, whose name was found fit for a path; of a chat also by the
    /// form its stream is to have, if it is to be one.
    pub(super) fn uri(&self, endpoint: Endpoint, model: &str, stream: Option<Framing>) -> Option<Uri> {
        let address = match (endpoint, stream) {
            (Endpoint::Chat, None) => &self.chat,
            (Endpoint::Chat, Some(Framing::Events)) => &self.chat_stream,
            (Endpoint::Chat, Some(Framing::Array)) => &self.chat_array,
            (Endpoint::TextCompletion, _) => &self.text_completion,
            (Endpoint::Embeddings, _) => &self.embeddings,
            (Endpoint::Embedding, _) => &self.embedding,
            (Endpoint::CountTokens, _) => self.count_tokens.as_ref()?,
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
        let all = [&self.chat, &self.chat_stream, &self.text_completion, &self.embeddings, &self.embedding];
        all.into_iter().chain(&self.count_tokens).any(|address| matches!(address, Address::Template(_)))
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
            azure.uri(Endpoint::Chat, "gpt-4o", Some(Framing::Events)).unwrap(),
            "https://r.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
        );
        let gemini = endpoints("https://g.com/v1beta", Dialect::Gemini, &[("a", "b c&d")]);
        assert_eq!(
            gemini.uri(Endpoint::Chat, "gemini-2.5-flash", Some(Framing::Events)).unwrap(),
            "https://g.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&a=b+c%26d"
        );
        assert_eq!(
            gemini.uri(Endpoint::Chat, "gemini-2.5-flash", Some(Framing::Array)).unwrap(),
            "https://g.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?a=b+c%26d"
        );
        assert!(gemini.carry_model());
        let openai = endpoints("https://api.openai.com/v1", Dialect::OpenAi, &[]);
        assert_eq!(
            openai.uri(Endpoint::Embeddings, "a/b?c", None).unwrap(),
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
            assert_eq!(gemini.uri(Endpoint::Chat, model, None), None, "{model}");
        }
    }

    proptest! {
        #[test]
        fn no_model_changes_the_rest_of_the_url(model in ".{0,20}") {
            let gemini = endpoints("https://g.com/v1beta", Dialect::Gemini, &[]);
            if let Some(uri) = gemini.uri(Endpoint::Chat, &model, None) {
                prop_assert_eq!(uri.path(), format!("/v1beta/models/{}:generateContent", model));
                prop_assert_eq!(uri.query(), None);
                prop_assert_eq!(uri.host(), Some("g.com"));
            }
        }
    }
}
