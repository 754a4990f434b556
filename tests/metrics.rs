//! What Prometheus reads of a running gateway, and who may.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/http.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod http_client;
#[path = "support/process.rs"]
mod process;

use std::fs;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;
use tempfile::TempDir;

use http_client::{Outcome, chat, get, send};
use process::Server;

fn serve(configuration: &str) -> (Server, TempDir) {
    let home = TempDir::new().unwrap();
    let file = home.path().join("tollway.yaml");
    fs::write(&file, format!("server: {{listen: '127.0.0.1:0'}}\n{configuration}\n")).unwrap();
    (Server::start(&["serve", "--config", file.to_str().unwrap()], &[]).unwrap(), home)
}

fn by(token: &str, mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    request
}

async fn ask(addr: SocketAddr, token: &str) -> Outcome<Response<Bytes>> {
    send(by(token, chat(addr, "gpt-5-mini", "hello", json!({})))).await
}

/// The values by name and labels.
async fn metrics(addr: SocketAddr, token: &str) -> Outcome<Vec<String>> {
    let told = send(by(token, get(addr, "/metrics"))).await?;
    assert_eq!(told.status(), StatusCode::OK);
    assert_eq!(told.headers()[CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    Ok(String::from_utf8(told.body().to_vec())?.lines().map(str::to_owned).collect())
}

fn assert_told(lines: &[String], wanted: &[&str]) {
    for line in wanted {
        assert!(lines.iter().any(|told| told == line), "not told: {line}\n{}", lines.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_a_store_that_is_gone_are_told_to_those_who_may_know() -> Outcome<()> {
    let (server, _home) = serve(
        "simulator: on
state: {redis: 'redis://127.0.0.1:1', redis_timeout: 20ms}
keys:
  app: {token: tw-app, models: gpt-5-mini}
  prometheus: {token: tw-prometheus, scopes: metrics}
limits:
  few: {requests: 1, window: 1h, shared: false}
  hopeful: {requests: 9, window: 1h, shared: {on_failure: open}}",
    );
    let addr = server.addr();
    assert_eq!(ask(addr, "tw-app").await?.status(), 200);
    assert_eq!(ask(addr, "tw-app").await?.status(), 429);
    assert_eq!(ask(addr, "tw-none").await?.status(), 401);
    let other = chat(addr, "gpt-5.5", "hello", json!({}));
    assert_eq!(send(by("tw-app", other)).await?.status(), 403);
    assert_eq!(send(get(addr, "/metrics")).await?.status(), 401);
    assert_eq!(send(by("tw-app", get(addr, "/metrics"))).await?.status(), 403);
    assert_told(
        &metrics(addr, "tw-prometheus").await?,
        &[
            "# TYPE tollway_rate_limit_refusals_total counter",
            r#"tollway_rate_limit_refusals_total{limit="few"} 1"#,
            r#"tollway_rate_limit_refusals_total{limit="hopeful"} 0"#,
            r#"tollway_rate_limit_without_store_total{limit="hopeful",on_failure="open"} 2"#,
            "tollway_rate_limit_store_up 0",
            "tollway_rate_limit_store_failures_total 1",
            "tollway_rate_limit_store_asked_total 1",
            "tollway_rate_limit_replicas 1",
            r#"tollway_auth_refusals_total{reason="invalid_api_key"} 1"#,
            r#"tollway_auth_refusals_total{reason="missing_api_key"} 1"#,
            r#"tollway_auth_refusals_total{reason="model_not_allowed"} 1"#,
            r#"tollway_auth_refusals_total{reason="missing_scope"} 1"#,
        ],
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_needs_a_key_everybody_may_know() -> Outcome<()> {
    let (server, _home) =
        serve("providers: {openai: {api_key: k, adaptive: {max_concurrency: 7, queue: 0}}}");
    assert_told(
        &metrics(server.addr(), "").await?,
        &[
            r#"tollway_adaptive_concurrency_limit{provider="openai"} 7"#,
            r#"tollway_adaptive_in_flight{provider="openai"} 0"#,
            r#"tollway_adaptive_waiting{provider="openai"} 0"#,
        ],
    );
    Ok(())
}
