//! `allOf`, for which Gemini has no word: its branches become one schema.

use serde_json::{Map, Value};

use super::refs::Refs;

/// Merges the branches of `allOf` into the schema around it. Every node copied is taken from
/// `nodes`, which ends also a circle of references.
pub(super) fn all_of(
    fields: &Map<String, Value>,
    refs: &Refs<'_>,
    nodes: &mut usize,
) -> Result<Map<String, Value>, String> {
    let mut merged = fields.clone();
    spend(nodes, fields)?;
    while let Some(branches) = merged.remove("allOf") {
        let Value::Array(branches) = branches else { return Err("allOf is no list".to_owned()) };
        for branch in branches {
            let Value::Object(mut branch) = branch else { continue };
            while let Some(Value::String(pointer)) = branch.get("$ref") {
                let Value::Object(named) = refs.resolve(pointer)? else { break };
                spend(nodes, named)?;
                branch.remove("$ref");
                let mut named = named.clone();
                merge(&mut named, branch);
                branch = named;
            }
            spend(nodes, &branch)?;
            merge(&mut merged, branch);
        }
    }
    Ok(merged)
}

/// Puts another schema's words into one, so that what fits the result fits both where JSON Schema
/// has one word for it.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        let Some(standing) = into.get_mut(&key) else {
            into.insert(key, value);
            continue;
        };
        match (key.as_str(), standing, value) {
            ("properties" | "$defs" | "definitions", Value::Object(into), Value::Object(from)) => {
                for (name, property) in from {
                    match into.get_mut(&name) {
                        Some(standing) if *standing != property => {
                            let both = vec![standing.take(), property];
                            *standing =
                                Value::Object([("allOf".to_owned(), both.into())].into_iter().collect());
                        }
                        Some(_) => {}
                        None => {
                            into.insert(name, property);
                        }
                    }
                }
            }
            ("required" | "allOf", Value::Array(into), Value::Array(from)) => {
                for name in from {
                    if !into.contains(&name) {
                        into.push(name);
                    }
                }
            }
            ("enum", Value::Array(into), Value::Array(from)) => into.retain(|value| from.contains(value)),
            ("minimum" | "minLength" | "minItems" | "minProperties", into, from)
                if from.as_f64() > into.as_f64() =>
            {
                *into = from;
            }
            ("maximum" | "maxLength" | "maxItems" | "maxProperties", into, from)
                if from.as_f64() < into.as_f64() =>
            {
                *into = from;
            }
            // `integer` is the narrower of the two.
            ("type", into, from) if *into == "number" && from == "integer" => *into = from,
            _ => {}
        }
    }
}

fn spend(nodes: &mut usize, fields: &Map<String, Value>) -> Result<(), String> {
    let cost: usize = fields.values().map(size).sum::<usize>() + 1;
    *nodes = nodes.checked_sub(cost).ok_or("the schema is too large or goes in a circle")?;
    Ok(())
}

fn size(value: &Value) -> usize {
    match value {
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        Value::Array(values) => 1 + values.iter().map(size).sum::<usize>(),
        _ => 1,
    }
}
