//! The built binary as a server: protocols, limits, reload, shutdown, and what it says of itself.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;

#[path = "server/control.rs"]
mod control;
#[path = "server/ending.rs"]
mod ending;
#[path = "server/hangup.rs"]
mod hangup;
#[path = "support/http.rs"]
mod http_client;
#[path = "server/idling.rs"]
mod idling;
#[path = "server/load.rs"]
mod load;
#[path = "support/process.rs"]
mod process;
#[path = "server/raw.rs"]
mod raw;
#[path = "server/watching.rs"]
mod watching;

use http_client::{Outcome, chat, get, json as parse, open, post, send, whole};
use process::Server;

/// A configuration file of its own, removed when dropped.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A gateway in front of the built-in simulated provider.
fn gateway(name: &str, config: &str) -> (Server, File) {
    let file = File::new(name, config);
    let server = Server::start(&["serve", "--config", file.path()], &[]).unwrap();
    (server, file)
}

const PLAIN: &str = "server: {listen: '127.0.0.1:0'}\nlog: {access: stderr}\n";

#[tokio::test]
async fn without_any_key_the_simulated_provider_answers_for_every_provider() -> Outcome<()> {
    let (server, _file) = gateway("simulated.yaml", PLAIN);
    for model in [
        "gpt-5-mini",
        "claude-sonnet-4-5",
        "gemini-2.5-flash",
        "mistral/mistral-small-2603",
        "groq/openai/gpt-oss-20b",
    ] {
        let response = send(chat(server.addr(), model, "ping", json!({}))).await?;
        let body = parse(response.body());
        assert_eq!(response.status(), StatusCode::OK, "{model}: {body}");
        let text = body["choices"][0]["message"]["content"].as_str().unwrap();
        assert!(text.contains("ping"), "{model}: {body}");
    }
    Ok(())
}

#[tokio::test]
async fn health_models_and_unknown_paths_are_told() -> Outcome<()> {
    let (server, _file) = gateway("side.yaml", PLAIN);
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(send(get(server.addr(), path)).await?.status(), StatusCode::OK, "{path}");
    }
    let models = parse(send(get(server.addr(), "/v1/models")).await?.body());
    assert!(models["data"].as_array().unwrap().iter().any(|model| model["id"] == "gpt-5-mini"), "{models}");
    let model = send(get(server.addr(), "/v1/models/gpt-5-mini")).await?;
    assert_eq!(parse(model.body())["id"], "gpt-5-mini");

    let unknown = send(get(server.addr(), "/v1/nothing")).await?;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(parse(unknown.body())["error"]["type"], "invalid_request_error");
    let wrong = send(get(server.addr(), "/v1/chat/completions")).await?;
    assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong.headers()["allow"], "POST");
    Ok(())
}

