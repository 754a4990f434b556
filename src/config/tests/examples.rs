use serde_json::Value;

use std::{fs, sync::Arc};

use tollway_core::{Dialect, Endpoint, Framing};

use super::super::*;

const EXAMPLE: &str = include_str!("../../../config/tollway.yaml");

/// The example with every example line taken in: all with `#` but those with exactly one blank behind it.
fn uncommented() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with("  ") || !rest.starts_with(' ') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    EXAMPLE.lines().map(line).collect()
}

fn tree(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn the_schema_is_one_and_the_examples_keep_to_it() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for text in [EXAMPLE, &uncommented()] {
        let faults: Vec<_> = validator.iter_errors(&tree(text)).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new());
    }
    for wrong in [
        "serverr: {}",
        "server: {grace: soon}",
        "providers: {a: {kind: b}}",
        "log: {access: 3}",
        "server: {workers: {mod: a}}",
    ] {
        assert!(!validator.is_valid(&tree(wrong)), "{wrong}");
    }
    for right in [
        "server: {max_concurrent_streams: '${N}', grace: 5}",
        "providers: {openai: {api_key: {env: [A, B]}}}",
    ] {
        assert!(validator.is_valid(&tree(right)), "{right}");
    }
}

/// Loads the example with all its examples from a folder that has the files it names.
fn load_uncommented(variables: &[(&str, &str)]) -> Settings {
    static FOLDERS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = FOLDERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("tollway-examples-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("server.crt"), "").unwrap();
    fs::write(folder.join("server.key"), "").unwrap();
    fs::write(folder.join("clients.crt"), "").unwrap();
    fs::write(folder.join("models.yaml"), include_str!("../../../config/models.yaml")).unwrap();
    fs::write(folder.join("prices.yaml"), include_str!("../../../config/pricing.yaml")).unwrap();
    let source = Source { folder: folder.clone(), ..Source::text(uncommented()) };
    let secret = "0123456789abcdef0123456789abcdef";
    let callers = [("CI_KEY", "tw-ci"), ("DATABASE_URL", "keys.db"), ("TOLLWAY_SECRET", secret)];
    let settings = Settings::load(&source, &callers.iter().chain(variables).copied().collect());
    fs::remove_dir_all(&folder).unwrap();
    settings.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_example_loads() {
    let settings = load_uncommented(&[
        ("OPENAI_API_KEY", "k"),
        ("ANTHROPIC_API_KEY", "k"),
        ("AZURE_OPENAI_API_KEY", "k"),
        ("OPENROUTER_API_KEY", "k"),
        ("DEEPSEEK_API_KEY", "k"),
        ("XAI_API_KEY", "k"),
        ("LOCAL_API_KEY", "k"),
    ]);
    let url = |name: &str, model: &str| {
        let provider = settings.providers.iter().find(|provider| *provider.name == *name).unwrap();
        assert!(provider.speaks(Dialect::OpenAi));
        provider.uri(Dialect::OpenAi, Endpoint::Chat, model, Some(Framing::Events)).unwrap().to_string()
    };
    assert_eq!(url("azure", "m"), "https://my-resource.openai.azure.com/openai/v1/chat/completions");
    assert_eq!(
        url("azure-classic", "m"),
        "https://my-resource.openai.azure.com/openai/deployments/m/chat/completions?api-version=2024-10-21"
    );
    assert_eq!(url("openrouter", "m"), "https://openrouter.ai/api/v1/chat/completions");
    assert_eq!(url("deepseek", "m"), "https://api.deepseek.com/chat/completions");
    assert_eq!(url("xai", "m"), "https://api.x.ai/v1/chat/completions");
    assert_eq!(url("ollama", "m"), "http://localhost:11434/v1/chat/completions");
    assert_eq!(url("vllm", "m"), "http://localhost:8000/v1/chat/completions");
    assert_eq!(url("local", "m"), "https://models.example.com/v1/chat/completions");
    assert!(settings.server.tls.is_some());
    let budgets: Vec<_> = settings.budgets.iter().map(|budget| &*budget.name).collect();
    assert_eq!(budgets, ["all", "gpt", "keys", "teams"]);
    assert!(settings.notify.webhook.is_some());
    assert!(settings.usage.kept.as_ref().is_some_and(|kept| kept.is_asked && kept.hash_users));
    for (name, provider, model) in [
        ("fast", "openai", "gpt-4o-mini"),
        ("my-gpt-4o", "azure", "my-gpt-4o"),
        ("deepseek-chat", "deepseek", "deepseek-chat"),
        ("openrouter/anthropic/claude-sonnet-4.6", "openrouter", "anthropic/claude-sonnet-4.6"),
        ("no-such-model", "openai", "no-such-model"),
    ] {
        let upstream = settings.catalogue.resolve(name).unwrap().upstream.clone();
        assert_eq!((&*upstream.provider, &*upstream.model), (provider, model));
    }
}

#[test]
fn examples_without_keys_leave_their_providers_out() {
    let settings = load_uncommented(&[]);
    let enabled: Vec<&str> = settings.providers.iter().map(|provider| &*provider.name).collect();
    assert_eq!(enabled, ["ollama", "vertex-eu", "vllm"]);
    assert_eq!(settings.disabled.len(), 12);
    assert_eq!(settings.default_provider, Some(Arc::from("openai")));
}
