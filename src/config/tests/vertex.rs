use std::fs;

use tollway_core::{Dialect, Endpoint, Framing};

use super::super::*;

const KEY: &str = include_str!("../../../tests/support/rsa_test_key.b64");

fn account() -> String {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{KEY}-----END PRIVATE KEY-----\n");
    serde_json::json!({
        "type": "service_account", "project_id": "of-the-file", "private_key": pem,
        "client_email": "me@p.iam.gserviceaccount.com",
    })
    .to_string()
}

fn load(vertex: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let text = format!("{{simulator: off, providers: {{vertex: {vertex}}}}}");
    Settings::load(&Source::text(text), &variables.iter().copied().collect())
}

fn provider(vertex: &str, variables: &[(&str, &str)]) -> Provider {
    let mut settings = load(vertex, variables).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(settings.providers.len(), 1, "{:?}", settings.disabled);
    settings.providers.remove(0)
}

fn refusal(vertex: &str, variables: &[(&str, &str)]) -> String {
    load(vertex, variables).unwrap_err().to_string()
}

fn url(provider: &Provider, dialect: Dialect, endpoint: Endpoint, model: &str, stream: bool) -> String {
    provider.uri(dialect, endpoint, model, stream.then_some(Framing::Events)).unwrap().to_string()
}

