//! Gemini `generateContent` and embeddings.

use super::super::fault::Fault;
use super::super::models::{self, GeminiModel};
use super::gemini_shape::{BATCH_EMBED, COUNT_TOKENS, EMBED, GENERATE, Gemini, camel, refuse};
use super::gemini_turns::{check_contents, check_parts};
use super::path::Path;
use super::shape::{Kind, Object, check, integer};
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

/// Holds a schema of Google's subset to the rules by type.
fn check_schema(schema: &Value, at: &str) -> Result<(), Fault> {
    let bad =
        |place: &str, what: &str| Err(refuse(format!("* GenerateContentRequest.{at}{place}: {what}\n")));
    let kind = schema["type"].as_str().unwrap_or_default().to_ascii_uppercase();
    let number = schema["type"].as_u64();
    let is = |name: &str, code: u64| kind == name || number == Some(code);
    let choices = items(schema, "anyOf");
    if kind.is_empty() && number.is_none() && choices.is_empty() {
        return bad("", "schema didn't specify the schema type field");
    }
    if !schema["enum"].is_null() && !is("STRING", 1) {
        return bad(".enum", "only allowed for STRING type");
    }
    let format = schema["format"].as_str();
    if is("STRING", 1) && format.is_some_and(|format| !matches!(format, "enum" | "date-time")) {
        return bad(".format", "only 'enum' and 'date-time' are supported for STRING type");
    }
    if is("ARRAY", 5) && field(schema, "items").is_none() {
        return bad(".items", "missing field");
    }
    if schema["properties"].is_object() && !is("OBJECT", 6) {
        return bad(".properties", "only allowed for OBJECT type");
    }
    if field(schema, "items").is_some() && !is("ARRAY", 5) {
        return bad(".items", "only allowed for ARRAY type");
    }
    for (i, name) in items(schema, "required").iter().filter_map(Value::as_str).enumerate() {
        if schema["properties"].get(name).is_none() {
            return bad(&format!(".required[{i}]"), "property is not defined");
        }
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        check_schema(property, &format!("{at}.properties[{name}]"))?;
    }
    for (i, choice) in choices.iter().enumerate() {
        check_schema(choice, &format!("{at}.any_of[{i}]"))?;
    }
    field(schema, "items").map_or(Ok(()), |items| check_schema(items, &format!("{at}.items")))
}

fn check_generation(caps: GeminiModel, body: &Value) -> Result<(), Fault> {
    let Some(config) = field(body, "generationConfig") else { return Ok(()) };
    let stops = items(config, "stopSequences");
    if stops.len() > 5 {
        return Err(refuse(
            "* GenerateContentRequest.generation_config.stop_sequences: at most 5 stop sequences are allowed\n",
        ));
    }
    if stops.iter().any(|stop| stop == "") {
        return Err(refuse("* GenerateContentRequest.generation_config.stop_sequences: must not be empty\n"));
    }
    check_ranges(caps, config)?;
    let json = field(config, "responseMimeType").and_then(Value::as_str);
    if json.is_some_and(|mime| !matches!(mime, "text/plain" | "application/json" | "text/x.enum")) {
        return Err(refuse(
            "* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are `text/plain`, `application/json`, `application/xml`, `application/yaml` and `text/x.enum`.\n",
        ));
    }
    let (narrow, wide) = (field(config, "responseSchema"), field(config, "responseJsonSchema"));
    if (narrow.is_some() || wide.is_some()) && matches!(json, None | Some("text/plain")) {
        return Err(refuse(
            "* GenerateContentRequest.generation_config.response_schema: response_schema is only supported with response_mime_type application/json or text/x.enum\n",
        ));
    }
    if narrow.is_some() && wide.is_some() {
        return Err(refuse("Only one of response_schema and response_json_schema may be set."));
    }
    if let Some(schema) = narrow {
        check_schema(schema, "generation_config.response_schema")?;
    }
    check_thinking(caps, config)
}

fn check_ranges(caps: GeminiModel, config: &Value) -> Result<(), Fault> {
    let number = |name: &str| field(config, name).and_then(Value::as_f64);
    let outside = |name: &str, low: f64, high: f64| number(name).filter(|n| *n < low || *n >= high);
    if let Some(value) = outside("temperature", 0.0, 2.0001) {
        return Err(refuse(format!(
            "Unable to submit request because it has a temperature value of {value} but the supported range is from 0 (inclusive) to 2.0001 (exclusive). Update the value and try again."
        )));
    }
    if let Some(value) = outside("topP", 0.0, 1.000_001) {
        return Err(refuse(format!(
            "Unable to submit request because it has a topP value of {value} but the supported range is from 0 (inclusive) to 1 (inclusive). Update the value and try again."
        )));
    }
    for (name, low, high) in [
        ("candidateCount", 1, 8),
        ("maxOutputTokens", 1, i128::MAX),
        ("logprobs", 0, 20),
        ("topK", 1, i128::MAX),
    ] {
        let value = field(config, name).and_then(integer);
        if let Some(value) = value.filter(|value| !(low..=high).contains(value)) {
            return Err(refuse(format!(
                "Unable to submit request because it has a {name} value of {value} but the supported range is from {low} (inclusive) to {} (exclusive). Update the value and try again.",
                high.saturating_add(1)
            )));
        }
    }
    if field(config, "logprobs").is_some() && field(config, "responseLogprobs") != Some(&Value::Bool(true)) {
        return Err(refuse("logprobs may only be set when response_logprobs is true."));
    }
    for name in ["presencePenalty", "frequencyPenalty"] {
        if outside(name, -2.0, 2.0).is_some() {
            return Err(refuse(format!("{name} must be in the range [-2.0, 2.0).")));
        }
        if number(name).is_some() && !caps.penalties() {
            return Err(refuse("Penalty is not enabled for this model"));
        }
    }
    let sampling = ["temperature", "topP", "topK"].into_iter().find(|name| number(name).is_some());
    match sampling {
        Some(name) if !caps.sampling() => Err(refuse(format!("{name} is not supported for this model."))),
        _ => Ok(()),
    }
}

fn check_thinking(caps: GeminiModel, config: &Value) -> Result<(), Fault> {
    let Some(thinking) = field(config, "thinkingConfig") else { return Ok(()) };
    if !caps.thinks() {
        return Err(refuse("Thinking is not enabled for this model."));
    }
    let budget = field(thinking, "thinkingBudget").and_then(integer);
    let level = field(thinking, "thinkingLevel").and_then(Value::as_str);
    if budget.is_some() && level.is_some() {
        return Err(refuse("You can only set only one of thinking budget and thinking level."));
    }
    if level.is_some() && !caps.levels() {
        return Err(refuse("Thinking level is not supported for this model."));
    }
    if caps.known && level.is_some_and(|level| level.eq_ignore_ascii_case("minimal")) && !caps.flash {
        return Err(refuse(
            "Thinking level MINIMAL is not supported for this model. Please retry with other thinking level.",
        ));
    }
    let Some(budget) = budget else { return Ok(()) };
    let never_off = !caps.flash || caps.levels();
    if budget == 0 && never_off && caps.known {
        return Err(refuse("Budget 0 is invalid. This model only works in thinking mode."));
    }
    let (low, high) = match (caps.lite, caps.flash) {
        (true, _) => (512, 24_576),
        (_, true) => (1, 24_576),
        _ => (128, 32_768),
    };
    if !matches!(budget, -1 | 0) && !(low..=high).contains(&budget) {
        return Err(refuse(format!(
            "The thinking budget {budget} is invalid. Please choose a value between {low} and {high}."
        )));
    }
    Ok(())
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
