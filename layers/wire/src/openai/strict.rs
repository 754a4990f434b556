//! Which schemas OpenAI holds answers to.

use serde_json::{Map, Value};
use tollway_core::Dialect;

use super::encode_request::Dropped;
use crate::chat::Chat;

/// Keywords that OpenAI refuses in a strict schema. Source: its guide "Structured outputs", "Supported
/// schemas", and recorded refusals.
const REFUSED: [&str; 12] = [
    "allOf",
    "oneOf",
    "not",
    "if",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "prefixItems",
    "contains",
    "uniqueItems",
];

/// Whether a schema is asked to be held to. Anthropic holds to schemas that OpenAI refuses to, such as
/// those with optional keys: they are shown to the model, and `path` is listed.
pub(crate) fn strict(
    chat: &Chat,
    asked: Option<bool>,
    schema: Option<&Value>,
    path: &str,
    dropped: &mut Dropped,
) -> Option<bool> {
    let is_foreign = matches!(chat.dialect, Some(Dialect::Anthropic | Dialect::Gemini));
    if is_foreign && asked == Some(true) && !schema.is_some_and(is_strict) {
        dropped.list(path);
        return Some(false);
    }
    asked
}

/// Whether OpenAI takes a schema as strict: an object at the root, and every object with all its keys
/// required and no others.
fn is_strict(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object") && schema.get("anyOf").is_none() && holds(schema)
}

fn holds(schema: &Value) -> bool {
    let Value::Object(fields) = schema else { return false };
    if REFUSED.iter().any(|keyword| fields.contains_key(*keyword)) {
        return false;
    }
    // What refers to another schema says nothing more.
    if fields.contains_key("$ref") {
        return fields.len() == 1;
    }
    let is = |wanted: &str| match fields.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == wanted),
        Some(kind) => kind == wanted,
        None => false,
    };
    if is("object") && !is_closed(fields) || is("array") && !fields.contains_key("items") {
        return false;
    }
    if !["type", "anyOf", "enum", "const"].iter().any(|key| fields.contains_key(*key)) {
        return false;
    }
    let named = ["properties", "$defs", "definitions"];
    let named = named.iter().filter_map(|key| fields.get(*key)?.as_object()).flat_map(Map::values);
    let branches = fields.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    named.chain(fields.get("items")).chain(branches).all(holds)
}

/// Whether an object takes its own keys only, and wants each.
fn is_closed(fields: &Map<String, Value>) -> bool {
    let required = fields.get("required").and_then(Value::as_array);
    let is_required = |key: &String| {
        required.is_some_and(|names| names.iter().any(|name| name.as_str() == Some(key.as_str())))
    };
    fields.get("additionalProperties") == Some(&Value::Bool(false))
        && fields.get("properties").and_then(Value::as_object).is_none_or(|keys| keys.keys().all(is_required))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn schemas_are_told_apart() {
        let closed = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
        let text = json!({"type": "string"});
        let inner = |schema: Value| closed(json!({"a": schema}), json!(["a"]));
        for (schema, strict) in [
            (closed(json!({"a": text}), json!(["a"])), true),
            (closed(json!({}), json!([])), true),
            (inner(json!({"type": "array", "items": text})), true),
            (inner(json!({"anyOf": [text, {"type": "null"}]})), true),
            (
                inner(
                    json!({"type": ["object", "null"], "properties": {"b": text}, "required": ["b"], "additionalProperties": false}),
                ),
                true,
            ),
            (inner(json!({"$ref": "#/$defs/x"})), true),
            (closed(json!({"a": text, "b": text}), json!(["a"])), false),
            (json!({"type": "object", "properties": {"a": text}, "required": ["a"]}), false),
            (inner(json!({"type": "object"})), false),
            (inner(json!({"type": "array"})), false),
            (inner(json!({"description": "anything"})), false),
            (inner(json!({"oneOf": [text]})), false),
            (inner(json!({"$ref": "#/$defs/x", "description": "d"})), false),
            (json!({"type": "array", "items": text}), false),
            (json!(true), false),
        ] {
            assert_eq!(is_strict(&schema), strict, "{schema}");
        }
    }
}
