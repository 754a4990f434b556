//! What an answer repeats of its request.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json, value::RawValue};

/// The fields of a request that its answer repeats, as the client sent them:
/// [`EncodeContext::echo`](crate::EncodeContext::echo). Nothing of a body that is no JSON object.
pub fn echo(body: &[u8]) -> Map<String, Value> {
    // The input is nearly all of the body, and is not built.
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(body).unwrap_or_default();
    let echoed = fields.into_iter().filter(|(name, _)| ECHOED.contains(&name.as_str()));
    let read = |(name, raw): (String, &RawValue)| Some((name, serde_json::from_str(raw.get()).ok()?));
    echoed.filter_map(read).filter(|(_, value): &(_, Value)| !value.is_null()).collect()
}

/// The fields that are repeated.
const ECHOED: [&str; 18] = [
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// The settings of an answer: the request's, and what goes without saying.
pub(super) fn settings(echo: Map<String, Value>) -> Map<String, Value> {
    let defaults = [
        ("background", json!(false)),
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("max_tool_calls", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("previous_response_id", Value::Null),
        ("prompt_cache_key", Value::Null),
        ("reasoning", json!({ "effort": null, "summary": null })),
        ("safety_identifier", Value::Null),
        // Nothing is kept here, whatever was asked.
        ("store", json!(false)),
        ("temperature", json!(1.0)),
        ("text", json!({ "format": { "type": "text" } })),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("top_logprobs", json!(0)),
        ("top_p", json!(1.0)),
        ("truncation", json!("disabled")),
        ("user", Value::Null),
    ];
    let mut settings: Map<String, Value> =
        defaults.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    settings.extend(echo);
    for tool in settings.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        // Clients expect them, told or not.
        if let Some(function) =
            tool.as_object_mut().filter(|tool| tool.get("type") == Some(&json!("function")))
        {
            for name in ["parameters", "strict"] {
                function.entry(name).or_insert(Value::Null);
            }
        }
    }
    if let Some(Value::Object(text)) = settings.get_mut("text") {
        text.entry("format").or_insert_with(|| json!({ "type": "text" }));
    }
    settings
}
