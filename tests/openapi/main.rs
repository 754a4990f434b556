//! The gateway's answers are what OpenAI's description of its API says they are, whoever gave them.
//!
//! The description lies beside the checkout, in `../shared/specs`; where it is not, these tests say so
//! and pass.

mod fixtures;

#[path = "../support/events.rs"]
mod events;
#[path = "../support/gateway.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod gateway;
#[path = "../support/pieces.rs"]
mod pieces;
#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/score.rs"]
mod score;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/upstream.rs"]
mod upstream;

use std::io::Write as _;

use self::{
    events::{Event, events},
    gateway::{Answer, Gateway},
    schema::Schemas,
    score::{Exception, Score},
    upstream::{Received, Script},
};
use bytes::Bytes;
use http::{Request, header::CONTENT_TYPE};
use http_body_util::Full;
use serde_json::{Value, json};
use tollway::BoxError;

const CONFIGURATION: &str = "
providers:
  openai: { base_url: '{upstream}/v1', api_key: test-key }
  anthropic: { base_url: '{upstream}', api_key: test-key }
  gemini: { base_url: '{upstream}/v1beta', api_key: test-key }
  mistral: { base_url: '{upstream}/v1', api_key: test-key }
log: { access: 'off' }
";

const NAMES: &[&str] = &[
    "CreateChatCompletionResponse",
    "CreateChatCompletionStreamResponse",
    "CreateCompletionResponse",
    "CreateEmbeddingResponse",
    "ErrorResponse",
    "ListModelsResponse",
    "Model",
];

const EXCEPTIONS: &[Exception] = &[];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_what_openai_describes() -> Result<(), BoxError> {
    let Some(schemas) = Schemas::load(NAMES)? else {
        writeln!(std::io::stdout(), "no description of OpenAI's API beside the checkout (../shared/specs)")?;
        return Ok(());
    };
    let gateway = Gateway::start(CONFIGURATION).await?;
    let checks = Checks { gateway, schemas };
    let mut score = Score::new("answers held against OpenAI's description of its API", EXCEPTIONS);
    for fixture in fixtures::whole() {
        for (provider, answer) in &fixture.answers {
            let name = format!("{provider}: {}", fixture.name);
            score.count(provider, "chat", &name, checks.whole(provider, &fixture.asks, answer).await);
            if fixture.asks == json!({}) && ["anthropic", "gemini"].contains(provider) {
                score.count(provider, "completion", &name, checks.completion(provider, answer).await);
            }
        }
    }
    for fixture in fixtures::streamed() {
        for (provider, answer) in &fixture.answers {
            let name = format!("{provider}: {}", fixture.name);
            score.count(provider, "chunks", &name, checks.streamed(provider, &fixture.asks, answer).await);
        }
    }
    for (provider, status, body) in fixtures::errors() {
        score.count(
            provider,
            "errors",
            &format!("{provider}: {status}"),
            checks.error(provider, status, &body).await,
        );
    }
    for provider in ["openai", "mistral", "gemini"] {
        score.count(provider, "embeddings", provider, checks.embeddings(provider).await);
    }
    for (name, result) in checks.own_errors().await {
        score.count("tollway", "errors", name, result);
    }
    score.count("tollway", "models", "models", checks.models().await);
    Ok(score.finish()?)
}

struct Checks {
    gateway: Gateway,
    schemas: Schemas,
}

impl Checks {
    async fn whole(&self, provider: &str, asks: &Value, answer: &Value) -> Result<(), String> {
        let script = Script::new(200, Some("application/json"), answer.to_string());
        let got = self.gateway.post("/v1/chat/completions", &question(provider, asks), script).await;
        is_asked(&got)?;
        self.is_a("CreateChatCompletionResponse", 200, &got)
    }

    async fn completion(&self, provider: &str, answer: &Value) -> Result<(), String> {
        let script = Script::new(200, Some("application/json"), answer.to_string());
        let prompt = json!({ "model": model(provider), "prompt": "Go on." });
        self.is_a(
            "CreateCompletionResponse",
            200,
            &self.gateway.post("/v1/completions", &prompt, script).await,
        )
    }

    async fn streamed(&self, provider: &str, asks: &Value, answer: &Value) -> Result<(), String> {
        let mut question = question(provider, asks);
        question["stream"] = true.into();
        question["stream_options"] = json!({ "include_usage": true });
        let stream = event_stream(answer);
        let half = stream.len() / 2;
        let script = || Script::new(200, Some("text/event-stream"), stream.clone()).cut_at([half]);
        let got = self.gateway.post("/v1/chat/completions", &question, script()).await;
        let events = events(got.text());
        let is_error = |event: &&Event| event.json()["error"].is_object();
        let fails = answer.as_array().into_iter().flatten().any(|event| event["error"].is_object());
        let ends_well = events.last().is_some_and(|last| last.data == "[DONE]");
        let ends_badly = events.last().as_ref().is_some_and(is_error);
        if got.status != 200 || !got.is_whole || ends_well == fails || ends_badly != fails {
            return Err(format!("got {}: {}", got.status, got.text()));
        }
        for event in events.iter().filter(|event| event.data != "[DONE]") {
            let name = if is_error(&event) { "ErrorResponse" } else { "CreateChatCompletionStreamResponse" };
            self.schemas.check(name, &event.json())?;
        }
        // The same stream, broken off.
        let cut = Script::new(200, Some("text/event-stream"), stream[..half].to_owned());
        let script = Script { broken: true, ..cut };
        let got = self.gateway.post("/v1/chat/completions", &question, script).await;
        let events = events::events(got.text());
        let Some(last) = events.last() else { return Err("a broken stream ended without a word".to_owned()) };
        self.schemas.check("ErrorResponse", &last.json())
    }

