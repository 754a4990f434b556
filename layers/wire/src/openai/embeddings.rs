//! Embeddings in OpenAI's format (`POST /v1/embeddings`).

mod decode_response;
mod encode_request;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use super::json::{Fields, Node};
use super::out::to_json;
use super::path::Path;
use crate::embeddings::{EmbeddingInput, EmbeddingReply, EmbeddingRequest, VectorEncoding};
use crate::{EncodeContext, Refusal};

pub use self::{decode_response::decode_response, encode_request::encode_request};

/// Reads a request for vectors. Fields of other servers (`input_type`, `truncate`) are kept by name, to
/// be listed.
pub fn decode_request(body: &[u8]) -> Result<EmbeddingRequest, Refusal> {
    let path = &Path::ROOT;
    let mut fields = path.object(Node::parse(body)?)?;
    Ok(EmbeddingRequest {
        model: fields.require_string(path, "model")?,
        inputs: decode_inputs(fields.require(path, "input")?)?,
        purposes: Vec::new(),
        dimensions: fields.small_count(path, "dimensions", 1)?,
        encoding: decode_encoding(&mut fields)?,
        user: fields.string(path, "user")?,
        other: fields.rest(path),
    })
}

/// Writes vectors the way the request asked for them, in the order of its inputs.
pub fn encode_response(reply: &EmbeddingReply, request: &EmbeddingRequest, cx: &EncodeContext) -> Vec<u8> {
    let vectors = reply.vectors.iter().enumerate().map(|(index, vector)| VectorOut {
        object: "embedding",
        index,
        embedding: Numbers { vector, encoding: request.encoding },
    });
    let usage = reply.usage.unwrap_or_default();
    to_json(&ListOut {
        object: "list",
        data: vectors.collect(),
        model: reply.model.as_deref().unwrap_or(&cx.model),
        usage: UsageOut { prompt_tokens: usage.input, total_tokens: usage.input },
    })
}

/// Reads `input`: a text, texts, tokens, or arrays of tokens.
fn decode_inputs(node: Node<'_>) -> Result<Vec<EmbeddingInput>, Refusal> {
    let path = Path::ROOT.key("input");
    let nodes = match node {
        Node::String(text) => return Ok(vec![EmbeddingInput::Text(text.into_owned())]),
        Node::Array(nodes) if nodes.is_empty() => {
            return Err(Refusal::at("input", "'input' is empty: expected a string or a non-empty array"));
        }
        Node::Array(nodes) => nodes,
        other => return Err(path.wrong_type("a string or an array", &other)),
    };
    if matches!(nodes.first(), Some(Node::Number(_))) {
        return Ok(vec![EmbeddingInput::Tokens(decode_tokens(nodes, &path)?)]);
    }
    let inputs = nodes.into_iter().enumerate().map(|(index, node)| match node {
        Node::String(text) => Ok(EmbeddingInput::Text(text.into_owned())),
        Node::Array(tokens) => Ok(EmbeddingInput::Tokens(decode_tokens(tokens, &path.at(index))?)),
        other => Err(path.at(index).wrong_type("a string or an array of tokens", &other)),
    });
    inputs.collect()
}

fn decode_tokens(nodes: Vec<Node<'_>>, path: &Path<'_>) -> Result<Vec<u32>, Refusal> {
    let tokens = nodes.into_iter().enumerate().map(|(index, node)| {
        let token = match &node {
            Node::Number(number) => number.as_u64().and_then(|token| u32::try_from(token).ok()),
            _ => None,
        };
        token.ok_or_else(|| path.at(index).wrong_type("a token", &node))
    });
    tokens.collect()
}

fn decode_encoding(fields: &mut Fields<'_>) -> Result<VectorEncoding, Refusal> {
    let path = &Path::ROOT;
    match fields.string(path, "encoding_format")?.as_deref() {
        None | Some("float") => Ok(VectorEncoding::Float),
        Some("base64") => Ok(VectorEncoding::Base64),
        Some(other) => Err(path.key("encoding_format").wrong_value("one of float, base64", other)),
    }
}

#[derive(Serialize)]
struct ListOut<'a> {
    object: &'static str,
    data: Vec<VectorOut<'a>>,
    model: &'a str,
    usage: UsageOut,
}

#[derive(Serialize)]
struct VectorOut<'a> {
    object: &'static str,
    index: usize,
    embedding: Numbers<'a>,
}

#[derive(Serialize)]
struct UsageOut {
    prompt_tokens: u64,
    total_tokens: u64,
}

struct Numbers<'a> {
    vector: &'a [f32],
    encoding: VectorEncoding,
}

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.encoding {
            VectorEncoding::Float => serializer.collect_seq(self.vector),
            VectorEncoding::Base64 => {
                let bytes: Vec<u8> = self.vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                serializer.serialize_str(&STANDARD.encode(bytes))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tollway_core::Usage;

    use super::*;

    fn inputs(input: &str) -> Result<Vec<EmbeddingInput>, Refusal> {
        decode_request(format!(r#"{{"model":"m","input":{input}}}"#).as_bytes()).map(|request| request.inputs)
    }

    #[test]
    fn inputs_are_read_in_all_four_shapes() {
        let text = |text: &str| EmbeddingInput::Text(text.to_owned());
        let tokens = |tokens: &[u32]| EmbeddingInput::Tokens(tokens.to_vec());
        assert_eq!(inputs(r#""a""#).unwrap(), [text("a")]);
        assert_eq!(inputs(r#"["a","b"]"#).unwrap(), [text("a"), text("b")]);
        assert_eq!(inputs("[1,2]").unwrap(), [tokens(&[1, 2])]);
        assert_eq!(inputs("[[1],[2,3]]").unwrap(), [tokens(&[1]), tokens(&[2, 3])]);
    }

    #[test]
    fn wrong_inputs_are_refused_by_their_path() {
        for (input, param) in [
            ("[]", "input"),
            ("7", "input"),
            ("null", "input"),
            (r#"["a",{}]"#, "input[1]"),
            (r#"[1,"a"]"#, "input[1]"),
            ("[[1.5]]", "input[0][0]"),
            ("[[-1]]", "input[0][0]"),
        ] {
            assert_eq!(inputs(input).unwrap_err().param.as_deref(), Some(param), "{input}");
        }
        let format = decode_request(br#"{"model":"m","input":"a","encoding_format":"hex"}"#).unwrap_err();
        assert_eq!(format.param.as_deref(), Some("encoding_format"));
    }

    #[test]
    fn vectors_are_written_as_numbers_or_as_base64() {
        let usage = Some(Usage { input: 3, ..Usage::default() });
        let reply = EmbeddingReply { model: None, vectors: vec![vec![0.5, -1.0]], usage };
        let cx = EncodeContext { model: "m".to_owned(), ..EncodeContext::default() };
        let mut request = decode_request(br#"{"model":"m","input":"a"}"#).unwrap();
        let written = String::from_utf8(encode_response(&reply, &request, &cx)).unwrap();
        let list = |numbers: &str| {
            format!(
                r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":{numbers}}}],"model":"m","usage":{{"prompt_tokens":3,"total_tokens":3}}}}"#
            )
        };
        assert_eq!(written, list("[0.5,-1.0]"));
        request.encoding = VectorEncoding::Base64;
        let written = String::from_utf8(encode_response(&reply, &request, &cx)).unwrap();
        assert_eq!(written, list(r#""AAAAPwAAgL8=""#));
    }
}
