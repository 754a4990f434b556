use std::{
    fs,
    sync::{Arc, LazyLock},
};

use proptest::prelude::*;
use tollway_wire::{
    Effort::{High, Low, Max, Medium, Minimal, None as Off, Xhigh},
    ReasoningStyle,
};

use super::{super::*, KEYS, load};

fn all() -> Settings {
    load("", &KEYS).unwrap()
}

fn found(settings: &Settings, name: &str) -> (String, String, bool) {
    let resolved = settings.catalogue.resolve(name).unwrap_or_else(|why| panic!("{name}: {why}"));
    let Resolved { upstream, aliased, .. } = &*resolved;
    (upstream.provider.to_string(), upstream.model.to_string(), *aliased)
}

fn refusal(settings: &Settings, name: &str) -> String {
    settings.catalogue.resolve(name).unwrap_err().to_string()
}

#[test]
fn names_lead_to_providers_in_order() {
    let settings = load(
        "providers: {openai: {}, groq: {}, anthropic: {}, lab: {kind: vllm, models: [gpt-4o, llama]}, azure: {kind: azure-openai, base_url: 'https://a/openai/deployments/{model}', api_key: k}}
aliases: {fast: openai/gpt-4o-mini, gpt-4: openai/gpt-4.1, gpt-5: gpt-5}",
        &KEYS,
    );
    // An alias of itself would hide what it stands for.
    assert!(settings.is_err());
    let settings = load(
        "providers: {openai: {}, groq: {}, anthropic: {}, lab: {kind: vllm, models: [gpt-4o, llama]}, azure: {kind: azure-openai, base_url: 'https://a/openai/deployments/{model}', api_key: k}}
aliases: {fast: openai/gpt-4o-mini, gpt-4: openai/gpt-4.1}",
        &KEYS,
    )
    .unwrap();
    for (name, provider, model, aliased) in [
        ("fast", "openai", "gpt-4o-mini", true),
        ("gpt-4", "openai", "gpt-4.1", true),
        ("openai/gpt-4", "openai", "gpt-4", true),
        ("openai/never-heard-of", "openai", "never-heard-of", true),
        ("groq/openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b", true),
        ("openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b", false),
        ("gpt-4o", "lab", "gpt-4o", false),
        ("openai/gpt-4o", "openai", "gpt-4o", true),
        ("gpt-4o-mini", "openai", "gpt-4o-mini", false),
        ("gpt-4o-mini-2024-07-18", "openai", "gpt-4o-mini-2024-07-18", false),
        ("gpt-9-nova", "openai", "gpt-9-nova", false),
        ("ft:gpt-4o-mini-2024-07-18:me::id", "openai", "ft:gpt-4o-mini-2024-07-18:me::id", false),
        ("claude-sonnet-4-5-20250929", "anthropic", "claude-sonnet-4-5-20250929", false),
        ("azure/my-deployment", "azure", "my-deployment", true),
        ("lab/llama", "lab", "llama", true),
    ] {
        assert_eq!(found(&settings, name), (provider.into(), model.into(), aliased), "{name}");
    }
}