    async fn error(&self, provider: &str, status: u16, body: &Value) -> Result<(), String> {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        let question = question(provider, &json!({}));
        let script = Script::new(status, Some("application/json"), body);
        let got = self.gateway.post("/v1/chat/completions", &question, script).await;
        // Statuses that OpenAI's SDKs do not know are said in those they do.
        let status = if status == 529 { 503 } else { status };
        self.is_a("ErrorResponse", status, &got)
    }

    async fn embeddings(&self, provider: &str) -> Result<(), String> {
        let answer = if provider == "gemini" {
            json!({ "embeddings": [{ "values": [0.5, -0.25] }, { "values": [1, 0] }] })
        } else {
            json!({ "object": "list", "model": "m", "usage": { "prompt_tokens": 2, "total_tokens": 2 }, "data": [
                { "object": "embedding", "index": 0, "embedding": [0.5, -0.25] },
                { "object": "embedding", "index": 1, "embedding": [1, 0] }] })
        };
        let question = json!({ "model": format!("{provider}/an-embedder"), "input": ["a", "b"] });
        let script = Script::new(200, Some("application/json"), answer.to_string());
        let got = self.gateway.post("/v1/embeddings", &question, script).await;
        self.is_a("CreateEmbeddingResponse", 200, &got)?;
        let two = got.json()["data"].as_array().is_some_and(|data| data.len() == 2);
        two.then_some(()).ok_or_else(|| format!("expected two vectors, got {}", got.text()))
    }

    /// Errors the gateway itself makes.
    async fn own_errors(&self) -> Vec<(&'static str, Result<(), String>)> {
        let request = |method: &str, path: &str, body: &'static str| {
            let request =
                Request::builder().method(method).uri(path).header("content-type", "application/json");
            request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap_or_default()
        };
        let chat = "/v1/chat/completions";
        let cases = [
            ("not JSON", 400, request("POST", chat, "{")),
            ("no body", 400, request("POST", chat, "")),
            ("no model", 400, request("POST", chat, r#"{"messages":[]}"#)),
            ("no messages", 400, request("POST", chat, r#"{"model":"anthropic/claude-sonnet-4-5"}"#)),
            (
                "an unknown model",
                404,
                request(
                    "POST",
                    chat,
                    r#"{"model":"no-such-model","messages":[{"role":"user","content":"a"}]}"#,
                ),
            ),
            (
                "several answers of a format that gives one",
                400,
                request(
                    "POST",
                    chat,
                    r#"{"model":"anthropic/claude-sonnet-4-5","n":2,"messages":[{"role":"user","content":"a"}]}"#,
                ),
            ),
            ("an unknown path", 404, request("POST", "/v1/nothing", "{}")),
            ("the wrong method", 405, request("GET", chat, "")),
            ("an unknown model's card", 404, request("GET", "/v1/models/no-such-model", "")),
        ];
        let mut results = Vec::new();
        for (name, status, request) in cases {
            let got = self.gateway.send(request).await;
            results.push((name, self.is_a("ErrorResponse", status, &got)));
        }
        results
    }

    async fn models(&self) -> Result<(), String> {
        let card = |path: &str| Request::get(path).body(Full::default()).unwrap_or_default();
        let list = self.gateway.send(card("/v1/models")).await;
        self.is_a("ListModelsResponse", 200, &list)?;
        let json = list.json();
        let models = json["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        if models.is_empty() {
            return Err("no models are listed".to_owned());
        }
        for model in models {
            let path = format!("/v1/models/{}", model["id"].as_str().unwrap_or_default());
            let got = self.gateway.send(card(&path)).await;
            self.is_a("Model", 200, &got).map_err(|said| format!("{path}: {said}"))?;
            if got.json() != *model {
                return Err(format!("{path} is not what the list says: {}", got.text()));
            }
        }
        Ok(())
    }

    /// Holds an answer against a status and a schema.
    fn is_a(&self, name: &str, status: u16, got: &Answer) -> Result<(), String> {
        if got.status != status || !got.is_whole {
            return Err(format!("expected {status}, got {}: {}", got.status, got.text()));
        }
        if got.headers.get(CONTENT_TYPE).is_none_or(|value| value != "application/json") {
            return Err(format!("not said to be JSON: {:?}", got.headers));
        }
        self.schemas.check(name, &got.json())
    }
}

/// The provider got a request, and one it could read.
fn is_asked(got: &Answer) -> Result<(), String> {
    let is_right = |sent: &Received| {
        let body: Value = serde_json::from_slice(&sent.body).unwrap_or_default();
        body.is_object() && sent.uri.path().len() > 1
    };
    got.sent.as_ref().is_some_and(is_right).then_some(()).ok_or_else(|| format!("was sent {:?}", got.sent))
}

fn model(provider: &str) -> &'static str {
    match provider {
        "openai" => "openai/gpt-4o",
        "mistral" => "mistral/mistral-large-latest",
        "anthropic" => "anthropic/claude-sonnet-4-5",
        _ => "gemini/gemini-2.5-flash",
    }
}

fn question(provider: &str, asks: &Value) -> Value {
    let mut question =
        json!({ "model": model(provider), "messages": [{ "role": "user", "content": "Go on." }] });
    for (name, value) in asks.as_object().into_iter().flatten() {
        question[name] = value.clone();
    }
    question
}

/// The data of events as a stream.
fn event_stream(events: &Value) -> String {
    let events = events.as_array().map(Vec::as_slice).unwrap_or_default();
    let data = |event: &Value| event.as_str().map_or_else(|| event.to_string(), str::to_owned);
    let framed = events.iter().flat_map(|event| ["data: ".to_owned(), data(event), "\n\n".to_owned()]);
    framed.collect()
}
