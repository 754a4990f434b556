use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn adapted(schema: &Value) -> Value {
    adapt(schema, "s").unwrap().schema
}

#[test]
fn words_gemini_reads_stay_as_they_are() {
    // What a recorded request sent and Gemini accepted, in kind.
    let schema = json!({
        "type": "object",
        "$defs": { "Node": { "type": "object", "properties": {
            "children": { "type": "array", "items": { "$ref": "#/$defs/Node" }, "default": [] },
            "value": { "type": "string" } }, "required": ["value"] } },
        "properties": {
            "tree": { "$ref": "#/$defs/Node" },
            "map": { "type": "object", "additionalProperties": { "type": "string" } },
            "pair": { "type": "array", "prefixItems": [{ "type": "number" }, { "type": "number" }], "minItems": 2 },
            "tags": { "type": "array", "items": { "type": "string" }, "uniqueItems": true },
            "name": { "type": "string", "minLength": 1, "maxLength": 50, "pattern": "^a" },
            "score": { "type": ["number", "null"], "minimum": 0, "maximum": 1 },
            "nick": { "anyOf": [{ "type": "string" }, { "type": "null" }], "default": null },
            "level": { "type": "integer", "enum": [1, 2, 3] },
        },
        "required": ["tree"],
        "additionalProperties": false,
    });
    let adapted = adapt(&schema, "s").unwrap();
    assert_eq!(adapted.schema, schema);
    assert_eq!(adapted.lost, Vec::<String>::new());
}

#[test]
fn other_words_are_said_in_those_gemini_reads() {
    for (given, expected) in [
        (json!({ "const": "a" }), json!({ "type": "string", "enum": ["a"] })),
        (json!({ "type": "STRING", "nullable": true }), json!({ "type": ["string", "null"] })),
        (json!({ "enum": ["a", null] }), json!({ "type": ["string", "null"], "enum": ["a"] })),
        (
            json!({ "oneOf": [{ "type": "string" }, { "type": "integer" }] }),
            json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }] }),
        ),
        (
            json!({ "type": ["string", "object"], "minLength": 1, "properties": {} }),
            json!({ "anyOf": [{ "type": "string", "minLength": 1 }, { "type": "object", "properties": {} }] }),
        ),
        (
            json!({ "enum": ["a", 1, true, false] }),
            json!({ "anyOf": [{ "type": "string", "enum": ["a"] }, { "type": "integer", "enum": [1] },
                { "type": "boolean" }] }),
        ),
        (json!({ "type": "integer", "exclusiveMinimum": 0 }), json!({ "type": "integer", "minimum": 1 })),
        (
            json!({ "type": "string", "format": "uri", "description": "Where" }),
            json!({ "type": "string", "description": "Where (format: uri)" }),
        ),
        (
            json!({ "type": "string", "format": "date-time" }),
            json!({ "type": "string", "format": "date-time" }),
        ),
        (
            json!({ "properties": { "a": { "type": "string" } } }),
            json!({ "type": "object", "properties": { "a": { "type": "string" } } }),
        ),
        (
            json!({ "type": "array", "items": [{ "type": "string" }] }),
            json!({ "type": "array", "prefixItems": [{ "type": "string" }] }),
        ),
        (
            json!({ "$schema": "x", "title": "T", "type": "string", "examples": ["a"], "x-y": 1 }),
            json!({ "title": "T", "type": "string" }),
        ),
    ] {
        let got = adapt(&given, "s").unwrap();
        assert_eq!(got.schema, expected, "{given}");
        assert_eq!(got.lost, Vec::<String>::new(), "{given}");
    }
}

