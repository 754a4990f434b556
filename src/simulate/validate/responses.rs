//! OpenAI Responses.

use super::super::fault::{Fault, Provider};
use super::super::models;
use super::openai::{check_effort, check_name, shape};
use super::openai_messages::{check_image_url, data_url};
use super::openai_shape::{EFFORT, refuse};
use super::schema;
use super::shape::{Field, INT, Kind, Object, Tagged, list, nul, opt, req};
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

static REQUEST: Object = Object {
    open: false,
    fields: &[
        req("model", Kind::Text),
        nul("background", Kind::Bool),
        nul("context_management", list(&Kind::Dict)),
        nul("conversation", Kind::Either(&[Kind::Text, Kind::Dict])),
        nul("include", list(&Kind::Text)),
        nul("input", Kind::Either(&[Kind::Text, list(&Kind::Tagged(&ITEM))])),
        nul("instructions", Kind::Text),
        nul("max_output_tokens", Kind::Int { min: 16, max: i64::MAX }),
        nul("max_tool_calls", INT),
        nul("metadata", Kind::Map(&Kind::Sized { min: 0, max: 512 })),
        nul("moderation", Kind::Dict),
        nul("parallel_tool_calls", Kind::Bool),
        nul("previous_response_id", Kind::Text),
        nul("prompt", Kind::Dict),
        nul("prompt_cache_key", Kind::Text),
        nul("prompt_cache_options", Kind::Dict),
        nul("prompt_cache_retention", Kind::Text),
        nul("reasoning", Kind::Object(&REASONING)),
        nul("safety_identifier", Kind::Sized { min: 0, max: 64 }),
        nul("service_tier", Kind::Enum(&["auto", "default", "flex", "scale", "priority", "ultrafast"])),
        nul("store", Kind::Bool),
        nul("stream", Kind::Bool),
        nul("stream_options", Kind::Dict),
        nul("temperature", Kind::Num { min: 0.0, max: 2.0 }),
        nul("text", Kind::Object(&TEXT)),
        opt("tool_choice", Kind::Either(&[Kind::Enum(&["none", "auto", "required"]), Kind::Dict])),
        opt("tools", list(&Kind::Tagged(&TOOL))),
        nul("top_logprobs", Kind::Int { min: 0, max: 20 }),
        nul("top_p", Kind::Num { min: 0.0, max: 1.0 }),
        nul("truncation", Kind::Enum(&["auto", "disabled"])),
        opt("user", Kind::Text),
    ],
};

static REASONING: Object = Object {
    open: false,
    fields: &[
        nul("effort", EFFORT),
        nul("summary", Kind::Enum(&["auto", "concise", "detailed"])),
        nul("generate_summary", Kind::Enum(&["auto", "concise", "detailed"])),
        nul("context", Kind::Text),
        nul("mode", Kind::Text),
    ],
};

static TEXT: Object = Object {
    open: false,
    fields: &[nul("format", Kind::Tagged(&FORMAT)), nul("verbosity", Kind::Enum(&["low", "medium", "high"]))],
};

static FORMAT: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        ("text", &Object { open: false, fields: &[] }),
        ("json_object", &Object { open: false, fields: &[] }),
        (
            "json_schema",
            &Object {
                open: false,
                fields: &[
                    req("name", Kind::Sized { min: 1, max: 64 }),
                    req("schema", Kind::Dict),
                    nul("description", Kind::Text),
                    nul("strict", Kind::Bool),
                ],
            },
        ),
    ],
};

static TOOL: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        (
            "function",
            &Object {
                open: false,
                fields: &[
                    req("name", Kind::Sized { min: 1, max: 128 }),
                    nul("description", Kind::Text),
                    nul("parameters", Kind::Dict),
                    nul("strict", Kind::Bool),
                    opt("defer_loading", Kind::Bool),
                ],
            },
        ),
        ("*", &ANYTHING),
    ],
};

static ANYTHING: Object = Object { open: true, fields: &[] };

/// An input item; without `type` it is a message.
static ITEM: Tagged = Tagged {
    tag: "type",
    default: Some("message"),
    arms: &[
        (
            "message",
            &Object {
                open: false,
                fields: &[
                    opt("id", Kind::Text),
                    req("role", Kind::Enum(&["user", "assistant", "system", "developer"])),
                    req("content", Kind::Either(&[Kind::Text, list(&Kind::Tagged(&CONTENT))])),
                    nul("status", Kind::Text),
                    nul("phase", Kind::Text),
                ],
            },
        ),
        (
            "function_call",
            &Object {
                open: false,
                fields: &[
                    CALL_ID,
                    nul("id", Kind::Text),
                    req("name", Kind::Sized { min: 1, max: 128 }),
                    req("arguments", Kind::Text),
                    nul("namespace", Kind::Text),
                    nul("status", Kind::Text),
                ],
            },
        ),
        (
            "function_call_output",
            &Object {
                open: false,
                fields: &[
                    CALL_ID,
                    nul("id", Kind::Text),
                    req("output", Kind::Either(&[Kind::Text, list(&Kind::Tagged(&CONTENT))])),
                    nul("status", Kind::Text),
                ],
            },
        ),
        (
            "reasoning",
            &Object {
                open: false,
                fields: &[
                    opt("id", Kind::Text),
                    req("summary", list(&Kind::Dict)),
                    nul("content", list(&Kind::Dict)),
                    nul("encrypted_content", Kind::Text),
                    nul("status", Kind::Text),
                ],
            },
        ),
        ("item_reference", &Object { open: false, fields: &[req("id", Kind::Text)] }),
        ("*", &ANYTHING),
    ],
};

const CALL_ID: Field = req("call_id", Kind::Sized { min: 1, max: 64 });

static CONTENT: Tagged = Tagged {
    tag: "type",
    default: None,
    arms: &[
        ("input_text", &Object { open: true, fields: &[req("text", Kind::Text)] }),
        ("output_text", &Object { open: true, fields: &[req("text", Kind::Text)] }),
        ("refusal", &Object { open: true, fields: &[req("refusal", Kind::Text)] }),
        (
            "input_image",
            &Object {
                open: true,
                fields: &[
                    nul("image_url", Kind::Text),
                    nul("file_id", Kind::Text),
                    nul("detail", Kind::Enum(&["auto", "low", "high", "original"])),
                ],
            },
        ),
        (
            "input_file",
            &Object {
                open: true,
                fields: &[
                    nul("file_id", Kind::Text),
                    nul("file_url", Kind::Text),
                    nul("file_data", Kind::Text),
                    nul("filename", Kind::Text),
                ],
            },
        ),
    ],
};

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
        for field in ["content", "output"] {
            let parts = item[field].as_array().map(Vec::as_slice).unwrap_or_default();
            for (j, part) in parts.iter().enumerate() {
                check_part(item, part, &format!("input[{i}].{field}[{j}]"))?;
            }
        }
    }
    Ok(())
}

fn check_part(item: &Value, part: &Value, at: &str) -> Result<(), Fault> {
    let kind = part["type"].as_str().unwrap_or_default();
    let assistant = item["role"] == "assistant";
    let allowed: &[&str] =
        if assistant { &["output_text", "refusal"] } else { &["input_text", "input_image", "input_file"] };
    if !allowed.contains(&kind) && !(kind == "output_text" && item["type"] == "message") {
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
