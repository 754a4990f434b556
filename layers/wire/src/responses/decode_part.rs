//! Content parts of input items from OpenAI's Responses format.

use serde_json::{Map, Value};

use super::annotations;
use crate::Refusal;
use crate::chat::{Audio, Content, Document, Image, Part, Source, Text};
use crate::openai::decode_part::{decode_source, is_url};
use crate::openai::json::{Fields, Node};
use crate::openai::path::Path;

/// Reads content: a text or an array of parts.
pub(super) fn decode_content(
    node: Node<'_>,
    path: &Path<'_>,
    extra: &mut Map<String, Value>,
) -> Result<Vec<Part>, Refusal> {
    match node {
        Node::String(text) => Ok(vec![Part::text(text)]),
        Node::Array(nodes) => {
            let parts = nodes.into_iter().enumerate();
            parts.map(|(index, node)| decode_part(node, &path.at(index), extra)).collect()
        }
        other => Err(path.wrong_type("a string or an array of parts", &other)),
    }
}

fn decode_part(node: Node<'_>, path: &Path<'_>, extra: &mut Map<String, Value>) -> Result<Part, Refusal> {
    let mut fields = path.object(node)?;
    let kind = fields.kind(path)?.ok_or_else(|| path.key("type").missing())?;
    let content = match &*kind {
        "input_text" | "output_text" | "text" => Content::Text(decode_text(&mut fields, path)?),
        "refusal" => Content::Refusal(fields.require_string(path, "refusal")?),
        "input_image" => Content::Image(decode_image(&mut fields, path)?),
        "input_file" => Content::Document(decode_file(&mut fields, path)?),
        "input_audio" => {
            let inner = path.key("input_audio");
            let mut audio = fields.require_object(path, "input_audio")?;
            Content::Audio(Audio {
                data: Some(audio.require_string(&inner, "data")?),
                format: Some(audio.require_string(&inner, "format")?),
                ..Audio::default()
            })
        }
        other => return Err(path.key("type").wrong_value(KNOWN, other)),
    };
    fields.take("type");
    fields.keep_rest(path, extra);
    Ok(content.into())
}

/// The types of parts.
const KNOWN: &str = "one of input_text, input_image, input_file, input_audio, output_text, refusal";

fn decode_text(fields: &mut Fields<'_>, path: &Path<'_>) -> Result<Text, Refusal> {
    let text = fields.require_string(path, "text")?;
    // Of an earlier answer; nothing is asked by them.
    fields.take("logprobs");
    let annotations = match fields.take("annotations") {
        Some(node) => path.key("annotations").array(node)?,
        None => Vec::new(),
    };
    let annotations = annotations.into_iter().map(|node| annotations::decode(node.into_value(), 0)).collect();
    Ok(Text { text, annotations })
}

fn decode_image(fields: &mut Fields<'_>, path: &Path<'_>) -> Result<Image, Refusal> {
    let detail = fields.string(path, "detail")?;
    let source = match (fields.string(path, "image_url")?, fields.string(path, "file_id")?) {
        (Some(url), _) => decode_source(url, &path.key("image_url").to_string())?,
        (None, Some(id)) => Source::File { id },
        (None, None) => return Err(path.key("image_url").missing()),
    };
    Ok(Image { source, detail })
}

fn decode_file(fields: &mut Fields<'_>, path: &Path<'_>) -> Result<Document, Refusal> {
    let name = fields.string(path, "filename")?;
    let data = fields.string(path, "file_data")?;
    let url = fields.string(path, "file_url")?;
    let id = fields.string(path, "file_id")?;
    let source = match (data, url, id) {
        (Some(data), None, None) if is_url(&data) => decode_source(data, &path.key("file_data").to_string())?,
        // The reference calls it base64; its examples are data URLs. PDFs are what it takes.
        (Some(data), None, None) => Source::Base64 { media_type: "application/pdf".to_owned(), data },
        (None, Some(url), None) => decode_source(url, &path.key("file_url").to_string())?,
        (None, None, Some(id)) => Source::File { id },
        (None, None, None) => return Err(path.key("file_data").missing()),
        _ => {
            let message = format!("'{path}' has more than one of 'file_data', 'file_url' and 'file_id'");
            return Err(Refusal::at(path.to_string(), message));
        }
    };
    Ok(Document { source, name })
}