#[test]
fn urls_name_project_location_and_publisher() {
    let account = account();
    let provider = provider("{credentials: {env: KEY}, location: europe-west4}", &[("KEY", &account)]);
    let root = "https://europe-west4-aiplatform.googleapis.com/v1/projects/of-the-file/locations/europe-west4/publishers";
    for (dialect, endpoint, model, stream, rest) in [
        (
            Dialect::Gemini,
            Endpoint::Chat,
            "gemini-2.5-flash",
            false,
            "google/models/gemini-2.5-flash:generateContent",
        ),
        (
            Dialect::Gemini,
            Endpoint::Chat,
            "gemini-2.5-flash",
            true,
            "google/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        ),
        (
            Dialect::Gemini,
            Endpoint::CountTokens,
            "gemini-2.5-flash",
            false,
            "google/models/gemini-2.5-flash:countTokens",
        ),
        (
            Dialect::Gemini,
            Endpoint::Embeddings,
            "text-embedding-005",
            false,
            "google/models/text-embedding-005:predict",
        ),
        (
            Dialect::Anthropic,
            Endpoint::Chat,
            "claude-sonnet-4-5@20250929",
            false,
            "anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
        ),
        (
            Dialect::Anthropic,
            Endpoint::Chat,
            "claude-opus-4-6",
            true,
            "anthropic/models/claude-opus-4-6:streamRawPredict",
        ),
        (
            Dialect::Anthropic,
            Endpoint::CountTokens,
            "claude-opus-4-6",
            false,
            "anthropic/models/count-tokens:rawPredict",
        ),
    ] {
        assert_eq!(url(&provider, dialect, endpoint, model, stream), format!("{root}/{rest}"));
    }
}

#[test]
fn locations_have_hosts_of_three_kinds() {
    let base = |location: &str, variables: &[(&str, &str)]| {
        let fields = format!("{{project: p, credentials: metadata{location}}}");
        provider(&fields, variables).base_url.to_string()
    };
    for (location, host) in [
        (", location: us-central1", "us-central1-aiplatform.googleapis.com"),
        (", location: global", "aiplatform.googleapis.com"),
        (", location: eu", "aiplatform.eu.rep.googleapis.com"),
        ("", "aiplatform.googleapis.com"),
        (", base_url: 'https://vertex.internal'", "vertex.internal"),
        (", base_url: 'https://vertex.internal/v1'", "vertex.internal"),
    ] {
        assert_eq!(base(location, &[]), format!("https://{host}/v1"));
    }
    assert_eq!(
        base("", &[("GOOGLE_CLOUD_LOCATION", "asia-east1")]),
        "https://asia-east1-aiplatform.googleapis.com/v1"
    );
    assert_eq!(
        base(", base_url: 'https://h/v1beta1'", &[("GOOGLE_CLOUD_REGION", "us")]),
        "https://h/v1beta1"
    );
}

#[test]
fn nobody_is_asked_for_an_identity_unless_something_says_so() {
    let settings = load("{}", &[]).unwrap();
    assert!(settings.providers.is_empty());
    assert_eq!(settings.disabled[0].why, Why::MissingKey(vec!["GOOGLE_APPLICATION_CREDENTIALS".to_owned()]));
    for (fields, host) in
        [("{project: p}", None), ("{location: us}", Some("127.0.0.1:1")), ("{enabled: true}", None)]
    {
        let variables: Vec<_> = host.iter().map(|host| ("GCE_METADATA_HOST", *host)).collect();
        let google = provider(fields, &variables).google.unwrap();
        let host = host.unwrap_or("metadata.google.internal");
        assert_eq!(*google.credentials, GoogleCredentials::Metadata { host: host.into() });
        assert_eq!(google.wants_project, !fields.contains("project"));
    }
    assert!(
        provider("{enabled: true}", &[("GOOGLE_CLOUD_PROJECT", "p")])
            .google
            .is_some_and(|one| !one.wants_project)
    );
    let off = load("{enabled: false, location: '?'}", &[]).unwrap();
    assert_eq!(off.disabled[0].why, Why::SwitchedOff);
}

#[test]
fn credentials_are_found_where_googles_libraries_look() {
    let folder = std::env::temp_dir().join(format!("tollway-vertex-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let key = folder.join("key.json");
    fs::write(&key, account()).unwrap();
    let user = r#"{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r","quota_project_id":"q"}"#;
    fs::write(folder.join("application_default_credentials.json"), user).unwrap();
    let (key, folder_name) = (key.to_str().unwrap(), folder.to_str().unwrap());

    let named = provider("{}", &[("GOOGLE_APPLICATION_CREDENTIALS", key)]);
    assert_eq!(
        named.google.unwrap().credentials.origin(),
        "service account from GOOGLE_APPLICATION_CREDENTIALS"
    );
    let given = provider(&format!("{{credentials: {{file: '{key}'}}, project: told}}"), &[]);
    assert!(
        url(&given, Dialect::Gemini, Endpoint::Chat, "m", false).contains("/projects/told/locations/global/")
    );
    let gcloud = [("CLOUDSDK_CONFIG", folder_name)];
    let signed_in = provider("{location: us-east5}", &gcloud);
    assert_eq!(signed_in.google.as_ref().unwrap().credentials.quota_project(), Some("q"));
    assert!(
        url(&signed_in, Dialect::Gemini, Endpoint::Chat, "m", false)
            .contains("/projects/q/locations/us-east5/")
    );
    assert!(load("{}", &gcloud).unwrap().providers.is_empty());
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn an_api_key_does_without_a_project() {
    let express = provider("{api_key: AQ.very-secret}", &[]);
    assert_eq!(
        url(&express, Dialect::Gemini, Endpoint::Chat, "gemini-2.5-flash", false),
        "https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-2.5-flash:generateContent"
    );
    assert_eq!(express.authorization().unwrap().0, "x-goog-api-key");
    let bound = provider("{api_key: AQ.very-secret, project: p}", &[]);
    assert!(
        url(&bound, Dialect::Gemini, Endpoint::Chat, "m", false).contains("/projects/p/locations/global/")
    );
    assert!(bound.google.is_none());
    assert!(!format!("{bound:?}").contains("very-secret"));
}

#[test]
fn what_is_wrong_is_named_and_not_shown() {
    for (fields, variables, says) in [
        (
            "{api_key: k, credentials: metadata}",
            &[][..],
            "providers.vertex.credentials: given beside `api_key`",
        ),
        ("{credentials: 's3cret'}", &[], "providers.vertex.credentials: no credentials of Google"),
        ("{credentials: {env: KEY}}", &[], "providers.vertex.credentials.env: not set: KEY"),
        ("{credentials: {}}", &[], "neither or both of `file` and `env`"),
        (
            "{credentials: {env: KEY}}",
            &[("KEY", r#"{"type":"external_account","audience":"s3cret"}"#)],
            "cannot be used: external_account (from KEY)",
        ),
        ("{project: p, location: 'a/b'}", &[], "providers.vertex.location: not a location: a/b"),
        ("{project: 'a/../b'}", &[], "providers.vertex.project: not a project's id"),
        ("{credentials: {file: nowhere.json}}", &[], "no such file"),
        (
            "{project: p}",
            &[("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file")],
            "no such file: ${GOOGLE_APPLICATION_CREDENTIALS}",
        ),
        ("{project: p}", &[("GCE_METADATA_HOST", "a b")], "GCE_METADATA_HOST holds no host"),
        (
            "{credentials: {env: KEY}}",
            &[(
                "KEY",
                r#"{"type":"authorized_user","client_id":"c","client_secret":"s3cret","refresh_token":"s3cret"}"#,
            )],
            "providers.vertex.project: missing",
        ),
        ("{kind: openai, project: p}", &[], "providers.vertex.project: only Vertex AI has one"),
    ] {
        let told = refusal(fields, variables);
        assert!(told.contains(says) && !told.contains("s3cret"), "{told}");
        assert!(told.contains("hint") || told.contains("project's id"), "{told}");
    }
}

#[test]
fn what_the_environment_holds_for_others_does_not_keep_the_gateway_from_starting() {
    let settings = load("{}", &[("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file")]).unwrap();
    assert!(settings.providers.is_empty());
    let Why::Unfit(what) = &settings.disabled[0].why else { panic!("{:?}", settings.disabled) };
    assert!(what.contains("no such file") && what.contains("GOOGLE_APPLICATION_CREDENTIALS"), "{what}");
}

#[test]
fn a_models_publisher_decides_over_its_format() {
    let settings = load("{project: p}", &[]).unwrap();
    let lead = |name: &str| {
        let resolved = settings.catalogue.resolve(name).unwrap();
        assert!(resolved.others.is_empty());
        let upstream = resolved.upstream_for(Dialect::Anthropic, Endpoint::Chat);
        assert_eq!(*upstream.provider, *"vertex");
        (upstream.dialect, upstream.model.to_string(), resolved.traits.clone())
    };
    for (name, dialect, model) in [
        ("vertex/gemini-2.5-flash", Dialect::Gemini, "gemini-2.5-flash"),
        ("vertex/models/gemini-2.5-flash", Dialect::Gemini, "gemini-2.5-flash"),
        ("vertex/claude-sonnet-4-5@20250929", Dialect::Anthropic, "claude-sonnet-4-5@20250929"),
        ("vertex/claude-sonnet-4-5-20250929", Dialect::Anthropic, "claude-sonnet-4-5@20250929"),
        ("vertex/claude-opus-4-6", Dialect::Anthropic, "claude-opus-4-6"),
        // Nobody else serves the bare names here.
        ("gemini-2.5-flash", Dialect::Gemini, "gemini-2.5-flash"),
        ("claude-sonnet-4-5-20250929", Dialect::Anthropic, "claude-sonnet-4-5@20250929"),
        ("vertex/text-embedding-005", Dialect::Gemini, "text-embedding-005"),
    ] {
        let (found, named, _) = lead(name);
        assert_eq!((found, &*named), (dialect, model), "{name}");
    }
    // They accept what they accept elsewhere.
    let other = Settings::load(
        &Source::text("{}"),
        &Env::from_iter([("ANTHROPIC_API_KEY", "k"), ("GEMINI_API_KEY", "k")]),
    )
    .unwrap();
    for model in ["claude-sonnet-4-5", "gemini-2.5-flash"] {
        let elsewhere = other.catalogue.resolve(model).unwrap().traits.clone();
        assert_eq!(lead(&format!("vertex/{model}")).2, elsewhere, "{model}");
    }
}

#[test]
fn bare_names_stay_with_the_vendors_own() {
    let text = "{providers: {vertex: {project: p}, gemini: {api_key: k}}}";
    let settings = Settings::load(&Source::text(text), &Env::default()).unwrap();
    let provider = |name: &str| settings.catalogue.resolve(name).unwrap().upstream.provider.to_string();
    assert_eq!(provider("gemini-2.5-flash"), "gemini");
    assert_eq!(provider("claude-sonnet-4-5"), "vertex");
}

#[test]
fn the_simulator_plays_it() {
    let settings = Settings::load(&Source::text("{}"), &Env::default()).unwrap();
    let played = settings.for_simulator("127.0.0.1:9".parse().unwrap());
    let vertex = played.providers.iter().find(|one| one.kind == Kind::Vertex).unwrap();
    assert_eq!(
        url(vertex, Dialect::Anthropic, Endpoint::Chat, "claude-opus-4-6", false),
        "http://127.0.0.1:9/vertex/v1/projects/simulated/locations/global/publishers/anthropic/models/claude-opus-4-6:rawPredict"
    );
    assert!(vertex.google.is_none() && vertex.authorization().is_some());
}