#[test]
fn refusals_say_whom_to_ask_for_what() {
    let settings = load(
        "providers: {openai: {}, gemini: {}, mistral: {enabled: false}, lab: {kind: vllm, models: [llama-3]}}
aliases: {pro: gemini/gemini-2.5-pro}",
        &[("OPENAI_API_KEY", "k")],
    )
    .unwrap();
    for (name, expected) in [
        ("gpt4o", "no provider is known for the model `gpt4o`; did you mean `gpt-4o`?"),
        ("opnai/gpt-4", "no provider is known for the model `opnai/gpt-4`; did you mean `openai/gpt-4`?"),
        (
            "nonsense",
            "no provider is known for the model `nonsense`; write `provider/model`, or set `default_provider`",
        ),
        (
            "gemini-2.5-pro",
            "the model `gemini-2.5-pro` is served by `gemini`, which has no key; set GEMINI_API_KEY or GOOGLE_API_KEY",
        ),
        (
            "gemini/x",
            "the model `gemini/x` is served by `gemini`, which has no key; set GEMINI_API_KEY or GOOGLE_API_KEY",
        ),
        (
            "pro",
            "the model `pro` is served by `gemini`, which has no key; set GEMINI_API_KEY or GOOGLE_API_KEY",
        ),
        (
            "ministral-8b-latest",
            "the model `ministral-8b-latest` is served by `mistral`, which is switched off",
        ),
        (
            "claude-opus-5",
            "the model `claude-opus-5` is served by anthropic, which is not configured; add it to `providers`",
        ),
        (
            "lab/llama-4",
            "the provider `lab` does not serve the model `lab/llama-4`; did you mean `lab/llama-3`?",
        ),
        ("", "the model is not named"),
        ("a\nb", "not a model's name: `ab`"),
        ("openai/", "not a model's name: `openai/`"),
    ] {
        assert_eq!(refusal(&settings, name), expected);
    }
    assert_eq!(refusal(&settings, &"x".repeat(300)).len(), "not a model's name: ``".len() + 100);
}

#[test]
fn a_default_provider_takes_what_nobody_else_claims() {
    let settings =
        load("providers: {openai: {}, anthropic: {}, ollama: {}}\ndefault_provider: ollama", &[]).unwrap();
    // Whoever runs their own server means it, also for names that others made known.
    for name in ["nonsense", "llama2", "gpt-4o", "claude-opus-5"] {
        assert_eq!(found(&settings, name), ("ollama".into(), name.into(), false));
    }
    // OpenAI does not have Anthropic's models: what is missing is a key.
    let settings = load("default_provider: openai", &[("OPENAI_API_KEY", "k")]).unwrap();
    assert_eq!(found(&settings, "nonsense").0, "openai");
    assert!(refusal(&settings, "claude-opus-5").ends_with("set ANTHROPIC_API_KEY"));
}

#[test]
fn a_model_never_leaves_its_place_in_a_url() {
    let settings = all();
    for model in ["../x", "a/b", "a?b", "a#b", "a%2f", "a:generateContent", "a b", "..", "a\\b"] {
        assert!(settings.catalogue.resolve(&format!("gemini/{model}")).is_err(), "{model}");
    }
    assert_eq!(found(&settings, "gemini/models/gemini-2.5-pro").1, "gemini-2.5-pro");
    assert!(settings.catalogue.resolve("gemini-2.5-pro/../../x").is_err());
}

#[test]
fn aliases_are_listed_and_can_be_looked_up() {
    let settings = load("aliases: {fast: openai/gpt-4o-mini}", &[("OPENAI_API_KEY", "k")]).unwrap();
    let fast = settings.catalogue.get("fast").unwrap();
    assert_eq!(
        (&*fast.id, &*fast.owned_by, fast.context, fast.max_output),
        ("fast", "openai", Some(128_000), Some(16_384))
    );
    let ids: Vec<&str> = settings.catalogue.list().map(|model| &*model.id).collect();
    assert!(ids.is_sorted() && ids.contains(&"fast") && ids.contains(&"gpt-5"));
    assert!(!ids.contains(&"claude-opus-5") && !ids.iter().any(|id| id.starts_with("openai/")));
    assert_eq!(settings.catalogue.get("gpt-4o").unwrap().created, 1_715_558_400);
}

#[test]
fn a_known_name_costs_no_new_text() {
    let settings = all();
    for name in ["gpt-4o", "openai/gpt-4o", "claude-opus-5"] {
        let (one, two) =
            (settings.catalogue.resolve(name).unwrap(), settings.catalogue.resolve(name).unwrap());
        assert!(
            Arc::ptr_eq(&one.upstream.model, &two.upstream.model) && Arc::ptr_eq(&one.traits, &two.traits)
        );
    }
}

