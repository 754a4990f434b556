//! Gemini's generation settings and schemas.

use super::super::fault::Fault;
use super::super::models::GeminiModel;
use super::gemini::{field, items};
use super::gemini_shape::refuse;
use super::shape::integer;
use serde_json::Value;

/// Holds `generationConfig` to ranges, formats and what the model takes.
pub(super) fn check_generation(caps: GeminiModel, body: &Value) -> Result<(), Fault> {
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

/// Holds a schema of Google's subset to the rules by type.
pub(super) fn check_schema(schema: &Value, at: &str) -> Result<(), Fault> {
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
