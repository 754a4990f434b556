//! An instance for a JSON Schema: the same one for the same schema.
//!
//! Knows the keywords that providers take in tools and structured outputs, in JSON Schema's spelling and
//! in Google's. What is left open is filled with the smallest thing that fits; a text is the name of the
//! property it stands in.

mod pattern;

use serde_json::{Map, Value, json};

/// Makes an instance of `schema`; an empty object where there is no schema.
pub(super) fn instance(schema: &Value) -> Value {
    if schema.is_null() {
        return json!({});
    }
    Maker { root: schema }.make(schema, "text", 0)
}

/// Levels below which optional properties are left out, so that recursive schemas end.
const DEEP: usize = 4;
/// Levels below which nothing more is made.
const DEEPEST: usize = 24;

struct Maker<'s> {
    root: &'s Value,
}

impl Maker<'_> {
    fn make(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let Some(map) = schema.as_object().filter(|_| depth < DEEPEST) else { return Value::Null };
        if let Some(value) = map.get("const") {
            return value.clone();
        }
        if let Some(value) = map.get("enum").and_then(Value::as_array).and_then(|values| values.first()) {
            return value.clone();
        }
        if let Some(target) = map.get("$ref").and_then(Value::as_str).and_then(|to| self.target(to)) {
            return self.make(target, name, depth + 1);
        }
        if let Some(parts) = map.get("allOf").and_then(Value::as_array) {
            return self.make(&self.merged(map, parts), name, depth + 1);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choices) = map.get(key).and_then(Value::as_array) {
                let choice = self.shallowest(choices, depth);
                return self.make(choice, name, depth + 1);
            }
        }
        match kind(map).as_str() {
            "object" => self.object(map, depth),
            "array" => self.array(map, name, depth),
            "string" => text(map, name),
            "integer" => whole(map),
            "number" => decimal(map),
            "boolean" => json!(true),
            _ => Value::Null,
        }
    }

    /// Follows an internal `$ref`.
    fn target(&self, to: &str) -> Option<&Value> {
        let pointer = to.strip_prefix('#')?;
        self.root.pointer(pointer)
    }

    /// The first choice; deep down the first that does not go deeper.
    fn shallowest<'v>(&self, choices: &'v [Value], depth: usize) -> &'v Value {
        let flat = |choice: &&Value| {
            let target = choice["$ref"].as_str().and_then(|to| self.target(to)).unwrap_or(choice);
            !matches!(target["type"].as_str(), Some("object" | "array" | "OBJECT" | "ARRAY"))
                && target.get("properties").is_none()
        };
        let found =
            if depth < DEEP { choices.first() } else { choices.iter().find(flat).or(choices.first()) };
        found.unwrap_or(&Value::Null)
    }

    fn merged(&self, map: &Map<String, Value>, parts: &[Value]) -> Value {
        let mut all = map.clone();
        all.remove("allOf");
        for part in parts {
            let part = part["$ref"].as_str().and_then(|to| self.target(to)).unwrap_or(part);
            for (key, value) in part.as_object().into_iter().flatten() {
                match (all.get_mut(key), value) {
                    (Some(Value::Object(own)), Value::Object(more)) => own.extend(more.clone()),
                    (Some(Value::Array(own)), Value::Array(more)) => own.extend(more.iter().cloned()),
                    _ => {
                        all.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        Value::Object(all)
    }

    fn object(&self, map: &Map<String, Value>, depth: usize) -> Value {
        let required: Vec<&str> = map
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = map.get("properties").and_then(Value::as_object).into_iter().flatten();
        let wanted = properties.filter(|(name, _)| depth < DEEP || required.contains(&name.as_str()));
        let mut made: Map<String, Value> =
            wanted.map(|(name, schema)| (name.clone(), self.make(schema, name, depth + 1))).collect();
        for name in required {
            if !made.contains_key(name) {
                made.insert(name.to_owned(), json!(name));
            }
        }
        let least = map.get("minProperties").and_then(Value::as_u64).unwrap_or(0);
        let extra = map.get("additionalProperties").filter(|schema| schema.is_object());
        for i in 0..least.min(64) {
            if made.len() as u64 >= least {
                break;
            }
            let value = extra.map_or_else(|| json!("more"), |schema| self.make(schema, "more", depth + 1));
            made.insert(format!("more{i}"), value);
        }
        Value::Object(made)
    }

    fn array(&self, map: &Map<String, Value>, name: &str, depth: usize) -> Value {
        let size = |key: &str| map.get(key).and_then(Value::as_u64);
        let first = map.get("prefixItems").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut made: Vec<Value> = first.iter().map(|schema| self.make(schema, name, depth + 1)).collect();
        let wish = u64::from(depth < DEEP && first.is_empty());
        let count =
            size("minItems").unwrap_or(0).max(wish).min(size("maxItems").unwrap_or(u64::MAX)).min(1_000);
        let items = map.get("items").unwrap_or(&Value::Null);
        while (made.len() as u64) < count {
            let item = if items.is_object() { self.make(items, name, depth + 1) } else { json!(name) };
            made.push(if map.get("uniqueItems") == Some(&Value::Bool(true)) {
                distinct(item, made.len())
            } else {
                item
            });
        }
        Value::Array(made)
    }
}

/// Tells repeated items apart where they must differ.
fn distinct(item: Value, i: usize) -> Value {
    match item {
        Value::String(text) if i > 0 => json!(format!("{text}{i}")),
        Value::Number(n) if i > 0 => {
            json!(n.as_i64().unwrap_or(0).saturating_add(i64::try_from(i).unwrap_or(0)))
        }
        item => item,
    }
}

/// The type in lower case; of several the first that is not null; guessed from keywords when absent.
fn kind(map: &Map<String, Value>) -> String {
    let named = match map.get("type") {
        Some(Value::String(kind)) => Some(kind.as_str()),
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            kinds.find(|kind| *kind != "null")
        }
        // The numbers of Google's enum.
        Some(Value::Number(n)) => match n.as_u64() {
            Some(1) => Some("string"),
            Some(2) => Some("number"),
            Some(3) => Some("integer"),
            Some(4) => Some("boolean"),
            Some(5) => Some("array"),
            Some(6) => Some("object"),
            _ => None,
        },
        _ => None,
    };
    let guessed = || {
        let has = |keys: &[&str]| keys.iter().any(|key| map.contains_key(*key));
        if has(&["properties", "required"]) {
            "object"
        } else if has(&["items", "prefixItems"]) {
            "array"
        } else if has(&["minimum", "maximum"]) {
            "number"
        } else {
            "string"
        }
    };
    named.unwrap_or_else(guessed).to_ascii_lowercase()
}

fn text(map: &Map<String, Value>, name: &str) -> Value {
    if let Some(made) = map.get("pattern").and_then(Value::as_str).and_then(pattern::example) {
        return json!(made);
    }
    let made = match map.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-01-02T03:04:05Z",
        Some("date") => "2026-01-02",
        Some("time") => "03:04:05Z",
        Some("duration") => "P1D",
        Some("email") => "sim@example.com",
        Some("hostname") => "example.com",
        Some("uri" | "url" | "iri") => "https://example.com/",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        _ => name,
    };
    let size = |key: &str| map.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let (least, most) =
        (size("minLength").unwrap_or(0).min(100_000), size("maxLength").unwrap_or(usize::MAX));
    let length = made.chars().count().clamp(least, most.max(least));
    json!(made.chars().chain(std::iter::repeat('x')).take(length).collect::<String>())
}

fn whole(map: &Map<String, Value>) -> Value {
    let n = nearest(map, 1.0, 1.0).round();
    // Beyond 2^53 the limits of a schema are not whole numbers any more.
    let safe = n.clamp(-9.0e15, 9.0e15);
    #[expect(clippy::cast_possible_truncation, reason = "clamped to what a 64-bit integer holds")]
    let n = safe as i64;
    json!(n)
}

fn decimal(map: &Map<String, Value>) -> Value {
    json!(nearest(map, 1.5, 0.5))
}

/// The number nearest to `wish` within the limits, a multiple where one is asked for.
fn nearest(map: &Map<String, Value>, wish: f64, step: f64) -> f64 {
    let limit = |key: &str| map.get(key).and_then(Value::as_f64);
    let multiple = limit("multipleOf").filter(|multiple| *multiple > 0.0);
    let step = multiple.unwrap_or(step);
    let low = tighter(limit("minimum"), limit("exclusiveMinimum").map(|n| n + step), f64::max);
    let high = tighter(limit("maximum"), limit("exclusiveMaximum").map(|n| n - step), f64::min);
    let mut n = wish;
    n = low.map_or(n, |low| n.max(low));
    n = high.map_or(n, |high| n.min(high));
    let Some(multiple) = multiple else { return n };
    let below = (n / multiple).floor() * multiple;
    if low.is_some_and(|low| below < low) { below + multiple } else { below }
}

/// Of two limits the one that `pick` prefers; the one there is where there is one.
fn tighter(a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(pick(a, b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_satisfy_their_schemas() {
        let schemas = [
            json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}),
            json!({"type": "object", "properties": {"a": {"enum": ["x", "y"]}, "b": {"const": 4}, "c": {"type": ["null", "number"]}}, "required": ["a", "b", "c", "d"]}),
            json!({"type": "array", "items": {"type": "string", "minLength": 3, "maxLength": 5}, "minItems": 3, "uniqueItems": true}),
            json!({"type": "integer", "minimum": 7, "multipleOf": 5}),
            json!({"type": "integer", "exclusiveMaximum": -3}),
            json!({"type": "number", "exclusiveMinimum": 2.5, "maximum": 3.5}),
            json!({"type": "string", "pattern": "^[A-Z]{3}-\\d{2,4}(x|y)?$"}),
            json!({"type": "string", "format": "date-time"}),
            json!({"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "boolean"}}, "required": ["b"]}]}),
            json!({"$defs": {"Node": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}, "v": {"type": "string"}}, "required": ["v", "next"], "additionalProperties": false}}, "$ref": "#/$defs/Node"}),
            json!({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": false, "minItems": 2, "maxItems": 2}),
            json!({"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}}),
            json!({"oneOf": [{"type": "string"}, {"type": "object"}]}),
        ];
        for schema in schemas {
            let made = instance(&schema);
            assert!(jsonschema::is_valid(&schema, &made), "{made} is no instance of {schema}");
        }
        assert_eq!(
            instance(&json!({"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}})),
            json!({"n": 1})
        );
        assert_eq!(instance(&Value::Null), json!({}));
    }
}
