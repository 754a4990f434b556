//! OpenAI Responses.

use super::super::fault::{Fault, Provider};
use super::super::models;
use super::openai::{check_effort, check_name, shape};
use super::openai_messages::{check_image_url, data_url};
use super::openai_shape::refuse;
use super::responses_shape::REQUEST;
use super::schema;
use serde_json::Value;

/// Holds a Responses request to OpenAI's rules.
pub fn openai_responses(model: &str, body: &Value) -> Result<(), Fault> {
    shape(&REQUEST, body)?;
    if body["input"].is_null() && body["prompt"].is_null() && body["previous_response_id"].is_null() {
        let message =
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided.";
        return Err(refuse(message, "missing_required_parameter").param("input"));
    }
    check_model(model, body)?;
    check_tools(body)?;
    check_format(body)?;
    check_input(body)
}

fn check_model(model: &str, body: &Value) -> Result<(), Fault> {
    let caps = models::openai(model);
    let effort = body["reasoning"]["effort"].as_str();
    if let Some(effort) = effort {
        if caps.plain {
            let message = "Unsupported parameter: 'reasoning.effort' is not supported with this model.";
            return Err(refuse(message, "unsupported_parameter").param("reasoning.effort"));
        }
        check_effort(caps.efforts, effort, "reasoning.effort")?;
    }
    if !caps.reasons || effort == Some("none") || (effort.is_none() && caps.default_none) {
        return Ok(());
    }
    for field in ["temperature", "top_p"] {
        if body[field].as_f64().is_some_and(|value| (value - 1.0).abs() > f64::EPSILON) {
            let message = format!("Unsupported parameter: '{field}' is not supported with this model.");
            return Err(refuse(message, "unsupported_parameter").param(field));
        }
    }
    Ok(())
}

fn check_tools(body: &Value) -> Result<(), Fault> {
    let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (i, tool) in tools.iter().enumerate().filter(|(_, tool)| tool["type"] == "function") {
        let name = tool["name"].as_str().unwrap_or_default();
        check_name(name, &format!("tools[{i}].name"))?;
        let context = format!("function '{name}'");
        let bad =
            |message| refuse(message, "invalid_function_parameters").param(format!("tools[{i}].parameters"));
        if tool["parameters"].is_object() {
            schema::openai_parameters(&tool["parameters"], &context).map_err(bad)?;
            // Strict is what Responses does unless told otherwise, but then it adapts the schema itself.
            if tool["strict"] == true {
                schema::openai_strict(&tool["parameters"], &context).map_err(bad)?;
            }
        }
    }
    if tools.is_empty() && body["tool_choice"] == "required" {
        let message = "Tool choice 'required' must be specified with 'tools' parameter.";
        return Err(Fault::new(Provider::OpenAi, 400, message).param("tool_choice"));
    }
    let named = &body["tool_choice"];
    let known = tools.iter().any(|tool| tool["name"] == named["name"]);
    if named["type"] == "function" && !known {
        let message = format!("Tool choice 'function' {} not found in 'tools' parameter.", named["name"]);
        return Err(Fault::new(Provider::OpenAi, 400, message).param("tool_choice"));
    }
    Ok(())
}

fn check_format(body: &Value) -> Result<(), Fault> {
    let format = &body["text"]["format"];
    if format["type"] == "json_object" && !body["input"].to_string().to_ascii_lowercase().contains("json") {
        let message = "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.";
        return Err(Fault::new(Provider::OpenAi, 400, message).param("input"));
    }
    if format["type"] != "json_schema" {
        return Ok(());
    }
    let name = format["name"].as_str().unwrap_or_default();
    check_name(name, "text.format.name")?;
    if format["strict"] != true {
        return Ok(());
    }
    schema::openai_strict(&format["schema"], &format!("response_format '{name}'"))
        .map_err(|message| refuse(message, "invalid_json_schema").param("text.format.schema"))
}

