//! Keys of a running gateway: made and taken back by the command line and by the API, in SQLite and in
//! a real PostgreSQL, followed by every replica.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "server/control.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod control;
#[path = "support/http.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod http_client;
#[path = "../layers/auth/tests/stores/server.rs"]
mod postgres;
#[path = "support/process.rs"]
mod process;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use tempfile::TempDir;

use http_client::{Outcome, get, json as parse, post, send};
use process::Server;

/// How soon a change has to be effective everywhere.
const SOON: Duration = Duration::from_secs(2);

/// A folder with a configuration.
struct Home(TempDir);

impl Home {
    fn new(configuration: &str) -> Self {
        let home = Self(TempDir::new().unwrap());
        fs::write(
            home.file(),
            format!("server: {{listen: '127.0.0.1:0'}}\nlog: {{access: stderr}}\n{configuration}\n"),
        )
        .unwrap();
        home
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("tollway.yaml")
    }

    fn serve(&self) -> Server {
        Server::start(&["serve", "--config", self.file().to_str().unwrap()], &[]).unwrap()
    }

    /// What a command says, and whether it went well.
    fn command(&self, args: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_tollway"))
            .env_clear()
            .args(["keys", "--config", self.file().to_str().unwrap()])
            .args(args)
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), said)
    }

    fn json(&self, args: &[&str]) -> Value {
        let (well, said) = self.command(&[args, &["--json"]].concat());
        assert!(well, "{args:?}: {said}");
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{args:?}: {error}: {said}"))
    }
}

async fn status(addr: SocketAddr, token: &str) -> Outcome<u16> {
    let mut request = get(addr, "/v1/models");
    if !token.is_empty() {
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse()?);
    }
    Ok(send(request).await?.status().as_u16())
}