#[tokio::test]
async fn both_protocols_are_served_on_one_port() -> Outcome<()> {
    let (server, _file) = gateway("protocols.yaml", PLAIN);
    for http2 in [false, true] {
        let response =
            open(http2, chat(server.addr(), "gpt-5-mini", "ping", json!({"stream": true}))).await?;
        assert_eq!(response.version() == http::Version::HTTP_2, http2);
        let body = whole(response).await?.into_body();
        assert!(body.ends_with(b"data: [DONE]\n\n"), "{}", String::from_utf8_lossy(&body));
    }
    Ok(())
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_replaced() -> Outcome<()> {
    let (server, _file) = gateway("ids.yaml", PLAIN);
    let mut req = chat(server.addr(), "gpt-5-mini", "ping", json!({}));
    req.headers_mut().insert("x-request-id", "mine-1".parse()?);
    assert_eq!(send(req).await?.headers()["x-request-id"], "mine-1");

    let mut req = chat(server.addr(), "gpt-5-mini", "ping", json!({}));
    req.headers_mut().insert("x-request-id", "not \"sane\"".parse()?);
    let response = send(req).await?;
    assert!(response.headers()["x-request-id"].to_str()?.starts_with("req_"), "{:?}", response.headers());
    Ok(())
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_told_or_not() -> Outcome<()> {
    let config = "server: {listen: '127.0.0.1:0', max_body_bytes: 4KiB}\n";
    let (server, _file) = gateway("limit.yaml", config);
    let large = "x".repeat(8192);
    let response = send(chat(server.addr(), "gpt-5-mini", &large, json!({}))).await?;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(parse(response.body())["error"]["code"], "request_too_large");

    // Chunked, so that the length is only known as it comes.
    let mut stream = TcpStream::connect(server.addr())?;
    write!(stream, "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")?;
    write!(stream, "{:x}\r\n{large}\r\n", large.len())?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    assert_eq!(&head, b"HTTP/1.1 413");
    Ok(())
}

#[tokio::test]
async fn a_client_that_stalls_is_let_go() -> Outcome<()> {
    let config = "server: {listen: '127.0.0.1:0', header_timeout: 300ms, body_timeout: 300ms}\n";
    let (server, _file) = gateway("stall.yaml", config);
    let mut head = TcpStream::connect(server.addr())?;
    head.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(head, "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n")?;
    assert_eq!(head.read(&mut [0; 64])?, 0, "a head that never ends must be given up");

    let mut body = TcpStream::connect(server.addr())?;
    body.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(body, "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{")?;
    let mut answer = [0; 12];
    body.read_exact(&mut answer)?;
    assert_eq!(&answer, b"HTTP/1.1 408");
    Ok(())
}

#[tokio::test]
async fn a_changed_file_is_loaded_and_a_broken_one_refused() -> Outcome<()> {
    let (server, file) = gateway("reload.yaml", PLAIN);
    // In front of the simulated provider every model is known, but an alias names another.
    let fast = async || -> Outcome<String> {
        let answer = send(chat(server.addr(), "fast", "ping", json!({}))).await?;
        Ok(answer.headers()["x-tollway-upstream"].to_str()?.to_owned())
    };
    assert_eq!(fast().await?, "openai/fast");

    fs::write(&file.0, format!("{PLAIN}aliases: {{fast: openai/gpt-5-mini}}\n"))?;
    server.signal("HUP");
    server.wait_for("the configuration was reloaded")?;
    assert_eq!(fast().await?, "openai/gpt-5-mini");

    fs::write(&file.0, format!("{PLAIN}aliasses: {{}}\n"))?;
    server.signal("HUP");
    server.wait_for("the configuration was not reloaded")?;
    assert_eq!(fast().await?, "openai/gpt-5-mini");
    Ok(())
}

#[tokio::test]
async fn at_sigterm_a_running_stream_is_finished() -> Outcome<()> {
    let (mut server, _file) = gateway("term.yaml", PLAIN);
    let text = "hello [sim:tokens=30] [sim:gap_ms=20]";
    let response = open(false, chat(server.addr(), "gpt-5-mini", text, json!({"stream": true}))).await?;
    let mut body = response.into_body();
    let first = body.frame().await.unwrap()?;
    server.signal("TERM");
    server.wait_for("no new connections")?;
    assert!(TcpStream::connect(server.addr()).is_err(), "the socket must be closed");
    let mut all = first.into_data().unwrap_or_default().to_vec();
    all.extend_from_slice(&body.collect().await?.to_bytes());
    assert!(all.ends_with(b"data: [DONE]\n\n"), "{}", String::from_utf8_lossy(&all));
    assert_eq!(server.exit_code()?, Some(0));
    Ok(())
}

#[tokio::test]
async fn after_the_grace_a_stream_is_cut() -> Outcome<()> {
    let config = "server: {listen: '127.0.0.1:0', grace: 200ms}\n";
    let (mut server, _file) = gateway("grace.yaml", config);
    let text = "hello [sim:tokens=500] [sim:gap_ms=200]";
    let response = open(false, chat(server.addr(), "gpt-5-mini", text, json!({"stream": true}))).await?;
    let mut body = response.into_body();
    body.frame().await.unwrap()?;
    server.signal("TERM");
    assert!(body.collect().await.is_err(), "a cut stream must not end cleanly");
    assert_eq!(server.exit_code()?, Some(0));
    Ok(())
}

#[tokio::test]
async fn the_access_log_tells_who_and_how_much_but_never_what() -> Outcome<()> {
    let (server, _file) = gateway("log.yaml", PLAIN);
    let mut req = chat(server.addr(), "claude-sonnet-4-5", "a very secret question", json!({}));
    req.headers_mut().insert("authorization", "Bearer client-secret".parse()?);
    req.headers_mut().insert("x-request-id", "logged-1".parse()?);
    assert_eq!(send(req).await?.status(), StatusCode::OK);
    let line = server.wait_for("logged-1")?;
    let entry: serde_json::Value = serde_json::from_str(&line)?;
    assert_eq!(entry["outcome"], "complete");
    assert_eq!(entry["gen_ai.request.model"], "claude-sonnet-4-5");
    assert_eq!(entry["gen_ai.provider.name"], "anthropic");
    assert_eq!(entry["http.response.status_code"], 200);
    assert!(entry["gen_ai.usage.input_tokens"].as_u64() > Some(0), "{line}");
    assert!(entry["gen_ai.usage.output_tokens"].as_u64() > Some(0), "{line}");
    assert!(!server.log().contains("secret"), "{}", server.log());
    Ok(())
}

#[tokio::test]
async fn tls_is_served_with_h2_and_a_renewed_certificate() -> Outcome<()> {
    let make = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (old, new) = (make(), make());
    let cert = File::new("cert.pem", &old.cert.pem());
    let key = File::new("key.pem", &old.signing_key.serialize_pem());
    let config = format!(
        "server: {{listen: '127.0.0.1:0', tls: {{cert: '{}', key: '{}'}}}}\n",
        cert.path(),
        key.path()
    );
    let (server, _file) = gateway("tls.yaml", &config);

    assert_eq!(over_tls(&server, &old.cert).await?, StatusCode::OK);
    fs::write(&key.0, new.signing_key.serialize_pem())?;
    fs::write(&cert.0, new.cert.pem())?;
    server.signal("HUP");
    server.wait_for("the configuration was reloaded")?;
    assert_eq!(over_tls(&server, &new.cert).await?, StatusCode::OK);
    assert!(over_tls(&server, &old.cert).await.is_err(), "the old certificate must be gone");
    Ok(())
}

/// Asks for health over TLS and HTTP/2, trusting one certificate only.
async fn over_tls(server: &Server, cert: &rcgen::Certificate) -> Outcome<StatusCode> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert.der().clone())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let tcp = tokio::net::TcpStream::connect(server.addr()).await?;
    let tls = connector.connect("localhost".try_into()?, tcp).await?;
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await?;
    tokio::spawn(connection);
    let mut req = get(server.addr(), "/health/live");
    *req.uri_mut() = "https://localhost/health/live".parse()?;
    Ok(sender.send_request(req).await?.status())
}

