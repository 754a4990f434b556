//! Anything a provider has, with our credentials and without the client's.

use crate::provider::{Heard, Provider};
use crate::road::Gateway;

const CREDENTIALS: [(&str, &str); 15] = [
    ("authorization", "Bearer of-the-client"),
    ("x-api-key", "of-the-client"),
    ("x-goog-api-key", "of-the-client"),
    ("api-key", "of-the-client"),
    ("cookie", "session=of-the-client"),
    ("x-forwarded-for", "10.0.0.1"),
    ("openai-organization", "of-the-client"),
    ("proxy-authorization", "of-the-client"),
    ("apikey", "of-the-client"),
    ("x-gate-auth", "of-the-client"),
    ("x-access-key", "of-the-client"),
    ("x-tollway-tag", "of-the-client"),
    // Without an upgrade, too.
    ("sec-websocket-protocol", "realtime, openai-insecure-api-key.of-the-client"),
    // Would lead our key to where the client wants it.
    ("x-original-url", "/of-the-client"),
    ("x-http-method-override", "of-the-client"),
];

fn providers(address: std::net::SocketAddr) -> String {
    format!(
        "providers:
  openai: {{api_key: key-of-openai, base_url: 'http://{address}/v1'}}
  anthropic: {{api_key: key-of-anthropic, base_url: 'http://{address}'}}
  gemini: {{api_key: key-of-gemini, base_url: 'http://{address}/v1beta'}}
  mistral: {{api_key: key-of-mistral, base_url: 'http://{address}/v1'}}
  groq: {{api_key: key-of-groq, base_url: 'http://{address}/openai/v1'}}
"
    )
}

#[tokio::test]
async fn every_provider_is_reached_with_our_key_and_none_of_the_client_s() {
    let heard = Heard::default();
    let provider = Provider::echo("it", heard.clone()).await;
    let gateway = Gateway::start(&providers(provider.address));
    for (name, rest, target, header, key) in [
        ("openai", "/files/x/content", "/v1/files/x/content", "authorization", "Bearer key-of-openai"),
        ("openai", "/v1/chatkit/sessions", "/v1/chatkit/sessions", "authorization", "Bearer key-of-openai"),
        ("anthropic", "/v1/messages/batches", "/v1/messages/batches", "x-api-key", "key-of-anthropic"),
        ("gemini", "/cachedContents", "/v1beta/cachedContents", "x-goog-api-key", "key-of-gemini"),
        ("gemini", "/upload/v1beta/files", "/upload/v1beta/files", "x-goog-api-key", "key-of-gemini"),
        ("mistral", "/ocr", "/v1/ocr", "authorization", "Bearer key-of-mistral"),
        (
            "groq",
            "/audio/translations",
            "/openai/v1/audio/translations",
            "authorization",
            "Bearer key-of-groq",
        ),
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let path = format!("/passthrough/{name}{rest}?key=of-the-client&%24KEY=of-the-client&page=a%2Fb");
            let body = if method == "GET" { "" } else { "any \u{0} bytes" };
            let mut headers = CREDENTIALS.to_vec();
            headers.extend([("x-own", "kept"), ("content-type", "application/x-any")]);
            let answer = gateway.ask(method, &path, &headers, body.as_bytes()).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("x-tollway-upstream"), Some(name));
            let (head, sent) = heard.last().unwrap();
            assert_eq!((head.method.as_str(), &*head.target), (method, &*format!("{target}?page=a%2Fb")));
            assert_eq!(sent, body.as_bytes());
            assert_eq!((head.header(header), head.header("x-own")), (Some(key), Some("kept")));
            assert_eq!(head.header("content-type"), Some("application/x-any"));
            let leaked = head.headers.values().any(|value| value.to_str().unwrap().contains("of-the-client"));
            assert!(!leaked, "{:?}", head.headers);
        }
    }
}

/// A key in configured parameters is repeated by servers in addresses they give: of what is elsewhere,
/// or of where an upload goes on.
#[tokio::test]
async fn what_a_provider_repeats_of_our_parameters_is_not_told() {
    let provider = Provider::start(|mut line| async move {
        while let Some(head) = line.head().await {
            let at = head.target.replace("/v1", "");
            let status = if at.contains("moved") { "302 Found" } else { "200 OK" };
            line.write(format!(
                "HTTP/1.1 {status}\r\nlocation: http://x{at}\r\nx-upload-url: http://x/y\r\ncontent-length: 0\r\n\r\n"
            ))
            .await;
        }
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers: {{openai: {{api_key: k, base_url: 'http://{}/v1', query: {{code: 'c0de of ours'}}}}}}",
        provider.address
    ));
    for (path, status) in [("/v1/files/moved", 302), ("/passthrough/openai/upload", 200)] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, status);
        assert_eq!(
            (answer.header("location"), answer.header("x-upload-url")),
            (Some("[redacted]"), Some("http://x/y"))
        );
    }
}

