//! What happens while many requests run, and what is left of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::task::JoinSet;

use crate::http_client::{Outcome, chat, get, send};
use crate::process::Server;
use crate::{File, PLAIN, gateway};

const MODELS: [&str; 3] = ["openai/gpt-5-mini", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"];

type Pool = Client<HttpConnector, Full<Bytes>>;

/// Streams an answer over a pooled connection; an error if it is not whole.
async fn stream(client: &Pool, server: std::net::SocketAddr, model: &str) -> Outcome<()> {
    let answer = client.request(chat(server, model, "one two three", json!({"stream": true}))).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    if status.is_success() && body.ends_with(b"data: [DONE]\n\n") {
        return Ok(());
    }
    Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_the_configuration_is_reloaded() -> Outcome<()> {
    let quiet = "server: {listen: '127.0.0.1:0'}\nlog: {access: off}\n";
    let (server, file) = gateway("busy.yaml", quiet);
    let (over, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut clients = JoinSet::new();
    for index in 0..6 {
        let (over, done, addr) = (over.clone(), done.clone(), server.addr());
        clients.spawn(async move {
            let client = Client::builder(TokioExecutor::new()).http2_only(index % 2 == 0).build_http();
            while !over.load(Ordering::Relaxed) {
                stream(&client, addr, MODELS[index % 3]).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Ok(())
        });
    }
    // As long as it takes for enough requests: a busy machine reloads faster than it answers.
    let mut times = 0;
    while times < 20 || done.load(Ordering::Relaxed) < 20 {
        times += 1;
        std::fs::write(file.path(), format!("{quiet}aliases: {{fast-{times}: openai/gpt-5-mini}}\n"))?;
        server.signal("HUP");
        let listed = format!("\"fast-{times}\"");
        let mut looks = 0;
        while !String::from_utf8_lossy(send(get(server.addr(), "/v1/models")).await?.body()).contains(&listed)
        {
            looks += 1;
            assert!(looks < 2_000, "{listed} is not listed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    over.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_flat_over_two_thousand_streams() -> Outcome<()> {
    let (server, _file): (Server, File) = gateway("flat.yaml", &PLAIN.replace("stderr", "off"));
    run(&server, 500).await?;
    let before = server.resident_mib()?;
    run(&server, 2_000).await?;
    let after = server.resident_mib()?;
    assert!(after <= before + 4, "{before} MiB before, {after} MiB after");
    Ok(())
}

/// Streams so many answers, eight at a time.
async fn run(server: &Server, streams: usize) -> Outcome<()> {
    let mut clients = JoinSet::new();
    for index in 0..8 {
        let addr = server.addr();
        clients.spawn(async move {
            let client = Client::builder(TokioExecutor::new()).build_http();
            for turn in 0..streams / 8 {
                stream(&client, addr, MODELS[(index + turn) % 3]).await?;
            }
            Outcome::Ok(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    Ok(())
}
