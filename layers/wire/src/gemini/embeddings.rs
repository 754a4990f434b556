//! `embedContent` and `batchEmbedContents`.

mod decode_request;
mod encode_response;

use serde::{Deserialize, Serialize};
use tollway_core::Usage;

use super::{decode_response::unreadable, error, model::model_path_segment};
use crate::{
    ApiError, Encoded, Refusal,
    embeddings::{EmbeddingInput, EmbeddingReply, EmbeddingRequest},
};

pub use self::{decode_request::decode_request, encode_response::encode_response};

#[derive(Debug, Serialize)]
struct Batch<'a> {
    requests: Vec<One<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    model: &'a str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    parts: [Text<'a>; 1],
}

#[derive(Debug, Serialize)]
struct Text<'a> {
    text: &'a str,
}

/// Writes a request for `models/{target_model}:batchEmbedContents`.
///
/// Refuses tokens: they are those of another model's vocabulary.
pub fn encode_request(request: &EmbeddingRequest, target_model: &str) -> Result<Encoded, Refusal> {
    let model = format!("models/{}", model_path_segment(target_model)?);
    if request.inputs.is_empty() {
        return Err(Refusal::at("input", "nothing to embed"));
    }
    let mut requests = Vec::with_capacity(request.inputs.len());
    for (at, input) in request.inputs.iter().enumerate() {
        let EmbeddingInput::Text(text) = input else {
            return Err(Refusal::at(format!("input[{at}]"), "Gemini embeds text, not tokens"));
        };
        let (task_type, title) = request.purpose(at);
        requests.push(One {
            model: &model,
            content: Content { parts: [Text { text }] },
            task_type,
            title,
            output_dimensionality: request.dimensions,
        });
    }
    let body = serde_json::to_vec(&Batch { requests })
        .map_err(|error| Refusal::whole(format!("the request cannot be written: {error}")))?;
    let user = request.user.iter().map(|_| "user".to_owned());
    let dropped = user.chain(request.other.iter().cloned()).collect();
    Ok(Encoded { body, dropped, renamed_tools: Vec::new() })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    embeddings: Option<Vec<Vector>>,
    embedding: Option<Vector>,
    usage_metadata: Option<Counters>,
    error: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(default)]
    values: Vec<f32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counters {
    prompt_token_count: Option<u64>,
}

/// Reads vectors, or the one of `embedContent`. Only newer models tell tokens, and none tells its name.
pub fn decode_response(body: &[u8]) -> Result<EmbeddingReply, ApiError> {
    let answer: Vectors = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    if answer.error.is_some() {
        return Err(error::decode_error(502, body));
    }
    let embeddings = answer.embeddings.or_else(|| Some(vec![answer.embedding?]));
    let embeddings = embeddings.ok_or_else(|| unreadable(&"no embeddings"))?;
    let counted = answer.usage_metadata.and_then(|counters| counters.prompt_token_count);
    Ok(EmbeddingReply {
        model: None,
        vectors: embeddings.into_iter().map(|vector| vector.values).collect(),
        usage: counted.map(|input| Usage { input, ..Usage::default() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_requests_of_one_batch() {
        let request = EmbeddingRequest {
            inputs: vec![EmbeddingInput::Text("a".into()), EmbeddingInput::Text("b".into())],
            dimensions: Some(256),
            user: Some("u".into()),
            ..EmbeddingRequest::default()
        };
        let encoded = encode_request(&request, "gemini-embedding-2").unwrap();
        let body: serde_json::Value = serde_json::from_slice(&encoded.body).unwrap();
        let one = |text: &str| {
            serde_json::json!({ "model": "models/gemini-embedding-2", "outputDimensionality": 256,
                "content": { "parts": [{ "text": text }] } })
        };
        assert_eq!(body, serde_json::json!({ "requests": [one("a"), one("b")] }));
        assert_eq!(encoded.dropped, ["user"]);
    }

    #[test]
    fn tokens_are_refused() {
        let inputs = vec![EmbeddingInput::Text("a".into()), EmbeddingInput::Tokens(vec![1])];
        let refusal = encode_request(&EmbeddingRequest { inputs, ..Default::default() }, "x").unwrap_err();
        assert_eq!(refusal.param.as_deref(), Some("input[1]"));
        let refusal = encode_request(&EmbeddingRequest::default(), "x").unwrap_err();
        assert_eq!(refusal.param.as_deref(), Some("input"));
    }

    #[test]
    fn vectors_and_tokens_are_read() {
        let body = br#"{"embeddings":[{"values":[0.5,-1e-3]},{"values":[]}],"usageMetadata":{"promptTokenCount":4}}"#;
        let reply = decode_response(body).unwrap();
        assert_eq!(reply.vectors, [vec![0.5, -0.001], vec![]]);
        assert_eq!(reply.usage.map(|usage| usage.input), Some(4));
        assert_eq!(decode_response(br#"{"embedding":{"values":[1]}}"#).unwrap().vectors, [vec![1.0]]);
        assert_eq!(decode_response(b"{}").unwrap_err().status, 502);
        assert_eq!(decode_response(b"<html>").unwrap_err().status, 502);
    }
}
