//! Which headers travel, either way, and that keys never do.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use super::road::{Answer, Gateway, chat, with};
use crate::support::upstream::{Received, Script, Upstream};

impl Script {
    /// The same answer with one more header.
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().unwrap());
        self
    }
}

const KEY: &str = "sk-the-providers-own-key-1234567890";

/// A provider that keeps what it was sent and answers one script, and gateways to it.
struct Scripted {
    upstream: Upstream,
    seen: Arc<Mutex<Option<Received>>>,
}

impl Scripted {
    async fn start(script: impl Fn(&Received) -> Script + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(None));
        let upstream = Upstream::start({
            let seen = seen.clone();
            move |received| {
                let script = script(&received);
                *seen.lock().unwrap() = Some(received);
                script
            }
        });
        Self { upstream: upstream.await.unwrap(), seen }
    }

    fn gateway(&self) -> Gateway {
        let url = self.upstream.url();
        Gateway::new(&format!(
            "providers:\n  openai: {{api_key: {KEY}, base_url: '{url}/v1'}}\n  mistral: {{api_key: {KEY}, base_url: '{url}/v1'}}\n  anthropic: {{api_key: {KEY}, base_url: '{url}'}}\n  gemini: {{api_key: {KEY}, base_url: '{url}/v1beta'}}\n"
        ))
    }

    /// The headers that reached the provider.
    fn seen(&self) -> HeaderMap {
        self.seen.lock().unwrap().take().expect("the provider was asked").headers
    }
}

const ALL: [&str; 4] = [
    "openai/gpt-5-mini",
    "mistral/mistral-small-2603",
    "anthropic/claude-sonnet-4-5",
    "gemini/gemini-2.5-flash",
];

fn request(model: &str, headers: &[(&'static str, &str)]) -> Request<Full<Bytes>> {
    headers.iter().fold(chat(model, "hi", json!({})), |request, (name, value)| with(request, name, value))
}

/// An answer in the provider's words, whichever it is.
fn whole(received: &Received) -> Script {
    let body = match received.uri.path() {
        path if path.starts_with("/v1beta") => {
            json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP", "index": 0}]})
        }
        "/v1/messages" => json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "hello"}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 1, "output_tokens": 1}}),
        _ => json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}),
    };
    Script::new(200, Some("application/json"), body.to_string())
}

#[tokio::test]
async fn the_clients_own_affairs_never_reach_the_provider() {
    let scripted = Scripted::start(whole).await;
    let gateway = scripted.gateway();
    let private = [
        "authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "cookie",
        "proxy-authorization",
        "forwarded",
        "apikey",
        "helicone-auth",
        "x-secret-key",
        "x-tollway-provider",
        "x-tollway-tag",
        "x-original-url",
        "x-http-method-override",
        "sec-websocket-protocol",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "openai-organization",
        "openai-project",
        "x-request-id",
        "te",
        "keep-alive",
        "upgrade",
        "trailer",
        "x-hop",
        "x-other-hop",
        "accept-encoding",
        "expect",
    ];
    let mut headers: Vec<_> = private.iter().map(|name| (*name, "a clients-secret")).collect();
    headers.extend([("connection", "x-hop, keep-alive"), ("connection", "X-Other-Hop")]);
    for model in ALL {
        let answer = gateway.send(request(model, &headers)).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        let seen = scripted.seen();
        for (name, value) in &seen {
            assert!(!value.to_str().unwrap().contains("clients-secret"), "{model}: {name}");
        }
        assert!(
            !seen.contains_key("connection") && !seen.contains_key("transfer-encoding"),
            "{model}: {seen:?}"
        );
        // The provider's own key is there once, in its own place.
        let keys: Vec<_> = seen.iter().filter(|(_, value)| value.to_str().unwrap().contains(KEY)).collect();
        assert_eq!(keys.len(), 1, "{model}: {keys:?}");
    }
}

