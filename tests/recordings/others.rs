//! Other ways to ask for the recorded answers: as legacy completions, whole where the provider
//! streams, as vectors; and answers that break off.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    answers::same,
    described,
    providers::{Asks, Format, endpoint, is_relayed, question},
    streams::recorded_stream,
};
use crate::{events::events, gateway::Gateway, reading::openai, recording::Recording, upstream::Script};

/// Plays an answer without tool calls to a client of the legacy completions. None where the answer
/// calls a tool, which they have no word for, or where it is relayed, as it has the shape already.
pub(crate) async fn as_completion(gateway: &Gateway, recording: &Recording) -> Option<Result<(), String>> {
    let streams = recording.is_stream || recording.json().is_array();
    let format = Format::of(&recording.provider);
    let (mut expected, script) = if streams {
        let stream = recorded_stream(recording);
        let events = events(std::str::from_utf8(&stream).unwrap_or_default());
        (format.stream(&events), Script::new(200, Some("text/event-stream"), stream))
    } else {
        let script = Script::new(200, Some("application/json"), recording.body.clone());
        (format.whole(&recording.json()), script)
    };
    if !expected.calls.is_empty() || format == Format::OpenAi {
        return None;
    }
    // The shape has no place for thoughts.
    expected.reasoning.clear();

    let mut prompt = json!({ "model": question(recording, Asks::Plain)["model"], "prompt": "Go on." });
    if streams {
        prompt["stream"] = true.into();
        prompt["stream_options"] = json!({ "include_usage": true });
    }
    let answer = gateway.post("/v1/completions", &prompt, script).await;
    if answer.status != 200 || !answer.is_whole {
        return Some(Err(format!("expected 200, got {}: {}", answer.status, answer.text())));
    }
    let got = if streams { openai::stream(&events(answer.text())) } else { openai::whole(&answer.json()) };
    if let Err(said) = same(&expected, &got) {
        return Some(Err(said));
    }
    Some(if streams { Ok(()) } else { described::check("CreateCompletionResponse", &answer.json()) })
}

/// Plays a stream to a client that wants no stream, but so many tokens that Anthropic must be asked
/// for one. None for other providers.
pub(crate) async fn collected(gateway: &Gateway, recording: &Recording) -> Option<Result<(), String>> {
    if Format::of(&recording.provider) != Format::Anthropic {
        return None;
    }
    let mut question = question(recording, Asks::Plain);
    question["max_tokens"] = 30_000.into();
    question["model"] = "anthropic/claude-sonnet-4-5".into();
    let script = |length| Script::new(200, Some("text/event-stream"), recording.body.slice(..length));
    let answer = gateway.post("/v1/chat/completions", &question, script(recording.body.len())).await;
    let sent: Value =
        answer.sent.as_ref().and_then(|sent| serde_json::from_slice(&sent.body).ok()).unwrap_or_default();
    if sent["stream"] != true {
        return Some(Err(format!("the provider was not asked for a stream: {sent}")));
    }
    let expected = Format::Anthropic.stream(&events(recording.text()));
    if let Err(said) = same(&expected, &openai::whole(&answer.json())) {
        return Some(Err(said));
    }
    let answer = gateway.post("/v1/chat/completions", &question, script(recording.body.len() / 2)).await;
    let is_error = answer.status.is_server_error() && answer.json()["error"]["message"].is_string();
    Some(
        is_error
            .then_some(())
            .ok_or_else(|| format!("half a stream gave {}: {}", answer.status, answer.text())),
    )
}

/// Plays the first half of a whole answer, after which the connection breaks.
pub(crate) async fn broken(gateway: &Gateway, recording: &Recording) -> Result<(), String> {
    let half = recording.body.slice(..recording.body.len() / 2);
    let script = Script { broken: true, ..Script::new(200, Some("application/json"), half) };
    let answer = gateway.post(endpoint(recording), &question(recording, Asks::Plain), script).await;
    let is_refused = answer.status.is_server_error() && answer.json()["error"]["message"].is_string();
    // Bytes that are relayed are on their way before they can be known to be too few: the client's
    // connection breaks as the provider's did.
    let is_cut = is_relayed(recording) && !answer.is_whole;
    let is_known = is_refused || is_cut;
    is_known.then_some(()).ok_or_else(|| format!("half an answer gave {}: {}", answer.status, answer.text()))
}

/// Plays Gemini's vectors, as numbers and as base64.
pub(crate) async fn vectors(gateway: &Gateway, recording: &Recording) -> Result<(), String> {
    let recorded = recording.json();
    let rows = recorded["embeddings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let expected: Vec<_> = rows.iter().map(|row| numbers(&row["values"])).collect();
    let tokens = recorded["usageMetadata"]["promptTokenCount"].as_u64();
    for encoding in ["float", "base64"] {
        let mut question = question(recording, Asks::Plain);
        question["encoding_format"] = encoding.into();
        let script = Script::new(200, Some("application/json"), recording.body.clone());
        let answer = gateway.post("/v1/embeddings", &question, script).await;
        let json = answer.json();
        let data = json["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let got: Vec<_> = data
            .iter()
            .map(|row| match &row["embedding"] {
                Value::String(text) if encoding == "base64" => floats(text),
                row if encoding == "float" => numbers(row),
                _ => Vec::new(),
            })
            .collect();
        if answer.status != 200 || expected.is_empty() || expected != got {
            return Err(format!("({encoding}) got {}: {:.400}", answer.status, answer.text()));
        }
        let is_listed =
            data.iter().enumerate().all(|(place, row)| row["index"] == place && row["object"] == "embedding");
        if encoding == "float" {
            described::check("CreateEmbeddingResponse", &json)?;
        }
        let counted = tokens.is_none() || json["usage"]["prompt_tokens"].as_u64() == tokens;
        if !is_listed || !counted || json["object"] != "list" {
            return Err(format!("({encoding}) not well formed: {:.400}", answer.text()));
        }
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "vectors are of 32-bit floats")]
fn numbers(row: &Value) -> Vec<f32> {
    row.as_array().into_iter().flatten().map(|number| number.as_f64().unwrap_or(f64::NAN) as f32).collect()
}

fn floats(base64: &str) -> Vec<f32> {
    let bytes = STANDARD.decode(base64).unwrap_or_default();
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}
