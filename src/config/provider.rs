use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header::AUTHORIZATION};
use schemars::JsonSchema;
use serde::Deserialize;
use tollway_core::{Dialect, Endpoint, Framing};
use tollway_wire::Quirks;

use super::{BaseUrl, Format, Google, Kind, Secret};

/// A model provider that requests can go to.
#[derive(Clone)]
pub struct Provider {
    /// Its name, with which models are prefixed.
    pub name: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// The formats it speaks, at least one; what another dialect says goes out in the first.
    pub formats: Vec<Format>,
    /// Where it is.
    pub base_url: BaseUrl,
    /// Parameters of every URL.
    pub query: Vec<(String, String)>,
    /// Its key.
    pub credentials: Option<Secret>,
    /// Where its access tokens come from, in place of a key.
    pub google: Option<Google>,
    /// How the key is sent.
    pub auth: Auth,
    /// Headers of every request, beside the key's. Marked sensitive, as they may hold keys too.
    pub headers: HeaderMap,
    /// Where it departs from OpenAI's format.
    pub quirks: Quirks,
    /// How long to wait for it.
    pub timeouts: Timeouts,
    /// Which HTTP is spoken with it.
    pub http2: Http2,
    /// The most requests at once on one HTTP/2 connection.
    pub max_streams_per_connection: u32,
    /// The models it serves, if not any.
    pub models: Option<Vec<Arc<str>>>,
    /// The region by whose prices it is billed, where its answers do not tell.
    pub region: Option<Arc<str>>,
    /// How it is kept from being sent more than it can take, if it is.
    pub adaptive: Option<tollway_rate_limit::adaptive::Settings>,
}

impl Provider {
    /// The URL of an endpoint for a model, in one of its formats; of a chat also by the form its
    /// stream is to have, if it is to be one. None for a format or an endpoint the provider does not
    /// have, and for a model whose name must not become part of a URL.
    pub fn uri(
        &self,
        dialect: Dialect,
        endpoint: Endpoint,
        model: &str,
        stream: Option<Framing>,
    ) -> Option<Uri> {
        self.formats.iter().find(|format| format.dialect == dialect)?.uri(endpoint, model, stream)
    }

    /// The format it usually speaks.
    pub fn usual_dialect(&self) -> Dialect {
        self.formats.first().map_or(Dialect::OpenAi, |format| format.dialect)
    }

    /// Whether it has OpenAI's endpoints, as far as it has any beside chat.
    pub fn is_of_openai(&self) -> bool {
        self.speaks(Dialect::OpenAi) || self.speaks(Dialect::Responses)
    }

    /// Whether it speaks a format.
    pub fn speaks(&self, dialect: Dialect) -> bool {
        self.formats.iter().any(|format| format.dialect == dialect)
    }

    /// A copy that shares no reference counts with this one.
    #[must_use]
    pub(super) fn apart(&self) -> Self {
        let headers = self.headers.iter().map(|(name, value)| {
            let mut apart = HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
            apart.set_sensitive(value.is_sensitive());
            (name.clone(), apart)
        });
        Self {
            name: Arc::from(&*self.name),
            headers: headers.collect(),
            formats: self.formats.iter().map(Format::apart).collect(),
            ..self.clone()
        }
    }

    /// The header that carries the key, marked sensitive.
    pub fn authorization(&self) -> Option<(HeaderName, HeaderValue)> {
        let key = self.credentials.as_ref()?.expose();
        let (name, text) = match &self.auth {
            Auth::Bearer => (AUTHORIZATION, format!("Bearer {key}")),
            Auth::Header(name) => (name.clone(), key.to_owned()),
            Auth::None => return None,
        };
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }

    /// Whether it serves a model, as far as the configuration says.
    pub fn serves(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|served| **served == *model))
    }
}

/// Without the query's values, which may hold keys.
impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("base_url", &self.base_url)
            .field("query", &self.query.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("credentials", &self.credentials)
            .field("google", &self.google)
            .field("auth", &self.auth)
            .field("headers", &self.headers)
            .field("quirks", &self.quirks)
            .field("timeouts", &self.timeouts)
            .field("http2", &self.http2)
            .field("models", &self.models)
            .finish_non_exhaustive()
    }
}

/// A provider that is configured and left out.
#[derive(Clone, Debug)]
pub struct Disabled {
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// Where it would be.
    pub base_url: BaseUrl,
    /// Why it is left out.
    pub why: Why,
}

/// Why a provider is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// `enabled: false` stands in the configuration.
    SwitchedOff,
    /// None of these variables holds a key.
    MissingKey(Vec<String>),
    /// What the environment holds for it cannot be used, and the configuration does not ask for it.
    Unfit(String),
}

/// How a key is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// As `authorization: Bearer …`.
    Bearer,
    /// As the value of a header of its own.
    Header(HeaderName),
    /// Not at all.
    None,
}

/// How long to wait for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the head of an answer.
    pub first_byte: Duration,
    /// Between bytes of an answer.
    pub idle: Duration,
    /// For a client to go on reading an answer.
    pub unread: Duration,
    /// For the whole answer, however slowly it is read.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_mins(2),
            idle: Duration::from_mins(2),
            unread: Duration::from_mins(5),
            total: None,
        }
    }
}

/// Which HTTP is spoken with a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Http2 {
    /// HTTP/2 where the server offers it in the TLS handshake.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Never,
    /// HTTP/2 without asking, also in the clear.
    PriorKnowledge,
}
