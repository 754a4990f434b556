//! What an answer repeats of its request.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Serialize, Serializer, ser::SerializeMap};
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

/// What an answer says of a setting that its request left out.
static DEFAULTS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
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
    defaults.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
});

/// The settings of an answer: the request's, and what goes without saying.
#[derive(Debug)]
pub(super) struct Settings(Map<String, Value>);

impl Settings {
    /// Those of a request whose fields are repeated.
    pub(super) fn new(mut echo: Map<String, Value>) -> Self {
        for tool in echo.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
            // Clients expect them, told or not.
            if let Some(function) =
                tool.as_object_mut().filter(|tool| tool.get("type") == Some(&json!("function")))
            {
                for name in ["parameters", "strict"] {
                    function.entry(name).or_insert(Value::Null);
                }
            }
        }
        if let Some(Value::Object(text)) = echo.get_mut("text") {
            text.entry("format").or_insert_with(|| json!({ "type": "text" }));
        }
        Self(echo)
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, default) in &*DEFAULTS {
            map.serialize_entry(name, self.0.get(name).unwrap_or(default))?;
        }
        for (name, value) in self.0.iter().filter(|(name, _)| !DEFAULTS.contains_key(*name)) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
