//! The gateway's real stack in front of the simulated providers, both in this process.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tollway::access_log::LineSink;
use tollway::config::{Env, Settings, Source};
use tollway::simulate::{Options, Simulator};
use tollway::stack::{self, Shared, Stack};
use tower::ServiceExt;

use crate::support::events::{Event, events};
use crate::support::http::{get, json as parse, whole};

pub(super) const CHAT: &str = "/v1/chat/completions";

/// A model of every provider, of which two relay, one is relayed and written anew, two translate.
pub(super) const MODELS: [&str; 5] = [
    "openai/gpt-5-mini",
    "groq/openai/gpt-oss-20b",
    "mistral/mistral-small-2603",
    "anthropic/claude-sonnet-4-5",
    "gemini/gemini-2.5-flash",
];

/// The provider a model of [`MODELS`] names.
pub(super) fn provider(model: &str) -> &str {
    model.split('/').next().unwrap()
}

/// The stack and its access log.
#[derive(Debug, Clone)]
pub(super) struct Gateway {
    stack: Stack,
    log: AccessLog,
}

/// What the client got, and the line the access log has of it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the body ended as a body should.
    pub(super) is_whole: bool,
    pub(super) line: Value,
}

impl Gateway {
    pub(super) fn new(configuration: &str) -> Self {
        let settings = Settings::load(&Source::text(configuration), &Env::default()).unwrap();
        let log = AccessLog::new();
        let shared =
            Shared { access_log: Some(log.sink.clone()), ..Shared::new(Arc::new(settings)).unwrap() };
        Self { stack: stack::build(&shared), log }
    }

    /// The head of the answer, and its body as the server would read it.
    pub(super) async fn open(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Response<impl Body<Data = Bytes> + Unpin + use<>> {
        let response = self.stack.clone().oneshot(request).await;
        response.unwrap_or_else(|never| match never {}).map(Box::pin)
    }

    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let (parts, body) = self.open(request).await.into_parts();
        let (body, is_whole) = read(body).await;
        let line = self.line(parts.headers["x-request-id"].to_str().unwrap());
        Answer { status: parts.status, headers: parts.headers, body, is_whole, line }
    }

    /// Sends a chat of one user message.
    pub(super) async fn chat(&self, model: &str, text: &str, more: Value) -> Answer {
        self.send(chat(model, text, more)).await
    }

    /// The line of the request of an id.
    pub(super) fn line(&self, id: &str) -> Value {
        self.log.line(id)
    }

    /// All lines so far.
    pub(super) fn lines(&self) -> String {
        self.log.text()
    }
}

impl Answer {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        parse(&self.body)
    }

    pub(super) fn events(&self) -> Vec<Event> {
        events(self.text())
    }

    /// The text of the answer, plain or streamed, as far as it came.
    pub(super) fn said(&self) -> String {
        let content = |value: &Value, key: &str| -> String {
            value["choices"][0][key]["content"].as_str().unwrap_or_default().to_owned()
        };
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(whole) => content(&whole, "message"),
            Err(_) => self.events().iter().map(|event| content(&event.json(), "delta")).collect(),
        }
    }
}

/// Reads a body as far as it goes; tells whether it ended as it should.
pub(super) async fn read(mut body: impl Body<Data = Bytes> + Unpin) -> (Bytes, bool) {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => read.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(_) => return (read.freeze(), false),
        }
    }
    (read.freeze(), true)
}

/// A chat of one user message; `more` joins the request's fields.
pub(super) fn chat(model: &str, text: &str, more: Value) -> Request<Full<Bytes>> {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": text}]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    post(CHAT, body.to_string())
}

pub(super) fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post(path).header(CONTENT_TYPE, "application/json");
    request.body(Full::new(body.into())).unwrap()
}

/// Adds a header to a request.
pub(super) fn with(
    mut request: Request<Full<Bytes>>,
    name: &'static str,
    value: &str,
) -> Request<Full<Bytes>> {
    request.headers_mut().append(name, value.parse().unwrap());
    request
}

/// A log kept in memory.
#[derive(Debug, Clone)]
pub(super) struct AccessLog {
    pub(super) sink: Arc<LineSink>,
    kept: Kept,
}

impl AccessLog {
    pub(super) fn new() -> Self {
        let kept = Kept::default();
        Self { sink: LineSink::start(Box::new(kept.clone())).unwrap(), kept }
    }

    /// The one line of a request.
    pub(super) fn line(&self, id: &str) -> Value {
        let mark = format!("\"request_id\":\"{id}\"");
        let text = self.text();
        let mut lines = text.lines().filter(|line| line.contains(&mark));
        let line = lines.next().unwrap_or_else(|| panic!("no line for {id} in {text}"));
        assert!(lines.next().is_none(), "two lines for {id}");
        serde_json::from_str(line).unwrap()
    }

    fn text(&self) -> String {
        self.sink.flush();
        String::from_utf8(self.kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }
}

#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The simulated providers, on a port of their own until the test's runtime ends.
#[derive(Debug, Clone)]
pub(super) struct Providers {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Providers {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(Simulator::new(Options::default()).serve(listener, std::future::pending()));
        // One connection for all questions, so that the others can be counted.
        Self { address, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// A gateway in front of them that leaves a provider when its client leaves. `more` joins the settings
    /// of each provider.
    pub(super) fn gateway(&self, more: &str) -> Gateway {
        self.gateway_with(more, "usage: {drain: {stream: 0s, answer: 0s}}\n")
    }

    /// A gateway in front of them. `sections` stand before the providers.
    pub(super) fn gateway_with(&self, more: &str, sections: &str) -> Gateway {
        let mut configuration = format!("{sections}providers:\n");
        for (name, path) in [
            ("openai", "/v1"),
            ("groq", "/groq/openai/v1"),
            ("mistral", "/mistral/v1"),
            ("anthropic", ""),
            ("gemini", "/v1beta"),
        ] {
            let url = format!("http://{}{path}", self.address);
            let more = if more.is_empty() { String::new() } else { format!(", {more}") };
            let _ = writeln!(configuration, "  {name}: {{api_key: key-of-{name}, base_url: '{url}'{more}}}");
        }
        Gateway::new(&configuration)
    }

    /// Where they are.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) async fn stats(&self) -> Value {
        self.ask("/sim/stats").await
    }

    /// The requests they got, the newest first.
    pub(super) async fn last(&self) -> Value {
        self.ask("/sim/last").await
    }

    async fn ask(&self, path: &str) -> Value {
        let answer = self.client.request(get(self.address, path)).await.unwrap();
        parse(whole(answer).await.unwrap().body())
    }

    /// Waits until the statistics are as wanted, and returns them.
    pub(super) async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Value::Null;
        let watch = async {
            loop {
                seen = self.stats().await;
                if wanted(&seen) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(20), watch).await;
        assert!(found.is_ok(), "never as wanted: {seen}");
        seen
    }

    /// Waits until nothing is in flight.
    pub(super) async fn idle(&self) -> Value {
        self.until(|stats| stats["in_flight"] == 0).await
    }
}
