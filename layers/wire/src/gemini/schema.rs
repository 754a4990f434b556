//! JSON Schema → the part of it that Gemini reads.
//!
//! Source: `ai.google.dev/gemini-api/docs/structured-output#json-schema-support` and the schemas that
//! recorded requests show to be accepted: `$ref` and `$defs`, recursion, `anyOf`, `["T","null"]`,
//! `additionalProperties`, `prefixItems`, enums of strings and of numbers, bounds on lengths, numbers
//! and items, `pattern`, `uniqueItems`, `default`, `title`. What is outside is said in those words
//! where it can be (`allOf`, `const`, `oneOf`, exclusive bounds of integers, `nullable`), written into
//! the description (`format`), or left out: annotations without a word, constraints by a word.

mod any_of;
mod merge;
mod refs;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use self::refs::Refs;
use crate::Refusal;

/// The most nodes a schema may have once `allOf` is merged; Gemini refuses far smaller ones.
const MOST_NODES: usize = 100_000;

/// A schema Gemini reads, and the constraints it could not say.
#[derive(Debug)]
pub(super) struct Adapted {
    pub(super) schema: Value,
    /// Paths of what was left out, beginning with the path given.
    pub(super) lost: Vec<String>,
}

/// The deepest a schema may nest once `allOf` is merged. Requests nest no deeper when parsed.
const DEEPEST: usize = 128;

/// Adapts a schema that stands at `path` in the client's request.
pub(super) fn adapt(schema: &Value, path: &str) -> Result<Adapted, Refusal> {
    let mut adapter = Adapter {
        refs: Refs::new(schema),
        path: path.to_owned(),
        lost: Vec::new(),
        nodes: MOST_NODES,
        depth: 0,
    };
    let root = adapter.refs.follow_root(schema).map_err(|why| adapter.refuse(&why))?;
    let mut root = adapter.schema(&root)?;
    let mut defs = Map::new();
    while let Some((name, target)) = adapter.refs.next_pending() {
        let length = adapter.enter(&format!("$defs.{name}"));
        defs.insert(name, adapter.schema(target)?);
        adapter.path.truncate(length);
    }
    if let (Value::Object(fields), false) = (&mut root, defs.is_empty()) {
        fields.insert("$defs".to_owned(), Value::Object(defs));
    }
    Ok(Adapted { schema: root, lost: adapter.lost })
}

struct Adapter<'s> {
    refs: Refs<'s>,
    path: String,
    lost: Vec<String>,
    nodes: usize,
    depth: usize,
}

/// A schema by which anything goes, in words every endpoint takes: `{}` and a list without `items`
/// are refused by some.
fn anything() -> Value {
    json!({ "anyOf": [
        { "type": "string" },
        { "type": "number" },
        { "type": "boolean" },
        { "type": "object" },
        { "type": "array", "items": { "type": "string" } },
        { "type": "null" },
    ] })
}

