//! OpenAI's description of its API, found beside the checkout, as JSON Schemas.

use std::{collections::BTreeMap, error::Error, fs};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::shared::beside;

/// The description's schemas, each compiled once.
#[derive(Debug)]
pub(crate) struct Schemas(BTreeMap<&'static str, Validator>);

impl Schemas {
    /// Reads the description and compiles the schemas of these names. None where there is no
    /// description.
    pub(crate) fn load(names: &[&'static str]) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
        let Some(file) = beside("specs/openai-openapi.json") else { return Ok(None) };
        let description: Value = serde_json::from_slice(&fs::read(file)?)?;
        let all = &description["components"]["schemas"];
        let mut compiled = BTreeMap::new();
        for name in names {
            let mut definitions = Map::new();
            collect(all, name, &mut definitions);
            let mut schema = json!({ "$ref": format!("#/$defs/{name}") });
            schema["$defs"] = definitions.into();
            compiled.insert(*name, jsonschema::draft202012::new(&schema)?);
        }
        Ok(Some(Self(compiled)))
    }

    /// Holds a value against a schema.
    pub(crate) fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        let schema = self.0.get(name).ok_or_else(|| format!("no such schema: {name}"))?;
        let faults: Vec<_> =
            schema.iter_errors(value).map(|fault| format!("{}: {fault:.300}", fault.instance_path())).collect();
        if faults.is_empty() { Ok(()) } else { Err(format!("not a {name}: {}\n      {value}", faults.join("; "))) }
    }
}

/// Takes a schema and all it refers to.
fn collect(all: &Value, name: &str, into: &mut Map<String, Value>) {
    if into.contains_key(name) {
        return;
    }
    let mut references = Vec::new();
    into.insert(name.to_owned(), translated(&all[name], &mut references));
    for reference in references {
        collect(all, &reference, into);
    }
}

/// Says a schema of OpenAPI in JSON Schema's words: its own `nullable` becomes an alternative, and
/// references stay within the schema.
fn translated(schema: &Value, references: &mut Vec<String>) -> Value {
    match schema {
        Value::Array(values) => values.iter().map(|value| translated(value, references)).collect(),
        Value::Object(fields) => {
            let mut out = Map::new();
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("nullable" | "discriminator" | "example" | "x-oaiMeta", _) => {}
                    ("$ref", Value::String(reference)) => {
                        let name = reference.rsplit('/').next().unwrap_or_default();
                        references.push(name.to_owned());
                        out.insert("$ref".to_owned(), format!("#/$defs/{name}").into());
                    }
                    _ => {
                        out.insert(name.clone(), translated(value, references));
                    }
                }
            }
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                return json!({ "anyOf": [out, { "type": "null" }] });
            }
            out.into()
        }
        _ => schema.clone(),
    }
}

#[test]
fn nullable_is_an_alternative() {
    let mut references = Vec::new();
    let schema = json!({ "type": "object", "properties": { "a": { "$ref": "#/components/schemas/B", "nullable": true } } });
    let expected = json!({ "type": "object", "properties": { "a": { "anyOf": [{ "$ref": "#/$defs/B" }, { "type": "null" }] } } });
    assert_eq!(translated(&schema, &mut references), expected);
    assert_eq!(references, ["B"]);
}
