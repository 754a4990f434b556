//! Reading OpenAI chat, Mistral's and Groq's variants of it, and legacy completions.

use super::super::fault::Provider;
use super::super::models;
use super::super::tokens::{DOCUMENT, IMAGE};
use super::{Choice, Format, Prompt, Side, described_url};
use serde_json::Value;

/// Reads a chat request.
pub(crate) fn chat(provider: Provider, model: &str, body: &Value) -> Prompt {
    let mut prompt = Prompt { model: model.to_owned(), ..Prompt::default() };
    for message in body["messages"].as_array().into_iter().flatten() {
        read_message(&mut prompt, message);
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        let function = &tool["function"];
        prompt.offer(&function["name"], &function["description"], &function["parameters"]);
    }
    prompt.choice = match (&body["tool_choice"], body["tool_choice"].as_str()) {
        (_, Some("none")) => Choice::None,
        (_, Some("required" | "any")) => Choice::Required,
        (Value::Object(choice), _) => choice
            .get("function")
            .and_then(|function| function["name"].as_str())
            .map_or(Choice::Auto, |name| Choice::Named(vec![name.to_owned()])),
        _ => Choice::Auto,
    };
    prompt.parallel = body["parallel_tool_calls"] != false;
    let format = &body["response_format"];
    prompt.format = match format["type"].as_str() {
        Some("json_object") => Format::Json,
        Some("json_schema") => Format::Schema(format["json_schema"]["schema"].clone()),
        _ => Format::Text,
    };
    read_reasoning(provider, &mut prompt, body);
    read_options(&mut prompt, body);
    prompt
}

/// Reads a legacy completions request; of several prompts each has its own answer.
pub(crate) fn completions(model: &str, body: &Value) -> Prompt {
    let mut prompt = Prompt { model: model.to_owned(), ..Prompt::default() };
    let text = match &body["prompt"] {
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
        text => text.as_str().unwrap_or_default().to_owned(),
    };
    prompt.said(&text);
    prompt.user = text;
    read_options(&mut prompt, body);
    prompt.logprobs = body["logprobs"].as_u64().and_then(|n| usize::try_from(n).ok());
    // Sixteen is the documented default of this endpoint.
    prompt.max_tokens = prompt.max_tokens.or(Some(16));
    prompt
}

fn read_message(prompt: &mut Prompt, message: &Value) {
    let role = message["role"].as_str().unwrap_or_default();
    let before = std::mem::take(&mut prompt.media);
    let mut texts = Vec::new();
    match &message["content"] {
        Value::String(text) => texts.push(prompt.said(text)),
        Value::Array(parts) => texts.extend(parts.iter().filter_map(|part| read_part(prompt, part))),
        _ => {}
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        prompt.called(&call["function"]["name"], &call["function"]["arguments"]);
    }
    let text = texts.join("\n");
    let thinking = ["reasoning_content", "reasoning"].iter().any(|field| message[*field].is_string());
    prompt.thoughts += usize::from(thinking);
    match role {
        "user" => {
            prompt.speaks(Side::User, &text);
            prompt.user = text;
        }
        "tool" | "function" => {
            prompt.returns(text, false);
            return;
        }
        "assistant" => {
            prompt.speaks(Side::Assistant, &text);
            prompt.media = before;
        }
        _ => {
            prompt.instruct(&text);
            prompt.media = before;
        }
    }
    prompt.results.clear();
}

fn read_part<'v>(prompt: &mut Prompt, part: &'v Value) -> Option<&'v str> {
    let url = |name: &str| part[name]["url"].as_str().or_else(|| part[name].as_str());
    match part["type"].as_str()? {
        "text" => return part["text"].as_str().map(|text| prompt.said(text)),
        "image_url" => prompt.shown(IMAGE, url("image_url").map(described_url)),
        "document_url" => prompt.shown(DOCUMENT, url("document_url").map(described_url)),
        "file" => {
            let file = &part["file"];
            let what = file["file_data"].as_str().map(described_url);
            prompt.shown(DOCUMENT, what.or_else(|| file["file_id"].as_str().map(str::to_owned)));
        }
        "input_audio" => {
            let format = part["input_audio"]["format"].as_str().unwrap_or("audio");
            let data = part["input_audio"]["data"].as_str().unwrap_or_default();
            prompt.shown(DOCUMENT, Some(super::described(&format!("audio/{format}"), data)));
        }
        "thinking" => prompt.thoughts += 1,
        _ => {}
    }
    None
}

fn read_reasoning(provider: Provider, prompt: &mut Prompt, body: &Value) {
    let caps = models::openai(&prompt.model);
    let effort = body["reasoning_effort"].as_str();
    prompt.reasons = match effort {
        Some(effort) => effort != "none",
        None => match provider {
            Provider::OpenAi => caps.reasons && !caps.default_none,
            Provider::Mistral => prompt.model.starts_with("magistral") || body["prompt_mode"] == "reasoning",
            Provider::Groq => body["include_reasoning"] == true || body["reasoning_format"].is_string(),
            _ => body["reasoning"].is_object() || prompt.model.contains("reasoner"),
        },
    };
    prompt.shows_reasoning = match provider {
        // OpenAI counts reasoning in chat and never shows it.
        Provider::OpenAi => false,
        Provider::Groq => body["reasoning_format"] != "hidden" && body["include_reasoning"] != false,
        _ => true,
    };
}

fn read_options(prompt: &mut Prompt, body: &Value) {
    let limit = body["max_completion_tokens"].as_u64().or_else(|| body["max_tokens"].as_u64());
    prompt.max_tokens = limit;
    prompt.stops = match &body["stop"] {
        Value::String(stop) => vec![stop.clone()],
        Value::Array(stops) => stops.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    prompt.n = body["n"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
    let top = body["top_logprobs"].as_u64().and_then(|n| usize::try_from(n).ok());
    prompt.logprobs = (body["logprobs"] == true).then(|| top.unwrap_or(0));
    prompt.stream = body["stream"] == true;
    prompt.include_usage = body["stream_options"]["include_usage"] == true;
}
