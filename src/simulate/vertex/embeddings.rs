//! Vectors by `predict`: instances instead of a batch, predictions instead of embeddings.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::fault::{Fault, Provider};
use super::super::reply::Prepared;
use super::super::tokens;

fn wrong(message: impl Into<String>) -> Fault {
    Fault::new(Provider::Gemini, 400, message)
}

/// Gemini's batch that asks for the same as a `predict`.
pub(super) fn batch(model: &str, body: &Bytes) -> Result<Bytes, Fault> {
    if !model.contains("embedding") || (model.contains("gemini") && model != "gemini-embedding-001") {
        return Err(wrong(format!("{model} is not supported in the predict API.")));
    }
    let asked: Value = serde_json::from_slice(body).map_err(|_| wrong("Invalid JSON payload received."))?;
    let unknown = asked
        .as_object()
        .into_iter()
        .flatten()
        .find(|(name, _)| !["instances", "parameters"].contains(&name.as_str()));
    if let Some((name, _)) = unknown {
        return Err(wrong(format!(
            "Invalid JSON payload received. Unknown name \"{name}\": Cannot find field."
        )));
    }
    let instances = asked["instances"].as_array().filter(|all| !all.is_empty() && all.len() <= 250);
    let Some(instances) = instances else { return Err(wrong("instances: between 1 and 250 are needed")) };
    let mut requests = Vec::new();
    for instance in instances {
        let Some(text) = instance["content"].as_str().filter(|text| !text.is_empty()) else {
            return Err(wrong("The text content is empty."));
        };
        let mut request = json!({"model": format!("models/{model}"), "content": {"parts": [{"text": text}]}});
        for (name, from) in [("taskType", "task_type"), ("title", "title")] {
            if let Some(value) = instance.get(from) {
                request[name] = value.clone();
            }
        }
        if let Some(length) = asked["parameters"].get("outputDimensionality") {
            request["outputDimensionality"] = length.clone();
        }
        requests.push(request);
    }
    Ok(json!({ "requests": requests }).to_string().into())
}

/// Gemini's `embedContent` that asks for the same as Vertex AI's.
pub(super) fn content(body: &Bytes) -> Result<Bytes, Fault> {
    let mut asked: Value =
        serde_json::from_slice(body).map_err(|_| wrong("Invalid JSON payload received."))?;
    if let Some(Value::Object(config)) =
        asked.as_object_mut().and_then(|fields| fields.remove("embedContentConfig"))
    {
        for (name, value) in config {
            asked[name] = value;
        }
    }
    Ok(asked.to_string().into())
}

/// A batch's answer as that of the `predict` that asked.
pub(super) fn predictions(answer: Arc<Prepared>, asked: &Bytes) -> Arc<Prepared> {
    let asked: Value = serde_json::from_slice(asked).unwrap_or_default();
    let read = |frame: &Bytes| -> Option<Value> {
        let answer: Value = serde_json::from_slice(frame).ok()?;
        let texts =
            asked["instances"].as_array()?.iter().map(|one| one["content"].as_str().unwrap_or_default());
        let predictions = answer.get("embeddings")?.as_array()?.iter().zip(texts).map(|(embedding, text)| {
            let statistics = json!({"token_count": tokens::count(text), "truncated": false});
            json!({"embeddings": {"values": embedding["values"], "statistics": statistics}})
        });
        Some(json!({ "predictions": predictions.collect::<Vec<_>>() }))
    };
    match answer.frames.first().and_then(read) {
        Some(value) => {
            Arc::new(Prepared { frames: Arc::from([Bytes::from(value.to_string())]), ..(*answer).clone() })
        }
        None => answer,
    }
}
