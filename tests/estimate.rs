//! `tollway estimate` prices what would be sent, in whatever dialect, where the gateway would send it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs the command with nothing but these variables, in a folder without a configuration.
fn estimate(arguments: &[&str], body: &str, variables: &[(&str, &str)]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tollway"))
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(std::env::temp_dir())
        .arg("estimate")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It does not read what it does not need, and may have ended.
    let _ = child.stdin.take().unwrap().write_all(body.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(arguments: &[&str], body: &str) -> Value {
    let ran = estimate(&[arguments, &["--json"]].concat(), body, &[]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&ran.stdout)))
}

fn refusal(arguments: &[&str], body: &str) -> String {
    let ran = estimate(arguments, body, &[]);
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran.stdout));
    assert!(ran.stdout.is_empty());
    text(&ran.stderr)
}

#[test]
fn tokens_that_are_given_are_priced_to_the_nano_dollar() {
    let arguments = ["--input-tokens", "12000", "--cached-tokens", "10000", "--output-tokens", "345"];
    let told = json(&[&["--model", "gpt-6-sol"][..], &arguments].concat(), "");
    // 2,000 at 2, 10,000 at 0.2 and 345 at 10 dollars a million.
    assert_eq!(told["usually"]["cost_usd"], "0.00945");
    assert_eq!(told["at_most"], told["usually"]);
    let classes = &told["usually"]["by_class_usd"];
    assert_eq!(
        (&classes["input"], &classes["cached_input"], &classes["output"]),
        (&"0.004".into(), &"0.002".into(), &"0.00345".into())
    );
    assert_eq!((&told["provider"], &told["model"]), (&"openai".into(), &"gpt-6-sol".into()));
    assert_eq!(told["price"]["from"], "2026-11-22");
    assert!(told["price"]["source"].as_str().unwrap().contains("litellm 1.109.1"), "{told}");
    assert_eq!(told["prices_as_of"], "2026-11-22");
    let flex = json(&[&["--model", "gpt-6-sol", "--tier", "flex"][..], &arguments].concat(), "");
    assert_eq!(flex["usually"]["cost_usd"], "0.004725");
    // A request that asks for a tier is priced by it, as budgets reserve; one that has no price is the usual one.
    for (tier, cost) in [("flex", "0.004725"), ("auto", "0.00945"), ("scale", "0.00945")] {
        let body = format!(
            r#"{{"model":"gpt-6-sol","service_tier":"{tier}","messages":[{{"role":"user","content":"Well?"}}]}}"#
        );
        let told = json(&[&["-"][..], &arguments].concat(), &body);
        assert_eq!(told["usually"]["cost_usd"], cost, "{tier}");
    }
    // A long request pays more for all of its tokens.
    let long = json(&["--model", "gpt-6-sol", "--input-tokens", "300000", "--output-tokens", "0"], "");
    assert_eq!(long["usually"]["cost_usd"], "1.20");
}

