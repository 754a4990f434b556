//! What was used and what it cost, of a running gateway: the same in the access log, at the command line and
//! by the API; in SQLite and in a real PostgreSQL, also while that is frozen, and after the gateway is killed.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "server/control.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod control;
#[path = "support/http.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod http_client;
#[path = "../layers/usage/tests/stores/server.rs"]
mod postgres;
#[path = "support/process.rs"]
mod process;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use tempfile::TempDir;
use tollway_core::{Charge, Dialect, Money, Told, Upstream, Usage};
use tollway_usage::{AttemptRecord, Batch, Fingerprint, Record, SqliteStore, UsageStore as _};

use http_client::{Outcome, get, json as parse, post, send};
use process::Server;

/// A folder with a configuration, and a gateway to the simulated provider by it.
struct Home(TempDir);

impl Home {
    fn new(usage: &str) -> Self {
        let home = Self(TempDir::new().unwrap());
        let configuration = format!(
            "server: {{listen: '127.0.0.1:0'}}\nlog: {{access: stderr}}\nsimulator: on\nusage: {usage}\n\
             budgets: {{all: {{dollars: 1000}}}}\n\
             keys:\n  root: {{token: tw-root, scopes: admin}}\n  one: {{token: tw-blue, team: blue, tags: {{project: a}}}}\n  \
             two: {{token: tw-green, team: green, tags: {{project: b}}}}\n"
        );
        fs::write(home.file(), configuration).unwrap();
        home
    }

    fn file(&self) -> String {
        self.0.path().join("tollway.yaml").to_str().unwrap().to_owned()
    }

    fn serve(&self) -> Server {
        Server::start(&["serve", "--config", &self.file()], &[]).unwrap()
    }

    /// The exit code of a command, what it prints, and what it says.
    fn command(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_tollway"))
            .env_clear()
            .args(args)
            .args(["--config", &self.file()])
            .output()
            .unwrap();
        let [printed, said] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), printed, said)
    }

    fn printed(&self, args: &[&str]) -> String {
        let (code, printed, said) = self.command(args);
        assert_eq!(code, Some(0), "{args:?}: {said}");
        printed
    }

    fn json(&self, args: &[&str]) -> Value {
        let printed = self.printed(args);
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{args:?}: {error}: {printed}"))
    }
}

/// A question in each dialect, in one piece and as a stream.
fn questions() -> Vec<(&'static str, Value)> {
    let said = json!([{"role": "user", "content": "How much is it?"}]);
    let contents = json!({"contents": [{"role": "user", "parts": [{"text": "How much is it?"}]}]});
    let mut questions = vec![
        ("/v1beta/models/gemini-2.5-flash:generateContent", contents.clone()),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", contents),
    ];
    for stream in [false, true] {
        questions.extend([
            ("/v1/chat/completions", json!({"model": "gpt-4o-mini", "messages": said, "stream": stream})),
            ("/v1/responses", json!({"model": "gpt-4o-mini", "input": "Well?", "stream": stream})),
            (
                "/v1/messages",
                json!({"model": "claude-haiku-4-5", "max_tokens": 64, "messages": said, "stream": stream}),
            ),
        ]);
    }
    questions
}

async fn ask(addr: SocketAddr, token: &str, path: &str, body: &Value) -> Outcome<()> {
    let mut request = post(addr, path, body.to_string());
    request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse()?);
    let answer = send(request).await?;
    assert_eq!(answer.status(), 200, "{path}: {}", String::from_utf8_lossy(answer.body()));
    Ok(())
}

async fn admin(addr: SocketAddr, path: &str) -> Outcome<(u16, bytes::Bytes)> {
    let mut request = get(addr, path);
    request.headers_mut().insert(AUTHORIZATION, "Bearer tw-root".parse()?);
    let answer = send(request).await?;
    Ok((answer.status().as_u16(), answer.into_body()))
}

