//! Content parts of input items in OpenAI's Responses format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use tollway_core::Dialect;

use super::annotations;
use crate::Refusal;
use crate::chat::{Audio, Content, Document, Image, Part, Source};
use crate::openai::encode_part::{Url, name_of};
use crate::openai::encode_request::Dropped;

/// Content: a text where it is one plain text, else parts.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ContentOut<'a> {
    Text(&'a str),
    Parts(Vec<PartOut<'a>>),
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum PartOut<'a> {
    Known(KnownOut<'a>),
    Native(&'a Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum KnownOut<'a> {
    InputText { text: &'a str },
    OutputText { text: &'a str, annotations: Vec<Value> },
    Refusal { refusal: &'a str },
    InputImage(ImageOut<'a>),
    InputFile(FileOut<'a>),
    InputAudio { input_audio: AudioOut<'a> },
}

#[derive(Serialize)]
pub(super) struct ImageOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<Url<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Default, Serialize)]
pub(super) struct FileOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<Url<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct AudioOut<'a> {
    data: &'a str,
    format: &'a str,
}

/// Who speaks, as far as it decides what parts may stand in an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The user, or one who instructs.
    Input,
    /// The model.
    Output,
    /// A tool.
    Tool,
}

/// Writes parts of an item. `path` is that of the message or result, for refusals; with each part goes
/// its place there.
pub(super) fn encode_content<'a>(
    parts: &[(usize, &'a Part)],
    speaker: Speaker,
    path: &str,
    dropped: &mut Dropped,
) -> Result<ContentOut<'a>, Refusal> {
    if parts.iter().any(|(_, part)| part.cache_control.is_some()) {
        dropped.list("messages[].content[].cache_control");
    }
    match parts {
        [] => return Ok(ContentOut::Text("")),
        [(_, Part { content: Content::Text(text), .. })] if text.annotations.is_empty() => {
            return Ok(ContentOut::Text(&text.text));
        }
        _ => {}
    }
    let mut out = Vec::with_capacity(parts.len());
    for (index, part) in parts {
        match &part.content {
            Content::Native(native) if native.dialect == Dialect::Responses => {
                out.push(PartOut::Native(&native.value));
            }
            Content::Native(_) if speaker == Speaker::Output => dropped.list("messages[].content[]"),
            // Anthropic's name for a tool that is now on offer: it is among the tools.
            Content::Native(native)
                if native.value.get("type").is_some_and(|kind| kind == "tool_reference") =>
            {
                dropped.list("messages[].content[].tool_reference");
            }
            content => {
                let known = encode_known(content, speaker).ok_or_else(|| {
                    let what = name_of(content);
                    let who = if speaker == Speaker::Output { "the assistant's" } else { "a" };
                    let message = format!("the Responses format has no place in {who} message for {what}");
                    Refusal::at(format!("{path}.content[{index}]"), message)
                })?;
                out.push(PartOut::Known(known));
            }
        }
    }
    Ok(ContentOut::Parts(out))
}

fn encode_known(content: &Content, speaker: Speaker) -> Option<KnownOut<'_>> {
    let output = speaker == Speaker::Output;
    Some(match content {
        Content::Text(text) if output => {
            let annotations = text.annotations.iter().filter_map(|cited| annotations::encode(cited, 0));
            KnownOut::OutputText { text: &text.text, annotations: annotations.collect() }
        }
        Content::Text(text) => KnownOut::InputText { text: &text.text },
        Content::Refusal(refusal) if output => KnownOut::Refusal { refusal },
        Content::Refusal(text) => KnownOut::InputText { text },
        // What an earlier answer said aloud.
        Content::Audio(Audio { transcript: Some(text), .. }) if output => {
            KnownOut::OutputText { text, annotations: Vec::new() }
        }
        _ if output => return None,
        Content::Image(image) => KnownOut::InputImage(encode_image(image)?),
        Content::Document(Document { source: Source::Text(text), .. }) => KnownOut::InputText { text },
        Content::Document(document) => KnownOut::InputFile(encode_file(document)?),
        Content::Audio(Audio { data: Some(data), format, .. }) if speaker == Speaker::Input => {
            let format = format.as_deref().unwrap_or("wav");
            KnownOut::InputAudio { input_audio: AudioOut { data, format } }
        }
        Content::Audio(Audio { transcript: Some(text), .. }) => KnownOut::InputText { text },
        _ => return None,
    })
}

fn encode_image(image: &Image) -> Option<ImageOut<'_>> {
    let detail = image.detail.as_deref();
    let at = |url| ImageOut { image_url: Some(url), file_id: None, detail };
    Some(match &image.source {
        Source::Base64 { media_type, data } => at(Url::Data { media_type, data }),
        Source::Url { url, .. } => at(Url::At(url)),
        Source::File { id } => ImageOut { image_url: None, file_id: Some(id), detail },
        Source::Text(_) => return None,
    })
}

fn encode_file(document: &Document) -> Option<FileOut<'_>> {
    let filename = document.name.as_deref().map(Cow::Borrowed);
    Some(match &document.source {
        Source::Base64 { media_type, data } => {
            // The API refuses data without a name.
            let extension = media_type.rsplit('/').next().unwrap_or("bin");
            let filename = filename.unwrap_or_else(|| Cow::Owned(format!("document.{extension}")));
            let file_data = Some(Url::Data { media_type, data });
            FileOut { filename: Some(filename), file_data, ..FileOut::default() }
        }
        // A name beside a URL or an id is refused.
        Source::Url { url, .. } => FileOut { file_url: Some(url), ..FileOut::default() },
        Source::File { id } => FileOut { file_id: Some(id), ..FileOut::default() },
        Source::Text(_) => return None,
    })
}