#[test]
fn all_of_becomes_one_schema() {
    let schema = json!({
        "definitions": { "A": { "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] } },
        "allOf": [
            { "$ref": "#/definitions/A" },
            { "properties": { "b": { "type": "integer", "minimum": 1 } }, "required": ["b"] },
            { "properties": { "b": { "maximum": 5 } } },
        ],
    });
    assert_eq!(
        adapted(&schema),
        json!({ "type": "object", "required": ["a", "b"], "properties": {
            "a": { "type": "string" }, "b": { "type": "integer", "minimum": 1, "maximum": 5 } } })
    );
}

#[test]
fn references_are_gathered_wherever_they_stand() {
    let schema = json!({
        "type": "object",
        "definitions": { "a b": { "type": "object", "properties": {
            "self": { "allOf": [{ "$ref": "#/definitions/a%20b" }], "description": "again" } } } },
        "properties": { "x": { "$ref": "#/definitions/a b" }, "y": { "$ref": "#/properties/x" } },
    });
    let got = adapted(&schema);
    assert_eq!(got["properties"]["x"], json!({ "$ref": "#/$defs/a_b" }));
    assert_eq!(got["$defs"]["x"], json!({ "$ref": "#/$defs/a_b" }));
    let again = &got["$defs"]["a_b"]["properties"]["self"];
    assert_eq!(again["description"], "again");
    assert!(again["anyOf"][0]["$ref"].is_string());
}

/// A reference at the root is how Pydantic writes a recursive model; a function's parameters must be
/// an object all the same.
#[test]
fn the_root_is_never_a_reference() {
    let schema = json!({
        "$ref": "#/$defs/Node",
        "$defs": { "Node": { "type": "object", "properties": { "next": { "$ref": "#/$defs/Node" } } } },
    });
    let got = adapted(&schema);
    assert_eq!(got["type"], "object");
    assert_eq!(got["properties"]["next"], json!({ "$ref": "#/$defs/Node" }));
}

#[test]
fn what_cannot_be_said_is_told() {
    let schema = json!({ "type": "object", "properties": {
        "a": { "type": "integer", "multipleOf": 5 },
        "b": { "type": "string", "not": { "const": "x" } },
        "c": { "const": true },
        "d": { "enum": [{ "a": 1 }] },
    }, "required": ["a", "zz"] });
    let mut lost = adapt(&schema, "s").unwrap().lost;
    lost.sort();
    assert_eq!(
        lost,
        [
            "s.properties.a.multipleOf",
            "s.properties.b.not",
            "s.properties.c.enum",
            "s.properties.d.enum",
            "s.required"
        ]
    );
}

#[test]
fn circles_and_strange_references_are_refused() {
    for schema in [
        json!({ "$ref": "#" }),
        json!({ "$ref": "#/nowhere" }),
        json!({ "type": "object", "properties": { "a": { "$ref": "https://a.example/schema" } } }),
        json!({ "$defs": { "A": { "allOf": [{ "$ref": "#/$defs/A" }, { "type": "object" }] } },
            "type": "object", "properties": { "a": { "$ref": "#/$defs/A" } } }),
        json!({ "$defs": { "A": { "type": "object", "properties": {
            "x": { "allOf": [{ "$ref": "#/$defs/A" }, { "description": "x" }] } } } },
            "type": "object", "properties": { "a": { "$ref": "#/$defs/A" } } }),
        json!("text"),
    ] {
        let refusal = adapt(&schema, "s").unwrap_err();
        assert!(refusal.param.unwrap().starts_with('s'), "{schema}");
    }
}

/// Whether a schema holds only what Gemini reads; says the first thing that is not.
fn check(schema: &Value, defs: &Value) -> Result<(), String> {
    const WORDS: [&str; 24] = [
        "type",
        "title",
        "description",
        "default",
        "enum",
        "format",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "uniqueItems",
        "properties",
        "required",
        "additionalProperties",
        "propertyOrdering",
        "minProperties",
        "maxProperties",
        "anyOf",
        "$defs",
    ];
    const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "object", "array", "null"];
    let Value::Object(fields) = schema else { return Err(format!("no object: {schema}")) };
    if fields.is_empty() {
        return Err("empty".into());
    }
    if let Some(reference) = fields.get("$ref") {
        let name = reference.as_str().and_then(|pointer| pointer.strip_prefix("#/$defs/"));
        let known = name.is_some_and(|name| defs.get(name).is_some());
        return if fields.len() == 1 && known { Ok(()) } else { Err(format!("bad reference: {schema}")) };
    }
    for (key, value) in fields {
        if !WORDS.contains(&key.as_str()) {
            return Err(format!("not a word: {key}"));
        }
        match (key.as_str(), value) {
            ("properties" | "$defs", Value::Object(map)) => {
                map.values().try_for_each(|it| check(it, defs))?;
            }
            ("items", it) => check(it, defs)?,
            ("additionalProperties", it) if !it.is_boolean() => check(it, defs)?,
            ("anyOf" | "prefixItems", Value::Array(list)) => {
                list.iter().try_for_each(|it| check(it, defs))?;
            }
            ("enum", Value::Array(values))
                if values.is_empty() || !values.iter().all(|it| it.is_string() || it.is_number()) =>
            {
                return Err(format!("bad enum: {value}"));
            }
            ("type", Value::String(kind)) if !TYPES.contains(&kind.as_str()) => {
                return Err(format!("bad type: {kind}"));
            }
            ("type", Value::Array(kinds)) => {
                let known = kinds[0].as_str().is_some_and(|kind| TYPES.contains(&kind));
                if kinds.len() != 2 || kinds[1] != "null" || !known {
                    return Err(format!("bad types: {value}"));
                }
            }
            ("required", Value::Array(names)) => {
                let known = |name: &Value| fields["properties"].get(name.as_str().unwrap()).is_some();
                if !names.iter().all(known) {
                    return Err(format!("unknown required: {value}"));
                }
            }
            _ => {}
        }
    }
    let array = fields.get("type").is_some_and(|kind| kind == "array" || kind == &json!(["array", "null"]));
    if array && !fields.contains_key("items") && !fields.contains_key("prefixItems") {
        return Err(format!("array without items: {schema}"));
    }
    Ok(())
}

fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!({ "type": "string", "format": "email", "nullable": true })),
        Just(json!({ "type": ["integer", "null"], "exclusiveMinimum": 3, "enum": [1, 2, null] })),
        Just(json!({ "type": ["string", "array", "object"], "minLength": 2 })),
        Just(json!({ "const": 5 })),
        Just(json!({ "enum": [true, "x", 1.5, null] })),
        Just(json!({ "enum": [[1]] })),
        Just(json!({ "type": "ARRAY" })),
        Just(json!({ "$ref": "#/$defs/A" })),
        Just(json!({ "$ref": "#/$defs/B", "description": "b", "nullable": true })),
        Just(json!({ "type": "file", "required": ["q"], "x-z": 1, "not": {} })),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let list = || prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            list().prop_map(|list| json!({ "oneOf": list })),
            list().prop_map(|list| json!({ "anyOf": list, "type": "object" })),
            list().prop_map(|list| json!({ "allOf": list, "description": "all" })),
            list().prop_map(|list| json!({ "items": list, "type": "array" })),
            inner.clone().prop_map(|item| json!({ "items": item, "minItems": 1 })),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({
                "type": "object", "properties": { "a": a, "const": b }, "required": ["a", "c"],
                "patternProperties": { "^x": {} } })),
            inner.clone().prop_map(|value| json!({ "additionalProperties": value })),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({
                "properties": { "a": a }, "$defs": { "A": b } })),
        ]
    })
}

proptest! {
    /// Whatever schema comes, what goes out holds only what Gemini reads, or is refused.
    #[test]
    fn any_schema_becomes_one_gemini_reads(inner in any_schema(), a in any_schema(), b in any_schema()) {
        let schema = json!({ "type": "object", "properties": { "x": inner }, "$defs": { "A": a, "B": b } });
        if let Ok(adapted) = adapt(&schema, "s") {
            let defs = adapted.schema.get("$defs").cloned().unwrap_or_default();
            prop_assert_eq!(check(&adapted.schema, &defs), Ok(()), "{} from {}", adapted.schema, schema);
            let again = adapt(&adapted.schema, "s").unwrap();
            prop_assert_eq!(&again.schema, &adapted.schema, "from {}", schema);
            prop_assert_eq!(again.lost, Vec::<String>::new());
        }
    }
}
