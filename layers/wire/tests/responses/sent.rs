//! What the API itself would refuse in a request of ours.

use std::collections::HashSet;

use serde_json::Value;

/// Whether the API takes a request as far as its rules are known; tells what it would refuse.
pub(crate) fn check_sent(body: &Value) -> Result<(), String> {
    let fields = body.as_object().unwrap();
    if let Some(unknown) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(format!("unknown parameter: {unknown}"));
    }
    if fields.get("store") != Some(&Value::Bool(false)) {
        return Err("something is stored".to_owned());
    }
    let items = fields["input"].as_array().unwrap();
    if items.is_empty() {
        return Err("no input".to_owned());
    }
    let mut calls = HashSet::new();
    for (at, item) in items.iter().enumerate() {
        let text =
            |name: &str| item[name].as_str().ok_or(format!("input[{at}].{name} is no text: {}", item[name]));
        if item["id"].as_str().is_some_and(|id| !id.starts_with("rs_")) {
            return Err(format!("input[{at}].id is not ours: {}", item["id"]));
        }
        match text("type")? {
            "message" => {
                text("role")?;
                check_content(&item["content"], item["role"] == "assistant", at)?;
            }
            "reasoning" => {
                text("encrypted_content")?;
                if !items
                    .get(at + 1)
                    .is_some_and(|next| next["type"] != "function_call_output" && next["role"] != "user")
                {
                    return Err(format!("input[{at}] is thinking that nothing follows"));
                }
            }
            kind @ ("function_call" | "custom_tool_call") => {
                let id = text("call_id")?;
                let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
                if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
                    return Err(format!("input[{at}].call_id: {id}"));
                }
                let name = text("name")?;
                if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
                    return Err(format!("input[{at}].name: {name}"));
                }
                text(if kind == "function_call" { "arguments" } else { "input" })?;
                calls.insert(id);
            }
            "function_call_output" | "custom_tool_call_output" => {
                if !calls.contains(text("call_id")?) {
                    return Err(format!("no tool call found for input[{at}]: {}", item["call_id"]));
                }
                check_content(&item["output"], false, at)?;
            }
            other => return Err(format!("input[{at}].type: {other}")),
        }
    }
    for tool in fields.get("tools").and_then(Value::as_array).into_iter().flatten() {
        let function = tool["type"] == "function";
        if function
            && !(tool["name"].is_string() && tool["parameters"].is_object() && tool["strict"].is_boolean())
        {
            return Err(format!("a function is not whole: {tool}"));
        }
        if !function
            && !["custom", "web_search", "web_search_preview"].contains(&tool["type"].as_str().unwrap())
        {
            return Err(format!("unknown tool: {tool}"));
        }
    }
    if fields.get("max_output_tokens").is_some_and(|limit| limit.as_u64().unwrap() < 16) {
        return Err("max_output_tokens is below 16".to_owned());
    }
    Ok(())
}

fn check_content(content: &Value, output: bool, at: usize) -> Result<(), String> {
    let Some(parts) = content.as_array() else {
        return if content.is_string() {
            Ok(())
        } else {
            Err(format!("input[{at}] has no content: {content}"))
        };
    };
    let known: &[&str] = if output {
        &["output_text", "refusal"]
    } else {
        &["input_text", "input_image", "input_file", "input_audio"]
    };
    match parts.iter().find(|part| !known.contains(&part["type"].as_str().unwrap_or_default())) {
        Some(part) => Err(format!("input[{at}] has a part of type {}", part["type"])),
        None => Ok(()),
    }
}

const KNOWN: [&str; 22] = [
    "model",
    "input",
    "instructions",
    "include",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
];
