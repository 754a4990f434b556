//! Reading OpenAI Responses.

use super::super::models;
use super::super::tokens::{DOCUMENT, IMAGE};
use super::{Choice, Format, Prompt, Side, described_url};
use serde_json::Value;

/// Reads a Responses request.
pub(crate) fn responses(model: &str, body: &Value) -> Prompt {
    let mut prompt = Prompt { model: model.to_owned(), n: 1, include_usage: true, ..Prompt::default() };
    let instructions = body["instructions"].as_str().unwrap_or_default();
    prompt.said(instructions);
    prompt.instruct(instructions);
    match &body["input"] {
        Value::String(text) => {
            prompt.said(text);
            prompt.speaks(Side::User, text);
            prompt.user.clone_from(text);
        }
        Value::Array(items) => items.iter().for_each(|item| read_item(&mut prompt, item)),
        _ => {}
    }
    for tool in body["tools"].as_array().into_iter().flatten().filter(|tool| tool["type"] == "function") {
        prompt.offer(&tool["name"], &tool["description"], &tool["parameters"]);
    }
    let choice = &body["tool_choice"];
    prompt.choice = match (choice.as_str(), choice["name"].as_str()) {
        (Some("none"), _) => Choice::None,
        (Some("required"), _) => Choice::Required,
        (None, Some(name)) => Choice::Named(vec![name.to_owned()]),
        _ => Choice::Auto,
    };
    prompt.parallel = body["parallel_tool_calls"] != false;
    let format = &body["text"]["format"];
    prompt.format = match format["type"].as_str() {
        Some("json_object") => Format::Json,
        Some("json_schema") => Format::Schema(format["schema"].clone()),
        _ => Format::Text,
    };
    let caps = models::openai(model);
    let effort = body["reasoning"]["effort"].as_str();
    prompt.reasons = effort.map_or(caps.reasons && !caps.default_none, |effort| effort != "none");
    prompt.shows_reasoning = body["reasoning"]["summary"].is_string();
    prompt.max_tokens = body["max_output_tokens"].as_u64();
    prompt.stream = body["stream"] == true;
    prompt
}

fn read_item(prompt: &mut Prompt, item: &Value) {
    match item["type"].as_str().unwrap_or("message") {
        "message" => {
            let before = std::mem::take(&mut prompt.media);
            let text = read_content(prompt, &item["content"]);
            match item["role"].as_str() {
                Some("user") => {
                    prompt.speaks(Side::User, &text);
                    prompt.user = text;
                }
                Some("assistant") => {
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
        "function_call" => {
            prompt.called(&item["name"], &item["arguments"]);
            prompt.speaks(Side::Assistant, "");
            prompt.results.clear();
        }
        "function_call_output" | "custom_tool_call_output" => {
            let result = read_content(prompt, &item["output"]);
            prompt.returns(result, false);
        }
        "custom_tool_call" => {
            prompt.called(&item["name"], &item["input"]);
            prompt.speaks(Side::Assistant, "");
            prompt.results.clear();
        }
        "reasoning" => {
            prompt.speaks(Side::Assistant, "");
            prompt.thoughts += 1;
        }
        _ => {}
    }
}

fn read_content(prompt: &mut Prompt, content: &Value) -> String {
    let parts = match content {
        Value::String(text) => return prompt.said(text).to_owned(),
        Value::Array(parts) => parts,
        _ => return String::new(),
    };
    let mut found = Vec::new();
    for part in parts {
        let text = |name: &str| part[name].as_str();
        match text("type") {
            Some("input_image") => {
                prompt.shown(IMAGE, text("image_url").or(text("file_id")).map(described_url));
            }
            Some("input_file") => {
                let what = text("file_data").or(text("file_url")).or(text("file_id"));
                prompt.shown(DOCUMENT, what.map(described_url));
            }
            _ => found.extend(text("text").map(|text| prompt.said(text))),
        }
    }
    found.join("\n")
}
