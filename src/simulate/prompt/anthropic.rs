//! Reading Anthropic Messages.

use super::super::models;
use super::super::tokens::{DOCUMENT, IMAGE};
use super::{Choice, Format, Prompt, Side, described};
use serde_json::Value;

/// Reads a Messages request.
pub(crate) fn anthropic(model: &str, body: &Value) -> Prompt {
    let mut prompt =
        Prompt { model: model.to_owned(), n: 1, parallel: true, include_usage: true, ..Prompt::default() };
    let system = texts(&mut prompt, &body["system"]);
    prompt.instruct(&system);
    for message in body["messages"].as_array().into_iter().flatten() {
        read_message(&mut prompt, message);
    }
    for tool in body["tools"].as_array().into_iter().flatten().filter(|tool| tool["input_schema"].is_object())
    {
        prompt.offer(&tool["name"], &tool["description"], &tool["input_schema"]);
    }
    let choice = &body["tool_choice"];
    prompt.choice = match choice["type"].as_str() {
        Some("none") => Choice::None,
        Some("any") => Choice::Required,
        Some("tool") => Choice::Named(choice["name"].as_str().map(str::to_owned).into_iter().collect()),
        _ => Choice::Auto,
    };
    prompt.parallel = choice["disable_parallel_tool_use"] != true;
    let format = [&body["output_config"]["format"], &body["output_format"]];
    if let Some(format) = format.into_iter().find(|format| format.is_object()) {
        prompt.format = Format::Schema(format["schema"].clone());
    }
    let thinking = body["thinking"]["type"].as_str();
    prompt.reasons = matches!(thinking, Some("enabled" | "adaptive"))
        || (models::claude(model).always_thinks && thinking.is_none());
    prompt.shows_reasoning = thinking.is_some() && body["thinking"]["display"] != "omitted";
    prompt.max_tokens = body["max_tokens"].as_u64();
    let stops = body["stop_sequences"].as_array().into_iter().flatten();
    prompt.stops = stops.filter_map(Value::as_str).map(str::to_owned).collect();
    prompt.stream = body["stream"] == true;
    prompt
}

fn read_message(prompt: &mut Prompt, message: &Value) {
    let before = std::mem::take(&mut prompt.media);
    let results = prompt.results.len();
    let text = texts(prompt, &message["content"]);
    let answers = prompt.results.len() > results;
    match message["role"].as_str() {
        Some("user") => prompt.speaks(Side::User, &text),
        Some("assistant") => prompt.speaks(Side::Assistant, &text),
        _ => prompt.instruct(&text),
    }
    match message["role"].as_str() {
        // Text beside results is what the user says last, as in dialects where it is a message of its own.
        Some("user") if !answers || !text.is_empty() => {
            prompt.user = text;
            prompt.results.clear();
        }
        Some("assistant") => {
            prompt.media.clear();
            prompt.results.clear();
        }
        Some("user") => {}
        _ => prompt.media = before,
    }
}

/// Reads a string or a list of blocks; returns their text.
fn texts(prompt: &mut Prompt, content: &Value) -> String {
    let blocks = match content {
        Value::String(text) => return prompt.said(text).to_owned(),
        Value::Array(blocks) => blocks,
        _ => return String::new(),
    };
    let mut found = Vec::new();
    for block in blocks {
        match block["type"].as_str() {
            Some("text") => found.extend(block["text"].as_str().map(|text| prompt.said(text))),
            Some("image") => {
                let what = source(&block["source"]);
                prompt.shown(IMAGE, what);
            }
            Some("document") => {
                let what = source(&block["source"]);
                prompt.shown(DOCUMENT, what);
            }
            Some("tool_use") => prompt.called(&block["name"], &block["input"]),
            Some("tool_result") => {
                let result = texts(prompt, &block["content"]);
                prompt.returns(result, block["is_error"] == true);
            }
            Some("thinking" | "redacted_thinking") => prompt.thoughts += 1,
            _ => {}
        }
    }
    found.join("\n")
}

fn source(source: &Value) -> Option<String> {
    let text = |name: &str| source[name].as_str();
    match text("type")? {
        "base64" => Some(described(text("media_type")?, text("data")?)),
        "text" => Some(format!("text/plain, {} bytes", text("data")?.len())),
        "url" => text("url").map(str::to_owned),
        _ => text("file_id").map(str::to_owned),
    }
}
