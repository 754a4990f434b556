//! Files that change while the server runs are read again, without a signal.

use std::fs;

use http::StatusCode;
use serde_json::json;

use crate::http_client::{Outcome, chat, get, send};
use crate::process::Server;
use crate::{File, gateway};

/// Whether a model stands in the list.
async fn is_served(server: &Server, model: &str) -> Outcome<bool> {
    Ok(send(get(server.addr(), &format!("/v1/models/{model}"))).await?.status() == StatusCode::OK)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_catalogue_is_loaded() -> Outcome<()> {
    let catalogue = |model: &str| {
        format!("as_of: 2026-11-22\nmodels: {{openai: {{{model}: {{context: 1000, can: [tools]}}}}}}\n")
    };
    let models = File::new("watched-models.yaml", &catalogue("old-model"));
    let config = format!(
        "server: {{listen: '127.0.0.1:0'}}\nmodels_file: '{}'\nsimulator: 'off'\nproviders: {{openai: {{api_key: k}}}}\n",
        models.path()
    );
    let (server, _file) = gateway("watch-models.yaml", &config);
    assert!(is_served(&server, "old-model").await?);
    assert!(!is_served(&server, "new-model").await?);
    fs::write(models.path(), catalogue("new-model"))?;
    server.wait_for("the configuration was reloaded")?;
    assert!(is_served(&server, "new-model").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_is_sent_from_then_on() -> Outcome<()> {
    let simulator = Server::start(&["simulate", "--port", "0"], &[]).unwrap();
    let key = File::new("watched-key", "sim-invalid\n");
    let config = format!(
        "server: {{listen: '127.0.0.1:0'}}\nproviders: {{openai: {{base_url: '{}/v1', api_key: {{file: '{}'}}}}}}\n",
        simulator.url(),
        key.path()
    );
    let (server, _file) = gateway("watch-key.yaml", &config);
    let ask =
        async || Outcome::Ok(send(chat(server.addr(), "gpt-5-mini", "ping", json!({}))).await?.status());
    assert_eq!(ask().await?, StatusCode::UNAUTHORIZED);
    fs::write(key.path(), "new-key\n")?;
    server.wait_for("the configuration was reloaded")?;
    assert_eq!(ask().await?, StatusCode::OK);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_missing_at_a_reload_is_waited_for() -> Outcome<()> {
    let plain = "server: {listen: '127.0.0.1:0'}\n";
    let (server, file) = gateway("watch-late.yaml", plain);
    let late = File::new("late-key", "");
    fs::remove_file(late.path())?;
    let config = format!("{plain}providers: {{openai: {{api_key: {{file: '{}'}}}}}}\n", late.path());
    fs::write(file.path(), config)?;
    server.wait_for("the configuration was not reloaded")?;
    fs::write(late.path(), "a-key\n")?;
    server.wait_for("the configuration was reloaded")?;
    let refused = server.log().matches("was not reloaded").count();
    assert_eq!(refused, 1, "told once, not at every look: {}", server.log());
    Ok(())
}
