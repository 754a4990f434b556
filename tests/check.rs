//! `tollway check` and `tollway schema` say what they know and exit as scripts expect.

use std::process::{Command, Output};

/// Runs the binary with nothing but these variables, in a folder without a configuration.
#[expect(clippy::unwrap_used, reason = "a test cannot go on without the binary")]
fn tollway(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollway"));
    command.env_clear().envs(variables.iter().copied()).current_dir(std::env::temp_dir());
    command.args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_good_configuration_is_shown_without_its_keys() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/tollway.yaml");
    let ran = tollway(&["check", "--config", config], &[("OPENAI_API_KEY", "sk-do-not-show-me")]);
    let (out, err) = (text(&ran.stdout), text(&ran.stderr));
    assert_eq!((ran.status.code(), &*err), (Some(0), ""));
    for expected in [
        "https://api.openai.com/v1",
        "from OPENAI_API_KEY",
        "missing: GEMINI_API_KEY or GOOGLE_API_KEY",
        "http://127.0.0.1:8080",
        "responses, conversations, images, audio, moderations, videos, files",
        "2048 MiB",
    ] {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
    assert!(!out.contains("sk-do-not") && !out.contains("simulator"));
}

#[test]
fn google_credentials_are_shown_by_where_they_are_from() {
    let folder = std::env::temp_dir().join(format!("tollway-check-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("key.json");
    let user = r#"{"type":"authorized_user","client_id":"c","client_secret":"do-not-show-me","refresh_token":"do-not-show-me","quota_project_id":"my-project"}"#;
    std::fs::write(&file, user).unwrap();
    let variables = [
        ("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap()),
        ("GOOGLE_CLOUD_LOCATION", "europe-west4"),
    ];
    let ran = tollway(&["check"], &variables);
    let (out, err) = (text(&ran.stdout), text(&ran.stderr));
    assert_eq!((ran.status.code(), &*err), (Some(0), ""));
    for expected in [
        "gemini, anthropic",
        "https://europe-west4-aiplatform.googleapis.com/v1",
        "signed-in user from GOOGLE_APPLICATION_CREDENTIALS",
    ] {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
    assert!(!out.contains("do-not-show"));

    std::fs::write(&file, r#"{"type":"external_account"}"#).unwrap();
    let ran = tollway(&["check"], &variables);
    assert_eq!(ran.status.code(), Some(0));
    assert!(text(&ran.stdout).contains("credentials of a type that cannot be used: external_account"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn without_keys_the_simulator_answers() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/tollway.yaml");
    let ran = tollway(&["check", "--config", config], &[]);
    assert_eq!(ran.status.code(), Some(0));
    assert!(text(&ran.stdout).contains("as no provider has a key"));
}

#[test]
fn a_bad_configuration_ends_with_64_and_a_hint() {
    let ran = tollway(&["check"], &[("TOLLWAY__SERVER__LISSTEN", "x")]);
    assert_eq!(ran.status.code(), Some(64));
    assert!(ran.stdout.is_empty());
    assert!(text(&ran.stderr).contains("server.lissten: unknown field\n  hint: did you mean `listen`?"));
    let missing = tollway(&["check"], &[("TOLLWAY_CONFIG", "/no/such/file.yaml")]);
    assert_eq!(missing.status.code(), Some(64));
    assert!(text(&missing.stderr).contains("/no/such/file.yaml: cannot be read: no such file"));
}

#[test]
fn the_schema_is_json() {
    let ran = tollway(&["schema"], &[]);
    assert_eq!(ran.status.code(), Some(0));
    let schema: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert!(schema["properties"]["providers"].is_object());
}