#[test]
fn every_dialect_is_known_by_its_shape() {
    let words = "Tell me about the history of the toll roads of Europe. ".repeat(20);
    let chat = format!(
        r#"{{"model":"gpt-6-sol","max_tokens":50,"messages":[{{"role":"user","content":"{words}"}}]}}"#
    );
    let responses = format!(r#"{{"model":"gpt-6-sol","max_output_tokens":50,"input":"{words}"}}"#);
    let messages = format!(
        r#"{{"model":"claude-haiku-4-5","max_tokens":50,"system":"Be brief.","messages":[{{"role":"user","content":"{words}"}}]}}"#
    );
    let gemini = format!(
        r#"{{"contents":[{{"role":"user","parts":[{{"text":"{words}"}}]}}],"generationConfig":{{"maxOutputTokens":50}}}}"#
    );
    for (body, arguments, dialect, provider) in [
        (&chat, &[][..], "openai", "openai"),
        (&responses, &[], "responses", "openai"),
        (&messages, &[], "anthropic", "anthropic"),
        (&gemini, &["--model", "gemini-2.5-flash"], "gemini", "gemini"),
        (&chat, &["--model", "claude-haiku-4-5"], "openai", "anthropic"),
        (&chat, &["--model", "claude-haiku-4-5", "--dialect", "anthropic"], "anthropic", "anthropic"),
    ] {
        let told = json(arguments, body);
        assert_eq!((&told["request"]["dialect"], &told["provider"]), (&dialect.into(), &provider.into()));
        let input = told["request"]["input_tokens"].as_u64().unwrap();
        assert!((180..320).contains(&input), "{dialect}: {input}");
        assert_eq!(told["request"]["input_estimated"], true);
        assert_eq!(told["at_most"]["output_tokens"], 50);
        assert_eq!(told["usually"]["output_tokens"], 50);
    }
}

#[test]
fn without_a_limit_the_model_s_own_is_the_most() {
    let told = json(&[], r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#);
    assert_eq!(
        (&told["usually"]["output_tokens"], &told["at_most"]["output_tokens"]),
        (&1000.into(), &16384.into())
    );
    // Vectors are no tokens of output.
    let told = json(&[], r#"{"model":"text-embedding-3-small","input":"hi"}"#);
    assert_eq!(
        (&told["request"]["operation"], &told["at_most"]["output_tokens"]),
        (&"embeddings".into(), &0.into())
    );
}

#[test]
fn the_configuration_says_where_it_goes_and_at_what_price() {
    let folder = tempfile::TempDir::new().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, prices) = (place("tollway.yaml"), place("prices.yaml"));
    let list = "{as_of: 2026-11-22, sources: {contract: ours}, providers: {lab: {models: {gpt-oss-120b: {prices: [{from: 2026-01-01, source: contract, rates: {input: 1, output: 2}}]}}}}}";
    std::fs::write(&prices, list).unwrap();
    let configuration = format!(
        "prices: {{file: '{prices}'}}
providers: {{openai: {{api_key: do-not-show-me}}, azure: {{kind: azure-openai, base_url: 'https://a.example/openai/v1', api_key: do-not-show-me}}, lab: {{kind: vllm, models: [gpt-oss-120b]}}}}
aliases: {{fast: openai/text-embedding-3-small}}"
    );
    std::fs::write(&file, configuration).unwrap();
    let own = json(
        &["--config", &file, "--model", "gpt-oss-120b", "--input-tokens", "1000000", "--output-tokens", "0"],
        "",
    );
    assert_eq!((&own["provider"], &own["usually"]["cost_usd"]), (&"lab".into(), &"1.00".into()));
    assert_eq!((&own["configured"], &own["price"]["source"]), (&true.into(), &"ours".into()));

    let arguments =
        ["--config", &file, "--model", "fast", "--input-tokens", "1000000", "--output-tokens", "0"];
    let aliased = json(&arguments, "");
    assert_eq!(
        (&aliased["model"], &aliased["usually"]["cost_usd"]),
        (&"text-embedding-3-small".into(), &"0.02".into())
    );
    let elsewhere = &aliased["elsewhere"][0];
    assert_eq!(
        (&elsewhere["provider"], &elsewhere["usually"]["cost_usd"]),
        (&"azure".into(), &"0.022".into())
    );
    assert_eq!(elsewhere["configured"], true);

    let shown = text(&estimate(&arguments, "", &[]).stdout);
    for expected in [
        "openai/text-embedding-3-small, asked for as fast",
        "0.02 ",
        "azure/text-embedding-3-small",
        "-0.002",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(!shown.contains("do-not-show-me"));
}

#[test]
fn other_providers_of_the_same_model_are_listed_by_price() {
    let told = json(&["--model", "claude-sonnet-5-5", "--input-tokens", "1000", "--output-tokens", "10"], "");
    assert_eq!(told["configured"], false);
    let shown = text(&estimate(&["--model", "claude-sonnet-4-5", "--input-tokens", "1"], "", &[]).stdout);
    assert!(shown.contains("warning: claude-sonnet-4-5 retires 2026-11-30"), "{shown}");
    assert!(shown.contains("usually 1000, at most 64000"), "{shown}");
    assert!(shown.contains("anthropic/claude-sonnet-4-5  "), "{shown}");
    let key = [("GOOGLE_CLOUD_LOCATION", "europe-west4"), ("ANTHROPIC_API_KEY", "k")];
    let ran = estimate(&["--model", "claude-sonnet-5-5", "--input-tokens", "1", "--json"], "", &key);
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&told["configured"], &told["provider"]), (&true.into(), &"anthropic".into()));
}

#[test]
fn what_cannot_be_priced_is_said() {
    let tokens = ["--input-tokens", "1"];
    for (arguments, body, expected) in [
        (&["--model", "gpt-7"][..], "", "no price of this model: openai/gpt-7"),
        (
            &["--model", "gpt-6-sol", "--tier", "scale"],
            "",
            "no price of this model at that tier: openai/gpt-6-sol",
        ),
        (&["--model", "a/b c\u{7}"], "", "not a model's name"),
        (&["--model", "gpt-6-sol", "--cached-tokens", "2"], "", "more than there are of input, 1: 2"),
        (&[], "", "no model is named: give --model"),
        (&["-"], "[]", "the request is no JSON object"),
        (&["-"], r#"{"contents":[]}"#, "give --model"),
        (&["-"], r#"{"messages":[]}"#, "model"),
        (&["/no/such/file.json"], "", "cannot be read"),
    ] {
        let said = refusal(&[arguments, &tokens].concat(), body);
        assert!(said.starts_with("error: ") && said.contains(expected), "{arguments:?}: {said}");
    }
    let wrong = estimate(&["--config", "/no/such/file.yaml", "--model", "m", "--input-tokens", "1"], "", &[]);
    assert_eq!(wrong.status.code(), Some(64));
}