/// Waits until a report of everything tells so many requests.
async fn recorded(addr: SocketAddr, requests: usize) -> Outcome<()> {
    let began = Instant::now();
    loop {
        let (status, body) = admin(addr, "/admin/v1/usage").await?;
        if status == 200 && parse(&body)["total"]["requests"] == requests {
            return Ok(());
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{status}: {body:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What the access log says that each team spent on each model.
fn logged(log: &str) -> BTreeMap<(String, String), Money> {
    let mut spent = BTreeMap::<_, Money>::new();
    for line in log.lines().filter(|line| line.contains("\"gen_ai.operation.name\"")) {
        let cost = line.split("\"cost_usd\":").nth(1).unwrap_or_else(|| panic!("no cost: {line}"));
        let cost: Money = cost.split([',', '}']).next().unwrap().parse().unwrap();
        let line: Value = serde_json::from_str(line).unwrap();
        let name = |field: &str| line[field].as_str().unwrap().to_owned();
        let sum = spent.entry((name("team"), name("gen_ai.request.model"))).or_default();
        *sum = sum.saturating_add(cost);
    }
    spent
}

/// The same by a report.
fn reported(report: &Value) -> BTreeMap<(String, String), Money> {
    let rows = report["data"].as_array().unwrap().iter().map(|row| {
        let text = |field: &str| row[field].as_str().unwrap().to_owned();
        ((text("team"), text("model")), text("cost_usd").parse().unwrap())
    });
    rows.collect()
}

async fn told_alike(home: &Home) -> Outcome<()> {
    let mut server = home.serve();
    for token in ["tw-blue", "tw-green", "tw-green"] {
        for (path, body) in questions() {
            ask(server.addr(), token, path, &body).await?;
        }
    }
    let number = 3 * questions().len();
    recorded(server.addr(), number).await?;
    let (_, by_api) = admin(server.addr(), "/admin/v1/usage?by=team,model").await?;
    let (status, budgets) = admin(server.addr(), "/admin/v1/budgets").await?;
    assert_eq!(status, 200);
    let (_, exported) = admin(server.addr(), "/admin/v1/usage/export?format=jsonl&from=7d").await?;
    let (status, outlook) = admin(server.addr(), "/admin/v1/usage/forecast?filter=team%3Dblue").await?;
    assert_eq!((status, parse(&outlook)["basis"].is_string()), (200, true));
    let mut request = get(server.addr(), "/admin/v1/usage");
    request.headers_mut().insert(AUTHORIZATION, "Bearer tw-blue".parse()?);
    assert_eq!(send(request).await?.status(), 403);
    let (status, refused) = admin(server.addr(), "/admin/v1/usage?by=teem").await?;
    assert_eq!((status, &parse(&refused)["error"]["param"]), (400, &json!("by")));
    let (status, refused) = admin(server.addr(), "/admin/v1/usage?bye=team").await?;
    assert!(status == 400 && refused.to_vec().ends_with(b"}"), "{refused:?}");

    server.signal("TERM");
    assert_eq!(server.exit_code()?, Some(0), "{}", server.log());
    let logged = logged(&server.log());
    assert_eq!(logged.len(), 6, "{logged:?}");
    assert!(logged.values().all(|cost| *cost > Money::ZERO), "{logged:?}");
    let report = home.json(&["usage", "--by", "team,model", "--format", "json", "--forecast"]);
    assert_eq!(reported(&report), logged);
    assert_eq!(reported(&parse(&by_api)), logged);
    let total: Money = logged.values().copied().sum();
    assert_eq!(report["total"]["cost_usd"], total.to_string());
    assert_eq!(report["forecast"]["so_far_usd"], total.to_string());
    assert_eq!(parse(&budgets)["data"][0]["spent_usd"], total.to_string());

    let csv = home.printed(&["usage", "--by", "tag:project", "--filter", "tag:project=b", "--format", "csv"]);
    let lines: Vec<_> = csv.lines().map(|line| line.split(',').collect::<Vec<_>>()).collect();
    assert_eq!((lines.len(), lines[0][0], lines[1][0]), (2, "tag:project", "b"), "{csv}");
    let green = logged.iter().filter(|((team, _), _)| team == "green").map(|(_, cost)| *cost).sum::<Money>();
    let place = lines[0].iter().position(|name| *name == "cost_usd").unwrap();
    assert_eq!(lines[1][place], green.to_string());

    let output = home.0.path().join("out.csv");
    home.printed(&["usage", "export", "--from", "7d", "-o", output.to_str().unwrap()]);
    let written = fs::read_to_string(output)?;
    assert!(written.starts_with("BilledCost,BillingCurrency,"), "{written}");
    assert_eq!(written.lines().count(), number + 1);
    let billed =
        written.lines().skip(1).map(|line| line.split(',').next().unwrap().parse::<Money>().unwrap());
    assert_eq!(billed.sum::<Money>(), total);
    let attempts: Vec<Value> = String::from_utf8(exported.to_vec())?
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(attempts.len(), number);
    assert!(attempts.iter().all(|attempt| attempt["BillingCurrency"] == "USD"), "{attempts:?}");
    let table = home.printed(&["usage", "--by", "team", "--top", "1"]);
    assert!(table.contains("green") && !table.contains("blue"), "{table}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn log_reports_and_exports_agree_in_sqlite() -> Outcome<()> {
    told_alike(&Home::new("{database: usage.db}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn log_reports_and_exports_agree_in_postgresql() -> Outcome<()> {
    let Some(database) = postgres::Server::start() else { return Ok(()) };
    told_alike(&Home::new(&format!("{{database: '{}'}}", database.url("postgres")))).await
}

#[test]
fn what_cannot_be_told_is_said() {
    let home = Home::new("{database: usage.db}");
    for (args, expected) in [
        (&["usage", "--by", "teem"][..], "known: day, week, month, key"),
        (&["usage", "--filter", "teem=a"], "known: day, week, month, key"),
        (&["usage", "--from", "soon"], "--from"),
        (&["usage", "export", "--to", "2026-02-30"], "--to"),
        (&["usage", "--top", "0"], "--top"),
        (&["advise", "--days", "0"], "--days"),
    ] {
        let (code, _, said) = home.command(args);
        assert!(code == Some(64) && said.contains(expected), "{args:?}: {code:?}: {said}");
    }
    for args in [&["usage"][..], &["usage", "export"], &["advise"]] {
        let (code, _, said) = home.command(args);
        assert!(code == Some(1) && said.contains("nothing was recorded yet"), "{args:?}: {code:?}: {said}");
    }
    assert!(!home.0.path().join("usage.db").exists(), "a report made a file");
    let home = Home::new("{enabled: false}");
    let (code, _, said) = home.command(&["usage"]);
    assert!(code == Some(1) && said.contains("usage is not recorded"), "{said}");
    let server = home.serve();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (status, body) = runtime.block_on(admin(server.addr(), "/admin/v1/usage")).unwrap();
    assert_eq!((status, &parse(&body)["error"]["code"]), (409, &json!("no_database")), "{body:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_are_far_too_long_are_advised_against() -> Outcome<()> {
    let home = Home::new("{database: usage.db}");
    let server = home.serve();
    let body = json!({"model": "gpt-4o-mini", "max_tokens": 16_000, "messages": [{"role": "user", "content": "Hi"}]});
    for _ in 0..110 {
        ask(server.addr(), "tw-blue", "/v1/chat/completions", &body).await?;
    }
    recorded(server.addr(), 110).await?;
    let advice = home.json(&["advise", "--json"]);
    let found = advice.as_array().unwrap().iter().find(|advice| advice["kind"] == "long_output_limit");
    assert_eq!(found.unwrap()["evidence"]["their_limit"], 16_000, "{advice}");
    let (_, by_api) = admin(server.addr(), "/admin/v1/advice?days=30").await?;
    assert_eq!(parse(&by_api)["data"], advice);
    assert!(home.printed(&["advise"]).contains("long output limit"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_holds_up_nobody_and_gets_everything_once() -> Outcome<()> {
    let Some(database) = postgres::Server::start() else { return Ok(()) };
    let home = Home::new(&format!("{{database: '{}'}}", database.url("postgres")));
    let server = home.serve();
    let addr = server.addr();
    let median = async || -> Outcome<Duration> {
        let mut times = Vec::new();
        for _ in 0..200 {
            let began = Instant::now();
            let (path, body) = &questions()[2];
            ask(addr, "tw-blue", path, body).await?;
            times.push(began.elapsed());
        }
        times.sort();
        Ok(times[100])
    };
    let before = median().await?;
    recorded(addr, 200).await?;
    database.signal("STOP");
    let frozen = median().await?;
    // Long enough for a batch to be given up, and to wait in a file.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let still = median().await?;
    database.signal("CONT");
    let most = before.saturating_mul(4).max(Duration::from_millis(200));
    assert!(frozen < most && still < most, "{before:?}, frozen {frozen:?}, {still:?}");
    recorded(addr, 600).await?;
    // Nothing comes twice.
    tokio::time::sleep(Duration::from_secs(1)).await;
    recorded(addr, 600).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_has_written_what_is_older_than_a_second() -> Outcome<()> {
    let home = Home::new("{database: usage.db}");
    let mut server = home.serve();
    let (path, body) = &questions()[2];
    for _ in 0..100 {
        ask(server.addr(), "tw-blue", path, body).await?;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..10 {
        ask(server.addr(), "tw-blue", path, body).await?;
    }
    server.signal("KILL");
    server.exit_code()?;
    let requests = home.json(&["usage", "--format", "json"])["total"]["requests"].as_u64().unwrap();
    assert!((100..=110).contains(&requests), "{requests}");
    Ok(())
}

#[tokio::test]
async fn what_is_left_of_budgets_and_which_models_go_is_told() -> Outcome<()> {
    let home = Home::new("{}");
    let budgets = "budgets:\n  all: {dollars: 1000}\n  each: {dollars: 5, every: day, per: team}\n  \
                   rolling: {dollars: 2, every: 30d, per: key}\n  some: {dollars: 1, only: {model: openai/o3}}\n";
    let text = fs::read_to_string(home.file())?.replace("budgets: {all: {dollars: 1000}}\n", budgets);
    fs::write(home.file(), text)?;
    let mut server = home.serve();
    let question = json!({"model": "openai/o3", "messages": [{"role": "user", "content": "How much?"}]});
    for _ in 0..3 {
        ask(server.addr(), "tw-blue", "/v1/chat/completions", &question).await?;
    }
    recorded(server.addr(), 3).await?;
    let (_, live) = admin(server.addr(), "/admin/v1/budgets").await?;
    let (_, report) = admin(server.addr(), "/admin/v1/usage").await?;
    let report = parse(&report);
    server.signal("TERM");
    assert_eq!(server.exit_code()?, Some(0));

    let retiring = json!([{"provider": "openai", "model": "o3", "retires": "2026-12-11", "is_over": false, "requests": 3}]);
    assert_eq!(report["retiring"], retiring);
    assert!(home.printed(&["usage"]).contains("\nopenai/o3 retire"), "{}", home.printed(&["usage"]));

    // What a running gateway knows, and what its records say, but for what they cannot.
    let budgets = home.json(&["budgets", "--json"]);
    let of = |standings: &Value, name: &str| {
        let all = standings["data"].as_array().unwrap();
        let found = all.iter().find(|standing| standing["budget"] == name).cloned();
        found.unwrap_or_else(|| panic!("{name}: {standings}"))
    };
    for name in ["all", "each", "rolling"] {
        let (live, recorded) = (of(&parse(&live), name), of(&budgets, name));
        for field in ["per", "subject", "amount_usd", "spent_usd", "left_usd"] {
            assert_eq!(live[field], recorded[field], "{name}: {field}");
        }
        assert_eq!(recorded["spent_usd"], report["total"]["cost_usd"], "{name}");
    }
    assert_eq!(
        (&budgets["unknown"][0]["budget"], budgets["data"].as_array().unwrap().len()),
        (&json!("some"), 3)
    );
    let table = home.printed(&["budgets"]);
    assert!(
        table.contains("blue") && table.contains("rolling") && table.contains("not known of some: "),
        "{table}"
    );
    Ok(())
}

/// A request of some days ago, at a quiet hour, as one of many that are alike.
fn past(number: u32, days: u32, model: &str, input: u64, prompt: u64, prefix: u64) -> Record {
    let provider = if model.starts_with("claude") { "anthropic" } else { "openai" };
    let day = Duration::from_hours(24);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let midnight =
        Duration::from_secs(now.as_secs() / day.as_secs() * day.as_secs()).saturating_sub(day * days);
    let time = SystemTime::UNIX_EPOCH + midnight + Duration::from_secs(2 * 3_600 + u64::from(number % 3_000));
    let upstream = Upstream { provider: provider.into(), dialect: Dialect::OpenAi, model: model.into() };
    let usage = Usage { input, output: 40, ..Usage::default() };
    // As the price list has it, a token.
    let (reads, writes) = match model {
        "o3" => (2_000, 8_000),
        "gpt-4o" => (2_500, 10_000),
        "claude-sonnet-5" => (2_000, 10_000),
        _ => (5_000, 25_000),
    };
    let cost = i64::try_from(input * reads + 40 * writes).unwrap_or(i64::MAX);
    Record {
        time,
        request_id: format!("{model}-{days}-{number}").into(),
        key: None,
        user: None,
        team: None,
        tags: Arc::default(),
        route: "/v1/chat/completions".into(),
        dialect: "openai",
        operation: Some("chat"),
        model: Some(model.into()),
        stream: false,
        status: Some(200),
        outcome: "complete",
        cache: "off",
        saved: Money::ZERO,
        latency: Duration::from_secs(1),
        first_token: Some(Duration::from_millis(500)),
        max_output: Some(16_000),
        fingerprint: Some(Fingerprint { prompt, prefix, prefix_tokens: 1_024 }),
        attempts: vec![AttemptRecord {
            time,
            upstream: Arc::new(upstream),
            told: Arc::new(Told {
                model: Some(model.into()),
                finish: Some("stop".into()),
                ..Told::default()
            }),
            status: Some(200),
            outcome: "complete",
            usage,
            charge: Charge::Known(Money::from_nanos(cost)),
            latency: Duration::from_secs(1),
            first_token: Some(Duration::from_millis(500)),
        }],
    }
}

#[tokio::test]
async fn advice_comes_out_of_what_was_recorded() -> Outcome<()> {
    let home = Home::new("{}");
    let store = SqliteStore::new(&home.0.path().join("tollway-usage.db"));
    store.prepare().await?;
    let mut number = 0;
    for days in 1..=28 {
        let mut records = Vec::new();
        for turn in 0..60_u32 {
            number += 1;
            // The same questions again and again; a long beginning that all others share.
            let again = past(number, days, "gpt-4o", 900, u64::from(turn % 3) + 1, u64::from(number));
            let unlike = |which: u32| u64::from(number + which);
            let shared = past(number + 100_000, days, "claude-sonnet-5", 9_000, unlike(1_000), 7);
            let old = past(number + 200_000, days, "o3", 500, unlike(200_000), unlike(200_000));
            let dear = past(number + 300_000, days, "claude-opus-4-5", 500, unlike(300_000), unlike(300_000));
            records.extend([again, shared, old, dear]);
        }
        store.write(&Batch::new(&records, None)).await?;
    }
    let advice = home.json(&["advise", "--days", "30", "--json"]);
    let found = advice.as_array().unwrap_or_else(|| panic!("{advice}"));
    for kind in
        ["cheaper_model", "provider_cache", "own_cache", "long_output_limit", "retiring_model", "batch"]
    {
        let piece = found.iter().find(|piece| piece["kind"] == kind);
        let piece = piece.unwrap_or_else(|| panic!("no {kind}: {advice:#}"));
        assert!(piece["evidence"].as_object().is_some_and(|evidence| !evidence.is_empty()), "{piece}");
        assert!(piece["how"].as_array().is_some_and(|how| !how.is_empty()), "{piece}");
        let saved = piece["saved_usd"].as_str().and_then(|saved| saved.parse::<Money>().ok());
        let saves = !["long_output_limit", "retiring_model"].contains(&kind);
        assert!(saved.is_some_and(|saved| (saved > Money::ZERO) == saves), "{piece}");
    }
    Ok(())
}