impl Adapter<'_> {
    fn schema(&mut self, schema: &Value) -> Result<Value, Refusal> {
        self.nodes = self.nodes.checked_sub(1).ok_or_else(|| self.refuse("the schema is too large"))?;
        let fields = match schema {
            Value::Object(fields) if !fields.is_empty() => fields,
            Value::Object(_) | Value::Bool(true) => return Ok(anything()),
            Value::Bool(false) => {
                self.lose("false");
                return Ok(anything());
            }
            _ => return Err(self.refuse("not a schema")),
        };
        let merged = match fields.get("allOf") {
            None => Cow::Borrowed(fields),
            Some(branches) => Cow::Owned(match lone_reference(fields, branches) {
                Some(reference) => reference,
                None => {
                    merge::all_of(fields, &self.refs, &mut self.nodes).map_err(|why| self.refuse(&why))?
                }
            }),
        };
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.refuse("the schema nests too deep or goes in a circle"));
        }
        let adapted = self.fields(&merged);
        self.depth -= 1;
        adapted
    }

    fn fields(&mut self, fields: &Map<String, Value>) -> Result<Value, Refusal> {
        let fields = any_of::normalised(fields);
        let fields: &Map<String, Value> = &fields;
        if let Some(Value::String(pointer)) = fields.get("$ref") {
            return self.reference(pointer, fields);
        }
        let mut out = Map::new();
        let mut format = None;
        for (key, value) in fields {
            let length = self.enter(key);
            match (key.as_str(), value) {
                (key, value) if is_plain(key, value) => {
                    out.insert(key.to_owned(), value.clone());
                }
                ("properties", Value::Object(_)) => {
                    let adapted = self.properties(value)?;
                    out.insert(key.clone(), adapted);
                }
                ("required", Value::Array(names)) => {
                    let named = self.required(names, fields.get("properties"));
                    if !named.is_empty() {
                        out.insert(key.clone(), Value::Array(named));
                    }
                }
                ("additionalProperties" | "items", Value::Object(_) | Value::Bool(_)) => {
                    let adapted = self.schema(value)?;
                    out.insert(key.clone(), adapted);
                }
                ("anyOf" | "prefixItems", Value::Array(branches)) if !branches.is_empty() => {
                    let adapted = branches.iter().map(|branch| self.schema(branch));
                    let adapted = adapted.collect::<Result<_, _>>()?;
                    out.insert(key.clone(), Value::Array(adapted));
                }
                ("format", Value::String(word)) => format = Some(word),
                (key, _) if is_annotation(key) || value.is_null() => {}
                _ => self.lost.push(self.path.clone()),
            }
            self.path.truncate(length);
        }
        if let Some(word) = format {
            set_format(&mut out, word);
        }
        if is_array(&out) && !out.contains_key("items") && !out.contains_key("prefixItems") {
            out.insert("items".to_owned(), anything());
        }
        let silent = |key: &String| matches!(key.as_str(), "title" | "description" | "default");
        if out.keys().all(silent)
            && let Value::Object(any) = anything()
        {
            out.extend(any);
        }
        Ok(Value::Object(out))
    }

    /// A reference stands alone: beside it Gemini takes no other word.
    fn reference(&mut self, pointer: &str, fields: &Map<String, Value>) -> Result<Value, Refusal> {
        let name = self.refs.name_of(pointer).map_err(|why| self.refuse(&why))?;
        let reference = json!({ "$ref": format!("#/$defs/{name}") });
        let kept = |key: &str| !key.starts_with('$') && key != "definitions" && !is_annotation(key);
        if !fields.keys().any(|key| kept(key)) {
            return Ok(reference);
        }
        let rest: Map<_, _> = fields.iter().filter(|(key, _)| kept(key)).map(clone_pair).collect();
        if rest.contains_key("anyOf") {
            self.lose("anyOf");
        }
        let Value::Object(mut out) = self.fields(&rest)? else { return Ok(reference) };
        out.insert("anyOf".to_owned(), json!([reference]));
        Ok(Value::Object(out))
    }

    fn properties(&mut self, properties: &Value) -> Result<Value, Refusal> {
        let mut out = Map::new();
        for (name, property) in properties.as_object().into_iter().flatten() {
            let length = self.enter(name);
            out.insert(name.clone(), self.schema(property)?);
            self.path.truncate(length);
        }
        Ok(Value::Object(out))
    }

    /// The required names that are properties; Gemini refuses others.
    fn required(&mut self, names: &[Value], properties: Option<&Value>) -> Vec<Value> {
        let known = |name: &Value| {
            name.as_str().is_some_and(|name| properties.is_some_and(|known| known.get(name).is_some()))
        };
        let (kept, lost): (Vec<_>, Vec<_>) = names.iter().cloned().partition(known);
        if !lost.is_empty() {
            self.lost.push(self.path.clone());
        }
        kept
    }

    /// Goes one step down; gives the length to cut the path back to.
    fn enter(&mut self, step: &str) -> usize {
        let length = self.path.len();
        self.path.push('.');
        self.path.push_str(step);
        length
    }

    fn lose(&mut self, step: &str) {
        self.lost.push(format!("{}.{step}", self.path));
    }

    fn refuse(&self, why: &str) -> Refusal {
        Refusal::at(self.path.clone(), why)
    }
}

/// `allOf` of nothing but a reference is how descriptions are put beside one; it needs no merging,
/// and must not be merged where the reference leads back to here.
fn lone_reference(fields: &Map<String, Value>, branches: &Value) -> Option<Map<String, Value>> {
    let [Value::Object(branch)] = branches.as_array()?.as_slice() else { return None };
    let reference = branch.get("$ref").filter(|_| branch.len() == 1 && !fields.contains_key("$ref"))?;
    let mut beside: Map<_, _> = fields.iter().filter(|(key, _)| *key != "allOf").map(clone_pair).collect();
    beside.insert("$ref".to_owned(), reference.clone());
    Some(beside)
}

fn clone_pair((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

/// Words that go as they are.
fn is_plain(key: &str, value: &Value) -> bool {
    match value {
        Value::String(_) => matches!(key, "type" | "title" | "description" | "pattern" | "default"),
        Value::Number(_) => matches!(
            key,
            "minimum"
                | "maximum"
                | "minLength"
                | "maxLength"
                | "minItems"
                | "maxItems"
                | "minProperties"
                | "maxProperties"
                | "default"
        ),
        Value::Bool(_) => matches!(key, "uniqueItems" | "additionalProperties" | "default"),
        Value::Array(_) => matches!(key, "type" | "enum" | "propertyOrdering" | "default"),
        Value::Object(_) | Value::Null => key == "default",
    }
}

/// Words that constrain nothing, or whose meaning is already taken in.
fn is_annotation(key: &str) -> bool {
    key.starts_with("x-")
        || matches!(
            key,
            "$schema"
                | "$id"
                | "id"
                | "$anchor"
                | "$comment"
                | "$defs"
                | "definitions"
                | "$vocabulary"
                | "examples"
                | "example"
                | "deprecated"
                | "readOnly"
                | "writeOnly"
                | "discriminator"
                | "xml"
                | "externalDocs"
                | "contentEncoding"
                | "contentMediaType"
                | "strict"
                | "additionalItems"
        )
}

/// Keeps a format Gemini knows; another is told to the model in words.
fn set_format(out: &mut Map<String, Value>, word: &str) {
    let known = match out.get("type").and_then(Value::as_str) {
        Some("number" | "integer") => matches!(word, "float" | "double" | "int32" | "int64"),
        _ => matches!(word, "enum" | "date-time" | "date" | "time"),
    };
    if known {
        out.insert("format".to_owned(), word.into());
        return;
    }
    let told = match out.get("description").and_then(Value::as_str) {
        Some(description) if !description.is_empty() => format!("{description} (format: {word})"),
        _ => format!("format: {word}"),
    };
    out.insert("description".to_owned(), told.into());
}

fn is_array(fields: &Map<String, Value>) -> bool {
    match fields.get("type") {
        Some(Value::String(kind)) => kind == "array",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "array"),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