/// Holds input items to the pairing of calls with their outputs and media to what can be read.
fn check_input(body: &Value) -> Result<(), Fault> {
    let items = body["input"].as_array().map(Vec::as_slice).unwrap_or_default();
    let remembers = !body["previous_response_id"].is_null() || !body["conversation"].is_null();
    let ids = |kind: &str| -> Vec<&str> {
        items.iter().filter(|item| item["type"] == kind).filter_map(|item| item["call_id"].as_str()).collect()
    };
    let (calls, outputs) = (ids("function_call"), ids("function_call_output"));
    if let Some(id) = calls.iter().find(|id| !outputs.contains(id)) {
        let message = format!("No tool output found for function call {id}.");
        return Err(Fault::new(Provider::OpenAi, 400, message).param("input"));
    }
    // Calls of other kinds (tool search, custom tools) are answered with function outputs too.
    let called = |id: &str| {
        items.iter().any(|item| {
            item["call_id"] == id && item["type"].as_str().is_some_and(|kind| !kind.ends_with("_output"))
        })
    };
    if let Some(id) = outputs.iter().find(|id| !remembers && !called(id)) {
        let message = format!("No tool call found for function call output with call_id {id}.");
        return Err(Fault::new(Provider::OpenAi, 400, message).param("input"));
    }
    for (i, item) in items.iter().enumerate() {
        check_id(item, i)?;
        check_followed(item, items.get(i + 1))?;
        for field in ["content", "output"] {
            let parts = item[field].as_array().map(Vec::as_slice).unwrap_or_default();
            for (j, part) in parts.iter().enumerate() {
                check_part(item, part, &format!("input[{i}].{field}[{j}]"))?;
            }
        }
    }
    Ok(())
}

/// An item's id begins with the letters of its kind.
fn check_id(item: &Value, i: usize) -> Result<(), Fault> {
    let Some(id) = item["id"].as_str() else { return Ok(()) };
    let prefix = match item["type"].as_str() {
        None | Some("message") => "msg",
        Some("reasoning") => "rs",
        Some("function_call") => "fc",
        _ => return Ok(()),
    };
    let param = format!("input[{i}].id");
    if id.len() > 64 {
        let message = format!(
            "Invalid '{param}': string too long. Expected a string with maximum length 64, but got a string with length {} instead.",
            id.len()
        );
        return Err(refuse(message, "string_above_max_length").param(param));
    }
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        let message = format!(
            "Invalid '{param}': '{id}'. Expected an ID that contains letters, numbers, underscores, or dashes, but this value contained additional characters."
        );
        return Err(refuse(message, "invalid_value").param(param));
    }
    if !id.starts_with(prefix) {
        let message = format!("Invalid '{param}': '{id}'. Expected an ID that begins with '{prefix}'.");
        return Err(refuse(message, "invalid_value").param(param));
    }
    Ok(())
}

/// Reasoning stands before what it led to.
fn check_followed(item: &Value, next: Option<&Value>) -> Result<(), Fault> {
    let Some(id) = item["id"].as_str().filter(|_| item["type"] == "reasoning") else { return Ok(()) };
    let leads = next.is_some_and(|next| match next["type"].as_str() {
        None | Some("message") => next["role"] == "assistant",
        Some("item_reference" | "reasoning") => true,
        Some(kind) => !kind.ends_with("_output"),
    });
    if leads {
        return Ok(());
    }
    let message =
        format!("Item '{id}' of type 'reasoning' was provided without its required following item.");
    Err(Fault::new(Provider::OpenAi, 400, message).param("input"))
}

fn check_part(item: &Value, part: &Value, at: &str) -> Result<(), Fault> {
    let kind = part["type"].as_str().unwrap_or_default();
    let assistant = item["role"] == "assistant";
    let allowed: &[&str] =
        if assistant { &["output_text", "refusal"] } else { &["input_text", "input_image", "input_file"] };
    let replayed = kind == "output_text" && item["type"] == "message";
    if !allowed.contains(&kind) && !replayed {
        let allowed = super::openai_shape::quoted_list(allowed);
        let message = format!("Invalid value: '{kind}'. Supported values are: {allowed}.");
        return Err(refuse(message, "invalid_value").param(format!("{at}.type")));
    }
    if let Some(url) = part["image_url"].as_str() {
        check_image_url(url, &format!("{at}.image_url"))?;
    }
    if part["file_data"].as_str().is_some_and(|data| !data_url(data, "")) {
        let param = format!("{at}.file_data");
        let message = format!(
            "Invalid file data: '{param}'. Expected a base64-encoded data URL with a valid file MIME type (e.g. 'data:text/plain;base64,SGVsbG8sIFdvcmxkIQ==')."
        );
        return Err(refuse(message, "invalid_value").param(param));
    }
    Ok(())
}
