use serde::Serialize;
use tollway_core::{Endpoint, Usage};

use crate::embeddings::EmbeddingReply;

/// Writes vectors the way the endpoint answers: [`Endpoint::Embedding`] with the first alone.
pub fn encode_response(endpoint: Endpoint, reply: &EmbeddingReply) -> Vec<u8> {
    let mut vectors = reply.vectors.iter().map(|values| VectorOut { values });
    let single = endpoint == Endpoint::Embedding;
    let answer = AnswerOut {
        embedding: if single { vectors.next() } else { None },
        embeddings: (!single).then(|| vectors.collect()),
        usage_metadata: reply.usage.map(|Usage { input, .. }| UsageOut { prompt_token_count: input }),
    };
    // Writing numbers to memory cannot fail.
    serde_json::to_vec(&answer).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AnswerOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding: Option<VectorOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embeddings: Option<Vec<VectorOut<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_metadata: Option<UsageOut>,
}

#[derive(Serialize)]
struct VectorOut<'a> {
    values: &'a [f32],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageOut {
    prompt_token_count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::embeddings::decode_response;

    #[test]
    fn vectors_are_written_for_one_and_for_many() {
        let usage = Some(Usage { input: 4, ..Usage::default() });
        let reply = EmbeddingReply { model: None, vectors: vec![vec![0.5, -1.0], vec![0.25]], usage };
        let many = encode_response(Endpoint::Embeddings, &reply);
        assert_eq!(decode_response(&many), Ok(reply.clone()));
        let one = String::from_utf8(encode_response(Endpoint::Embedding, &reply)).unwrap();
        assert_eq!(one, r#"{"embedding":{"values":[0.5,-1.0]},"usageMetadata":{"promptTokenCount":4}}"#);
    }
}
