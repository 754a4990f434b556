//! The simulated providers, and the gateway's real stack in front of them, all in this process.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;
use tollway::config::{Env, Settings, Source};
use tollway::simulate::{Options, Simulator};
use tollway::stack::{self, Shared, Stack};
use tower::ServiceExt as _;

use crate::ask::Ask;
use crate::dialect::Dialect;
use crate::feature::Feature;

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
    /// Whether the body ended as a body should.
    pub(crate) whole: bool,
}

impl Raw {
    /// What the gateway says it left out.
    pub(crate) fn dropped(&self) -> String {
        let values = self.headers.get_all("x-tollway-dropped").iter();
        values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(", ")
    }
}

/// Providers and gateway of a row of the matrix, which asks one thing at a time.
pub(crate) struct Road {
    providers: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    stack: Stack,
}

impl Road {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let providers = listener.local_addr().unwrap();
        let options = Options { keep: 1, ..Options::default() };
        tokio::spawn(Simulator::new(options).serve(listener, std::future::pending()));
        let client = Client::builder(TokioExecutor::new()).build_http();
        let settings = Settings::load(&Source::text(configuration(providers)), &Env::default()).unwrap();
        let stack = stack::build(&Shared::new(Arc::new(settings)).unwrap());
        Self { providers, client, stack }
    }

    /// Asks the gateway.
    pub(crate) async fn ask(&self, client: Dialect, ask: &Ask) -> Raw {
        let answer = self.stack.clone().oneshot(request(client, &ask.path, &ask.body)).await;
        raw(answer.unwrap_or_else(|never| match never {}).map(Box::pin)).await
    }

    /// Asks a provider, past the gateway.
    pub(crate) async fn ask_directly(&self, provider: Dialect, ask: &Ask) -> Raw {
        let url = format!("http://{}{}", self.providers, ask.path);
        raw(self.client.request(request(provider, &url, &ask.body)).await.unwrap()).await
    }

    /// What a provider was asked last.
    pub(crate) async fn last(&self) -> Option<Ask> {
        let url = format!("http://{}/sim/last?n=1", self.providers);
        let answer = self.client.request(Request::get(url).body(Full::default()).unwrap()).await.unwrap();
        let last: Value = serde_json::from_slice(&raw(answer).await.body).unwrap();
        let path = last[0]["path"].as_str()?.to_owned();
        Some(Ask { path, body: last[0]["body"].clone() })
    }
}

/// The name by which the gateway knows the model of a feature at a provider of this format.
pub(crate) fn alias(feature: Feature, upstream: Dialect) -> String {
    format!("to-{}{}", upstream.name(), if feature.thinks() { "-thinking" } else { "" })
}

fn configuration(providers: SocketAddr) -> String {
    let mut yaml = "providers:\n".to_owned();
    for (name, more, path) in [
        ("chat", "kind: openai, formats: [chat]", "/v1"),
        ("compatible", "kind: openai-compatible", "/compatible/v1"),
        ("responses", "kind: openai, formats: [responses]", "/v1"),
        ("anthropic", "kind: anthropic", ""),
        ("gemini", "kind: gemini", "/v1beta"),
    ] {
        let _ = writeln!(yaml, "  {name}: {{{more}, api_key: k, base_url: 'http://{providers}{path}'}}");
    }
    yaml.push_str("aliases:\n");
    for upstream in Dialect::ALL {
        for feature in [Feature::Text, Feature::Reasoning] {
            let provider = match upstream {
                Dialect::Chat if feature.thinks() => "compatible",
                Dialect::Chat => "chat",
                Dialect::Responses => "responses",
                Dialect::Messages => "anthropic",
                Dialect::Gemini => "gemini",
            };
            let _ = writeln!(yaml, "  {}: {provider}/{}", alias(feature, upstream), feature.model(upstream));
        }
    }
    yaml
}

fn request(dialect: Dialect, uri: &str, body: &Value) -> Request<Full<Bytes>> {
    let request = Request::post(uri).header("content-type", "application/json");
    let request = match dialect {
        Dialect::Chat | Dialect::Responses => request.header("authorization", "Bearer k"),
        Dialect::Messages => request.header("x-api-key", "k").header("anthropic-version", "2023-06-01"),
        Dialect::Gemini => request.header("x-goog-api-key", "k"),
    };
    request.body(Full::new(body.to_string().into())).unwrap()
}

async fn raw<B: Body<Data = Bytes> + Unpin>(response: Response<B>) -> Raw {
    let (parts, mut body) = response.into_parts();
    let mut read = BytesMut::new();
    let mut whole = true;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            whole = false;
            break;
        };
        read.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
    }
    let content_type = parts.headers.get("content-type").and_then(|value| value.to_str().ok());
    Raw {
        status: parts.status.as_u16(),
        content_type: content_type.unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: read.freeze(),
        whole,
    }
}
