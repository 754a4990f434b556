//! The official clients against the built binary: what works with them works.
//!
//! Each test starts the simulated providers and a gateway in front of them, and then the suite of one
//! client, which finds both by `TOLLWAY_BASE_URL` and `SIM_URL`.

use std::{
    error::Error,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

#[path = "support/process.rs"]
mod process;

use process::Server;
use serde_json::json;

#[test]
fn python_openai() -> Result<(), Box<dyn Error>> {
    pytest("sdk_openai")
}

#[test]
fn python_responses() -> Result<(), Box<dyn Error>> {
    pytest("sdk_responses")
}

#[test]
fn python_anthropic() -> Result<(), Box<dyn Error>> {
    pytest("sdk_anthropic")
}

#[test]
fn python_genai() -> Result<(), Box<dyn Error>> {
    pytest("sdk_genai")
}

#[test]
fn python_langchain() -> Result<(), Box<dyn Error>> {
    pytest("sdk_langchain")
}

/// Of OpenAI, chat and Responses, of Anthropic and of Google.
#[test]
fn node() -> Result<(), Box<dyn Error>> {
    // The SDK needs a newer Node than many machines have; npm brought one along where it can.
    let packaged = set_up("tests/sdk/node/node_modules/openai")?.with_file_name(".bin/node");
    let node = if packaged.exists() { packaged } else { "node".into() };
    run(Command::new(node)
        .args(["--test", "--test-concurrency=1", "--test-timeout=60000"])
        .current_dir(root().join("tests/sdk/node")))
}

fn pytest(suite: &str) -> Result<(), Box<dyn Error>> {
    let python = set_up(".setup/python/bin/python")?;
    run(Command::new(python)
        .args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", suite])
        .current_dir(root().join("tests/sdk/python")))
}

/// Runs a suite against a gateway and providers of its own; both are gone when this returns.
fn run(suite: &mut Command) -> Result<(), Box<dyn Error>> {
    let simulator = Server::start(&["simulate", "--port", "0"], &[])?;
    let simulator_url = format!("http://{}", simulator.addr());
    let config = Config::write(&simulator_url)?;
    let gateway = Server::start(&["serve", "--config", &config.0.to_string_lossy()], &[])?;

    let output = suite
        .env("TOLLWAY_BASE_URL", format!("http://{}/v1", gateway.addr()))
        .env("SIM_URL", &simulator_url)
        // The clients would take these from the machine instead of what the suite says.
        .env_remove("OPENAI_BASE_URL")
        .env_remove("OPENAI_API_KEY")
        .env_remove("ANTHROPIC_BASE_URL")
        .env_remove("ANTHROPIC_API_KEY")
        .env_remove("ANTHROPIC_AUTH_TOKEN")
        .env_remove("GOOGLE_API_KEY")
        .env_remove("GEMINI_API_KEY")
        .env_remove("GOOGLE_GENAI_USE_VERTEXAI")
        .env("NO_PROXY", "127.0.0.1")
        .output()?;
    io::stdout().write_all(&output.stdout)?;
    io::stdout().write_all(&output.stderr)?;
    assert!(output.status.success(), "{}\n--- the gateway's last lines\n{}", output.status, gateway.log());
    Ok(())
}

/// A configuration that routes every provider to the simulator; removed when dropped.
struct Config(PathBuf);

impl Config {
    fn write(simulator: &str) -> io::Result<Self> {
        let port = simulator.rsplit(':').next().unwrap_or_default();
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sdk-{port}.yaml"));
        let provider = |path| json!({"api_key": "test", "base_url": format!("{simulator}{path}")});
        // Providers of one format each, beside those that speak what their kind does.
        let of = |kind, format, path| {
            let url = format!("{simulator}{path}");
            json!({"kind": kind, "formats": [format], "api_key": "test", "base_url": url})
        };
        // JSON is YAML too.
        let config = json!({
            "server": {"listen": "127.0.0.1:0"},
            // Most suites have no key to speak of; those about callers have these.
            "auth": {"mode": "open", "failures": 0},
            "keys": {
                "narrow": {"token": "tw-narrow", "models": ["openai/*", "fable"]},
                "slow": {"token": "tw-slow", "team": "slow"},
                "old": {"token": "tw-old", "expires": "2020-01-01"},
            },
            "limits": {"slow": {"requests": 1, "window": "2s", "per": "key", "only": {"team": "slow"}}},
            // Several speak Responses; one is asked for those it keeps.
            "endpoints": {"responses": "openai"},
            // The suites see whether the provider is left with the client.
            "usage": {"drain": {"stream": "0s", "answer": "0s"}},
            "providers": {
                "openai": provider("/v1"),
                "anthropic": provider(""),
                "gemini": provider("/v1beta"),
                "mistral": provider("/mistral/v1"),
                "groq": provider("/groq/openai/v1"),
                "chat": of("openai", "chat", "/v1"),
                "responses": of("openai", "responses", "/v1"),
                "compatible": of("openai-compatible", "chat", "/compatible/v1"),
            },
        });
        fs::write(&path, config.to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Returns the path of something that `make setup` installs.
fn set_up(path: &str) -> Result<PathBuf, Box<dyn Error>> {
    let path = root().join(path);
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("run `make setup` first: missing {}", path.display()).into())
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
