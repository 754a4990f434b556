//! The fault run: every request that was sent to a provider has one record for it, and what the records say
//! it cost is what the provider's own ledger bills — with everything going wrong that the simulator can do,
//! clients that hang up anywhere, and the gateway killed in the middle of it.
//!
//! `TOLLWAY_FAULT_RUN=10000` asks for as many requests (`make fault-run`); `TOLLWAY_FAULT_SEED` for the same
//! ones again.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]
#![expect(clippy::print_stdout, reason = "a table for whoever runs it")]
#![expect(clippy::indexing_slicing, reason = "what is not there fails the test")]

#[path = "../server/control.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod control;
#[path = "../support/http.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod http_client;
#[path = "../support/process.rs"]
mod process;

mod compare;
mod drive;
mod plan;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use compare::Comparison;
use http_client::{get, json, send};
use process::Server;

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_has_one_record_and_costs_what_its_provider_bills() {
    let requests = number("TOLLWAY_FAULT_RUN").unwrap_or(600);
    let seed = number("TOLLWAY_FAULT_SEED").unwrap_or_else(|| usize::from(fastrand::u16(..)));
    println!("{requests} requests of seed {seed}");
    let home = TempDir::new().unwrap();
    let file = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let ledger = file("ledger.jsonl");
    let simulator = Server::start(&["simulate", "--port", "0", "--ledger", &ledger], &[]).unwrap();
    fs::write(file("tollway.yaml"), configuration(&simulator)).unwrap();

    let plan = Arc::new(plan::plan(requests, seed as u64));
    let start = || Server::start(&["serve", "--config", &file("tollway.yaml")], &[]).unwrap();
    let kills = (requests / 1_000).max(2);
    let is_quiet = async || idle(&simulator).await;
    let run = drive::drive(&plan, 24, kills, start, is_quiet).await;

    let ledger = lines(&fs::read_to_string(ledger).unwrap());
    let records = lines(&printed(home.path(), &["usage", "export", "--format", "jsonl", "--from", "2d"]));
    let report = printed(home.path(), &["usage", "--from", "2d", "--format", "json"]);
    let mut comparison = Comparison::new(&plan, &run, &ledger, &records);
    comparison.check_sums(&serde_json::from_str(&report).unwrap());
    println!("{comparison}");
    comparison.check_variety();
    assert!(comparison.faults.is_empty(), "seed {seed}:\n{}", comparison.faults.join("\n"));
}

fn number(name: &str) -> Option<usize> {
    std::env::var(name)
        .ok()
        .map(|value| value.parse().unwrap_or_else(|_| panic!("{name}: no number: {value}")))
}

/// Providers whose silence is not waited out for long, and answers read on for a second.
fn configuration(simulator: &Server) -> String {
    let url = simulator.url();
    let patience = "timeouts: {first_byte: 1500ms, idle: 1500ms}";
    format!(
        "server: {{listen: '127.0.0.1:0'}}\nlog: {{access: off}}\n\
         usage: {{drain: {{stream: 1s, answer: 2s}}}}\n\
         providers:\n  \
         openai: {{api_key: sk-1, base_url: '{url}/v1', {patience}}}\n  \
         anthropic: {{api_key: sk-1, base_url: '{url}', {patience}}}\n  \
         gemini: {{api_key: sk-1, base_url: '{url}/v1beta', {patience}}}\n  \
         mine: {{kind: openai-compatible, api_key: sk-1, base_url: '{url}/v1', {patience}}}\n\
         aliases: {{mini: openai/gpt-4o-mini, haiku: anthropic/claude-haiku-4-5, \
         flash: gemini/gemini-2.5-flash, own: mine/gpt-4o-mini}}\n"
    )
}

/// Waits until the provider answers nobody any more, and a little longer for who reads on.
async fn idle(simulator: &Server) {
    let began = Instant::now();
    loop {
        let stats = json(send(get(simulator.addr(), "/sim/stats")).await.unwrap().body());
        if stats["in_flight"] == 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{stats}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
}

fn printed(home: &Path, args: &[&str]) -> String {
    let file = home.join("tollway.yaml");
    let output = Command::new(env!("CARGO_BIN_EXE_tollway"))
        .env_clear()
        .args(args)
        .args(["--config", file.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