/// How each kind of model is told to think, and what else it does not take.
#[test]
fn traits_follow_the_generation() {
    use ReasoningStyle::{Always, Budget, Effort, None};
    let settings = all();
    for (name, reasoning, sampling, prefill, output) in [
        ("claude-opus-5-5", Always, false, false, Some(128_000)),
        ("claude-sonnet-5-5", Always, false, false, Some(128_000)),
        ("claude-fable-5-1", Always, false, false, Some(128_000)),
        ("claude-haiku-5-5", Effort, false, false, Some(128_000)),
        ("claude-sonnet-5", Effort, false, false, Some(128_000)),
        ("claude-opus-4-8", Effort, false, false, Some(128_000)),
        ("claude-opus-4-7", Effort, false, false, Some(128_000)),
        ("claude-opus-4-6", Effort, true, false, Some(128_000)),
        ("claude-sonnet-4-6", Effort, true, false, Some(128_000)),
        ("claude-sonnet-4-5", Budget, true, true, Some(64_000)),
        ("claude-sonnet-4-5-20250929", Budget, true, true, Some(64_000)),
        ("claude-haiku-4-5-20251001", Budget, true, true, Some(64_000)),
        ("claude-opus-4-5", Budget, true, true, Some(64_000)),
        ("claude-opus-4-1-20250805", Budget, true, true, Some(32_000)),
        ("claude-sonnet-4-0", Budget, true, true, Some(64_000)),
        ("claude-3-7-sonnet-20250219", Budget, true, true, Some(64_000)),
        ("claude-3-5-haiku-latest", None, true, true, Some(8_192)),
        ("claude-3-opus-20240229", None, true, true, Some(4_096)),
        ("claude-2.1", None, true, true, Some(4_096)),
        ("claude-opus-7", Effort, false, true, Some(64_000)),
        ("gemini-4-argon", Always, true, true, Some(1_048_576)),
        ("gemini-3.8-flash", Always, false, true, Some(65_536)),
        ("gemini-3-flash-preview", Always, true, true, Some(65_536)),
        ("gemini-3-pro-preview", Always, true, true, Some(65_536)),
        ("gemini-flash-latest", Always, true, true, Some(65_536)),
        ("gemini-2.5-flash-preview-09-2025", Budget, true, true, Some(65_536)),
        ("gemini-2.5-pro", Budget, true, true, Some(65_536)),
        ("gemini-2.0-flash-exp", None, true, true, Some(8_192)),
        ("gemini-1.5-flash", None, true, true, Some(8_192)),
        ("gpt-5-mini", Effort, false, true, Some(128_000)),
        ("gpt-5.2", Effort, true, true, Some(128_000)),
        ("gpt-5.6-sol", Effort, false, true, Some(128_000)),
        ("gpt-4o-2024-08-06", None, true, true, Some(16_384)),
        ("gpt-4.1-nano", None, true, true, Some(32_768)),
        ("gpt-3.5-turbo-0613", None, true, true, Some(4_096)),
        ("o3-mini", Effort, false, true, Some(100_000)),
        ("o1-mini", Effort, false, true, Some(65_536)),
        ("mistral-large-4", Effort, true, true, Some(1_048_576)),
        ("mistral-large-latest", Effort, true, true, Option::None),
        ("codestral-latest", None, true, true, Some(128_000)),
        ("openai/gpt-oss-120b", Effort, true, true, Some(65_536)),
    ] {
        let traits = settings.catalogue.resolve(name).unwrap_or_else(|why| panic!("{why}")).traits.clone();
        let have = (traits.reasoning, traits.sampling, traits.prefill, traits.max_output_tokens);
        assert_eq!(have, (reasoning, sampling, prefill, output), "{name}");
    }
    let traits = |name: &str| settings.catalogue.resolve(name).unwrap().traits.clone();
    assert_eq!(traits("claude-opus-4-6").efforts, [Off, Low, Medium, High, Max]);
    assert_eq!(traits("gpt-6.1-sol").efforts, [Low, Medium, High, Xhigh, Max]);
    assert_eq!(traits("gpt-5.5").efforts, [Off, Low, Medium, High, Xhigh]);
    assert_eq!(traits("gpt-5-nano").efforts, [Minimal, Low, Medium, High]);
    assert_eq!(traits("mistral-medium-3-5").efforts, [Off, High]);
    assert!(
        !traits("gemini-2.5-pro").efforts.contains(&Off) && traits("gemini-2.5-flash").efforts.is_empty()
    );
    assert_eq!(traits("gemini-2.5-pro").max_thinking_tokens, Some(32_768));
    assert_eq!(traits("gemini-2.5-flash-lite").max_thinking_tokens, Some(24_576));
    assert!(!traits("claude-sonnet-5-5").forced_tool_choice && traits("claude-haiku-5-5").forced_tool_choice);
    assert!(
        traits("claude-opus-4-8").mid_conversation_system
            && !traits("claude-haiku-5-5").mid_conversation_system
            && !traits("claude-sonnet-4-6").mid_conversation_system
    );
    assert!(
        traits("gemini-3-flash-preview").function_call_ids && !traits("gemini-2.5-flash").function_call_ids
    );
}

