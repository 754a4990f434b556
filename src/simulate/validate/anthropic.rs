//! Anthropic Messages.

use super::super::fault::Fault;
use super::super::models::{self, ClaudeModel};
use super::anthropic_blocks::check_turns;
use super::anthropic_shape::{Anthropic, COUNT_TOKENS, MESSAGES, refuse};
use super::path::Path;
use super::schema;
use super::shape::{Kind, check};
use serde_json::Value;

/// Holds a Messages request to Anthropic's rules.
pub fn anthropic_messages(model: &str, body: &Value) -> Result<(), Fault> {
    check(&Anthropic, &Path::ROOT, &Kind::Object(&MESSAGES), body)?;
    let caps = models::claude(model);
    check_thinking(caps, body)?;
    check_sampling(caps, body)?;
    check_stops(body)?;
    check_tools(caps, body)?;
    check_output(caps, body)?;
    check_turns(caps, body)
}

/// Holds a request to count tokens to Anthropic's rules.
pub fn anthropic_count_tokens(model: &str, body: &Value) -> Result<(), Fault> {
    check(&Anthropic, &Path::ROOT, &Kind::Object(&COUNT_TOKENS), body)?;
    let caps = models::claude(model);
    check_tools(caps, body)?;
    check_turns(caps, body)
}

fn check_thinking(caps: ClaudeModel, body: &Value) -> Result<(), Fault> {
    let thinking = &body["thinking"];
    match thinking["type"].as_str() {
        Some("enabled") if !caps.budget && caps.adaptive => Err(refuse(
            "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.",
        )),
        Some("enabled") if !caps.budget => {
            Err(refuse("thinking: Extended thinking is not supported on this model"))
        }
        Some("enabled") if thinking["budget_tokens"].as_u64() >= body["max_tokens"].as_u64() => Err(refuse(
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size-considerations",
        )),
        Some("adaptive") if !caps.adaptive => Err(refuse("adaptive thinking is not supported on this model")),
        Some("disabled") if caps.always_thinks => {
            Err(refuse("\"thinking.type.disabled\" is not supported for this model."))
        }
        _ => Ok(()),
    }
}

/// Whether the model will think, so that the rules of thinking hold.
fn thinks(body: &Value) -> bool {
    matches!(body["thinking"]["type"].as_str(), Some("enabled" | "adaptive"))
}

fn check_sampling(caps: ClaudeModel, body: &Value) -> Result<(), Fault> {
    let number = |field: &str| body[field].as_f64();
    if !caps.sampling {
        let given = ["temperature", "top_p", "top_k"].into_iter().find(|field| !body[field].is_null());
        return given.map_or(Ok(()), |field| Err(refuse(format!("`{field}` is deprecated for this model."))));
    }
    if thinks(body) {
        let documentation = "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking";
        if number("temperature").is_some_and(|t| (t - 1.0).abs() > f64::EPSILON) {
            return Err(refuse(format!(
                "`temperature` may only be set to 1 when thinking is enabled. {documentation}"
            )));
        }
        if !body["top_k"].is_null() {
            return Err(refuse(format!("`top_k` must be unset when thinking is enabled. {documentation}")));
        }
        if number("top_p").is_some_and(|p| p < 0.95) {
            return Err(refuse(format!(
                "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled. {documentation}"
            )));
        }
    }
    Ok(())
}

fn check_stops(body: &Value) -> Result<(), Fault> {
    let stops = body["stop_sequences"].as_array().map(Vec::as_slice).unwrap_or_default();
    if stops.iter().filter_map(Value::as_str).any(|stop| stop.trim().is_empty()) {
        return Err(refuse("stop_sequences: each stop sequence must contain non-whitespace"));
    }
    Ok(())
}

fn check_tools(caps: ClaudeModel, body: &Value) -> Result<(), Fault> {
    let tools = body["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    for (i, tool) in tools.iter().enumerate() {
        let name = tool["name"].as_str().unwrap_or_default();
        if tool["input_schema"].is_object() {
            check_custom(i, name, tool)?;
        }
        if tool["type"] != "mcp_toolset" && names.contains(&name) {
            return Err(refuse("tools: Tool names must be unique."));
        }
        names.push(name);
    }
    let choice = &body["tool_choice"];
    let forced = matches!(choice["type"].as_str(), Some("any" | "tool"));
    if forced && tools.is_empty() {
        return Err(refuse("tool_choice: tool_choice.any may only be specified while providing tools."));
    }
    if let Some(name) = choice["name"].as_str().filter(|name| !names.contains(name)) {
        return Err(refuse(format!("Tool '{name}' not found in provided tools")));
    }
    if forced && !caps.forced_tool {
        return Err(refuse("tool_choice: forcing tool use is not supported for this model."));
    }
    if forced && body["thinking"]["type"] == "enabled" {
        return Err(refuse("Thinking may not be enabled when tool_choice forces tool use."));
    }
    Ok(())
}

fn check_custom(i: usize, name: &str, tool: &Value) -> Result<(), Fault> {
    if !name_like(name) {
        return Err(refuse(format!(
            "tools.{i}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
        )));
    }
    let schema = &tool["input_schema"];
    match schema["type"].as_str() {
        Some("object") => {}
        None if schema["type"].is_null() => {
            return Err(refuse(format!("tools.{i}.custom.input_schema.type: Field required")));
        }
        _ => return Err(refuse(format!("tools.{i}.custom.input_schema.type: Input should be 'object'"))),
    }
    if let Some(keyword) = ["oneOf", "allOf", "anyOf"].iter().find(|keyword| schema.get(**keyword).is_some())
    {
        return Err(refuse(format!(
            "tools.{i}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level: {keyword}"
        )));
    }
    if schema.get("properties").is_some_and(|properties| !properties.is_object()) {
        return Err(refuse(format!(
            "tools.{i}.custom.input_schema.properties: Input should be a valid dictionary"
        )));
    }
    let keys = schema["properties"].as_object().into_iter().flat_map(serde_json::Map::keys);
    let good = |key: &&String| {
        !key.is_empty()
            && key.len() <= 64
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    if keys.into_iter().any(|key| !good(&key)) {
        return Err(refuse(format!(
            "tools.{i}.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$'"
        )));
    }
    if tool["strict"] == true {
        schema::anthropic_output(schema, 0)
            .map_err(|message| refuse(format!("tools.{i}.custom: {message}")))?;
    }
    Ok(())
}

/// Whether a name or an id consists of letters, digits, `_` and `-`.
pub(super) fn name_like(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn check_output(caps: ClaudeModel, body: &Value) -> Result<(), Fault> {
    let output = &body["output_config"];
    if let Some(effort) = output["effort"].as_str() {
        if caps.efforts.is_empty() {
            return Err(refuse("This model does not support the effort parameter."));
        }
        if !caps.efforts.contains(&effort) {
            let mut levels = caps.efforts.to_vec();
            levels.sort_unstable();
            return Err(refuse(format!(
                "This model does not support effort level '{effort}'. Supported levels: {}.",
                levels.join(", ")
            )));
        }
    }
    for (name, format) in
        [("output_config.format", &output["format"]), ("output_format", &body["output_format"])]
    {
        if !format.is_object() {
            continue;
        }
        if !caps.structured {
            return Err(refuse(format!("{name}: structured outputs are not supported for this model.")));
        }
        schema::anthropic_output(&format["schema"], 0)
            .map_err(|message| refuse(format!("{name}.schema: {message}")))?;
    }
    Ok(())
}
