//! Whole answers and errors: what the client reads is what the provider said.

use super::{
    described,
    providers::{Asks, Format, endpoint, is_relayed, question},
};
use crate::support::{
    gateway::{Answer, Gateway},
    reading::openai,
    recording::Recording,
    upstream::Script,
};

/// Plays a whole answer.
pub(crate) async fn plain(gateway: &Gateway, recording: &Recording) -> Result<(), String> {
    let answer = ask(gateway, recording).await;
    if answer.status != 200 || !answer.is_whole {
        return Err(format!("expected 200, got {}: {}", answer.status, answer.text()));
    }
    is_sent_where_it_was_recorded(&answer, recording)?;
    if is_relayed(recording) {
        return (answer.body == recording.body).then_some(()).ok_or_else(|| "the bytes changed".to_owned());
    }
    let expected = Format::of(&recording.provider).whole(&recording.json());
    let got = openai::whole(&answer.json());
    same(&expected, &got)?;
    is_well_formed(&answer)
}

/// Plays an error.
pub(crate) async fn error(gateway: &Gateway, recording: &Recording) -> Result<(), String> {
    let answer = ask(gateway, recording).await;
    let (expected, got) = (recording.json(), answer.json());
    let message = &expected["error"]["message"];
    if answer.status.as_u16() != recording.status || got["error"]["message"] != *message {
        return Err(format!("expected {} {message}, got {} {}", recording.status, answer.status, answer.text()));
    }
    if is_relayed(recording) {
        let is_same = answer.body == recording.body;
        return is_same.then_some(()).ok_or_else(|| format!("the bytes changed: {}", answer.text()));
    }
    described::check("ErrorResponse", &got)
}

async fn ask(gateway: &Gateway, recording: &Recording) -> Answer {
    let content_type = recording.headers.get("content-type").and_then(|value| value.as_str());
    let script = Script::new(recording.status, content_type, recording.body.clone());
    gateway.post(endpoint(recording), &question(recording, Asks::Plain), script).await
}

/// Says where two readings differ.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(expected: &T, got: &T) -> Result<(), String> {
    if expected == got {
        return Ok(());
    }
    let (expected, got) = (format!("{expected:?}"), format!("{got:?}"));
    let apart = expected.chars().zip(got.chars()).take_while(|(one, other)| one == other).count();
    let around = |text: &str| text.chars().skip(apart.saturating_sub(200)).take(600).collect::<String>();
    Err(format!("expected …{}…\n      got      …{}…", around(&expected), around(&got)))
}

/// The request goes to the path its provider was recorded at.
fn is_sent_where_it_was_recorded(answer: &Answer, recording: &Recording) -> Result<(), String> {
    let Some(sent) = &answer.sent else { return Err("the provider was not asked".to_owned()) };
    let recorded = recording.path.split(['?', '#']).next().unwrap_or_default();
    // The configured project of Vertex is one of several that were recorded.
    if recording.provider == "vertex" || sent.uri.path() == recorded {
        return Ok(());
    }
    Err(format!("expected to be sent to {recorded}, was sent to {}", sent.uri))
}

/// What a client may rely on beside what the answer says.
fn is_well_formed(answer: &Answer) -> Result<(), String> {
    let json = answer.json();
    let message = &json["choices"][0]["message"];
    let mut ids: Vec<_> = message["tool_calls"].as_array().into_iter().flatten().map(|call| &call["id"]).collect();
    let calls = ids.len();
    ids.retain(|id| id.as_str().is_some_and(|id| !id.is_empty()));
    ids.sort_by_key(|id| id.to_string());
    ids.dedup();
    let is_filled = |name: &str| json[name].as_str().is_some_and(|text| !text.is_empty());
    let is_right = json["object"] == "chat.completion"
        && message["role"] == "assistant"
        && json["created"].is_u64()
        && is_filled("id")
        && is_filled("model")
        && ids.len() == calls;
    is_right.then_some(()).ok_or_else(|| format!("not well formed: {}", answer.text()))?;
    described::check("CreateChatCompletionResponse", &json)
}
