use serde::{Serialize, Serializer};

use super::to_json;
use crate::{
    Encoded, Refusal,
    embeddings::{EmbeddingInput, EmbeddingRequest},
};

/// Writes a request for vectors of a model, as numbers: servers of this format that know no base64 are
/// many.
///
/// Refuses a mixture of texts and tokens.
pub fn encode_request(request: &EmbeddingRequest, target_model: &str) -> Result<Encoded, Refusal> {
    let Some(first) = request.inputs.first() else {
        return Err(Refusal::at("input", "nothing to embed"));
    };
    let is_text = |input: &EmbeddingInput| matches!(input, EmbeddingInput::Text(_));
    if let Some(other) = request.inputs.iter().position(|input| is_text(input) != is_text(first)) {
        return Err(Refusal::at(format!("input[{other}]"), "inputs must be all texts or all tokens"));
    }
    let body = to_json(&RequestOut {
        model: target_model,
        input: request.inputs.iter().map(InputOut).collect(),
        dimensions: request.dimensions,
        user: request.user.as_deref(),
    });
    let dropped = request.purpose_paths().chain(request.other.iter().cloned()).collect();
    Ok(Encoded { body, dropped, renamed_tools: Vec::new() })
}

#[derive(Serialize)]
struct RequestOut<'a> {
    model: &'a str,
    input: Vec<InputOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
}

struct InputOut<'a>(&'a EmbeddingInput);

impl Serialize for InputOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            EmbeddingInput::Text(text) => serializer.serialize_str(text),
            EmbeddingInput::Tokens(tokens) => serializer.collect_seq(tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::embeddings::decode_request;

    #[test]
    fn a_request_survives_writing_and_reading() {
        for body in [
            r#"{"model":"m","input":["a","b"],"dimensions":256,"user":"u"}"#,
            r#"{"model":"m","input":[[1,2],[3]]}"#,
        ] {
            let request = decode_request(body.as_bytes()).unwrap();
            let encoded = encode_request(&request, "m").unwrap();
            assert_eq!(String::from_utf8(encoded.body).unwrap(), body);
            assert_eq!(encoded.dropped, [""; 0]);
        }
    }

    #[test]
    fn what_has_no_place_is_listed() {
        let body =
            br#"{"model":"m","input":"a","input_type":"query","truncate":null,"encoding_format":"base64"}"#;
        let encoded = encode_request(&decode_request(body).unwrap(), "n").unwrap();
        assert_eq!(String::from_utf8(encoded.body).unwrap(), r#"{"model":"n","input":["a"]}"#);
        assert_eq!(encoded.dropped, ["input_type"]);
    }

    #[test]
    fn mixtures_and_nothing_are_refused() {
        let mixed = vec![EmbeddingInput::Text("a".into()), EmbeddingInput::Tokens(vec![1])];
        for (inputs, param) in [(mixed, "input[1]"), (Vec::new(), "input")] {
            let refusal =
                encode_request(&EmbeddingRequest { inputs, ..Default::default() }, "m").unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some(param));
        }
    }
}
