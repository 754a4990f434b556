//! Embeddings: unit vectors that depend on nothing but the text and their length.

use super::super::fault::Provider;
use super::super::hash::{Numbers, hash, hexadecimal};
use super::super::tokens;
use super::{Rendered, json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Writes OpenAI's and Mistral's embeddings of the `input` of `body`.
pub(crate) fn openai_embeddings(provider: Provider, model: &str, body: &Value) -> Rendered {
    let asked = body["dimensions"].as_u64().or_else(|| body["output_dimension"].as_u64());
    let length = asked.and_then(|n| usize::try_from(n).ok()).unwrap_or_else(|| length(model));
    let base64 = body["encoding_format"] == "base64";
    let inputs = inputs(&body["input"]);
    let count: u64 = inputs.iter().map(|input| input.tokens).sum();
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(i, input)| {
            let vector = vector(&input.text, length);
            let embedding = if base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
                json!(STANDARD.encode(bytes))
            } else {
                json!(vector)
            };
            json!({"object": "embedding", "index": i, "embedding": embedding})
        })
        .collect();
    let mut answer = json!({
        "object": "list", "data": data, "model": model,
        "usage": {"prompt_tokens": count, "total_tokens": count},
    });
    if provider == Provider::Mistral {
        answer["id"] = json!(hexadecimal("", hash(9, body.to_string().as_bytes()), 32));
    }
    json(&answer)
}

/// Writes Gemini's embedding of one content.
pub(crate) fn gemini_embedding(model: &str, body: &Value) -> Rendered {
    json(&json!({"embedding": values(model, body)}))
}

/// Writes Gemini's embeddings of a batch.
pub(crate) fn gemini_embeddings(model: &str, body: &Value) -> Rendered {
    let requests = super::super::validate::items(body, "requests");
    let embeddings: Vec<Value> = requests.iter().map(|request| values(model, request)).collect();
    json(&json!({"embeddings": embeddings}))
}

fn values(model: &str, request: &Value) -> Value {
    use super::super::validate::{field, items};
    let asked = field(request, "outputDimensionality").and_then(Value::as_u64);
    let length = asked.and_then(|n| usize::try_from(n).ok()).unwrap_or_else(|| length(model));
    let parts = items(&request["content"], "parts").iter();
    let text: Vec<&str> = parts.filter_map(|part| field(part, "text")?.as_str()).collect();
    json!({"values": vector(&text.join("\n"), length)})
}

struct Input {
    text: String,
    tokens: u64,
}

/// One text, several, or lists of token ids.
fn inputs(input: &Value) -> Vec<Input> {
    let spoken = |text: &str| Input { text: text.to_owned(), tokens: tokens::count(text) };
    let ids = |ids: &Value| Input {
        text: ids.to_string(),
        tokens: ids.as_array().map_or(0, |ids| ids.len() as u64),
    };
    match input {
        Value::String(text) => vec![spoken(text)],
        Value::Array(all) if all.first().is_some_and(Value::is_number) => vec![ids(input)],
        Value::Array(all) => all.iter().map(|one| one.as_str().map_or_else(|| ids(one), spoken)).collect(),
        _ => Vec::new(),
    }
}

/// The length of a model's vectors.
fn length(model: &str) -> usize {
    match model {
        "text-embedding-3-large" => 3072,
        model if model.contains("gemini-embedding") => 3072,
        model if model.contains("mistral") => 1024,
        _ => 1536,
    }
}

/// A unit vector of `length`; at most what the longest models have.
fn vector(text: &str, length: usize) -> Vec<f32> {
    let unit = |n: u64| {
        let high = u16::try_from(n >> 48).unwrap_or_default();
        f32::from(high) / 32_767.5 - 1.0
    };
    let raw: Vec<f32> = Numbers(hash(3, text.as_bytes())).take(length.clamp(1, 4096)).map(unit).collect();
    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    raw.into_iter().map(|x| x / norm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(rendered: &Rendered) -> Value {
        serde_json::from_slice(&rendered.frames[0]).unwrap()
    }

    #[test]
    fn vectors_are_units_and_base64_says_the_same() {
        let plain =
            parsed(&openai_embeddings(Provider::OpenAi, "m", &json!({"input": ["a", "b"], "dimensions": 8})));
        let coded = parsed(&openai_embeddings(
            Provider::OpenAi,
            "m",
            &json!({"input": ["a", "b"], "dimensions": 8, "encoding_format": "base64"}),
        ));
        for i in 0..2 {
            let numbers: Vec<f32> = serde_json::from_value(plain["data"][i]["embedding"].clone()).unwrap();
            let bytes = STANDARD.decode(coded["data"][i]["embedding"].as_str().unwrap()).unwrap();
            let decoded: Vec<f32> =
                bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
            assert_eq!(numbers, decoded);
            let norm: f32 = numbers.iter().map(|x| x * x).sum();
            assert!((norm - 1.0).abs() < 1e-5, "{norm}");
        }
        assert_ne!(plain["data"][0]["embedding"], plain["data"][1]["embedding"]);
        assert_eq!(plain["usage"]["prompt_tokens"], 2);
    }
}