#[test]
fn azure_models_have_openai_s_traits_and_strangers_have_none() {
    let text = "providers: {azure: {kind: azure-openai, base_url: 'https://a/v1', api_key: k}, vllm: {}}";
    let settings = load(text, &[]).unwrap();
    let traits = |name: &str| settings.catalogue.resolve(name).unwrap().traits.clone();
    assert!(!traits("azure/gpt-5-mini").sampling);
    assert_eq!(*traits("vllm/gpt-5-mini"), tollway_wire::Traits::default());
}

#[test]
fn the_classics_are_marked() {
    let settings = all();
    let today = "2026-11-22".parse().unwrap();
    let retired = |name: &str| {
        settings
            .catalogue
            .resolve(name)
            .unwrap()
            .retirement
            .is_some_and(|retirement| retirement.has_come(today))
    };
    for name in [
        "gpt-4",
        "gpt-4-0613",
        "gpt-4-turbo",
        "gpt-4-turbo-2024-04-09",
        "gpt-3.5-turbo",
        "gpt-3.5-turbo-0125",
        "gpt-4-vision",
        "gpt-4-vision-preview",
        "claude-3-opus-20240229",
        "claude-3-sonnet-20240229",
        "claude-3-haiku-20240307",
        "claude-3-5-sonnet-20241022",
        "claude-2.1",
        "gemini-pro",
        "gemini-pro-vision",
        "gemini-1.5-flash-002",
        "mistral-large",
        "mistral-medium",
        "mistral-small",
        "mixtral",
        "open-mixtral-8x7b",
        "llama2",
        "code-llama",
        "mixtral-8x7b-32768",
        "o4-mini",
        "gpt-4.1-nano",
    ] {
        assert!(retired(name), "{name}");
    }
    for name in [
        "gpt-4o",
        "gpt-4.1",
        "gpt-5",
        "claude-sonnet-4-5",
        "claude-sonnet-4-5-20250929",
        "mistral-large-latest",
        "mistral-medium-latest",
        "mistral-large-2512",
        "gemini-2.5-pro",
        "gemini-pro-latest",
    ] {
        assert!(!retired(name), "{name}");
    }
    let sonnet = settings.catalogue.resolve("claude-sonnet-4-5-20250929").unwrap().retirement.unwrap();
    assert!(
        sonnet.has_come("2026-11-30".parse().unwrap()) && !sonnet.has_come("2026-11-29".parse().unwrap())
    );
}

