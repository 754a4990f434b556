use std::{fs, time::Duration};

use proptest::prelude::*;
use tollway_core::{Dialect, Endpoint, Framing};

use super::{super::*, KEYS, load};

#[test]
fn no_file_and_no_key_is_fine() {
    let settings = Settings::load(&Source::built_in(), &Env::default()).unwrap();
    assert_eq!(settings.server, Server::default());
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert!(settings.providers.is_empty() && settings.uses_simulator());
    let missing: Vec<_> = settings.disabled.iter().map(|one| (&*one.name, one.why.clone())).collect();
    assert_eq!(missing.len(), 6);
    assert!(
        missing
            .contains(&("gemini", Why::MissingKey(vec!["GEMINI_API_KEY".into(), "GOOGLE_API_KEY".into()])))
    );
    assert_eq!(settings.warnings("2026-11-22".parse().unwrap()), Vec::<String>::new());
}

#[test]
fn a_key_in_the_environment_enables_its_provider() {
    for (variable, name, base_url) in [
        ("OPENAI_API_KEY", "openai", "https://api.openai.com/v1"),
        ("ANTHROPIC_API_KEY", "anthropic", "https://api.anthropic.com"),
        ("GEMINI_API_KEY", "gemini", "https://generativelanguage.googleapis.com/v1beta"),
        ("GOOGLE_API_KEY", "gemini", "https://generativelanguage.googleapis.com/v1beta"),
        ("MISTRAL_API_KEY", "mistral", "https://api.mistral.ai/v1"),
        ("GROQ_API_KEY", "groq", "https://api.groq.com/openai/v1"),
    ] {
        for source in [Source::built_in(), Source::text("")] {
            let settings = Settings::load(&source, &Env::from_iter([(variable, "key")])).unwrap();
            let [provider] = &*settings.providers else { panic!("{variable}: {:?}", settings.providers) };
            assert_eq!((&*provider.name, &*provider.base_url.to_string()), (name, base_url));
            assert!(!settings.uses_simulator());
        }
    }
}

#[test]
fn an_empty_key_enables_nothing() {
    assert!(load("", &[("OPENAI_API_KEY", " ")]).unwrap().providers.is_empty());
}

#[test]
fn the_port_of_the_platform_counts_unless_the_file_says_more() {
    let listen = |text, variables: &[_]| load(text, variables).unwrap().server.listen.to_string();
    assert_eq!(listen("", &[("PORT", "9000")]), "0.0.0.0:9000");
    assert_eq!(listen("server: {listen: 'localhost:1'}", &[("PORT", "9000")]), "127.0.0.1:1");
    assert_eq!(listen("", &[("PORT", "9000"), ("TOLLWAY__SERVER__LISTEN", "[::1]:2")]), "[::1]:2");
    assert!(load("", &[("PORT", "http")]).is_err());
}

#[test]
fn variables_override_fields() {
    let settings = load(
        "server: {grace: 1s}\nproviders: {azure-eu: {kind: azure-openai, base_url: 'https://a/v1'}}",
        &[
            ("TOLLWAY__SERVER__GRACE", "5"),
            ("TOLLWAY__SERVER__MAX_CONCURRENT_STREAMS", "7"),
            ("TOLLWAY__SERVER__WORKERS", "{mode: shared, threads: 3}"),
            ("TOLLWAY__PROVIDERS__AZURE_EU__API_KEY", "0123456"),
            ("TOLLWAY__PROVIDERS__OLLAMA", "{}"),
            ("TOLLWAY__LOG__ACCESS", "off"),
            ("TOLLWAY__ALIASES", "{a.b: ollama/x}"),
            ("TOLLWAY__SIMULATOR", "off"),
        ],
    )
    .unwrap();
    assert_eq!(settings.server.grace, Duration::from_secs(5));
    assert_eq!(settings.server.max_concurrent_streams, 7);
    assert_eq!(settings.server.workers, Workers::Shared { threads: 3 });
    assert_eq!(settings.log.access, AccessLog::Off);
    assert_eq!(settings.simulator, SimulatorMode::Off);
    let azure = &settings.providers[0];
    assert_eq!(azure.credentials.as_ref().unwrap().expose(), "0123456");
    assert_eq!(azure.credentials.as_ref().unwrap().origin(), "from TOLLWAY__PROVIDERS__AZURE_EU__API_KEY");
    assert_eq!(&*settings.catalogue.resolve("a.b").unwrap().upstream.provider, "ollama");
}

