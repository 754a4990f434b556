//! Gemini's own `Schema`, a part of OpenAPI 3.0 → JSON Schema.

use serde_json::{Map, Number, Value, json};

/// The types in the order of their numbers.
const TYPES: &[&str] =
    &["TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"];

/// Reads a schema. Types are written small, `nullable` becomes a type, and counts, which protobuf
/// writes as text, become numbers.
pub(super) fn to_json_schema(schema: Value) -> Value {
    let Value::Object(fields) = schema else { return schema };
    let mut out = Map::new();
    let mut nullable = false;
    for (key, value) in fields {
        let value = match (camel(&key), value) {
            ("nullable", value) => {
                nullable = value == Value::Bool(true);
                continue;
            }
            ("type", Value::String(kind)) => kind.to_ascii_lowercase().into(),
            ("type", Value::Number(kind)) => {
                let name = kind.as_u64().and_then(|at| TYPES.get(usize::try_from(at).ok()?).copied());
                name.unwrap_or_default().to_ascii_lowercase().into()
            }
            ("properties", Value::Object(properties)) => {
                properties.into_iter().map(|(name, it)| (name, to_json_schema(it))).collect()
            }
            ("items", it) => to_json_schema(it),
            ("anyOf", Value::Array(branches)) => branches.into_iter().map(to_json_schema).collect(),
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties",
                Value::String(count),
            ) => count.parse::<u64>().map_or(Value::String(count), |count| Number::from(count).into()),
            (_, value) => value,
        };
        out.insert(camel(&key).to_owned(), value);
    }
    if nullable {
        if let Some(kind) = out.get_mut("type") {
            *kind = json!([kind.take(), "null"]);
        } else if let Some(Value::Array(branches)) = out.get_mut("anyOf") {
            branches.push(json!({ "type": "null" }));
        }
    }
    Value::Object(out)
}

/// The field's name in camel case; both spellings are taken.
fn camel(key: &str) -> &str {
    match key {
        "any_of" => "anyOf",
        "min_items" => "minItems",
        "max_items" => "maxItems",
        "min_length" => "minLength",
        "max_length" => "maxLength",
        "min_properties" => "minProperties",
        "max_properties" => "maxProperties",
        "property_ordering" => "propertyOrdering",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_counts_are_read_in_every_spelling() {
        let got = to_json_schema(json!({
            "type": "OBJECT",
            "properties": {
                "a": { "type": 1, "nullable": true, "min_length": "3" },
                "type": { "type": "ARRAY", "items": { "type": "INTEGER" }, "maxItems": "5" },
                "any": { "any_of": [{ "type": "STRING" }], "nullable": true },
            },
            "propertyOrdering": ["a"],
        }));
        assert_eq!(
            got,
            json!({
                "type": "object",
                "properties": {
                    "a": { "type": ["string", "null"], "minLength": 3 },
                    "type": { "type": "array", "items": { "type": "integer" }, "maxItems": 5 },
                    "any": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
                },
                "propertyOrdering": ["a"],
            })
        );
    }
}