/// Waits until a token is answered so, and says how long that took.
async fn until(addr: SocketAddr, token: &str, wanted: u16) -> Outcome<Duration> {
    let start = Instant::now();
    loop {
        let found = status(addr, token).await?;
        if found == wanted {
            return Ok(start.elapsed());
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{found} in place of {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The same, soon. A busy machine may take its time, but not at each of three tries.
async fn soon(addr: SocketAddr, token: &str, wanted: u16) -> Outcome<()> {
    let took = until(addr, token, wanted).await?;
    assert!(took < SOON, "effective only after {took:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_key_closes_an_open_gateway() -> Outcome<()> {
    let home = Home::new("simulator: on");
    let server = home.serve();
    assert_eq!(status(server.addr(), "").await?, 200);
    let (well, said) = home.command(&["list"]);
    assert!(!well && said.contains("there are no keys yet"), "{said}");

    let (well, token) = home.command(&["create", "first", "--quiet"]);
    assert!(well, "{token}");
    // What it is hashed with is new as well, so that the configuration is read again.
    until(server.addr(), "", 401).await?;
    until(server.addr(), token.trim(), 200).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_others_can_reach_is_closed_before_there_is_a_key() -> Outcome<()> {
    let home = Home::new("providers: {openai: {api_key: k}}");
    fs::write(home.file(), "server: {listen: '0.0.0.0:0'}\nproviders: {openai: {api_key: k}}\n")?;
    let server = home.serve();
    let here = SocketAddr::from(([127, 0, 0, 1], server.addr().port()));
    assert_eq!(status(here, "").await?, 401);
    assert!(server.log().contains("every request is refused"), "{}", server.log());
    fs::write(
        home.file(),
        "server: {listen: '0.0.0.0:0'}\nproviders: {openai: {api_key: k}}\nauth: {mode: open}\n",
    )?;
    let (well, said) = home.command(&["list"]);
    assert!(!well && said.contains("auth.mode") && said.contains("open_to_network"), "{said}");
    Ok(())
}

/// What every replica has to see of what is done to a key.
async fn followed(home: &Home) -> Outcome<()> {
    let (one, two) = (home.serve(), home.serve());
    let made =
        home.json(&["create", "ada", "--team", "blue", "--models", "gpt-*", "--limit", "requests=60/1m"]);
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert_eq!(made["limits"], json!([{"requests": 60, "window": "1m"}]));
    for server in [&one, &two] {
        soon(server.addr(), token, 200).await?;
        assert_eq!(status(server.addr(), "").await?, 401);
    }

    let rotated = home.json(&["rotate", "ada", "--overlap", "1h"]);
    let newer = rotated["token"].as_str().unwrap();
    for server in [&one, &two] {
        soon(server.addr(), newer, 200).await?;
        assert_eq!(status(server.addr(), token).await?, 200);
    }

    let limited = home.json(&["limits", id, "--set", "tokens=5/1h", "--set", "concurrent_requests=2"]);
    assert_eq!(limited["limits"], json!([{"tokens": 5, "window": "1h"}, {"concurrent_requests": 2}]));

    let revoked = home.json(&["revoke", id]);
    assert_eq!(revoked["status"], "revoked");
    for server in [&one, &two] {
        soon(server.addr(), newer, 401).await?;
        assert_eq!(status(server.addr(), token).await?, 401);
    }
    assert_eq!(home.json(&["list"]), json!([]));
    assert_eq!(home.json(&["list", "--all"])[0]["id"], id);
    assert_eq!(home.json(&["audit", "--verify"])["sequence"], 4);
    let (well, said) = home.command(&["revoke", "ada"]);
    assert!(!well && said.contains("revoked"), "{said}");
    let (well, said) = home.command(&["show", "nobody"]);
    assert!(!well && said.contains("no key has this id or name: nobody"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_follows_a_file_of_sqlite() -> Outcome<()> {
    followed(&Home::new("simulator: on\nstate: {database: keys.db}")).await
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_follows_postgresql_and_outlives_it() -> Outcome<()> {
    let Some(mut database) = postgres::Server::start() else { return Ok(()) };
    let state = format!("state: {{database: '{}', secret: {SECRET}}}", database.url("postgres"));
    let home = Home::new(&format!("simulator: on\n{state}"));
    followed(&home).await?;

    let (_, token) = home.command(&["create", "stays", "--quiet"]);
    let (token, server) = (token.trim(), home.serve());
    soon(server.addr(), token, 200).await?;
    database.crash();
    server.wait_for("does not answer; known keys go on")?;
    assert_eq!(status(server.addr(), token).await?, 200);
    let (well, said) = home.command(&["list"]);
    assert!(!well && !said.contains(SECRET) && !said.contains("postgres://"), "{said}");
    database.restart();
    server.wait_for("answers again")?;
    home.json(&["revoke", "stays"]);
    soon(server.addr(), token, 401).await?;

    let other = state.replace(SECRET, &SECRET.replace('0', "f"));
    fs::write(home.file(), format!("simulator: on\n{other}"))?;
    let (well, said) = home.command(&["list"]);
    assert!(!well && said.contains("another secret") && said.contains("state.secret"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn administration_may_have_an_address_of_its_own() -> Outcome<()> {
    let home = Home::new(
        "simulator: on\nstate: {database: keys.db}\nadmin: {listen: '127.0.0.1:0'}\nkeys: {root: {token: tw-root, scopes: admin}}",
    );
    let server = home.serve();
    let log = server.wait_for("administration is at http://")?;
    let address = log.split("http://").nth(1).unwrap();
    let address: SocketAddr = address.split(['"', ' ']).next().unwrap().parse()?;
    let create = |addr| {
        let mut request = post(addr, "/admin/v1/keys", r#"{"name": "ada"}"#);
        request.headers_mut().insert(AUTHORIZATION, "Bearer tw-root".parse().unwrap());
        request
    };
    assert_eq!(send(create(server.addr())).await?.status(), 404);
    let made = send(create(address)).await?;
    assert_eq!(made.status(), 201);
    assert_eq!(made.headers()["cache-control"], "no-store");
    let token = parse(made.body())["token"].as_str().unwrap().to_owned();
    soon(server.addr(), &token, 200).await?;
    assert_eq!(status(address, &token).await?, 404);
    assert_eq!(status(address, "").await?, 401);
    assert_eq!(send(get(address, "/health/ready")).await?.status(), 200);

    // Until the next start it stays where it is, and does not move to everybody's address.
    let file = fs::read_to_string(home.file())?;
    let file = file.replace("admin: {listen: '127.0.0.1:0'}", "");
    fs::write(home.file(), file.replace("keys: {", "keys: {probe: {token: tw-probe}, "))?;
    soon(server.addr(), "tw-probe", 200).await?;
    assert_eq!(send(create(server.addr())).await?.status(), 404);
    assert_eq!(send(create(address)).await?.status(), 201);
    Ok(())
}

#[test]
fn a_declared_key_is_known_by_its_hash() {
    let home = Home::new(&format!("simulator: on\nstate: {{secret: {SECRET}}}"));
    let made = home.json(&["hash"]);
    let (token, hash) = (made["token"].as_str().unwrap(), made["hash"].as_str().unwrap());
    let file = fs::read_to_string(home.file()).unwrap();
    fs::write(home.file(), format!("{file}keys: {{ci: {{hash: {hash}}}}}\n")).unwrap();
    let server = home.serve();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert_eq!(runtime.block_on(status(server.addr(), token)).unwrap(), 200);
    assert_eq!(runtime.block_on(status(server.addr(), "")).unwrap(), 401);
    assert!(!home.0.path().join("tollway.db").exists(), "a deployment without a database has none");
}

/// It once took a lost secret, or a lost file, for one that never was, and let everybody pass.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_gone_let_nobody_in() -> Outcome<()> {
    let home = Home::new("simulator: on");
    let (secret, database) = (home.0.path().join("tollway.db.secret"), home.0.path().join("tollway.db"));
    let aside = |file: &std::path::Path| file.with_extension("aside");
    let server = home.serve();
    assert_eq!(status(server.addr(), "").await?, 200);
    let (_, token) = home.command(&["create", "ada", "--quiet"]);
    let token = token.trim();
    soon(server.addr(), token, 200).await?;
    server.wait_for("a key is asked for from now on")?;

    fs::rename(&secret, aside(&secret))?;
    let said = server.wait_for("the old one goes on")?;
    assert!(said.contains("state.secret: gone"), "{said}");
    assert_eq!((status(server.addr(), "").await?, status(server.addr(), token).await?), (401, 200));
    let (well, said) = home.command(&["list"]);
    assert!(!well && said.contains("bring it back"), "{said}");
    fs::rename(aside(&secret), &secret)?;

    // A gateway that starts while the disk with the keys is missing.
    drop(server);
    fs::rename(&database, aside(&database))?;
    let server = home.serve();
    server.wait_for("the keys are gone, no such file")?;
    assert_eq!((status(server.addr(), "").await?, status(server.addr(), token).await?), (401, 503));
    let ready = send(get(server.addr(), "/health/ready")).await?;
    assert_eq!(
        (ready.status().as_u16(), &ready.body()[..]),
        (503, &b"the keys have not been read yet\n"[..])
    );
    assert!(!database.exists(), "nothing takes its place");
    fs::rename(aside(&database), &database)?;
    soon(server.addr(), token, 200).await?;
    assert_eq!(status(server.addr(), "").await?, 401);
    assert_eq!(send(get(server.addr(), "/health/ready")).await?.status(), 200);
    Ok(())
}

/// Waits until a gateway has said something so many times.
async fn said(server: &Server, text: &str, times: usize) {
    let began = Instant::now();
    while server.log().matches(text).count() < times {
        assert!(began.elapsed() < Duration::from_secs(30), "{text}: {}", server.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A typing error in the secret, or in the database's name, once took all keys from a gateway that ran.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_cannot_read_the_keys_is_refused() -> Outcome<()> {
    let home = Home::new(&format!("simulator: on\nstate: {{database: keys.db, secret: {SECRET}}}"));
    let server = home.serve();
    let (_, token) = home.command(&["create", "ada", "--quiet"]);
    let token = token.trim();
    soon(server.addr(), token, 200).await?;
    let file = fs::read_to_string(home.file())?;
    let wrong = [(SECRET, "fedcba9876543210fedcba9876543210"), ("keys.db", "nowhere/keys.db")];
    for (times, (right, wrong)) in (1..).zip(wrong) {
        fs::write(home.file(), file.replace(right, wrong))?;
        said(&server, "state: the keys could not be read", times).await;
        assert_eq!((status(server.addr(), token).await?, status(server.addr(), "").await?), (200, 401));
        fs::write(home.file(), &file)?;
        said(&server, "the configuration was reloaded", times).await;
    }
    let revoked = home.json(&["revoke", "ada"]);
    assert_eq!(revoked["status"], "revoked");
    soon(server.addr(), token, 401).await
}

/// The log once named the proxy, and of a refused path not even the key.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_who_was_refused_and_from_where() -> Outcome<()> {
    let home = Home::new(
        "simulator: on\nauth: {trusted_proxies: 127.0.0.1}\n\
         keys: {ci: {token: tw-mine, routes: /v1/models}}",
    );
    let server = home.serve();
    for (token, path, status) in
        [("tw-mine", "/v1/models", 200), ("tw-mine", "/v1/files", 403), ("", "/v1/models", 401)]
    {
        let mut request = get(server.addr(), path);
        request.headers_mut().insert("x-forwarded-for", "6.6.6.6, 203.0.113.9".parse()?);
        request.headers_mut().insert("x-request-id", format!("of-{status}").parse()?);
        if !token.is_empty() {
            request.headers_mut().insert("x-api-key", token.parse()?);
        }
        assert_eq!(send(request).await?.status(), status);
        let line: serde_json::Value = serde_json::from_str(&server.wait_for(&format!("of-{status}"))?)?;
        assert_eq!(line["client.address"], "203.0.113.9", "{line}");
        assert_eq!(line.get("key").is_some(), !token.is_empty(), "{line}");
    }
    let mut request = get(server.addr(), "/v1/models");
    *request.method_mut() = http::Method::HEAD;
    request.headers_mut().insert("x-request-id", "of-head".parse()?);
    assert_eq!(send(request).await?.status(), 401);
    let line: serde_json::Value = serde_json::from_str(&server.wait_for("of-head")?)?;
    assert_eq!(line["outcome"], "refused", "it was once cancelled: {line}");
    Ok(())
}

/// Below the folder of the configuration the secret was once looked for below it a second time.
#[test]
fn a_configuration_is_found_from_where_somebody_stands() {
    let home = Home::new("simulator: on");
    let config = home.0.path().join("config");
    fs::create_dir(&config).unwrap();
    fs::rename(home.file(), config.join("tollway.yaml")).unwrap();
    for name in ["ada", "bob"] {
        let output = Command::new(env!("CARGO_BIN_EXE_tollway"))
            .env_clear()
            .current_dir(home.0.path())
            .args(["keys", "create", name])
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(config.join("tollway.db.secret").exists());
}
