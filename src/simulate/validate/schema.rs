//! The subsets of JSON Schema that providers take.

use serde_json::{Map, Value};

/// Holds the parameters of a function to what OpenAI demands also without `strict`.
pub(super) fn openai_parameters(schema: &Value, context: &str) -> Result<(), String> {
    if schema.as_object().is_some_and(Map::is_empty) || schema["type"] == "object" {
        let no_properties = schema["type"] == "object"
            && schema.get("properties").is_some_and(|properties| !properties.is_object());
        if no_properties {
            return Err(format!(
                "Invalid schema for {context}: In context=(), 'properties' is not an object."
            ));
        }
        return arrays_have_items(schema, context, "()");
    }
    let kind =
        schema.get("type").map_or_else(|| "None".to_owned(), |kind| kind.to_string().replace('"', "'"));
    Err(format!(
        "Invalid schema for {context}: schema must be a JSON Schema of 'type: \"object\"', got 'type: {kind}'."
    ))
}

fn arrays_have_items(schema: &Value, context: &str, at: &str) -> Result<(), String> {
    if schema["type"] == "array" && schema.get("items").is_none() && schema.get("prefixItems").is_none() {
        return Err(format!("Invalid schema for {context}: In context={at}, array schema missing items."));
    }
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            arrays_have_items(property, context, &format!("('properties', '{name}')"))?;
        }
    }
    schema.get("items").map_or(Ok(()), |items| arrays_have_items(items, context, "('items')"))
}

/// Levels of nesting that structured outputs take.
const MAX_DEPTH: usize = 10;

/// Keywords of JSON Schema that strict mode knows.
const STRICT: &[&str] = &[
    "$defs",
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "default",
    "definitions",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
    "$schema",
    "maxLength",
    "minLength",
];

/// Holds a schema to OpenAI's structured outputs.
pub(super) fn openai_strict(schema: &Value, context: &str) -> Result<(), String> {
    if schema["type"] != "object" {
        let kind = schema["type"].as_str().unwrap_or("None");
        return Err(format!(
            "Invalid schema for {context}: schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
        ));
    }
    if schema.get("anyOf").is_some() {
        return Err(format!(
            "Invalid schema for {context}: In context=(), 'anyOf' is not permitted at the root."
        ));
    }
    strict_node(schema, &mut Vec::new(), 0)
        .map_err(|message| format!("Invalid schema for {context}: {message}"))
}

fn strict_node(schema: &Value, at: &mut Vec<String>, depth: usize) -> Result<(), String> {
    let context = |at: &[String]| {
        let names: Vec<String> = at.iter().map(|name| format!("'{name}'")).collect();
        format!("In context=({})", names.join(", "))
    };
    if depth > MAX_DEPTH {
        return Err(format!("{}, schema is nested too deeply.", context(at)));
    }
    let Some(map) = schema.as_object() else { return Ok(()) };
    if let Some(keyword) = map.keys().find(|key| !STRICT.contains(&key.as_str())) {
        return Err(format!("{}, '{keyword}' is not permitted.", context(at)));
    }
    if map.contains_key("$ref")
        && let Some(beside) = map.keys().find(|key| *key != "$ref")
    {
        return Err(format!("{}, $ref cannot have keywords {{'{beside}'}}.", context(at)));
    }
    let is_object = map.get("type").is_some_and(|kind| {
        kind == "object" || kind.as_array().is_some_and(|kinds| kinds.contains(&"object".into()))
    });
    if is_object {
        if map.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Err(format!(
                "{}, 'additionalProperties' is required to be supplied and to be false.",
                context(at)
            ));
        }
        all_required(map).map_err(|message| format!("{}, {message}", context(at)))?;
    }
    if map.get("type").is_some_and(|kind| kind == "array") && !map.contains_key("items") {
        return Err(format!("{}, array schema missing items.", context(at)));
    }
    let typed = ["type", "$ref", "anyOf", "enum", "const"].iter().any(|key| map.contains_key(*key));
    if !typed {
        return Err(format!("{}, schema must have a 'type' key.", context(at)));
    }
    for (key, child) in children(map) {
        at.extend(key.iter().map(|key| (*key).to_owned()));
        strict_node(child, at, depth + 1)?;
        at.truncate(at.len() - key.len());
    }
    Ok(())
}

fn all_required(map: &Map<String, Value>) -> Result<(), String> {
    let required: Vec<&str> = map
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = map.get("properties").and_then(Value::as_object);
    let mut names = properties.into_iter().flat_map(Map::keys);
    if let Some(missing) = names.find(|name| !required.contains(&name.as_str())) {
        return Err(format!(
            "'required' is required to be supplied and to be an array including every key in properties. Missing '{missing}'."
        ));
    }
    let unknown = required.iter().find(|name| !properties.is_some_and(|all| all.contains_key(**name)));
    unknown.map_or(Ok(()), |name| Err(format!("Extra required key '{name}' supplied.")))
}

/// The schemas directly below a schema, with the keys that lead to them.
fn children(map: &Map<String, Value>) -> Vec<(Vec<&str>, &Value)> {
    let mut found = Vec::new();
    for key in ["properties", "$defs", "definitions"] {
        let below = map.get(key).and_then(Value::as_object);
        found.extend(below.into_iter().flatten().map(|(name, child)| (vec![key, name.as_str()], child)));
    }
    for key in ["anyOf", "oneOf", "allOf", "prefixItems"] {
        let below = map.get(key).and_then(Value::as_array);
        found.extend(below.into_iter().flatten().map(|child| (vec![key], child)));
    }
    found.extend(map.get("items").map(|child| (vec!["items"], child)));
    found
}

/// Keywords that Anthropic's structured outputs refuse, as its documentation lists them.
const ANTHROPIC_REFUSED: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "not",
    "if",
    "then",
    "else",
    "oneOf",
    "prefixItems",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "unevaluatedItems",
];

/// Holds a schema to Anthropic's structured outputs.
pub(super) fn anthropic_output(schema: &Value, depth: usize) -> Result<(), String> {
    let Some(map) = schema.as_object() else { return Ok(()) };
    if depth > 64 {
        return Err("Schema is nested too deeply.".into());
    }
    let kind = map.get("type").and_then(Value::as_str);
    if kind == Some("object") && map.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Err("For 'object' type, 'additionalProperties' must be explicitly set to false".into());
    }
    if let Some(keyword) = map.keys().find(|key| ANTHROPIC_REFUSED.contains(&key.as_str())) {
        let kind = kind.unwrap_or("any");
        let is = if keyword == "oneOf" { "schema type" } else { "property" };
        return Err(format!("For '{kind}' type, {is} '{keyword}' is not supported"));
    }
    if map.get("minItems").and_then(Value::as_u64).is_some_and(|n| n > 1) {
        return Err("For 'array' type, 'minItems' values other than 0 or 1 are not supported".into());
    }
    if map.get("$ref").and_then(Value::as_str).is_some_and(|to| !to.starts_with("#/")) {
        return Err("Only internal $ref pointers are supported".into());
    }
    children(map).into_iter().try_for_each(|(_, child)| anthropic_output(child, depth + 1))
}
