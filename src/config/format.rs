use http::Uri;
use schemars::JsonSchema;
use serde::Deserialize;
use tollway_core::{Dialect, Endpoint, Framing};

use super::{BaseUrl, Paths, paths::Endpoints};

/// A format that a provider speaks, and where.
#[derive(Clone, Debug)]
pub struct Format {
    /// The format.
    pub dialect: Dialect,
    /// The rest of the path at each endpoint.
    pub paths: Paths,
    endpoints: Endpoints,
}

impl Format {
    /// Joins base, paths and query. The error names the path that makes no URL.
    pub(super) fn new(
        dialect: Dialect,
        base: &BaseUrl,
        paths: Paths,
        query: &[(String, String)],
    ) -> Result<Self, &'static str> {
        let endpoints = Endpoints::new(base, &paths, query)?;
        Ok(Self { dialect, paths, endpoints })
    }

    /// The URL of an endpoint. None for one the provider does not have, and for a model whose name
    /// must not become part of a URL.
    pub(super) fn uri(&self, endpoint: Endpoint, model: &str, stream: Option<Framing>) -> Option<Uri> {
        self.endpoints.uri(endpoint, model, stream)
    }

    /// Whether a model's name becomes part of a URL.
    pub(super) fn carries_model(&self) -> bool {
        self.endpoints.carry_model()
    }

    /// A copy that shares no reference counts with this one.
    pub(super) fn apart(&self) -> Self {
        Self { endpoints: self.endpoints.apart(), ..self.clone() }
    }
}

/// A format that servers of `OpenAI`'s kind speak, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FormatFile {
    /// Chat Completions.
    Chat,
    /// Responses.
    Responses,
}

impl FormatFile {
    pub(super) const fn dialect(self) -> Dialect {
        match self {
            Self::Chat => Dialect::OpenAi,
            Self::Responses => Dialect::Responses,
        }
    }
}