#[tokio::test]
async fn refusals_of_ours_are_in_the_provider_s_dialect() {
    let heard = Heard::default();
    let provider = Provider::echo("it", heard.clone()).await;
    let gateway = Gateway::start(&providers(provider.address));
    for rest in ["/a/../b", "/a/%2e%2E/b", "//host/x", "/a%2f..", "/a\\b", "/..;/x", "/%252e%252e/x"] {
        let at = |name| format!("/passthrough/{name}{}", rest.replace('\\', "%5c"));
        let openai = gateway.get(&at("openai")).await;
        assert_eq!(
            (openai.status.as_u16(), &openai.json()["error"]["type"]),
            (400, &"invalid_request_error".into())
        );
        let anthropic = gateway.get(&at("anthropic")).await;
        assert_eq!((anthropic.status.as_u16(), &anthropic.json()["type"]), (400, &"error".into()));
        let gemini = gateway.get(&at("gemini")).await;
        assert_eq!(
            (gemini.status.as_u16(), &gemini.json()["error"]["status"]),
            (400, &"INVALID_ARGUMENT".into())
        );
    }
    let unknown = gateway.get("/passthrough/opnai/v1/models").await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.json()["error"]["code"]),
        (404, &"provider_not_found".into())
    );
    assert!(unknown.json()["error"]["message"].as_str().unwrap().contains("did you mean openai"));
    assert_eq!(gateway.get("/passthrough/").await.status, 404);
    assert!(heard.last().is_none());
    drop(provider);
    let gone = gateway.get("/passthrough/anthropic/v1/models").await;
    assert_eq!((gone.status.as_u16(), &gone.json()["error"]["type"]), (502, &"api_error".into()));
    assert_eq!(gone.header("x-tollway-upstream"), Some("anthropic"));
}

#[tokio::test]
async fn errors_of_the_provider_go_through_without_our_secrets() {
    let provider = Provider::start(|mut line| async move {
        while let Some(head) = line.head().await {
            let body = format!("wrong key: {}", head.header("authorization").unwrap_or_default());
            let text = format!(
                "HTTP/1.1 401 Unauthorized\r\ncontent-type: text/x-any\r\nx-tried: {body}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            line.write(text).await;
        }
    })
    .await;
    let gateway = Gateway::start(&providers(provider.address));
    let answer = gateway.get("/passthrough/openai/x").await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (401, &b"wrong key: Bearer [redacted]"[..]));
    assert_eq!(answer.header("content-type"), Some("text/x-any"));
    assert_eq!(answer.header("x-tried"), Some("[redacted]"));
    // On OpenAI's own paths it is brought into OpenAI's shape.
    let answer = gateway.get("/v1/files").await;
    assert_eq!(answer.status, 401);
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("[redacted]"), "{answer:?}");
}

#[tokio::test]
async fn usage_is_read_where_the_format_is_known() {
    let provider = Provider::start(|mut line| async move {
        while let Some(head) = line.head().await {
            let _ = line.body(&head).await;
            let usage = if head.target.contains("chat") {
                r#""usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}"#
            } else {
                r#""usage":{"input_tokens":7,"output_tokens":3,"input_tokens_details":{"image_tokens":5}}"#
            };
            let picture = "A".repeat(300_000);
            line.answer("application/json", format!(r#"{{"data":[{{"b64_json":"{picture}"}}],{usage}}}"#))
                .await;
        }
    })
    .await;
    let gateway = Gateway::start(&providers(provider.address));
    for (at, (method, path, counted)) in [
        ("POST", "/v1/images/generations", true),
        ("POST", "/passthrough/openai/images/edits", true),
        ("POST", "/passthrough/openai/chat/completions", true),
        // What is asked again was counted before.
        ("GET", "/passthrough/openai/chat/completions", false),
        ("GET", "/v1/batches/x", false),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("counted-{at}");
        let answer = gateway.ask(method, path, &[("x-request-id", &*id)], b"").await;
        assert_eq!(answer.status, 200);
        let line = gateway.line(&id).await;
        let expected = if counted { 7.into() } else { serde_json::Value::Null };
        assert_eq!(line["gen_ai.usage.input_tokens"], expected, "{path}: {line}");
        assert_eq!((&line["outcome"], &line["gen_ai.provider.name"]), (&"complete".into(), &"openai".into()));
    }
}