#[test]
fn a_wrong_override_is_named_by_its_variable() {
    for (name, value, expected) in [
        (
            "TOLLWAY__SERVER__LISSTEN",
            "x",
            "TOLLWAY__SERVER__LISSTEN: server.lissten: unknown field\n  hint: did you mean `listen`?",
        ),
        (
            "TOLLWAY__SERVER__GRACE__X",
            "x",
            "TOLLWAY__SERVER__GRACE__X: server.grace is a value, not a section\n  hint: set the field itself",
        ),
        (
            "TOLLWAY__SERVER__MAX_BODY_BYTES",
            "x",
            "TOLLWAY__SERVER__MAX_BODY_BYTES: server.max_body_bytes: not a number of bytes such as `65536`, `64KiB` or `32MiB`",
        ),
        (
            "TOLLWAY__SERVER__TLS",
            "{a: [}",
            "TOLLWAY__SERVER__TLS: not a YAML value: mismatched bracket '[' closed by '}'\n  hint: quote it, as in `'[a'`",
        ),
    ] {
        let error = load("server: {grace: 1s}", &[(name, value)]).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn listed_providers_are_all_there_are() {
    let settings = load("providers: {ollama: {}}", &KEYS).unwrap();
    assert_eq!(settings.providers.len(), 1);
    let off = load("providers: {openai: {enabled: false}, groq: null}", &KEYS).unwrap();
    assert_eq!((off.providers.len(), &off.disabled[0].why), (1, &Why::SwitchedOff));
}

#[test]
fn the_file_is_looked_for_in_order() {
    let folder = std::env::temp_dir().join(format!("tollway-source-{}", std::process::id()));
    fs::create_dir_all(folder.join("config")).unwrap();
    let write = |name: &str| fs::write(folder.join(name), format!("# {name}")).unwrap();
    let none = Env::default();
    assert_eq!(Source::find(None, &none, &folder).unwrap(), Source::built_in());
    write("config/tollway.yaml");
    assert_eq!(Source::find(None, &none, &folder).unwrap().text, "# config/tollway.yaml");
    write("tollway.yaml");
    assert_eq!(Source::find(None, &none, &folder).unwrap().text, "# tollway.yaml");
    write("other.yaml");
    let other = folder.join("other.yaml");
    let env = Env::from_iter([("TOLLWAY_CONFIG", other.to_str().unwrap())]);
    assert_eq!(Source::find(None, &env, &folder).unwrap().text, "# other.yaml");
    assert_eq!(
        Source::find(Some(&folder.join("tollway.yaml")), &env, &folder).unwrap().text,
        "# tollway.yaml"
    );
    assert!(Source::find(Some(&folder.join("none.yaml")), &env, &folder).is_err());
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_reload_says_what_only_a_restart_can_bring() {
    let old = load("", &[]).unwrap();
    let new = load("server: {listen: '127.0.0.1:1', workers: shared, grace: 1s}", &KEYS).unwrap();
    assert_eq!(old.needs_restart(&new), ["server.listen", "server.workers"]);
    assert_eq!(old.needs_restart(&load("server: {grace: 1s}", &KEYS).unwrap()), Vec::<&str>::new());
}

#[test]
fn warnings_name_what_may_not_be_meant() {
    let text = "
        providers:
          openai: {api_key: literal, base_url: 'http://example.com/v1', models: [gpt-4, gpt-4o]}
          mistral: {}
        default_provider: mistral
        aliases: {old: openai/gpt-4, none: mistral/x}
        budgets: {big: {dollars: 1, degrade_to: mistral/x}, small: {dollars: 1, degrade_to: openai/gpt-4o}}
        simulator: off";
    let warnings = load(text, &[]).unwrap().warnings("2026-11-22".parse().unwrap());
    assert_eq!(
        warnings,
        [
            "providers.openai: the key goes over the network in the clear",
            "providers.openai: the key stands in the configuration; write ${NAME} or {file: PATH}",
            "providers.openai.models: a retired model (retired): gpt-4",
            "aliases.none: its provider is not enabled",
            "aliases.old: a retired model (retired)",
            "budgets.big.degrade_to: its provider is not enabled",
            "default_provider: not enabled: mistral",
        ]
    );
}

#[test]
fn the_simulator_plays_everybody() {
    let settings = load(
        "providers: {mine: {kind: anthropic}, azure: {kind: azure-openai, base_url: 'https://a/{model}', models: [d], api_key: k}}
aliases: {fast: mine/claude-haiku-4-5}",
        &[],
    )
    .unwrap();
    let played = settings.for_simulator("127.0.0.1:9".parse().unwrap());
    let base = |name: &str| {
        let provider = played.providers.iter().find(|provider| *provider.name == *name).unwrap();
        (provider.base_url.to_string(), provider.formats[0].dialect)
    };
    assert_eq!(base("openai"), ("http://127.0.0.1:9/v1".into(), Dialect::OpenAi));
    assert_eq!(base("anthropic"), ("http://127.0.0.1:9".into(), Dialect::Anthropic));
    assert_eq!(base("gemini"), ("http://127.0.0.1:9/v1beta".into(), Dialect::Gemini));
    assert_eq!(base("mistral"), ("http://127.0.0.1:9/mistral/v1".into(), Dialect::OpenAi));
    assert_eq!(base("groq"), ("http://127.0.0.1:9/groq/openai/v1".into(), Dialect::OpenAi));
    assert_eq!(base("mine"), ("http://127.0.0.1:9".into(), Dialect::Anthropic));
    assert_eq!(base("azure"), ("http://127.0.0.1:9/v1".into(), Dialect::OpenAi));
    assert!(played.providers.iter().all(|provider| provider.authorization().is_some()));
    let to = |model: &str| played.catalogue.resolve(model).unwrap().upstream.provider.to_string();
    assert_eq!(to("fast"), "mine");
    assert_eq!(to("d"), "azure");
    assert_eq!(to("nobody-knows-me"), "openai");
    assert_eq!(to("claude-opus-5"), "anthropic");
    assert_eq!(to("openai/gpt-oss-120b"), "groq");
}

#[test]
fn a_kind_can_be_bent() {
    let text = "
        providers:
          mine:
            kind: mistral
            base_url: https://proxy.example.com/mistral/
            query: {a: b c}
            headers: {x-team: me}
            http2: prior-knowledge
            max_streams_per_connection: '8'
            timeouts: {connect: 1s, total: 2m}
            paths: {chat: /c}
            quirks: {drop: [], normalise_answers: false}
            api_key: k";
    let settings = load(text, &[]).unwrap();
    let mine = &settings.providers[0];
    assert_eq!(
        mine.uri(Dialect::OpenAi, Endpoint::Chat, "m", Some(Framing::Events)).unwrap(),
        "https://proxy.example.com/mistral/c?a=b+c"
    );
    assert_eq!(
        mine.uri(Dialect::OpenAi, Endpoint::Embeddings, "m", None).unwrap(),
        "https://proxy.example.com/mistral/embeddings?a=b+c"
    );
    assert!(mine.quirks.drop.is_empty() && !mine.quirks.normalise_answers && mine.quirks.tool_choice_any);
    assert_eq!(mine.timeouts.total, Some(Duration::from_mins(2)));
    assert_eq!(mine.timeouts.idle, Timeouts::default().idle);
    assert_eq!((mine.http2, mine.max_streams_per_connection), (Http2::PriorKnowledge, 8));
    assert_eq!(mine.headers["x-team"], "me");
}

proptest! {
    #[test]
    fn no_text_panics(text in r#"((server|log|providers|aliases|openai|listen|\$\{A\}|x)?[:\[\]{},"'&*!|>%@#\- \n]{1,3}){0,10}"#) {
        let _ = load(&text, &[("A", "1")]);
    }

    #[test]
    fn no_override_panics(
        name in "TOLLWAY__(SERVER|LOG|PROVIDERS|ALIASES|SIMULATOR|X)(__[A-Z_0-9]{0,8}){0,3}",
        value in r#"[\[\]{}:,"'a-c0-9&*!|>%@#\-$é ]{0,16}"#,
    ) {
        let _ = load("aliases: {a: openai/b}", &[(&name, &value)]);
    }
}

/// A reload that named another address once opened the one that goes on being listened to.
#[test]
fn who_is_kept_out_stays_out_until_the_address_changes() {
    let old = load("{server: {listen: '0.0.0.0:80'}, admin: {listen: '127.0.0.1:81'}}", &KEYS).unwrap();
    for newer in ["auth: {mode: open}", "{}"] {
        let mut new = load(newer, &KEYS).unwrap();
        assert_ne!(new.auth.settings.mode, tollway_auth::Mode::Required);
        new.stay_where(&old);
        assert_eq!(new.auth.settings.mode, tollway_auth::Mode::Required);
        assert_eq!((new.server.listen, new.admin), (old.server.listen, old.admin));
    }
}

#[test]
fn a_token_is_one_key_s_and_what_allows_nothing_is_told() {
    let error = load("keys: {a: {token: tw-same}, b: {token: tw-same}}", &KEYS).unwrap_err().to_string();
    assert!(error.contains("keys.b") && error.contains("keys.a") && !error.contains("tw-same"), "{error}");
    let keys = "keys: {a: {token: tw-a, providers: [opnai, 'gr*'], routes: v1/chat/*, expires: 2020-01-01}}";
    let warnings = load(keys, &KEYS).unwrap().warnings(Date::of(std::time::SystemTime::now()));
    let told: Vec<_> = warnings.iter().filter(|text| text.starts_with("keys.a")).collect();
    assert_eq!(told.len(), 3, "{warnings:?}");
    assert!(told[1].ends_with("no such provider: opnai") && told[2].ends_with("v1/chat/*"), "{told:?}");
}