#[tokio::test]
async fn end_to_end_headers_go_through_to_the_provider() {
    let scripted = Scripted::start(whole).await;
    let gateway = scripted.gateway();
    let headers = [
        ("idempotency-key", "i-1"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("x-custom", "one"),
        ("x-custom", "two"),
        ("user-agent", "OpenAI/Python 2.0"),
    ];
    for model in ALL {
        gateway.send(request(model, &headers)).await;
        let seen = scripted.seen();
        for (name, value) in headers {
            assert!(seen.get_all(name).iter().any(|seen| seen == value), "{model}: {name} in {seen:?}");
        }
        assert_eq!(seen.get_all("x-custom").iter().count(), 2);
        assert_eq!(seen["content-type"], "application/json");
        assert_eq!(seen["accept"], "application/json");
        let length = seen["content-length"].to_str().unwrap();
        assert!(length.parse::<usize>().unwrap() > 10 && seen.get_all("content-length").iter().count() == 1);
    }
    // What speaks of the SDK goes to those who know it.
    for (model, goes) in [("openai/gpt-5-mini", true), ("anthropic/claude-sonnet-4-5", false)] {
        gateway.send(request(model, &[("x-stainless-lang", "python"), ("openai-beta", "x=1")])).await;
        let seen = scripted.seen();
        assert_eq!(
            (seen.contains_key("x-stainless-lang"), seen.contains_key("openai-beta")),
            (goes, goes),
            "{model}"
        );
    }
}

#[tokio::test]
async fn the_providers_headers_come_back_but_for_its_own_affairs() {
    let scripted = Scripted::start(|received| {
        let mut script = whole(received);
        for (name, value) in [
            ("x-ratelimit-remaining-requests", "99"),
            ("x-ratelimit-reset-tokens", "6ms"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("openai-processing-ms", "12"),
            ("x-request-id", "req_of_the_provider"),
            ("set-cookie", "__cf_bm=tracker; path=/"),
            ("set-cookie", "second=1"),
            ("strict-transport-security", "max-age=1"),
            ("alt-svc", "h3=\":443\""),
            ("server", "cloudflare"),
            ("proxy-authenticate", "Basic"),
            ("keep-alive", "timeout=5"),
            ("connection", "x-inner"),
            ("x-inner", "1"),
            ("retry-after", "3"),
        ] {
            script = script.with(name, value);
        }
        script
    })
    .await;
    let gateway = scripted.gateway();
    for model in ALL {
        let answer = gateway.send(request(model, &[("x-request-id", model)])).await;
        let headers = &answer.headers;
        for (name, value) in [
            ("x-ratelimit-remaining-requests", "99"),
            ("x-ratelimit-reset-tokens", "6ms"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("openai-processing-ms", "12"),
            ("x-request-id", model),
            ("x-tollway-upstream-request-id", "req_of_the_provider"),
            ("x-tollway-upstream", model),
            ("content-type", "application/json"),
        ] {
            assert_eq!(headers[name], value, "{model}: {name} in {headers:?}");
            assert_eq!(headers.get_all(name).iter().count(), 1, "{model}: {name}");
        }
        for gone in [
            "set-cookie",
            "strict-transport-security",
            "alt-svc",
            "server",
            "proxy-authenticate",
            "keep-alive",
            "connection",
            "x-inner",
            "transfer-encoding",
        ] {
            assert!(!headers.contains_key(gone), "{model}: {gone}");
        }
        // A length, where it is told, is the body's.
        if let Some(length) = headers.get("content-length") {
            assert_eq!(length.to_str().unwrap(), answer.body.len().to_string(), "{model}");
        }
    }
}

#[tokio::test]
async fn a_streams_length_is_not_promised() {
    // A server that tells the length of a stream which then turns out to be cut.
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hello"}, "finish_reason": null}]});
    let stream = format!("data: {chunk}\n\n");
    let scripted = Scripted::start(move |_| {
        let length = stream.len().to_string();
        Script::new(200, Some("text/event-stream"), stream.clone()).with("content-length", &length)
    })
    .await;
    let gateway = scripted.gateway();
    for more in [json!({"stream": true}), json!({"stream": true, "stream_options": {"include_usage": true}})]
    {
        let answer = gateway.chat("openai/gpt-5-mini", "hi", more).await;
        assert!(!answer.headers.contains_key("content-length"), "{:?}", answer.headers);
        assert_eq!(answer.headers["content-type"], "text/event-stream");
        assert_eq!(answer.said(), "hello");
        assert_eq!(answer.events().last().unwrap().json()["error"]["code"], "upstream_broken");
    }
}

#[tokio::test]
async fn a_redirect_is_neither_followed_nor_handed_on() {
    let provider = Scripted::start(|_| {
        Script::new(308, Some("text/html"), "<a>moved</a>").with("location", "https://inner.example/v1")
    })
    .await;
    let gateway = provider.gateway();
    for model in ALL {
        let answer = gateway.send(request(model, &[])).await;
        assert_eq!((answer.status.as_u16(), answer.headers.get("location")), (502, None), "{model}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("redirects") && message.contains("308"), "{message}");
        assert!(!format!("{answer:?}").contains("inner.example"));
    }
}

#[tokio::test]
async fn a_request_id_is_the_clients_when_it_is_sane() {
    let scripted = Scripted::start(whole).await;
    let gateway = scripted.gateway();
    let long = "x".repeat(129);
    for (given, kept) in
        [("trace-1.a:b/c", true), ("two words", false), ("\"q\"", false), (&*long, false), ("", false)]
    {
        let answer = gateway.send(request(ALL[0], &[("x-request-id", given)])).await;
        let id = answer.headers["x-request-id"].to_str().unwrap();
        assert_eq!(id == given, kept, "{given:?} became {id:?}");
        assert!(kept || (id.starts_with("req_") && id.len() == 36), "{id}");
        assert_eq!(answer.line["request_id"], id);
    }
}

#[tokio::test]
async fn the_providers_key_is_told_to_nobody_even_when_the_provider_repeats_it() {
    let echo = |received: &Received| {
        let told = format!("Incorrect API key provided: {KEY}. You sent {:?}", received.headers);
        let body: Value = match received.uri.path() {
            path if path.starts_with("/v1beta") => {
                json!({"error": {"code": 401, "message": told, "status": "UNAUTHENTICATED"}})
            }
            "/v1/messages" => {
                json!({"type": "error", "error": {"type": "authentication_error", "message": told}})
            }
            _ => {
                json!({"error": {"message": told, "type": "invalid_request_error", "param": null, "code": "invalid_api_key"}})
            }
        };
        Script::new(401, Some("application/json"), body.to_string())
            .with("www-authenticate", &format!("Bearer error=\"{KEY}\""))
    };
    let scripted = Scripted::start(echo).await;
    let gateway = scripted.gateway();
    for model in ALL {
        for stream in [false, true] {
            let answer = gateway.chat(model, "hi", json!({"stream": stream})).await;
            assert_eq!(answer.status, 401, "{model}");
            silent_about_the_key(model, &answer);
            let message = answer.json()["error"]["message"].clone();
            assert!(
                message.as_str().unwrap().contains("Incorrect API key provided: [redacted]"),
                "{message}"
            );
            if let Some(length) = answer.headers.get("content-length") {
                assert_eq!(length.to_str().unwrap(), answer.body.len().to_string(), "{model}");
            }
        }
    }
    assert!(!gateway.lines().contains(KEY));
    // Nor does it stand in what is printed of the gateway itself.
    assert!(!format!("{gateway:?}").contains(KEY));
}

fn silent_about_the_key(model: &str, answer: &Answer) {
    assert!(!answer.text().contains(KEY), "{model}: {}", answer.text());
    for (name, value) in &answer.headers {
        assert!(!value.to_str().unwrap().contains(KEY), "{model}: {name}");
    }
}

#[tokio::test]
async fn the_header_in_which_one_provider_takes_its_key_reaches_no_other() {
    let scripted = Scripted::start(whole).await;
    let url = scripted.upstream.url();
    let gateway = Gateway::new(&format!(
        "providers:\n  openai: {{api_key: {KEY}, base_url: '{url}/v1'}}\n  mine: {{kind: openai-compatible, api_key: {KEY}, base_url: '{url}/v1', auth: x-gate}}\n  anthropic: {{api_key: {KEY}, base_url: '{url}'}}\n"
    ));
    for model in ["openai/gpt-5-mini", "mine/model", "anthropic/claude-sonnet-4-5"] {
        let answer =
            gateway.send(request(model, &[("x-gate", "a clients-secret"), ("x-gates", "open")])).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        let seen = scripted.seen();
        let own = (model == "mine/model").then(|| KEY.parse().unwrap());
        assert_eq!(seen.get("x-gate"), own.as_ref(), "{model}");
        assert_eq!(seen["x-gates"], "open");
    }
}

const CODE: &str = "c0de/of+the=query";
const TOKEN: &str = "tok-of-a-configured-header";

/// A gateway whose providers are told three secrets each.
fn secretive(url: &str) -> Gateway {
    let more = format!("headers: {{x-gate: 'Token {TOKEN}'}}, query: {{code: '{CODE}'}}");
    Gateway::new(&format!(
        "providers:\n  openai: {{api_key: {KEY}, base_url: '{url}/v1', {more}}}\n  mistral: {{api_key: {KEY}, base_url: '{url}/v1', {more}}}\n  anthropic: {{api_key: {KEY}, base_url: '{url}', {more}}}\n  gemini: {{api_key: {KEY}, base_url: '{url}/v1beta', {more}}}\n"
    ))
}

/// An error in a provider's words that repeats all it was sent.
fn error_of(received: &Received) -> Value {
    let told = format!("wrong: {KEY} {TOKEN} {CODE} {:?} {}", received.headers, received.uri);
    match received.uri.path() {
        path if path.starts_with("/v1beta") => {
            json!({"error": {"code": 401, "message": told, "status": "UNAUTHENTICATED"}})
        }
        "/v1/messages" => {
            json!({"type": "error", "error": {"type": "authentication_error", "message": told}})
        }
        _ => {
            json!({"error": {"message": told, "type": "invalid_request_error", "param": null, "code": "invalid_api_key"}})
        }
    }
}

#[track_caller]
fn silent(model: &str, answer: &Answer) {
    silent_about_the_key(model, answer);
    assert!(answer.text().contains("wrong: [redacted] [redacted] [redacted]"), "{model}: {}", answer.text());
    for secret in [TOKEN, CODE, "c0de%2Fof%2Bthe%3Dquery"] {
        assert!(!answer.text().contains(secret), "{model}: {}", answer.text());
    }
}

#[tokio::test]
async fn no_secret_is_told_by_an_error_within_a_success_or_in_mid_stream() {
    // As a refusal, and in the body of a success.
    for status in [401, 200] {
        let scripted = Scripted::start(move |received| {
            Script::new(status, Some("application/json"), error_of(received).to_string())
        })
        .await;
        let gateway = secretive(&scripted.upstream.url());
        for model in ALL {
            for stream in [false, true] {
                silent(model, &gateway.chat(model, "hi", json!({"stream": stream})).await);
            }
        }
    }
    // As an event of a stream, in pieces.
    let scripted = Scripted::start(|received| {
        let error = error_of(received);
        let begin = match received.uri.path() {
            path if path.starts_with("/v1beta") => {
                "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"a\"}]},\"index\":0}]}\n\n"
            }
            "/v1/messages" => "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: error\n",
            _ => "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n",
        };
        let stream = format!("{begin}data: {error}\n\n");
        Script::new(200, Some("text/event-stream"), stream).cut_at([begin.len(), begin.len() + 60])
    })
    .await;
    let gateway = secretive(&scripted.upstream.url());
    for model in ALL {
        for more in [
            json!({"stream": true}),
            json!({"stream": true, "stream_options": {"include_usage": true}}),
            // Collected: asked for as a whole.
            json!({"max_tokens": 30_000}),
        ] {
            let answer = gateway.chat(model, "hi", more.clone()).await;
            silent(model, &answer);
            assert_eq!(answer.line["outcome"], "refused", "{model} {more}: {}", answer.line);
        }
    }
    assert!(!gateway.lines().contains(KEY) && !gateway.lines().contains(TOKEN));
}
