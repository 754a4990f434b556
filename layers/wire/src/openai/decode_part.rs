//! Content parts from OpenAI's format, and from servers that add to it.

use serde_json::{Map, Value, json};
use tollway_core::Dialect;

use super::json::{Fields, Node};
use super::path::Path;
use crate::Refusal;
use crate::chat::{Audio, Content, Document, Image, Native, Part, Reasoning, Source};

/// Reads the content of a message: a text or an array of parts.
pub(super) fn decode_content(
    node: Node<'_>,
    path: &Path<'_>,
    extra: &mut Map<String, Value>,
) -> Result<Vec<Part>, Refusal> {
    let mut parts = Vec::new();
    decode_content_into(node, path, extra, &mut parts)?;
    Ok(parts)
}

/// The same, to the end of `parts`.
pub(super) fn decode_content_into(
    node: Node<'_>,
    path: &Path<'_>,
    extra: &mut Map<String, Value>,
    parts: &mut Vec<Part>,
) -> Result<(), Refusal> {
    match node {
        Node::String(text) => parts.push(Part::text(text)),
        Node::Array(nodes) => {
            parts.reserve(nodes.len());
            for (index, node) in nodes.into_iter().enumerate() {
                parts.push(decode_part(node, &path.at(index), extra)?);
            }
        }
        other => return Err(path.wrong_type("a string or an array of parts", &other)),
    }
    Ok(())
}

/// Reads one part. OpenAI's explicit cache breakpoint is what others call a cache mark.
fn decode_part(node: Node<'_>, path: &Path<'_>, extra: &mut Map<String, Value>) -> Result<Part, Refusal> {
    let mut fields = match node {
        // Some clients put bare texts among the parts.
        Node::String(text) => return Ok(Part::text(text)),
        other => path.object(other)?,
    };
    let kind = fields.kind(path)?.ok_or_else(|| path.key("type").missing())?;
    let breakpoint = fields.take("prompt_cache_breakpoint").map(|_| json!({ "type": "ephemeral" }));
    let cache_control = fields.take("cache_control").map(Node::into_value).or(breakpoint);
    let content = match &*kind {
        "text" => {
            let text = fields.require_string(path, "text")?;
            Part::text(text).content
        }
        "refusal" => Content::Refusal(fields.require_string(path, "refusal")?),
        "image_url" => Content::Image(decode_image(&mut fields, path, extra)?),
        "input_audio" => {
            let inner = path.key("input_audio");
            let mut audio = fields.require_object(path, "input_audio")?;
            Content::Audio(Audio {
                data: Some(audio.require_string(&inner, "data")?),
                format: Some(audio.require_string(&inner, "format")?),
                ..Audio::default()
            })
        }
        "file" => Content::Document(decode_file(&mut fields, path)?),
        "document_url" => {
            let name = fields.string(path, "document_name")?;
            let (url, at) = url_of(&mut fields, path, "document_url")?;
            Content::Document(Document { source: decode_source(url, &at)?, name })
        }
        "thinking" => Content::Reasoning(Reasoning { text: thinking_text(&mut fields), redacted: None }),
        _ => {
            let value = Node::Object(fields).into_value();
            let content = Content::Native(Native { dialect: Dialect::OpenAi, value });
            return Ok(Part { content, cache_control, signature: None });
        }
    };
    fields.take("type");
    fields.keep_rest(path, extra);
    Ok(Part { content, cache_control, signature: None })
}

fn decode_image(
    fields: &mut Fields<'_>,
    path: &Path<'_>,
    extra: &mut Map<String, Value>,
) -> Result<Image, Refusal> {
    let inner = path.key("image_url");
    match fields.require(path, "image_url")? {
        // Mistral's shorter form.
        Node::String(url) => {
            Ok(Image { source: decode_source(url.into_owned(), &inner.to_string())?, detail: None })
        }
        node => {
            let mut image = inner.object(node)?;
            let url = image.require_string(&inner, "url")?;
            let detail = image.string(&inner, "detail")?;
            image.keep_rest(&inner, extra);
            Ok(Image { source: decode_source(url, &inner.key("url").to_string())?, detail })
        }
    }
}

fn decode_file(fields: &mut Fields<'_>, path: &Path<'_>) -> Result<Document, Refusal> {
    let inner = path.key("file");
    let mut file = fields.require_object(path, "file")?;
    let name = file.string(&inner, "filename")?;
    let id = file.string(&inner, "file_id")?;
    let data = file.string(&inner, "file_data")?;
    let source = match (id, data) {
        (Some(id), None) => Source::File { id },
        (None, Some(data)) if is_url(&data) => decode_source(data, &inner.key("file_data").to_string())?,
        // OpenAI's reference calls it base64; its examples are data URLs. PDFs are what it takes.
        (None, Some(data)) => Source::Base64 { media_type: "application/pdf".to_owned(), data },
        (Some(_), Some(_)) => {
            let message = format!("'{inner}' has both 'file_id' and 'file_data': expected one of them");
            return Err(Refusal::at(inner.to_string(), message));
        }
        (None, None) => return Err(inner.key("file_data").missing()),
    };
    Ok(Document { source, name })
}

/// The URL of a part that has it as a text or as an object with `url`, and its path.
fn url_of(fields: &mut Fields<'_>, path: &Path<'_>, name: &str) -> Result<(String, String), Refusal> {
    let inner = path.key(name);
    match fields.require(path, name)? {
        Node::String(url) => Ok((url.into_owned(), inner.to_string())),
        node => {
            let url = inner.object(node)?.require_string(&inner, "url")?;
            Ok((url, inner.key("url").to_string()))
        }
    }
}

pub(crate) fn is_url(text: &str) -> bool {
    ["data:", "http:", "https:", "gs:"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// Reads a URL: what a `data:` URL holds, or where the bytes are.
pub(crate) fn decode_source(url: String, path: &str) -> Result<Source, Refusal> {
    if !is_url(&url) {
        let shown: String = url.chars().take(64).collect();
        let message =
            format!("invalid value for '{path}': expected a data:, http: or https: URL, got '{shown}'");
        return Err(Refusal::at(path, message));
    }
    if !url.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:")) {
        return Ok(Source::Url { url, media_type: None });
    }
    let malformed = |what: &str| {
        let message = format!("invalid value for '{path}': expected a data: URL in base64, {what}");
        Refusal::at(path, message)
    };
    let (head, data) = url[5..].split_once(',').ok_or_else(|| malformed("got one without a comma"))?;
    let mut attributes = head.split(';');
    let media_type = attributes.next().unwrap_or_default().trim();
    if !attributes.any(|attribute| attribute.trim().eq_ignore_ascii_case("base64")) {
        return Err(malformed("got another encoding"));
    }
    if !media_type.contains('/') {
        return Err(malformed("got no media type"));
    }
    Ok(Source::Base64 { media_type: media_type.to_ascii_lowercase(), data: data.to_owned() })
}

/// The text of Mistral's thinking part: `thinking` is an array of text parts, or a text.
pub(super) fn thinking_text(fields: &mut Fields<'_>) -> String {
    match fields.take("thinking") {
        Some(Node::String(text)) => text.into_owned(),
        Some(Node::Array(nodes)) => {
            let texts = nodes.into_iter().filter_map(|node| node.into_fields()?.take("text")?.into_text());
            texts.collect()
        }
        _ => String::new(),
    }
}
