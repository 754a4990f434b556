use std::fs;

use proptest::prelude::*;

use super::{super::*, load};
use crate::cli::check;

const KEY: &str = "sk-proj-Abc123def456ghi789";

/// Everything a person may get to see of a configuration that holds a key somewhere.
fn shown(text: &str, variables: &[(&str, &str)]) -> String {
    let env: Env = variables.iter().copied().collect();
    match Settings::load(&Source::text(text), &env) {
        Err(error) => format!("{error} {error:?}"),
        Ok(settings) => {
            let mut out = Vec::new();
            check::report(&settings, &env, "2026-11-22".parse().unwrap(), &mut out).unwrap();
            format!("{}{settings:?}{env:?}", String::from_utf8(out).unwrap())
        }
    }
}

#[test]
fn a_key_is_never_shown_wherever_it_stands() {
    for text in [
        "{}",
        "providers: {openai: {api_key: '${OPENAI_API_KEY}'}}",
        "providers: {openai: {api_key: {env: OPENAI_API_KEY}}}",
        "providers: {openai: {api_key: sk-proj-Abc123def456ghi789}}",
        "providers: {openai: {api_key: [sk-proj-Abc123def456ghi789]}}",
        "providers: {openai: {api_key: {file: sk-proj-Abc123def456ghi789}}}",
        "providers: {openai: {headers: {authorization: 'Bearer ${OPENAI_API_KEY}'}}}",
        "providers: {openai: {headers: {authorization: \"Bearer\\n${OPENAI_API_KEY}\"}}}",
        "providers: {openai: {query: {key: '${OPENAI_API_KEY}'}}}",
        "providers: {openai: {base_url: '${OPENAI_API_KEY}'}}",
        "providers: {openai: {base_url: sk-proj-Abc123def456ghi789}}",
        "providers: {openai: {base_url: 'https://host/${OPENAI_API_KEY}/v1'}}",
        "providers: {openai: {base_url: 'https://me:${OPENAI_API_KEY}@host/v1'}}",
        "providers: {openai: {auth: '${OPENAI_API_KEY} x'}}",
        "providers: {openai: {kind: '${OPENAI_API_KEY}'}}",
        "providers: {openai: {models: ['${OPENAI_API_KEY}']}}",
        "server: {listen: '${OPENAI_API_KEY}'}",
        "server: {grace: '${OPENAI_API_KEY}'}",
        "server: {max_concurrent_streams: '${OPENAI_API_KEY}'}",
        "log: {level: '=${OPENAI_API_KEY}='}",
        "aliases: {a: '${OPENAI_API_KEY}'}",
        "aliases: {a: 'openai/${OPENAI_API_KEY}'}",
        "default_provider: '${OPENAI_API_KEY}'",
        "models_file: '${OPENAI_API_KEY}'",
        "server: {a: [sk-proj-Abc123def456ghi789",
    ] {
        let shown = shown(text, &[("OPENAI_API_KEY", KEY)]);
        // In the settings' own `Debug` a key put into an alias, a URL or a list of models is data
        // like any other; what is checked there is that the real places are covered.
        let misplaced = ["models: [", "aliases", "host/${", "query"].iter().any(|place| text.contains(place));
        let people_see =
            if misplaced { shown.split("Settings {").next().unwrap_or_default() } else { &*shown };
        assert!(!people_see.contains("Abc123"), "{text}\n{people_see}");
        assert!(!people_see.is_empty());
    }
    for (name, value) in [
        ("TOLLWAY__PROVIDERS__OPENAI__API_KEY", KEY),
        ("TOLLWAY__SERVER__LISTEN", KEY),
        ("TOLLWAY__SERVER__LISSTEN", KEY),
        ("TOLLWAY__SERVER__GRACE", KEY),
        ("TOLLWAY__PROVIDERS__OPENAI__TIMEOUTS__TOTAL", KEY),
        ("TOLLWAY__PROVIDERS", KEY),
    ] {
        let shown = shown("{}", &[(name, value)]);
        assert!(!shown.contains("Abc123"), "{name}\n{shown}");
    }
}

#[test]
fn a_secret_says_where_it_came_from_and_nothing_else() {
    let secret = Secret::new(KEY, "from OPENAI_API_KEY");
    assert_eq!(format!("{secret:?}"), "Secret(from OPENAI_API_KEY)");
    assert_eq!(secret.to_string(), "(from OPENAI_API_KEY)");
    assert_eq!(serde_json::to_string(&secret).unwrap(), r#""(from OPENAI_API_KEY)""#);
    assert_eq!(secret.expose(), KEY);
}

#[test]
fn a_key_is_found_where_the_file_says() {
    let folder = std::env::temp_dir().join(format!("tollway-secret-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("key.txt"), format!("{KEY}\n")).unwrap();
    let load = |text: &str| {
        let source = Source { folder: folder.clone(), ..Source::text(text) };
        let env = Env::from_iter([("MINE", KEY), ("EMPTY", "")]);
        Settings::load(&source, &env).unwrap()
    };
    for (api_key, origin) in [
        ("{file: key.txt}", "from the file key.txt"),
        ("{env: MINE}", "from MINE"),
        ("{env: [NONE, EMPTY, MINE]}", "from MINE"),
        ("'${MINE}'", "from MINE"),
        ("'${NONE:-sk-proj-Abc123def456ghi789}'", "from the configuration"),
        (KEY, "from the configuration"),
    ] {
        let settings = load(&format!("providers: {{openai: {{api_key: {api_key}}}}}"));
        let key = settings.providers[0].credentials.clone().unwrap();
        assert_eq!((key.expose(), key.origin()), (KEY, origin), "{api_key}");
        let (name, value) = settings.providers[0].authorization().unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("authorization", &*format!("Bearer {KEY}")));
        assert!(value.is_sensitive());
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn keys_go_into_the_header_of_their_kind() {
    for (text, header) in [
        ("providers: {anthropic: {api_key: abc}}", "x-api-key"),
        ("providers: {gemini: {api_key: abc}}", "x-goog-api-key"),
        ("providers: {azure: {kind: azure-openai, base_url: 'https://a/v1', api_key: abc}}", "api-key"),
        ("providers: {openai: {api_key: abc, auth: x-mine}}", "x-mine"),
    ] {
        let (name, value) = load(text, &[]).unwrap().providers[0].authorization().unwrap();
        assert_eq!((name.as_str(), value.as_bytes()), (header, &b"abc"[..]), "{text}");
    }
    let open = load("providers: {ollama: {}, openai: {auth: none}}", &[("OPENAI_API_KEY", KEY)]).unwrap();
    assert_eq!(open.providers.len(), 2);
    assert!(open.providers.iter().all(|provider| provider.authorization().is_none()));
}

proptest! {
    #[test]
    fn no_error_shows_an_interpolated_value(
        field in r"(server\.(listen|grace|workers|tls|max_body_bytes))|(log\.(level|format|access))|(simulator\.x)|(default_provider\.x)",
        key in "[a-zA-Z0-9]{12,40}",
    ) {
        let (section, field) = field.split_once('.').unwrap();
        let text = if field == "x" { format!("{section}: '${{VALUE}}'") } else { format!("{section}: {{{field}: '${{VALUE}}'}}") };
        if let Err(error) = load(&text, &[("VALUE", &key)]) {
            prop_assert!(!error.to_string().contains(&key), "{}", error);
        }
    }
}
