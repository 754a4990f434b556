//! Content parts in OpenAI's format.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::Value;
use tollway_core::Dialect;

use super::encode_request::Dropped;
use crate::Refusal;
use crate::chat::{Audio, Content, Document, Image, Part, Source};

/// The content of a message: a text where it is one plain text, else parts.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ContentOut<'a> {
    Text(&'a str),
    Parts(Vec<PartOut<'a>>),
}

#[derive(Serialize)]
pub(super) struct PartOut<'a> {
    #[serde(flatten)]
    body: BodyOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<&'a Value>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum BodyOut<'a> {
    Known(KnownOut<'a>),
    Native(&'a Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum KnownOut<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageOut<'a> },
    InputAudio { input_audio: AudioOut<'a> },
    File { file: FileOut<'a> },
}

/// A picture's URL.
#[derive(Serialize)]
pub(super) struct ImageOut<'a> {
    url: Url<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Serialize)]
struct AudioOut<'a> {
    data: &'a str,
    format: &'a str,
}

#[derive(Serialize, Default)]
struct FileOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<Url<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
}

/// Bytes as a `data:` URL, written without building it first, or where they are.
pub(crate) enum Url<'a> {
    Data { media_type: &'a str, data: &'a str },
    At(&'a str),
}

impl Serialize for Url<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Data { media_type, data } => {
                serializer.collect_str(&format_args!("data:{media_type};base64,{data}"))
            }
            Self::At(url) => serializer.serialize_str(url),
        }
    }
}

/// A picture, if OpenAI's format can say where it is.
pub(super) fn encode_image(image: &Image) -> Option<ImageOut<'_>> {
    let url = match &image.source {
        Source::Base64 { media_type, data } => Url::Data { media_type, data },
        Source::Url { url, .. } => Url::At(url),
        Source::File { .. } | Source::Text(_) => return None,
    };
    Some(ImageOut { url, detail: image.detail.as_deref() })
}

/// Writes parts of a message of `role`. `path` is the message's own, for refusals.
pub(super) fn encode_content<'a>(
    parts: impl Iterator<Item = (usize, &'a Part)> + Clone,
    path: &str,
    role: &str,
    extensions: bool,
    dropped: &mut Dropped,
) -> Result<ContentOut<'a>, Refusal> {
    let mut first_two = parts.clone();
    match (first_two.next(), first_two.next()) {
        (None, _) => return Ok(ContentOut::Text("")),
        (Some((_, Part { content: Content::Text(text), cache_control, .. })), None)
            if cache_control.is_none() || !extensions =>
        {
            if cache_control.is_some() {
                dropped.list("messages[].content[].cache_control");
            }
            return Ok(ContentOut::Text(&text.text));
        }
        _ => {}
    }
    let mut out = Vec::with_capacity(parts.size_hint().0);
    for (index, part) in parts {
        let Some(body) = encode_body(&part.content, role) else {
            let what = name_of(&part.content);
            let message = format!("OpenAI's format has no place in a message of role {role} for {what}");
            return Err(Refusal::at(format!("{path}.content[{index}]"), message));
        };
        let mark = part.cache_control.as_ref();
        let cache_control = dropped.unless(extensions, "messages[].content[].cache_control", mark);
        out.push(PartOut { body, cache_control });
    }
    Ok(ContentOut::Parts(out))
}

fn encode_body<'a>(content: &'a Content, role: &str) -> Option<BodyOut<'a>> {
    let user = role == "user";
    Some(BodyOut::Known(match content {
        Content::Text(text) => KnownOut::Text { text: &text.text },
        // Tool messages take pictures too, says OpenAI's own error message.
        Content::Image(image) if user || role == "tool" => {
            KnownOut::ImageUrl { image_url: encode_image(image)? }
        }
        Content::Document(Document { source: Source::Text(text), .. }) if role != "assistant" => {
            KnownOut::Text { text }
        }
        Content::Document(document) if user => KnownOut::File { file: encode_file(document)? },
        Content::Audio(Audio { data: Some(data), format, .. }) if user => {
            let format = format.as_deref().unwrap_or("wav");
            KnownOut::InputAudio { input_audio: AudioOut { data, format } }
        }
        Content::Audio(Audio { transcript: Some(transcript), .. }) => KnownOut::Text { text: transcript },
        Content::Native(native) if native.dialect == Dialect::OpenAi => {
            return Some(BodyOut::Native(&native.value));
        }
        _ => return None,
    }))
}

fn encode_file(document: &Document) -> Option<FileOut<'_>> {
    let name = document.name.as_deref().map(Cow::Borrowed);
    match &document.source {
        Source::File { id } => Some(FileOut { filename: name, file_id: Some(id), ..FileOut::default() }),
        Source::Base64 { media_type, data } => {
            // OpenAI refuses data without a name.
            let extension = media_type.rsplit('/').next().unwrap_or("bin");
            let filename = name.unwrap_or_else(|| Cow::Owned(format!("document.{extension}")));
            let file_data = Some(Url::Data { media_type, data });
            Some(FileOut { filename: Some(filename), file_data, ..FileOut::default() })
        }
        // OpenRouter takes a URL here; OpenAI refuses it in its own words.
        Source::Url { url, .. } => {
            Some(FileOut { filename: name, file_data: Some(Url::At(url)), ..FileOut::default() })
        }
        Source::Text(_) => None,
    }
}

pub(crate) fn name_of(content: &Content) -> &'static str {
    match content {
        Content::Text(_) => "text",
        Content::Refusal(_) => "a refusal",
        Content::Image(_) => "this image",
        Content::Document(_) => "this document",
        Content::Audio(_) => "this audio",
        Content::Reasoning(_) => "thinking",
        Content::ToolCall(_) => "a tool call",
        Content::ToolResult(_) => "a tool result",
        _ => "another provider's own block",
    }
}
