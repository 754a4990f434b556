use tollway_core::Endpoint;

use crate::{
    Refusal,
    embeddings::{EmbeddingInput, EmbeddingRequest, Purpose},
    openai::json::{Fields, Node},
    openai::path::Path,
};

/// Reads a request for vectors of the model that the path names: for [`Endpoint::Embedding`] one text,
/// else a batch of them. Fields are read in `camelCase` and in `snake_case`.
///
/// Refuses what no other format can say: other content than one text, a batch of vectors of different
/// lengths.
pub fn decode_request(endpoint: Endpoint, model: &str, body: &[u8]) -> Result<EmbeddingRequest, Refusal> {
    let root = &Path::ROOT;
    let mut fields = root.object(Node::parse(body)?)?;
    let mut request = EmbeddingRequest { model: model.to_owned(), ..EmbeddingRequest::default() };
    if endpoint == Endpoint::Embedding {
        let one = One::read(fields, root, model)?;
        return Ok(EmbeddingRequest {
            inputs: vec![one.input],
            purposes: vec![one.purpose],
            dimensions: one.dimensions,
            other: one.other,
            ..request
        });
    }
    let path = &root.key("requests");
    let requests = path.array(fields.require(root, "requests")?)?;
    if requests.is_empty() {
        return Err(Refusal::at("requests", "'requests' is empty: expected at least one element"));
    }
    for (index, node) in requests.into_iter().enumerate() {
        let path = &path.at(index);
        let one = One::read(path.object(node)?, path, model)?;
        if index > 0 && one.dimensions != request.dimensions {
            let param = path.key("outputDimensionality").to_string();
            return Err(Refusal::at(param, "the vectors of one batch must have one length"));
        }
        request.dimensions = one.dimensions;
        request.inputs.push(one.input);
        request.purposes.push(one.purpose);
        request.other.extend(one.other);
    }
    request.other.extend(fields.rest(root));
    Ok(request)
}

/// One text to be embedded.
struct One {
    input: EmbeddingInput,
    purpose: Purpose,
    dimensions: Option<u32>,
    other: Vec<String>,
}

impl One {
    fn read(mut fields: Fields<'_>, path: &Path<'_>, model: &str) -> Result<Self, Refusal> {
        if let Some(named) = fields.string(path, "model")?
            && bare(&named) != bare(model)
        {
            let param = path.key("model").to_string();
            return Err(Refusal::at(param, format!("must name the model of the path, not {named}")));
        }
        let input = EmbeddingInput::Text(text(&mut fields, path)?);
        let dimensions = fields.small_count(path, "outputDimensionality", 1)?;
        let dimensions = dimensions.or(fields.small_count(path, "output_dimensionality", 1)?);
        let purpose = Purpose::read(&mut fields, path)?;
        Ok(Self { input, purpose, dimensions, other: fields.rest(path) })
    }
}

impl Purpose {
    fn read(fields: &mut Fields<'_>, path: &Path<'_>) -> Result<Self, Refusal> {
        let mut purpose = Self::default();
        for name in ["taskType", "task_type", "title"] {
            let Some(text) = fields.string(path, name)? else { continue };
            purpose.paths.push(path.key(name).to_string());
            *if name == "title" { &mut purpose.title } else { &mut purpose.task } = Some(text);
        }
        Ok(purpose)
    }
}

/// The text of a content.
fn text(fields: &mut Fields<'_>, path: &Path<'_>) -> Result<String, Refusal> {
    let mut content = fields.require_object(path, "content")?;
    let path = &path.key("content");
    let parts = path.key("parts").array(content.require(path, "parts")?)?;
    let path = &path.key("parts");
    let [part] = <[Node<'_>; 1]>::try_from(parts).map_err(|parts| {
        let param = path.to_string();
        Refusal::at(param, format!("one text can be embedded, not {} parts", parts.len()))
    })?;
    let path = &path.at(0);
    let mut part = path.object(part)?;
    let text = part.string(path, "text")?;
    match (text, part.rest(path).into_iter().next()) {
        (Some(text), None) => Ok(text),
        (_, Some(other)) => Err(Refusal::at(other, "only text can be embedded by this model's provider")),
        (None, None) => Err(path.key("text").missing()),
    }
}

