//! Vectors of Vertex AI: `predict`, and `embedContent` for one text.
//!
//! Which of the two a model takes is told by its name, as Google's own libraries do it
//! (`python-genai`, `t_is_vertex_embed_content_model`).

use serde::{Deserialize, Serialize};
use tollway_core::Usage;

use super::{decode_response::unreadable, error, model::model_path_segment};
use crate::{
    ApiError, Encoded, Refusal,
    embeddings::{EmbeddingInput, EmbeddingReply, EmbeddingRequest},
};

#[derive(Debug, Serialize)]
struct Predict<'a> {
    instances: Vec<Instance<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Dimensions>,
}

#[derive(Debug, Serialize)]
struct Instance<'a> {
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Embed<'a> {
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embed_content_config: Option<Config<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    parts: [Instanced<'a>; 1],
}

#[derive(Debug, Serialize)]
struct Instanced<'a> {
    text: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dimensions {
    output_dimensionality: u32,
}

/// Whether a model is asked by `embedContent`, one text at a time.
pub fn takes_one(model: &str) -> bool {
    (model.contains("gemini") && model != "gemini-embedding-001") || model.contains("maas")
}

/// Writes a request for `{target_model}:predict`, or for `:embedContent` where the model
/// [takes one](takes_one) text.
///
/// Refuses tokens, which are those of another model's vocabulary, and several texts where the model
/// takes one.
pub fn encode_request(request: &EmbeddingRequest, target_model: &str) -> Result<Encoded, Refusal> {
    model_path_segment(target_model)?;
    let text = |(at, input): (usize, &'_ EmbeddingInput)| match input {
        EmbeddingInput::Text(_) => Ok(()),
        EmbeddingInput::Tokens(_) => {
            Err(Refusal::at(format!("input[{at}]"), "Vertex AI embeds text, not tokens"))
        }
    };
    request.inputs.iter().enumerate().try_for_each(text)?;
    let texts = request.inputs.iter().filter_map(|input| match input {
        EmbeddingInput::Text(text) => Some(text.as_str()),
        EmbeddingInput::Tokens(_) => None,
    });
    let texts: Vec<&str> = texts.collect();
    let instance = |(at, content)| {
        let (task_type, title) = request.purpose(at);
        Instance { content, task_type, title }
    };
    let body = match texts.as_slice() {
        [] => return Err(Refusal::at("input", "nothing to embed")),
        [text] if takes_one(target_model) => serde_json::to_vec(&Embed {
            content: Content { parts: [Instanced { text }] },
            embed_content_config: config(request),
        }),
        _ if takes_one(target_model) => {
            let message = format!("Vertex AI takes one text a request for this model: {target_model}");
            return Err(Refusal::at("input", message));
        }
        _ => serde_json::to_vec(&Predict {
            instances: texts.into_iter().enumerate().map(instance).collect(),
            parameters: request.dimensions.map(|output_dimensionality| Dimensions { output_dimensionality }),
        }),
    };
    let body = body.map_err(|error| Refusal::whole(format!("the request cannot be written: {error}")))?;
    let user = request.user.iter().map(|_| "user".to_owned());
    let dropped = user.chain(request.other.iter().cloned()).collect();
    Ok(Encoded { body, dropped, renamed_tools: Vec::new() })
}

/// What is said beside one text, if anything is.
fn config(request: &EmbeddingRequest) -> Option<Config<'_>> {
    let (task_type, title) = request.purpose(0);
    let any = request.dimensions.is_some() || task_type.is_some() || title.is_some();
    any.then_some(Config { output_dimensionality: request.dimensions, task_type, title })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    predictions: Option<Vec<Prediction>>,
    embedding: Option<Vector>,
    usage_metadata: Option<Counters>,
    error: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Prediction {
    embeddings: Vector,
}

#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(default)]
    values: Vec<f32>,
    statistics: Option<Statistics>,
}

