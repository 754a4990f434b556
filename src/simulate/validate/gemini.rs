//! Gemini `generateContent` and embeddings.

use super::super::fault::Fault;
use super::super::models::{self, GeminiModel};
use super::gemini_generation::{check_generation, check_schema};
use super::gemini_shape::{BATCH_EMBED, COUNT_TOKENS, EMBED, GENERATE, Gemini, camel, refuse};
use super::gemini_turns::{check_contents, check_parts};
use super::path::Path;
use super::shape::{Kind, Object, check};
use serde_json::Value;

/// Holds a `generateContent` request to Gemini's rules. The model is the one of the path.
pub fn gemini_generate(model: &str, body: &Value) -> Result<(), Fault> {
    shape(&GENERATE, body)?;
    let caps = models::gemini(model);
    check_contents(caps, body)?;
    check_tools(body)?;
    check_generation(caps, body)?;
    check_combinations(caps, body)
}

/// Holds a `batchEmbedContents` request to Gemini's rules. The model is the one of the path.
pub fn gemini_batch_embed(model: &str, body: &Value) -> Result<(), Fault> {
    shape(&BATCH_EMBED, body)?;
    let requests = body["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    if requests.is_empty() {
        return Err(refuse("* BatchEmbedContentsRequest.requests: at least one request is required\n"));
    }
    if requests.len() > 100 {
        return Err(refuse(
            "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch\n",
        ));
    }
    for (i, request) in requests.iter().enumerate() {
        let named = request["model"].as_str().unwrap_or_default();
        if named.strip_prefix("models/") != Some(model.strip_prefix("models/").unwrap_or(model)) {
            return Err(refuse(format!(
                "* BatchEmbedContentsRequest.requests[{i}].model: must match the model of the batch, got \"{named}\"\n"
            )));
        }
        embed_content(request)?;
    }
    Ok(())
}

/// Holds an `embedContent` request to Gemini's rules.
pub fn gemini_embed(_model: &str, body: &Value) -> Result<(), Fault> {
    shape(&EMBED, body)?;
    embed_content(body)
}

/// Holds a `countTokens` request to Gemini's rules.
pub fn gemini_count_tokens(model: &str, body: &Value) -> Result<(), Fault> {
    shape(&COUNT_TOKENS, body)?;
    match field(body, "generateContentRequest") {
        Some(inner) => gemini_generate(model, inner),
        None => check_parts_only(body),
    }
}

fn check_parts_only(body: &Value) -> Result<(), Fault> {
    let contents = items(body, "contents");
    if contents.is_empty() {
        return Err(refuse("* CountTokensRequest.contents: contents is not specified\n"));
    }
    contents.iter().enumerate().try_for_each(|(i, content)| check_parts(content, &format!("contents[{i}]")))
}

fn embed_content(request: &Value) -> Result<(), Fault> {
    let Some(content) = field(request, "content") else {
        return Err(refuse("* EmbedContentRequest.content: contents is not specified\n"));
    };
    check_parts(content, "content")
}

fn shape(object: &'static Object, body: &Value) -> Result<(), Fault> {
    if !body.is_object() {
        return Err(refuse("Invalid JSON payload received. Expected an object."));
    }
    check(&Gemini, &Path::ROOT, &Kind::Object(object), body)
}

/// A field under its camel-case or snake-case name; null is absent.
pub(crate) fn field<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    let found = object
        .get(name)
        .or_else(|| object.as_object()?.iter().find(|(key, _)| camel(key) == name).map(|(_, value)| value));
    found.filter(|value| !value.is_null())
}

/// A repeated field; one element may stand without its list, as the API takes it.
pub(crate) fn items<'v>(object: &'v Value, name: &str) -> &'v [Value] {
    match field(object, name) {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// The functions that a request declares.
pub(crate) fn declarations(body: &Value) -> impl Iterator<Item = &Value> {
    items(body, "tools").iter().flat_map(|tool| items(tool, "functionDeclarations"))
}

fn check_tools(body: &Value) -> Result<(), Fault> {
    let mut names = Vec::new();
    for (i, tool) in items(body, "tools").iter().enumerate() {
        if tool.as_object().is_some_and(serde_json::Map::is_empty) {
            return Err(refuse(format!(
                "* GenerateContentRequest.tools[{i}].tool_type: required one_of 'tool_type' must have one initialized field\n"
            )));
        }
        for (j, function) in items(tool, "functionDeclarations").iter().enumerate() {
            let at = format!("tools[{i}].function_declarations[{j}]");
            let name = function["name"].as_str().unwrap_or_default();
            check_name(name, &format!("{at}.name"))?;
            if names.contains(&name) {
                return Err(refuse(format!("Duplicate function declaration found: {name}")));
            }
            names.push(name);
            if let Some(schema) = function.get("parameters").filter(|schema| !schema.is_null()) {
                if field(function, "parametersJsonSchema").is_some() {
                    return Err(refuse(format!(
                        "* GenerateContentRequest.{at}: parameters and parameters_json_schema are mutually exclusive\n"
                    )));
                }
                check_schema(schema, &format!("{at}.parameters"))?;
            }
        }
    }
    let config = field(body, "toolConfig").and_then(|config| field(config, "functionCallingConfig"));
    let Some(config) = config else { return Ok(()) };
    let mode = config["mode"].as_str().unwrap_or("AUTO");
    let allowed = items(config, "allowedFunctionNames");
    if !allowed.is_empty() && !matches!(mode, "ANY" | "VALIDATED") {
        return Err(refuse(
            "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: should only be set when mode is ANY\n",
        ));
    }
    if names.is_empty() && matches!(mode, "ANY" | "VALIDATED") {
        return Err(refuse("Function calling config is set without function_declarations."));
    }
    let unknown = allowed.iter().filter_map(Value::as_str).find(|name| !names.contains(name));
    unknown.map_or(Ok(()), |name| {
        Err(refuse(format!(
            "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: {name} is not in function_declarations\n"
        )))
    })
}

pub(super) fn check_name(name: &str, at: &str) -> Result<(), Fault> {
    let mut bytes = name.bytes();
    let head = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let tail = bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-'));
    if head && tail && name.len() <= 128 {
        return Ok(());
    }
    Err(refuse(format!(
        "* GenerateContentRequest.{at}: Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.\n"
    )))
}

/// Fields that are good alone and refused together.
fn check_combinations(caps: GeminiModel, body: &Value) -> Result<(), Fault> {
    let cached = field(body, "cachedContent").is_some();
    if cached && ["systemInstruction", "tools", "toolConfig"].iter().any(|name| field(body, name).is_some()) {
        return Err(refuse(
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.\n\nProposed fix: move those values to CachedContent from GenerateContent request.",
        ));
    }
    let mime = field(body, "generationConfig").and_then(|config| field(config, "responseMimeType"));
    let functions = declarations(body).next().is_some();
    if functions && caps.version < 3.0 && mime.is_some_and(|mime| mime == "application/json") {
        return Err(refuse("Function calling with a response mime type: 'application/json' is unsupported"));
    }
    let searches = items(body, "tools").iter().any(|tool| field(tool, "googleSearch").is_some());
    if functions && searches && caps.version < 3.0 {
        return Err(refuse("Tool use with function calling is unsupported"));
    }
    Ok(())
}
