//! Requests: what a provider is sent for a recorded request is right by that provider's rules.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tollway::{
    BoxError,
    simulate::{Fault, validate},
};

use super::{carried, providers::Format};
use crate::support::{
    gateway::Gateway,
    recording::Recording,
    score::{Exception, Score},
    upstream::{Script, Upstream},
};

/// Requests that are refused for a reason, and why that is right.
pub(crate) const EXCEPTIONS: &[Exception] = &[];

/// Every format, each at the scripted upstream
const CONFIGURATION: &str = "
providers:
  openai: { base_url: '{upstream}/v1', api_key: test-key }
  anthropic: { base_url: '{upstream}', api_key: test-key }
  gemini: { base_url: '{upstream}/v1beta', api_key: test-key }
  mistral: { base_url: '{upstream}/v1', api_key: test-key }
  groq: { base_url: '{upstream}/openai/v1', api_key: test-key }
log: { access: 'off' }
";

/// How many requests are on their way at once.
pub(crate) const AT_ONCE: usize = 32;

type Judge = fn(&str, &Value) -> Result<(), Fault>;

/// The provider, the model, and who judges what it is sent.
const TARGETS: &[(&str, &str, Judge)] = &[
    ("openai", "gpt-4o", validate::openai_chat),
    ("mistral", "mistral-large-latest", validate::mistral_chat),
    ("groq", "openai/gpt-oss-120b", validate::groq_chat),
    ("anthropic", "claude-3-5-haiku-latest", validate::anthropic_messages),
    ("anthropic", "claude-sonnet-4-5", validate::anthropic_messages),
    ("anthropic", "claude-opus-4-8", validate::anthropic_messages),
    ("anthropic", "claude-sonnet-5-5", validate::anthropic_messages),
    ("gemini", "gemini-2.0-flash", validate::gemini_generate),
    ("gemini", "gemini-2.5-flash", validate::gemini_generate),
    ("gemini", "gemini-3-flash-preview", validate::gemini_generate),
];

/// A picture of one point.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x04\0\0\0\xb5\x1c\x0c\x02\0\0\0\x0bIDATx\xdacd`\0\0\0\x06\0\x020\x81\xd0/\0\0\0\0IEND\xaeB`\x82";

/// Sends every recorded request of OpenAI's dialect to every target.
pub(crate) async fn check(recordings: Vec<Recording>, score: &mut Score) -> Result<(), BoxError> {
    let gateway = Arc::new(Gateway::start(CONFIGURATION).await?);
    let media = Upstream::start(|_| Script::new(200, Some("image/png"), PICTURE)).await?;
    let url = media.url();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut checks = Vec::new();
    for recording in recordings {
        if Format::of(&recording.provider) != Format::OpenAi {
            continue;
        }
        let recording = Arc::new(recording);
        for target in TARGETS {
            let (gateway, sent, url, turn) = (gateway.clone(), recording.clone(), url.clone(), turns.clone());
            let check = tokio::spawn(async move {
                let _turn = turn.acquire().await;
                send(&gateway, &sent, target, &url).await
            });
            checks.push((recording.clone(), target, check));
        }
    }
    for (recording, (provider, model, _), check) in checks {
        let result = check.await.unwrap_or_else(|panic| Err(panic.to_string()));
        score.count(&recording.provider, model, &format!("{} → {provider}/{model}", recording.name), result);
    }
    Ok(())
}

async fn send(
    gateway: &Gateway,
    recording: &Recording,
    target: &(&str, &str, Judge),
    media: &str,
) -> Result<(), String> {
    let (provider, model, judge) = *target;
    let model = own_model(recording, provider).unwrap_or(model);
    let mut request = recording.request.clone();
    if provider == "gemini" {
        fetch_from(&mut request, media);
    }
    request["model"] = format!("{provider}/{model}").into();
    let refusal = json!({ "error": { "message": "enough", "type": "server_error" } });
    let script = Script::new(500, Some("application/json"), refusal.to_string());
    let answer = gateway.post("/v1/chat/completions", &request, script).await;
    let Some(sent) = &answer.sent else {
        let error = &answer.json()["error"];
        return Err(format!("{}: {} ({})", answer.status, error["message"], error["param"]));
    };
    let Ok(body) = serde_json::from_slice(&sent.body) else { return Err("sent no JSON".to_owned()) };
    judge(model, &body).map_err(|fault| format!("{fault}\n      sent {body:.1500}"))?;
    let dropped = answer.headers.get("x-tollway-dropped").and_then(|names| names.to_str().ok()).unwrap_or_default();
    carried::check(&request, &body, dropped)
}

/// The recorded model, where the recording is of the target itself.
fn own_model<'a>(recording: &'a Recording, provider: &str) -> Option<&'a str> {
    (recording.provider == provider).then(|| recording.request["model"].as_str()).flatten()
}

/// Puts a server of this machine in the place of those that served the pictures when they were
/// recorded, as the gateway fetches them for Gemini.
fn fetch_from(value: &mut Value, server: &str) {
    match value {
        Value::String(url) if url.starts_with("https://") && !url.contains(' ') => {
            if let Some((_, path)) = url.trim_start_matches("https://").split_once('/') {
                *url = format!("{server}/{path}");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| fetch_from(value, server)),
        Value::Object(fields) => fields.values_mut().for_each(|value| fetch_from(value, server)),
        _ => {}
    }
}
