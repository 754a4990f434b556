use std::borrow::Cow;

use serde_json::{Map, Value, json};

/// How many schema nodes are written at most: inlining may multiply them without end.
const MAX_NODES: usize = 20_000;

/// How deep a schema may nest once its references are inlined.
const MAX_DEPTH: usize = 64;

/// Why a schema cannot be enforced by Anthropic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SchemaError {
    /// It refers to itself.
    #[error("schema refers to itself, which Anthropic cannot enforce: {0}")]
    Recursive(String),
    /// It has an object of any keys, but Anthropic wants every key named.
    #[error("schema has an object of free keys, which Anthropic cannot enforce")]
    OpenObject,
    /// A part of it takes no value at all.
    #[error("schema has a part that takes no value, which Anthropic cannot enforce")]
    Never,
    /// A reference leads nowhere in it.
    #[error("schema refers to what is not in it: {0}")]
    Unresolved(String),
    /// It is too large once its references are inlined.
    #[error("schema is too large or too deep once its references are inlined")]
    TooLarge,
    /// It holds something that is no schema.
    #[error("schema is neither an object nor a boolean")]
    NotASchema,
}

impl SchemaError {
    /// Whether it is a good schema all the same, that a tool may show to the model.
    pub(super) const fn is_only_unenforceable(&self) -> bool {
        matches!(self, Self::Recursive(_) | Self::OpenObject | Self::Never)
    }
}

/// The schema in the subset that Anthropic enforces for structured output and strict tools.
///
/// References are inlined, `oneOf` becomes `anyOf`, `allOf` is merged, objects take no further keys,
/// and limits that are not enforced are told in the description, as Anthropic's own SDKs do.
/// A schema that is in the subset stays as it is.
/// Source: Anthropic's guide "Structured outputs", "JSON Schema limitations".
pub(super) fn enforceable(schema: &Value) -> Result<Value, SchemaError> {
    Inliner { root: schema, open: Vec::new(), nodes: 0 }.node(schema, 0)
}

/// A schema as `input_schema` takes it, enforced or not: an object at its root, without `oneOf`,
/// `anyOf` and `allOf` there. What they say becomes optional properties and a description.
pub(super) fn object_root(schema: &Value) -> Option<Cow<'_, Value>> {
    let fields = schema.as_object()?;
    let is_plain = fields.get("type").is_some_and(|kind| kind == "object")
        && !COMBINERS.iter().any(|key| fields.contains_key(*key))
        && !fields.contains_key("$ref");
    if is_plain {
        return Some(Cow::Borrowed(schema));
    }
    let mut root = fields.clone();
    if let Some(Value::String(reference)) = root.remove("$ref") {
        let target = schema.pointer(reference.strip_prefix('#')?)?.as_object()?;
        // A target that refers on is left as it is: only its keys are taken.
        fill(&mut root, target.clone());
        root.remove("$ref");
    }
    for key in COMBINERS {
        let Some(Value::Array(branches)) = root.remove(key) else { continue };
        note(&mut root, key, &Value::Array(branches.clone()));
        for branch in branches {
            let branch = match branch.get("$ref").and_then(Value::as_str) {
                Some(reference) => schema.pointer(reference.strip_prefix('#')?)?.clone(),
                None => branch,
            };
            if let Value::Object(mut branch) = branch {
                if key != "allOf" {
                    branch.remove("required");
                }
                merge(&mut root, branch);
            }
        }
    }
    root.insert("type".to_owned(), json!("object"));
    root.entry("properties").or_insert_with(|| json!({}));
    Some(Cow::Owned(Value::Object(root)))
}

const COMBINERS: [&str; 3] = ["oneOf", "anyOf", "allOf"];

/// Formats of strings that Anthropic enforces.
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// Keys that say nothing to a model.
const DROPPED: [&str; 7] =
    ["$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "additionalProperties"];

struct Inliner<'a> {
    root: &'a Value,
    /// The references that are being inlined.
    open: Vec<&'a str>,
    nodes: usize,
}