#[test]
fn a_wrong_configuration_is_refused_with_64() {
    let file = File::new("wrong.yaml", "server: {listn: '127.0.0.1:0'}\n");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tollway"))
        .args(["serve", "--config", file.path()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("server.listn") && text.contains("hint") && text.contains("listen"), "{text}");
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() -> Outcome<()> {
    let nobody = "server: {listen: '127.0.0.1:0'}\nproviders: {openai: {api_key: k, base_url: 'http://127.0.0.1:9'}}\n";
    let (server, _file) = gateway("bad.yaml", nobody);
    let deep = format!("{{\"model\":\"gpt-5-mini\",\"messages\":{}", "[".repeat(1_000_000));
    let cases: [(&str, Vec<u8>, u16, &str); 9] = [
        ("empty", Vec::new(), 400, ""),
        ("not JSON", b"{\"model\":".to_vec(), 400, ""),
        ("not an object", b"[]".to_vec(), 400, ""),
        ("invalid UTF-8", b"{\"model\":\"\xff\"}".to_vec(), 400, ""),
        ("no model", br#"{"messages":[]}"#.to_vec(), 400, "model"),
        ("wrong type", br#"{"model":1,"messages":[]}"#.to_vec(), 400, "model"),
        (
            "stream of a wrong type",
            br#"{"model":"gpt-5-mini","messages":[],"stream":"yes"}"#.to_vec(),
            400,
            "stream",
        ),
        (
            "unknown model",
            br#"{"model":"nobody/knows","messages":[{"role":"user","content":"x"}]}"#.to_vec(),
            404,
            "model",
        ),
        ("deep", deep.into_bytes(), 400, ""),
    ];
    for (name, body, status, param) in cases {
        let response = send(post(server.addr(), "/v1/chat/completions", body)).await?;
        let error = &parse(response.body())["error"];
        assert_eq!(response.status().as_u16(), status, "{name}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{name}: {error}");
        assert_eq!(error["param"].as_str().unwrap_or_default(), param, "{name}: {error}");
    }
    // It is still there.
    assert_eq!(send(get(server.addr(), "/health/live")).await?.status(), StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_deep_body_ends_nobodys_stack() -> Outcome<()> {
    let (server, _file) = gateway("deep.yaml", PLAIN);
    for model in ["gpt-5-mini", "claude-sonnet-4-5", "gemini-2.5-flash", "mistral/mistral-small-2603"] {
        let (open, close) = ("[".repeat(1_000_000), "]".repeat(1_000_000));
        let body = format!("{{\"model\":\"{model}\",\"messages\":{open}{close}}}");
        // Relayed, it is the provider who refuses; translated, the gateway.
        let response = send(post(server.addr(), "/v1/chat/completions", body)).await?;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{model}");
        assert!(parse(response.body())["error"]["message"].is_string(), "{model}");
    }
    Ok(())
}

#[tokio::test]
async fn a_hundred_megabytes_are_refused_and_nothing_is_kept() -> Outcome<()> {
    let (server, _file) = gateway("huge.yaml", PLAIN);
    let mut stream = TcpStream::connect(server.addr())?;
    stream.set_write_timeout(Some(Duration::from_secs(20)))?;
    write!(stream, "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")?;
    let chunk = vec![b'['; 1 << 20];
    for _ in 0..100 {
        // The server answers and closes before all is written.
        let sent = write!(stream, "{:x}\r\n", chunk.len())
            .and_then(|()| stream.write_all(&chunk))
            .and_then(|()| write!(stream, "\r\n"));
        if sent.is_err() {
            break;
        }
    }
    assert_eq!(send(get(server.addr(), "/health/live")).await?.status(), StatusCode::OK);
    assert!(server.resident_mib()? < 200, "{} MiB are resident", server.resident_mib()?);
    Ok(())
}
