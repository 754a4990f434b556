//! Reading Gemini `generateContent`.

use super::super::models;
use super::super::signature;
use super::super::tokens::{DOCUMENT, IMAGE};
use super::super::validate::{declarations, field, items};
use super::{Choice, Format, Prompt, Side, described};
use serde_json::Value;

/// Reads a `generateContent` request; whether it streams stands in the path.
pub(crate) fn gemini(model: &str, body: &Value, stream: bool) -> Prompt {
    let mut prompt = Prompt {
        model: model.to_owned(),
        n: 1,
        parallel: true,
        include_usage: true,
        stream,
        ..Prompt::default()
    };
    if let Some(system) = field(body, "systemInstruction") {
        let text = read_content(&mut prompt, system);
        prompt.instruct(&text);
    }
    for content in items(body, "contents") {
        let results = prompt.results.len();
        prompt.media.clear();
        let text = read_content(&mut prompt, content);
        let answers = prompt.results.len() > results;
        let model = content["role"] == "model";
        prompt.speaks(if model { Side::Assistant } else { Side::User }, &text);
        if model {
            prompt.media.clear();
            prompt.results.clear();
        } else if !answers || !text.is_empty() {
            prompt.user = text;
            prompt.results.clear();
        }
    }
    for function in declarations(body) {
        let schema = field(function, "parametersJsonSchema").or_else(|| field(function, "parameters"));
        prompt.offer(&function["name"], &function["description"], schema.unwrap_or(&Value::Null));
    }
    prompt.choice = read_choice(body);
    if let Some(config) = field(body, "generationConfig") {
        read_config(&mut prompt, config);
    }
    let thinking = field(body, "generationConfig").and_then(|config| field(config, "thinkingConfig"));
    let off =
        thinking.and_then(|thinking| field(thinking, "thinkingBudget")).is_some_and(|budget| budget == 0);
    let caps = models::gemini(model);
    prompt.reasons = !off && if caps.known { caps.thinks() } else { thinking.is_some() };
    prompt.shows_reasoning =
        thinking.and_then(|thinking| field(thinking, "includeThoughts")).is_some_and(|shown| shown == true);
    prompt
}

fn read_choice(body: &Value) -> Choice {
    let config = field(body, "toolConfig").and_then(|config| field(config, "functionCallingConfig"));
    let Some(config) = config else { return Choice::Auto };
    let names: Vec<String> =
        items(config, "allowedFunctionNames").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    match config["mode"].as_str() {
        Some("NONE") => Choice::None,
        Some("ANY") if names.is_empty() => Choice::Required,
        Some("ANY") => Choice::Named(names),
        _ => Choice::Auto,
    }
}

fn read_config(prompt: &mut Prompt, config: &Value) {
    let number = |name: &str| field(config, name).and_then(Value::as_u64);
    let schema = field(config, "responseJsonSchema").or_else(|| field(config, "responseSchema"));
    let json = field(config, "responseMimeType").is_some_and(|mime| mime == "application/json");
    prompt.format = match schema {
        Some(schema) => Format::Schema(schema.clone()),
        None if json => Format::Json,
        None => Format::Text,
    };
    prompt.max_tokens = number("maxOutputTokens");
    prompt.stops =
        items(config, "stopSequences").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let size = |n: u64| usize::try_from(n).ok();
    prompt.n = number("candidateCount").and_then(size).unwrap_or(1);
    let probable = field(config, "responseLogprobs").is_some_and(|asked| asked == true);
    prompt.logprobs = probable.then(|| number("logprobs").and_then(size).unwrap_or(0));
}

fn read_content(prompt: &mut Prompt, content: &Value) -> String {
    let mut found = Vec::new();
    for part in items(content, "parts") {
        prompt.thoughts += usize::from(signature::is_own_thought(part));
        if let Some(text) = field(part, "text").and_then(Value::as_str) {
            if field(part, "thought").is_none_or(|thought| thought != true) {
                found.push(prompt.said(text));
            }
        } else if let Some(blob) = field(part, "inlineData") {
            let mime = field(blob, "mimeType").and_then(Value::as_str).unwrap_or_default();
            let what = described(mime, blob["data"].as_str().unwrap_or_default());
            prompt.shown(cost(mime), Some(what));
        } else if let Some(file) = field(part, "fileData") {
            let mime = field(file, "mimeType").and_then(Value::as_str).unwrap_or_default();
            let uri = field(file, "fileUri").and_then(Value::as_str).map(str::to_owned);
            prompt.shown(cost(mime), uri);
        } else if let Some(call) = field(part, "functionCall") {
            prompt.called(&call["name"], field(call, "args").unwrap_or(&Value::Null));
        } else if let Some(response) = field(part, "functionResponse") {
            let result = result_text(&response["response"]);
            prompt.said(&result);
            prompt.returns(result, response["response"]["error"].is_string());
        }
    }
    found.join("\n")
}

/// The text of a result: the only string of the object where there is one, else the object as JSON.
fn result_text(response: &Value) -> String {
    match response.as_object().map(|object| (object.len(), object.values().next())) {
        Some((1, Some(Value::String(text)))) => text.clone(),
        _ => response.to_string(),
    }
}

fn cost(mime: &str) -> u64 {
    if mime.starts_with("image/") { IMAGE } else { DOCUMENT }
}
