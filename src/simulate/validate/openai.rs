//! OpenAI: chat, legacy completions, embeddings.

use super::super::fault::{Fault, Provider};
use super::super::models;
use super::openai_messages::{check_messages, mentions_json};
use super::openai_shape::{CHAT, COMPATIBLE, COMPLETIONS, EMBEDDINGS, OpenAi, quoted_list, refuse};
use super::path::Path;
use super::schema;
use super::shape::{Kind, Object, check};
use serde_json::Value;

/// Holds a chat request to OpenAI's rules.
pub fn openai_chat(model: &str, body: &Value) -> Result<(), Fault> {
    shape(&CHAT, body)?;
    check_model(model, body)?;
    check_messages(&body["messages"])?;
    check_tools(body)?;
    check_options(body)
}

/// Holds a chat request to what OpenAI-compatible servers (`DeepSeek`, `OpenRouter`, vLLM, …) have in
/// common: known fields have their types, unknown ones are let through, no rules by model.
pub fn compatible_chat(_model: &str, body: &Value) -> Result<(), Fault> {
    shape(&COMPATIBLE, body)?;
    check_messages(&body["messages"])
}

/// Holds a legacy completions request to OpenAI's rules.
pub fn openai_completions(model: &str, body: &Value) -> Result<(), Fault> {
    shape(&COMPLETIONS, body)?;
    if models::openai(model).reasons || model.starts_with("gpt-4") {
        return Err(Fault::new(
            Provider::OpenAi,
            404,
            "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use v1/chat/completions?",
        )
        .param("model"));
    }
    let (n, best_of) = (body["n"].as_u64().unwrap_or(1), body["best_of"].as_u64());
    if best_of.is_some_and(|best_of| best_of < n) {
        return Err(
            refuse("'best_of' must be greater than or equal to 'n'", "invalid_value").param("best_of")
        );
    }
    check_stream_options(body)
}

/// Holds an embeddings request to OpenAI's rules.
pub fn openai_embeddings(model: &str, body: &Value) -> Result<(), Fault> {
    shape(&EMBEDDINGS, body)?;
    let Some(dimensions) = body["dimensions"].as_u64() else { return Ok(()) };
    if model == "text-embedding-ada-002" {
        return Err(Fault::new(Provider::OpenAi, 400, "This model does not support specifying dimensions."));
    }
    let limit = if model.ends_with("3-small") { 1536 } else { 3072 };
    if dimensions > limit {
        return Err(Fault::new(
            Provider::OpenAi,
            400,
            format!(
                "Invalid value for 'dimensions' = {dimensions}. Must be less than or equal to {limit} for this model."
            ),
        )
        .param("dimensions"));
    }
    Ok(())
}

pub(super) fn shape(object: &'static Object, body: &Value) -> Result<(), Fault> {
    if !body.is_object() {
        return Err(Fault::new(
            Provider::OpenAi,
            400,
            "We could not parse the JSON body of your request. The OpenAI API expects a JSON payload.",
        ));
    }
    check(&OpenAi, &Path::ROOT, &Kind::Object(object), body)
}

/// What a model refuses although the API knows it.
fn check_model(model: &str, body: &Value) -> Result<(), Fault> {
    let caps = models::openai(model);
    let effort = body["reasoning_effort"].as_str();
    if let Some(effort) = effort {
        if caps.plain {
            return Err(Fault::new(
                Provider::OpenAi,
                400,
                "Unrecognized request argument supplied: reasoning_effort",
            ));
        }
        check_effort(caps.efforts, effort, "reasoning_effort")?;
    }
    if !caps.reasons {
        return Ok(());
    }
    if body["max_tokens"].is_u64() {
        return Err(refuse(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "unsupported_parameter",
        )
        .param("max_tokens"));
    }
    if effort == Some("none") || (effort.is_none() && caps.default_none) {
        return Ok(());
    }
    check_sampling(body)
}

pub(super) fn check_effort(efforts: &[&str], effort: &str, param: &str) -> Result<(), Fault> {
    if efforts.contains(&effort) {
        return Ok(());
    }
    let message = format!(
        "Unsupported value: '{param}' does not support '{effort}' with this model. Supported values are: {}.",
        quoted_list(efforts)
    );
    Err(refuse(message, "unsupported_value").param(param))
}

