//! The gateway's stack in front of something that plays Google.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tollway::config::{Env, Settings, Source};
use tollway::simulate::{Options, Simulator};
use tollway::stack::{self, Shared, Stack};
use tower::ServiceExt as _;

use crate::upstream::{Received, Script, Upstream};

const KEY: &str = include_str!("../support/rsa_test_key.b64");

/// What the client got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// What a chat answered.
    pub(crate) fn said(&self) -> String {
        self.json()["choices"][0]["message"]["content"]
            .as_str()
            .unwrap_or_else(|| panic!("{self:?}"))
            .to_owned()
    }
}

/// The gateway's stack.
pub(crate) struct Gateway {
    pub(crate) settings: Arc<Settings>,
    pub(crate) shared: Shared,
    stack: Stack,
}

impl Gateway {
    /// Builds it with one provider, `vertex`, of these fields, in an environment.
    pub(crate) fn new(fields: &Value, env: &[(&str, &str)]) -> Self {
        let text = json!({"simulator": "off", "providers": {"vertex": fields}}).to_string();
        let settings = Settings::load(&Source::text(text), &env.iter().copied().collect::<Env>());
        let settings = Arc::new(settings.unwrap_or_else(|error| panic!("{error}")));
        assert_eq!(settings.providers.len(), 1, "{:?}", settings.disabled);
        let shared = Shared::new(settings.clone()).unwrap();
        Self { stack: stack::build(&shared), settings, shared }
    }

    /// The stack of another worker.
    pub(crate) fn another(&self) -> Self {
        let Self { settings, shared, .. } = self;
        Self { settings: settings.clone(), shared: shared.clone(), stack: stack::build(shared) }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, "Bearer the-clients-own")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let response = self.stack.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Says something to a model.
    pub(crate) async fn say(&self, model: &str, text: &str) -> Answer {
        self.post("/v1/chat/completions", &chat(model, text, false)).await
    }
}

pub(crate) fn chat(model: &str, text: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "max_tokens": 64, "messages": [{"role": "user", "content": text}]})
}

/// The credentials of a service account whose statements are exchanged at a URL.
pub(crate) fn account(token_url: &str) -> String {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{KEY}-----END PRIVATE KEY-----\n");
    json!({
        "type": "service_account", "project_id": "p-1", "private_key_id": "k-1", "private_key": pem,
        "client_email": "me@p-1.iam.gserviceaccount.com", "token_uri": token_url,
    })
    .to_string()
}

/// Starts the simulated provider.
pub(crate) async fn simulator() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Simulator::new(Options::default()).serve(listener, std::future::pending()));
    address
}

/// What a scripted Google was asked for, in order: `METHOD`-less paths with who asked.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Received>>>);

impl Log {
    /// How many requests there were to paths that end so.
    pub(crate) fn count(&self, ending: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|one| one.uri.path().ends_with(ending)).count()
    }

    /// The `authorization` of each request to a path that ends so.
    pub(crate) fn bearers(&self, ending: &str) -> Vec<String> {
        let all = self.0.lock().unwrap();
        let asked = all.iter().filter(|one| one.uri.path().ends_with(ending));
        asked.map(|one| one.headers[AUTHORIZATION].to_str().unwrap().to_owned()).collect()
    }

    /// The last request to a path that ends so.
    pub(crate) fn last<T>(&self, ending: &str, read: impl Fn(&Received) -> T) -> T {
        let all = self.0.lock().unwrap();
        let found = all.iter().rev().find(|one| one.uri.path().ends_with(ending));
        read(found.unwrap_or_else(|| panic!("nothing was asked of {ending}")))
    }
}

/// Starts a Google that answers by a script, and tells what it was asked.
pub(crate) async fn google(script: impl Fn(&Received) -> Script + Send + Sync + 'static) -> (Upstream, Log) {
    let log = Log::default();
    let told = log.clone();
    let upstream = Upstream::start(move |received| {
        let answer = script(&received);
        told.0.lock().unwrap().push(received);
        answer
    });
    (upstream.await.unwrap(), log)
}

/// A whole answer of Gemini's.
pub(crate) fn gemini_says(text: &str) -> Script {
    let body = json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
    });
    Script::new(200, Some("application/json"), body.to_string())
}

/// A token, good for some seconds.
pub(crate) fn grants(token: &str, seconds: u64) -> Script {
    let body = json!({"access_token": token, "expires_in": seconds, "token_type": "Bearer"});
    let mut script = Script::new(200, Some("application/json"), body.to_string());
    script.headers.insert("metadata-flavor", "Google".parse().unwrap());
    script
}

/// A refusal of Google's.
pub(crate) fn refuses(status: u16, message: &str) -> Script {
    let body = json!({"error": {"code": status, "message": message, "status": "UNAUTHENTICATED"}});
    Script::new(status, Some("application/json"), body.to_string())
}
