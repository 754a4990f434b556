//! Words that say the same as others Gemini knows better.

use std::borrow::Cow;

use serde_json::{Map, Number, Value, json};

/// Says `const`, `oneOf`, `nullable`, lists of types, mixed enums, exclusive bounds of integers and
/// missing types in the words Gemini reads. Only the one level; nested schemas are moved, not copied.
pub(super) fn normalised(fields: &Map<String, Value>) -> Cow<'_, Map<String, Value>> {
    const REWRITTEN: [&str; 6] =
        ["const", "oneOf", "nullable", "enum", "exclusiveMinimum", "exclusiveMaximum"];
    let branches = fields.get("anyOf").and_then(Value::as_array);
    let plain_type = match fields.get("type") {
        Some(kind) => kind.as_str().is_some_and(is_type),
        None => fields.contains_key("$ref") || branches.is_some(),
    };
    let plain_lists =
        !branches.is_some_and(Vec::is_empty) && !matches!(fields.get("items"), Some(Value::Array(_)));
    if plain_type && plain_lists && !REWRITTEN.iter().any(|key| fields.contains_key(*key)) {
        return Cow::Borrowed(fields);
    }
    let mut fields = fields.clone();
    fields.retain(|key, value| !matches!((key.as_str(), value), ("anyOf" | "oneOf", Value::Array(none)) if none.is_empty()));
    one_of(&mut fields);
    tuple(&mut fields);
    exclusive_bounds(&mut fields);
    let enums = enums(&mut fields);
    let mut kinds = kinds(&mut fields);
    let nullable = fields.remove("nullable") == Some(Value::Bool(true));
    if let Some(enums) = enums {
        // An enum's own types are narrower than what is said beside it.
        let null = enums.null || nullable || kinds.iter().any(|kind| kind == "null");
        return Cow::Owned(with_enums(fields, enums, null));
    }
    if kinds.iter().all(|kind| kind == "null")
        && let Some(kind) = inferred(&fields)
    {
        kinds.insert(0, kind.to_owned());
    }
    if nullable {
        or_null(&mut fields, &mut kinds);
    }
    Cow::Owned(with_kinds(fields, &kinds))
}

fn is_type(word: &str) -> bool {
    matches!(word, "string" | "number" | "integer" | "boolean" | "object" | "array" | "null")
}

/// Gemini reads `oneOf` as `anyOf`.
fn one_of(fields: &mut Map<String, Value>) {
    if !fields.contains_key("anyOf")
        && let Some(branches) = fields.remove("oneOf")
    {
        fields.insert("anyOf".to_owned(), branches);
    }
}

/// The older word for `prefixItems`.
fn tuple(fields: &mut Map<String, Value>) {
    if matches!(fields.get("items"), Some(Value::Array(_))) {
        if let Some(items) = fields.remove("items") {
            fields.insert("prefixItems".to_owned(), items);
        }
        if let Some(rest @ Value::Object(_)) = fields.remove("additionalItems") {
            fields.insert("items".to_owned(), rest);
        }
    }
}