#[derive(Debug, Deserialize)]
struct Statistics {
    // A whole number, written as a float by some versions.
    token_count: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counters {
    prompt_token_count: Option<u64>,
}

/// Reads the vectors of either method.
pub fn decode_response(body: &[u8]) -> Result<EmbeddingReply, ApiError> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    if answer.error.is_some() {
        return Err(error::decode_error(502, body));
    }
    let all: Vec<Vector> = match (answer.predictions, answer.embedding) {
        (Some(predictions), _) => predictions.into_iter().map(|one| one.embeddings).collect(),
        (None, Some(one)) => vec![one],
        (None, None) => return Err(unreadable(&"no embeddings")),
    };
    let told = answer.usage_metadata.and_then(|counters| counters.prompt_token_count);
    let counts = all.iter().map(|vector| vector.statistics.as_ref()?.token_count).map(whole);
    // The sum, if each was counted.
    let counted = told.or_else(|| counts.sum::<Option<u64>>().filter(|_| !all.is_empty()));
    Ok(EmbeddingReply {
        model: None,
        usage: counted.map(|input| Usage { input, ..Usage::default() }),
        vectors: all.into_iter().map(|vector| vector.values).collect(),
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked, and saturating")]
fn whole(count: Option<f64>) -> Option<u64> {
    count.filter(|count| *count >= 0.0).map(|count| count as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::embeddings::Purpose;

    fn request(inputs: &[&str]) -> EmbeddingRequest {
        EmbeddingRequest {
            inputs: inputs.iter().map(|text| EmbeddingInput::Text((*text).to_owned())).collect(),
            dimensions: Some(256),
            user: Some("u".into()),
            ..EmbeddingRequest::default()
        }
    }

    #[test]
    fn texts_become_instances_or_one_content() {
        let body = |inputs: &[&str], model: &str| {
            let encoded = encode_request(&request(inputs), model).unwrap();
            assert_eq!(encoded.dropped, ["user"]);
            serde_json::from_slice::<Value>(&encoded.body).unwrap()
        };
        assert_eq!(
            body(&["a", "b"], "text-embedding-005"),
            json!({"instances": [{"content": "a"}, {"content": "b"}], "parameters": {"outputDimensionality": 256}})
        );
        assert_eq!(
            body(&["a"], "gemini-embedding-2"),
            json!({"content": {"parts": [{"text": "a"}]}, "embedContentConfig": {"outputDimensionality": 256}})
        );
        assert!(body(&["a"], "gemini-embedding-001")["instances"].is_array());
    }

    #[test]
    fn what_vectors_are_for_is_told_and_what_is_not_is_listed() {
        let mut asked = request(&["a"]);
        let task = Some("CLUSTERING".to_owned());
        asked.purposes = vec![Purpose { task, title: Some("t".into()), paths: vec!["taskType".into()] }];
        asked.other = vec!["autoTruncate".into()];
        let told = |model: &str| {
            let encoded = encode_request(&asked, model).unwrap();
            assert_eq!(encoded.dropped, ["user", "autoTruncate"]);
            serde_json::from_slice::<Value>(&encoded.body).unwrap()
        };
        assert_eq!(
            told("text-embedding-005")["instances"],
            json!([{"content": "a", "task_type": "CLUSTERING", "title": "t"}])
        );
        assert_eq!(
            told("gemini-embedding-2")["embedContentConfig"],
            json!({"outputDimensionality": 256, "taskType": "CLUSTERING", "title": "t"})
        );
    }

    #[test]
    fn what_cannot_be_embedded_is_named() {
        let param =
            |request: &EmbeddingRequest, model: &str| encode_request(request, model).unwrap_err().param;
        assert_eq!(param(&request(&["a", "b"]), "gemini-embedding-2").as_deref(), Some("input"));
        assert_eq!(param(&request(&[]), "text-embedding-005").as_deref(), Some("input"));
        let mut tokens = request(&["a"]);
        tokens.inputs.push(EmbeddingInput::Tokens(vec![1]));
        assert_eq!(param(&tokens, "text-embedding-005").as_deref(), Some("input[1]"));
        assert!(encode_request(&request(&["a"]), "../x").is_err());
    }

    #[test]
    fn vectors_and_tokens_of_both_methods_are_read() {
        let predicted = br#"{"predictions":[{"embeddings":{"values":[0.5],"statistics":{"token_count":3,"truncated":false}}},{"embeddings":{"statistics":{"token_count":4.0},"values":[1]}}]}"#;
        let reply = decode_response(predicted).unwrap();
        assert_eq!(reply.vectors, [[0.5], [1.0]]);
        assert_eq!(reply.usage.map(|usage| usage.input), Some(7));
        let embedded = br#"{"embedding":{"values":[0.5,-1e-3]},"usageMetadata":{"promptTokenCount":4}}"#;
        let reply = decode_response(embedded).unwrap();
        assert_eq!((reply.vectors, reply.usage.map(|usage| usage.input)), (vec![vec![0.5, -0.001]], Some(4)));
        let uncounted = decode_response(br#"{"predictions":[{"embeddings":{"values":[1]}}]}"#).unwrap();
        assert_eq!(uncounted.usage, None);
        for odd in [&b"{}"[..], b"<html>", br#"{"error":{"code":400,"message":"m"}}"#] {
            assert!(decode_response(odd).is_err());
        }
    }
}