/// A model's name without the collection it stands in.
fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::embeddings::encode_request;

    fn batch(body: &str) -> Result<EmbeddingRequest, Refusal> {
        decode_request(Endpoint::Embeddings, "models/m", body.as_bytes())
    }

    fn one(body: &str) -> Result<EmbeddingRequest, Refusal> {
        decode_request(Endpoint::Embedding, "m", body.as_bytes())
    }

    #[test]
    fn one_text_and_a_batch_are_read() {
        let request = one(
            r#"{"model":"models/m","content":{"parts":[{"text":"a"}],"role":"user"},"output_dimensionality":8,"taskType":"CLUSTERING","title":null}"#,
        );
        let expected = EmbeddingRequest {
            model: "m".into(),
            inputs: vec![EmbeddingInput::Text("a".into())],
            dimensions: Some(8),
            purposes: vec![Purpose {
                task: Some("CLUSTERING".into()),
                title: None,
                paths: vec!["taskType".into()],
            }],
            ..EmbeddingRequest::default()
        };
        assert_eq!(request, Ok(expected));
        let request = batch(
            r#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]},"title":"t"},{"content":{"parts":[{"text":""}]}}]}"#,
        )
        .unwrap();
        assert_eq!(request.inputs, [EmbeddingInput::Text("a".into()), EmbeddingInput::Text(String::new())]);
        assert_eq!(request.purpose(0), (None, Some("t")));
        assert_eq!(request.purpose_paths().collect::<Vec<_>>(), ["requests[0].title"]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let request = EmbeddingRequest {
            model: "m".into(),
            inputs: vec![EmbeddingInput::Text("a".into()), EmbeddingInput::Text("é\n".into())],
            purposes: vec![
                Purpose {
                    task: Some("RETRIEVAL_DOCUMENT".into()),
                    title: Some("t".into()),
                    paths: vec!["requests[0].taskType".into(), "requests[0].title".into()],
                },
                Purpose::default(),
            ],
            dimensions: Some(256),
            ..EmbeddingRequest::default()
        };
        let encoded = encode_request(&request, "m").unwrap();
        assert_eq!(decode_request(Endpoint::Embeddings, "m", &encoded.body), Ok(request));
    }

    #[test]
    fn what_cannot_be_said_is_refused_by_its_path() {
        let content = r#""content":{"parts":[{"text":"a"}]}"#;
        for (body, param) in [
            ("{}".to_owned(), "requests"),
            (r#"{"requests":[]}"#.to_owned(), "requests"),
            (r#"{"requests":[{}]}"#.to_owned(), "requests[0].content"),
            (format!(r#"{{"requests":[{{{content},"model":"models/n"}}]}}"#), "requests[0].model"),
            (
                format!(r#"{{"requests":[{{{content}}},{{{content},"outputDimensionality":9}}]}}"#),
                "requests[1].outputDimensionality",
            ),
        ] {
            assert_eq!(batch(&body).unwrap_err().param.as_deref(), Some(param), "{body}");
        }
        for (parts, param) in [
            ("[]", "content.parts"),
            (r#"[{"text":"a"},{"text":"b"}]"#, "content.parts"),
            ("[{}]", "content.parts[0].text"),
            (r#"[{"text":7}]"#, "content.parts[0].text"),
            (r#"[{"inlineData":{"data":"AAAA"}}]"#, "content.parts[0].inlineData"),
        ] {
            let refusal = one(&format!(r#"{{"content":{{"parts":{parts}}}}}"#)).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some(param), "{parts}");
        }
    }
}
