use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    body::{Block, SourceOut},
    losses::Losses,
};
use crate::{
    Refusal,
    chat::{Document, Image, Source},
};

/// A picture as an image block. A PDF sent as a picture, which many clients do, is a document.
pub(super) fn encode_image<'a>(
    image: &'a Image,
    cache_control: Option<&'a serde_json::Value>,
    path: impl Fn() -> String,
    losses: &mut Losses,
) -> Result<Block<'a>, Refusal> {
    if image.detail.as_deref().is_some_and(|detail| detail != "auto") {
        losses.add(format!("{}.image_url.detail", path()));
    }
    let source = match &image.source {
        Source::Base64 { media_type, data } => match image_type(media_type) {
            Some(media_type) => SourceOut::Base64 { media_type, data },
            None if essence(media_type) == "application/pdf" => {
                let source = SourceOut::Base64 { media_type: "application/pdf", data };
                return Ok(Block::Document { source, title: None, cache_control });
            }
            None => return Err(unknown_image(&path(), media_type)),
        },
        Source::Url { url, .. } => SourceOut::Url { url: https(url, &path)? },
        Source::File { id } => SourceOut::File { file_id: id },
        Source::Text(_) => return Err(Refusal::at(path(), "an image cannot be given as text")),
    };
    Ok(Block::Image { source, cache_control })
}

/// A file as a document block; a picture sent as a file is an image.
pub(super) fn encode_document<'a>(
    document: &'a Document,
    cache_control: Option<&'a serde_json::Value>,
    path: impl Fn() -> String,
) -> Result<Block<'a>, Refusal> {
    let source = match &document.source {
        Source::Base64 { media_type, data } => match essence(media_type) {
            "application/pdf" => SourceOut::Base64 { media_type: "application/pdf", data },
            kind if is_text(kind) => {
                let text = STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let text = text.ok_or_else(|| {
                    Refusal::at(path(), format!("file is not UTF-8 text in base64, though of type {kind}"))
                })?;
                SourceOut::Text { media_type: "text/plain", data: Cow::Owned(text) }
            }
            kind => match image_type(kind) {
                Some(media_type) => {
                    return Ok(Block::Image {
                        source: SourceOut::Base64 { media_type, data },
                        cache_control,
                    });
                }
                None => {
                    return Err(Refusal::at(
                        path(),
                        format!("Anthropic takes PDF, text and images as files, not {kind}"),
                    ));
                }
            },
        },
        Source::Url { url, media_type } => {
            let url = https(url, &path)?;
            match media_type.as_deref().map(essence) {
                None | Some("application/pdf") => SourceOut::Url { url },
                Some(kind) if image_type(kind).is_some() => {
                    return Ok(Block::Image { source: SourceOut::Url { url }, cache_control });
                }
                Some(kind) => {
                    return Err(Refusal::at(
                        path(),
                        format!("Anthropic takes PDF and images by URL, not {kind}"),
                    ));
                }
            }
        }
        Source::File { id } => SourceOut::File { file_id: id },
        Source::Text(text) => SourceOut::Text { media_type: "text/plain", data: Cow::Borrowed(text) },
    };
    let title = document.name.as_deref().filter(|name| !name.is_empty()).map(title);
    Ok(Block::Document { source, title, cache_control })
}

/// A document's name, within the 500 characters that a title may have.
fn title(name: &str) -> &str {
    name.char_indices().nth(500).and_then(|(end, _)| name.get(..end)).unwrap_or(name)
}

fn https<'a>(url: &'a str, path: &impl Fn() -> String) -> Result<&'a str, Refusal> {
    if url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
        return Ok(url);
    }
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    Err(Refusal::at(path(), format!("Anthropic fetches https URLs only, not {}", excerpt(scheme))))
}

fn unknown_image(path: &str, media_type: &str) -> Refusal {
    let kind = excerpt(media_type);
    Refusal::at(path, format!("Anthropic takes images of type jpeg, png, gif and webp, not {kind}"))
}

/// A media type without parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

fn image_type(media_type: &str) -> Option<&'static str> {
    let kind = essence(media_type);
    ["image/jpeg", "image/png", "image/gif", "image/webp"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(kind))
        .or_else(|| kind.eq_ignore_ascii_case("image/jpg").then_some("image/jpeg"))
}

/// Whether a file of this type is text that a model reads as it is.
fn is_text(kind: &str) -> bool {
    kind.starts_with("text/")
        || matches!(kind, "application/json" | "application/xml" | "application/yaml" | "application/x-yaml")
}

fn excerpt(text: &str) -> &str {
    text.get(..text.floor_char_boundary(64)).unwrap_or(text)
}