#[test]
fn another_list_of_models_takes_the_place_of_the_built_in_one() {
    let folder = std::env::temp_dir().join(format!("tollway-models-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let with = |text: &str| {
        fs::write(folder.join("models.yaml"), text).unwrap();
        let source = Source { folder: folder.clone(), ..Source::text("models_file: models.yaml") };
        Settings::load(&source, &KEYS.into_iter().collect())
    };
    let settings = with("as_of: 2026-01-02\nmodels: {openai: {mine: {context: 5, can: [tools]}}}").unwrap();
    assert_eq!(settings.catalogue.list().map(|model| &*model.id).collect::<Vec<_>>(), ["mine"]);
    for (text, expected) in [
        ("models: {}", "as_of: missing"),
        ("as_of: yesterday\nmodels: {}", "as_of: not a date such as 2026-12-11"),
        (
            "as_of: 2026-01-02\nmodels: {openai: {a: {can: [toolz]}}}",
            "models.openai.a.can[0]: not one of the words known here",
        ),
        (
            "as_of: 2026-01-02\nmodels: {openai: {a: {can: [], traits: {sampels: 1}}}}",
            "models.openai.a.traits.sampels: unknown field",
        ),
        ("as_of: 2026-01-02\nmodels: {}\nfamilies: [{prefix: a}]", "families[0].provider: missing"),
        ("as_of: 2026-01-02\nmodels: {opnai: {a: {can: []}}}", "models.opnai: no kind of provider"),
    ] {
        let error = with(text).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(&format!("models.yaml: {expected}")), "{error}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

proptest! {
    #[test]
    fn no_name_panics(name in ".{0,40}|((openai|gemini|gpt|claude|models)?[-/:@.%?#0-9]{0,2}){0,6}") {
        static SETTINGS: LazyLock<Settings> = LazyLock::new(|| load("default_provider: gemini", &KEYS).unwrap());
        let settings = &*SETTINGS;
        if let Ok(found) = settings.catalogue.resolve(&name) {
            prop_assert!(!found.upstream.model.is_empty());
            let provider = settings.providers.iter().find(|provider| provider.name == found.upstream.provider).unwrap();
            // What resolves has a URL.
            prop_assert!(provider.uri(found.upstream.dialect, tollway_core::Endpoint::Chat, &found.upstream.model, Some(tollway_core::Framing::Events)).is_some());
        }
    }
}

/// Only whoever is known to refuse what other servers add to OpenAI's format goes without it.
#[test]
fn what_a_provider_has_no_field_for_is_not_sent() {
    let settings = load("providers: {openai: {}, groq: {}, mistral: {}, lab: {kind: vllm}}", &KEYS).unwrap();
    for (name, extensions, earlier_thinking) in [
        ("openai/gpt-4o", false, false),
        ("openai/never-heard-of", false, false),
        ("groq/openai/gpt-oss-120b", false, false),
        ("mistral/mistral-large-4", false, true),
        ("lab/anything", true, true),
    ] {
        let traits = &settings.catalogue.resolve(name).unwrap().traits;
        assert_eq!((traits.extensions, traits.earlier_thinking), (extensions, earlier_thinking), "{name}");
    }
}

#[test]
fn a_line_leads_to_another_model_of_the_same_provider() {
    let succeeds = |old: &str| {
        let models = format!(
            "{{as_of: 2026-11-22, models: {{openai: {{a-1: {{can: []}}, a-2: {{can: [], succeeds: {old}, cache_minimum: 512}}}}, mistral: {{b-1: {{can: []}}}}}}}}"
        );
        super::super::models::Models::parse(&models, "models.yaml")
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(succeeds("a-1"), Ok(()));
    for wrong in ["a-2", "b-1", "a-3"] {
        let said = succeeds(wrong).unwrap_err();
        let expected = format!("models.openai.a-2.succeeds: no other model of this provider: {wrong}");
        assert!(said.contains(&expected), "{said}");
    }
    let settings = all();
    let newer = settings.catalogue.get("anthropic/claude-haiku-5-5").unwrap();
    assert_eq!(newer.succeeds.as_deref(), Some("claude-haiku-4-5"));
    assert_eq!(settings.catalogue.get("claude-opus-5-5").unwrap().cache_minimum, Some(512));
}