impl<'a> Inliner<'a> {
    fn node(&mut self, schema: &'a Value, depth: usize) -> Result<Value, SchemaError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            return Err(SchemaError::TooLarge);
        }
        match schema {
            Value::Object(fields) => self.object(fields, depth).map(Value::Object),
            Value::Bool(true) => Ok(json!({})),
            Value::Bool(false) => Err(SchemaError::Never),
            _ => Err(SchemaError::NotASchema),
        }
    }

    fn object(
        &mut self,
        fields: &'a Map<String, Value>,
        depth: usize,
    ) -> Result<Map<String, Value>, SchemaError> {
        let mut out = Map::new();
        // What limits the value but is not enforced.
        let mut told = Vec::new();
        for (key, value) in fields {
            match key.as_str() {
                "properties" => {
                    let mut properties = Map::new();
                    for (name, schema) in value.as_object().ok_or(SchemaError::NotASchema)? {
                        properties.insert(name.clone(), self.node(schema, depth + 1)?);
                    }
                    out.insert(key.clone(), Value::Object(properties));
                }
                "items" if value.is_object() || value.is_boolean() => {
                    out.insert(key.clone(), self.node(value, depth + 1)?);
                }
                "anyOf" | "oneOf" => {
                    let branches = self.nodes(value, depth)?;
                    match out.get_mut("anyOf") {
                        // Both at once: the first is enforced, the second told.
                        Some(_) => told.push((key.as_str(), value)),
                        None => {
                            out.insert("anyOf".to_owned(), Value::Array(branches));
                        }
                    }
                }
                "type" | "title" | "description" | "enum" | "const" | "default" | "required" => {
                    out.insert(key.clone(), value.clone());
                }
                "format" if value.as_str().is_some_and(|format| FORMATS.contains(&format)) => {
                    out.insert(key.clone(), value.clone());
                }
                "minItems" if matches!(value.as_u64(), Some(0 | 1)) => {
                    out.insert(key.clone(), value.clone());
                }
                "$ref" | "allOf" => {}
                key if DROPPED.contains(&key) => {}
                key => told.push((key, value)),
            }
        }
        // An object's `allOf` and `$ref` say more of the same object: they are merged into it.
        if let Some(parts) = fields.get("allOf") {
            for part in self.nodes(parts, depth)? {
                if let Value::Object(part) = part {
                    merge(&mut out, part);
                }
            }
        }
        if let Some(reference) = fields.get("$ref") {
            let reference = reference.as_str().ok_or(SchemaError::NotASchema)?;
            if let Value::Object(target) = self.inlined(reference, depth)? {
                fill(&mut out, target);
            }
        }
        for (key, value) in told {
            note(&mut out, key, value);
        }
        close(&mut out, fields.get("additionalProperties"))?;
        Ok(out)
    }

    fn nodes(&mut self, branches: &'a Value, depth: usize) -> Result<Vec<Value>, SchemaError> {
        let branches = branches.as_array().ok_or(SchemaError::NotASchema)?;
        branches.iter().map(|branch| self.node(branch, depth + 1)).collect()
    }

    fn inlined(&mut self, reference: &'a str, depth: usize) -> Result<Value, SchemaError> {
        if self.open.contains(&reference) {
            return Err(SchemaError::Recursive(reference.to_owned()));
        }
        let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
        let target = target.ok_or_else(|| SchemaError::Unresolved(reference.to_owned()))?;
        self.open.push(reference);
        let inlined = self.node(target, depth + 1);
        self.open.pop();
        inlined
    }
}

/// Closes an object: Anthropic wants `additionalProperties: false` on every one.
fn close(out: &mut Map<String, Value>, additional: Option<&Value>) -> Result<(), SchemaError> {
    let is_object = match out.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => out.contains_key("properties"),
    };
    if !is_object {
        return Ok(());
    }
    let is_closed = additional.is_some_and(|additional| *additional == Value::Bool(false))
        || out.get("additionalProperties").is_some();
    let names_keys = out.get("properties").and_then(Value::as_object).is_some_and(|keys| !keys.is_empty());
    let takes_typed_keys = additional.is_some_and(Value::is_object);
    if takes_typed_keys || (!is_closed && !names_keys) {
        return Err(SchemaError::OpenObject);
    }
    out.insert("additionalProperties".to_owned(), Value::Bool(false));
    Ok(())
}

/// Merges what a part of `allOf` says into its owner.
fn merge(out: &mut Map<String, Value>, part: Map<String, Value>) {
    for (key, value) in part {
        match (out.get_mut(&key), value) {
            (Some(Value::Object(kept)), Value::Object(more)) if key == "properties" => {
                fill(kept, more);
            }
            (Some(Value::Array(kept)), Value::Array(more)) if key == "required" => {
                for name in more {
                    if !kept.contains(&name) {
                        kept.push(name);
                    }
                }
            }
            (Some(Value::String(kept)), Value::String(more)) if key == "description" => {
                if *kept != more {
                    kept.push_str("\n\n");
                    kept.push_str(&more);
                }
            }
            (Some(_), _) => {}
            (None, value) => {
                out.insert(key, value);
            }
        }
    }
}

/// Adds the fields that are not there yet.
fn fill(out: &mut Map<String, Value>, more: Map<String, Value>) {
    for (key, value) in more {
        out.entry(key).or_insert(value);
    }
}

