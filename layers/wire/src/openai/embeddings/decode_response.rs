use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    ApiError,
    embeddings::EmbeddingReply,
    openai::error::{decode_error, unreadable},
    relay,
};

/// Reads vectors, as numbers or as base64, and puts them in the order of their `index`.
pub fn decode_response(body: &[u8]) -> Result<EmbeddingReply, ApiError> {
    let list: List<'_> = serde_json::from_slice(body).map_err(unreadable)?;
    if list.error.is_some_and(|error| error.get() != "null") {
        return Err(decode_error(502, body));
    }
    let mut data = list.data.ok_or_else(|| unreadable("no data"))?;
    // Stable: servers that tell no index give them in order.
    data.sort_by_key(|one| one.index.unwrap_or(0));
    let vectors = data.into_iter().map(|one| one.embedding.numbers()).collect::<Result<_, _>>()?;
    let usage = list.usage.and_then(|usage| relay::usage::decode(usage.get().as_bytes()));
    Ok(EmbeddingReply { model: list.model.map(Cow::into_owned), vectors, usage })
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    data: Option<Vec<One<'a>>>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct One<'a> {
    index: Option<u64>,
    #[serde(borrow)]
    embedding: Vector<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vector<'a> {
    Numbers(Vec<f32>),
    #[serde(borrow)]
    Base64(Cow<'a, str>),
}

impl Vector<'_> {
    fn numbers(self) -> Result<Vec<f32>, ApiError> {
        let text = match self {
            Self::Numbers(numbers) => return Ok(numbers),
            Self::Base64(text) => text,
        };
        let bytes = STANDARD.decode(&*text).map_err(unreadable)?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(unreadable("a vector in base64 ends within a number"));
        }
        Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_read_in_order_in_both_encodings() {
        let body = br#"{"object":"list","model":"m","data":[
            {"object":"embedding","index":1,"embedding":[0.5,-1e-3]},
            {"object":"embedding","index":0,"embedding":"AAAAPwAAgL8="}],
            "usage":{"prompt_tokens":4,"total_tokens":4}}"#;
        let reply = decode_response(body).unwrap();
        assert_eq!(reply.vectors, [vec![0.5, -1.0], vec![0.5, -0.001]]);
        assert_eq!((reply.model.as_deref(), reply.usage.map(|usage| usage.input)), (Some("m"), Some(4)));
        let unordered = decode_response(br#"{"data":[{"embedding":[1]},{"embedding":[2]}]}"#).unwrap();
        assert_eq!((unordered.vectors, unordered.usage), (vec![vec![1.0], vec![2.0]], None));
    }

    #[test]
    fn what_is_no_list_of_vectors_is_an_error() {
        for body in [
            "{}",
            "<html>",
            r#"{"data":[{}]}"#,
            r#"{"data":[{"embedding":"AAA="}]}"#,
            r#"{"data":[{"embedding":"?"}]}"#,
            r#"{"data":[],"error":{"message":"x"}}"#,
        ] {
            assert_eq!(decode_response(body.as_bytes()).unwrap_err().status, 502, "{body}");
        }
    }
}