/// For integers the next number is the bound.
fn exclusive_bounds(fields: &mut Map<String, Value>) {
    if fields.get("type").and_then(Value::as_str) != Some("integer") {
        return;
    }
    for (exclusive, bound, step) in [("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)]
    {
        let next = fields.get(exclusive).and_then(Value::as_i64).and_then(|at| at.checked_add(step));
        if let Some(next) = next {
            fields.remove(exclusive);
            let tighter = match fields.get(bound).and_then(Value::as_i64) {
                Some(standing) if step > 0 => standing.max(next),
                Some(standing) => standing.min(next),
                None => next,
            };
            fields.insert(bound.to_owned(), Number::from(tighter).into());
        }
    }
}

/// What stands for an enum that cannot be said: no list, so that the walk tells it as lost.
const LOST: Value = Value::Bool(false);

/// The values of an enum by type.
#[derive(Default)]
struct Enums {
    strings: Vec<Value>,
    numbers: Vec<Value>,
    booleans: bool,
    null: bool,
}

/// Takes `enum` and `const` out. `None` where there is none, or one with values Gemini cannot take,
/// which then stay and are told as lost.
fn enums(fields: &mut Map<String, Value>) -> Option<Enums> {
    let values = match (fields.get("const"), fields.get("enum")) {
        (Some(only), _) => vec![only.clone()],
        (None, Some(Value::Array(values))) => values.clone(),
        _ => return None,
    };
    fields.remove("const");
    fields.remove("enum");
    if values.is_empty() {
        return None;
    }
    let mut enums = Enums::default();
    let mut booleans = 0;
    for value in values {
        match value {
            Value::String(_) => enums.strings.push(value),
            Value::Number(_) => enums.numbers.push(value),
            Value::Bool(_) => booleans += 1,
            Value::Null => enums.null = true,
            Value::Array(_) | Value::Object(_) => {
                fields.insert("enum".to_owned(), LOST);
                return None;
            }
        }
    }
    enums.booleans = booleans > 0;
    if booleans == 1 {
        fields.insert("enum".to_owned(), LOST);
    }
    Some(enums)
}

fn with_enums(mut fields: Map<String, Value>, enums: Enums, null: bool) -> Map<String, Value> {
    let branch = |kind: &str, values: Option<Vec<Value>>| {
        let mut fields = Map::new();
        fields.insert("type".to_owned(), kind.into());
        fields.extend(values.map(|values| ("enum".to_owned(), Value::Array(values))));
        fields
    };
    let mut branches: Vec<Map<String, Value>> = Vec::new();
    if !enums.strings.is_empty() {
        branches.push(branch("string", Some(enums.strings)));
    }
    if !enums.numbers.is_empty() {
        let whole = enums.numbers.iter().all(|number| number.is_i64() || number.is_u64());
        branches.push(branch(if whole { "integer" } else { "number" }, Some(enums.numbers)));
    }
    if enums.booleans {
        branches.push(branch("boolean", None));
    }
    let one = branches.len() == 1;
    if null && !one {
        branches.push(branch("null", None));
    }
    if let [only] = branches.as_mut_slice() {
        fields.append(only);
        if null && one {
            let kind = fields.get("type").cloned().unwrap_or_default();
            fields.insert("type".to_owned(), json!([kind, "null"]));
        }
    } else {
        fields.insert("anyOf".to_owned(), branches.into_iter().map(Value::Object).collect());
    }
    fields
}

/// Says OpenAPI's `nullable` in JSON Schema's words.
fn or_null(fields: &mut Map<String, Value>, kinds: &mut Vec<String>) {
    if !kinds.is_empty() {
        if !kinds.iter().any(|kind| kind == "null") {
            kinds.push("null".to_owned());
        }
    } else if let Some(Value::Array(branches)) = fields.get_mut("anyOf") {
        branches.push(json!({ "type": "null" }));
    } else if let Some(reference) = fields.remove("$ref") {
        fields.insert("anyOf".to_owned(), json!([{ "$ref": reference }, { "type": "null" }]));
    }
}

/// Takes the types out, in JSON Schema's spelling.
fn kinds(fields: &mut Map<String, Value>) -> Vec<String> {
    let mut kinds: Vec<String> = match fields.remove("type") {
        Some(Value::String(kind)) => vec![kind.to_ascii_lowercase()],
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).map(str::to_ascii_lowercase).collect()
        }
        _ => Vec::new(),
    };
    let mut seen = Vec::with_capacity(kinds.len());
    kinds.retain(|kind| {
        let new = is_type(kind) && !seen.contains(kind);
        seen.push(kind.clone());
        new
    });
    kinds
}

/// The type that other words suggest.
fn inferred(fields: &Map<String, Value>) -> Option<&'static str> {
    let any = |keys: &[&str]| keys.iter().any(|key| fields.contains_key(*key));
    if any(&["$ref", "anyOf"]) {
        None
    } else if any(&["properties", "required", "additionalProperties", "minProperties", "maxProperties"]) {
        Some("object")
    } else if any(&["items", "prefixItems", "minItems", "maxItems", "uniqueItems"]) {
        Some("array")
    } else if any(&["minLength", "maxLength", "pattern"]) {
        Some("string")
    } else if any(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
        Some("number")
    } else {
        None
    }
}

/// Says the types: one, one or null, or a branch for each with the words that belong to it.
fn with_kinds(mut fields: Map<String, Value>, kinds: &[String]) -> Map<String, Value> {
    let solid: Vec<&String> = kinds.iter().filter(|kind| *kind != "null").collect();
    match (solid.as_slice(), kinds) {
        (_, []) => {}
        (_, [only]) => {
            fields.insert("type".to_owned(), only.as_str().into());
        }
        ([only], _) => {
            fields.insert("type".to_owned(), json!([only, "null"]));
        }
        _ if fields.contains_key("anyOf") || fields.contains_key("$ref") => {}
        _ => {
            let mut branches = Vec::with_capacity(kinds.len());
            for kind in kinds {
                let mut branch = Map::new();
                branch.insert("type".to_owned(), kind.as_str().into());
                for word in words_of(kind) {
                    if let Some(value) = fields.remove(*word) {
                        branch.insert((*word).to_owned(), value);
                    }
                }
                branches.push(Value::Object(branch));
            }
            fields.insert("anyOf".to_owned(), Value::Array(branches));
        }
    }
    fields
}

/// The words that constrain values of one type.
fn words_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "object" => &[
            "properties",
            "required",
            "additionalProperties",
            "propertyOrdering",
            "minProperties",
            "maxProperties",
        ],
        "array" => &["items", "prefixItems", "minItems", "maxItems", "uniqueItems"],
        "string" => &["minLength", "maxLength", "pattern", "format"],
        "number" | "integer" => &["minimum", "maximum"],
        _ => &[],
    }
}