/// Tells a limit in the description, in the form Anthropic's SDKs use: `{minimum: 1}`.
fn note(out: &mut Map<String, Value>, key: &str, value: &Value) {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let limit = format!("{{{key}: {value}}}");
    match out.get_mut("description") {
        Some(Value::String(description)) if !description.is_empty() => {
            description.push_str("\n\n");
            description.push_str(&limit);
        }
        _ => {
            out.insert("description".to_owned(), Value::String(limit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_in_the_subset_stays_as_it_is() {
        let schema = json!({
            "type": "object", "title": "Dog", "required": ["name", "age"], "additionalProperties": false,
            "properties": {
                "name": {"type": "string", "description": "its name", "format": "uuid"},
                "age": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1},
            },
        });
        assert_eq!(enforceable(&schema), Ok(schema));
    }

    #[test]
    fn references_are_inlined_and_their_siblings_win() {
        let schema = json!({
            "type": "object", "properties": {"pet": {"$ref": "#/$defs/Pet", "description": "mine"}},
            "$defs": {"Pet": {"type": "object", "description": "a pet", "properties": {"n": {"type": "string"}}}},
        });
        let expected = json!({
            "type": "object", "additionalProperties": false,
            "properties": {"pet": {
                "type": "object", "description": "mine", "additionalProperties": false,
                "properties": {"n": {"type": "string"}},
            }},
        });
        assert_eq!(enforceable(&schema), Ok(expected));
    }

    #[test]
    fn one_of_becomes_any_of_and_all_of_is_merged() {
        let schema = json!({"oneOf": [
            {"type": "string"},
            {"allOf": [
                {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
                {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]},
            ]},
        ]});
        let expected = json!({"anyOf": [
            {"type": "string"},
            {"type": "object", "additionalProperties": false, "required": ["a", "b"],
             "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
        ]});
        assert_eq!(enforceable(&schema), Ok(expected));
    }

    #[test]
    fn limits_that_are_not_enforced_are_told() {
        let schema = json!({"type": "array", "description": "scores", "minItems": 2, "maxItems": 3,
            "items": {"type": "integer", "minimum": 1, "format": "int32"}});
        let expected = json!({"type": "array", "description": "scores\n\n{minItems: 2}\n\n{maxItems: 3}",
            "items": {"type": "integer", "description": "{minimum: 1}\n\n{format: int32}"}});
        assert_eq!(enforceable(&schema), Ok(expected));
    }

    #[test]
    fn what_cannot_be_enforced_is_said() {
        let list = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        assert_eq!(enforceable(&list), Err(SchemaError::Recursive("#".to_owned())));
        for open in [
            json!({"type": "object"}),
            json!({"type": "object", "additionalProperties": true}),
            json!({"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}}),
        ] {
            assert_eq!(enforceable(&open), Err(SchemaError::OpenObject), "{open}");
        }
        let stray = json!({"$ref": "https://example.com/schema"});
        assert!(matches!(enforceable(&stray), Err(SchemaError::Unresolved(_))));
        assert_eq!(enforceable(&json!("string")), Err(SchemaError::NotASchema));
    }

    #[test]
    fn a_schema_that_multiplies_without_end_is_refused() {
        // Each level holds the next one twice: thirty levels would be a billion nodes.
        let mut definitions = Map::new();
        for level in 0..30 {
            let next = json!({"$ref": format!("#/$defs/l{}", level + 1)});
            definitions.insert(format!("l{level}"), json!({"anyOf": [next, next]}));
        }
        definitions.insert("l30".to_owned(), json!({"type": "string"}));
        let schema = json!({"$ref": "#/$defs/l0", "$defs": definitions});
        assert_eq!(enforceable(&schema), Err(SchemaError::TooLarge));
    }

    #[test]
    fn a_tool_takes_an_object_whatever_its_schema_says_at_the_root() {
        let schema = json!({"$defs": {"B": {"properties": {"b": {"type": "string"}}, "required": ["b"]}},
            "anyOf": [{"properties": {"a": {"type": "integer"}}}, {"$ref": "#/$defs/B"}]});
        let root = object_root(&schema).map(Cow::into_owned).unwrap_or_default();
        assert_eq!(root["type"], "object");
        assert_eq!(root["properties"], json!({"a": {"type": "integer"}, "b": {"type": "string"}}));
        assert!(root.get("anyOf").is_none() && root.get("required").is_none());
        let plain = json!({"type": "object", "properties": {}});
        assert!(matches!(object_root(&plain), Some(Cow::Borrowed(_))));
    }
}