/// While a model reasons it takes no sampling parameters but their defaults.
fn check_sampling(body: &Value) -> Result<(), Fault> {
    for (field, default) in
        [("temperature", 1.0), ("top_p", 1.0), ("presence_penalty", 0.0), ("frequency_penalty", 0.0)]
    {
        let Some(value) = body[field].as_f64().filter(|value| (value - default).abs() > f64::EPSILON) else {
            continue;
        };
        let message = format!(
            "Unsupported value: '{field}' does not support {value} with this model. Only the default ({default}) value is supported."
        );
        return Err(refuse(message, "unsupported_value").param(field));
    }
    for field in ["logprobs", "top_logprobs", "logit_bias"] {
        if !matches!(body[field], Value::Null | Value::Bool(false)) {
            let message = format!("Unsupported parameter: '{field}' is not supported with this model.");
            return Err(refuse(message, "unsupported_parameter").param(field));
        }
    }
    Ok(())
}

fn check_tools(body: &Value) -> Result<(), Fault> {
    let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut names = Vec::new();
    for (i, tool) in tools.iter().enumerate() {
        let function = if tool["function"].is_object() { &tool["function"] } else { &tool["custom"] };
        let name = function["name"].as_str().unwrap_or_default();
        check_name(name, &format!("tools[{i}].function.name"))?;
        names.push(name);
        let schema = &function["parameters"];
        let context = format!("function '{name}'");
        let bad = |message| {
            refuse(message, "invalid_function_parameters").param(format!("tools[{i}].function.parameters"))
        };
        if schema.is_object() {
            schema::openai_parameters(schema, &context).map_err(bad)?;
            if function["strict"] == true {
                schema::openai_strict(schema, &context).map_err(bad)?;
            }
        }
    }
    for field in ["tool_choice", "parallel_tool_calls"] {
        if tools.is_empty() && !body[field].is_null() && body["functions"].is_null() && body[field] != "none"
        {
            let message =
                format!("Invalid value for '{field}': '{field}' is only allowed when 'tools' are specified.");
            return Err(Fault::new(Provider::OpenAi, 400, message).param(field));
        }
    }
    let choice = &body["tool_choice"];
    if let Some(name) = choice["function"]["name"].as_str().filter(|name| !names.contains(name)) {
        let message = format!(
            "Invalid value for 'tool_choice': no function named '{name}' was specified in the 'tools' parameter."
        );
        return Err(Fault::new(Provider::OpenAi, 400, message).param("tool_choice"));
    }
    Ok(())
}

pub(super) fn check_name(name: &str, param: &str) -> Result<(), Fault> {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Ok(());
    }
    let message = format!(
        "Invalid '{param}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
    );
    Err(refuse(message, "invalid_value").param(param))
}

fn check_options(body: &Value) -> Result<(), Fault> {
    check_stream_options(body)?;
    if body["top_logprobs"].is_u64() && body["logprobs"] != true {
        let message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.";
        return Err(Fault::new(Provider::OpenAi, 400, message).param("top_logprobs"));
    }
    if body["max_tokens"].is_u64() && body["max_completion_tokens"].is_u64() {
        let message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
        return Err(refuse(message, "invalid_parameter_combination"));
    }
    if body["metadata"].as_object().is_some_and(|metadata| metadata.len() > 16) {
        let message =
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties.";
        return Err(refuse(message, "object_above_max_properties").param("metadata"));
    }
    let format = &body["response_format"];
    if format["type"] == "json_object" && !mentions_json(&body["messages"]) {
        let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
        return Err(Fault::new(Provider::OpenAi, 400, message).param("messages"));
    }
    if format["type"] == "json_schema" {
        let (schema, name) = (&format["json_schema"]["schema"], &format["json_schema"]["name"]);
        let name = name.as_str().unwrap_or_default();
        check_name(name, "response_format.json_schema.name")?;
        if format["json_schema"]["strict"] == true {
            schema::openai_strict(schema, &format!("response_format '{name}'"))
                .map_err(|message| Fault::new(Provider::OpenAi, 400, message).param("response_format"))?;
        }
    }
    Ok(())
}

fn check_stream_options(body: &Value) -> Result<(), Fault> {
    if body["stream_options"].is_object() && body["stream"] != true {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Fault::new(Provider::OpenAi, 400, message).param("stream_options"));
    }
    Ok(())
}
