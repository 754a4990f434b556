//! The message of an answer in OpenAI's format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::annotations::{AnnotationOut, encode_annotations};
use super::encode_message::{FunctionCallOut, Seal, ToolCallOut, joined};
use super::encode_part::{ImageOut, encode_image};
use super::encode_response::within;
use super::reasoning_out::{Detail, details};
use super::stream_image::picture_of;
use crate::EncodeContext;
use crate::chat::{Audio, Content, Part};

/// A message of the model.
#[derive(Default, Serialize)]
pub(super) struct AnswerOut<'a> {
    role: &'static str,
    content: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Detail<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<AnnotationOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<AudioOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<PictureOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionCallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Seal<'a>>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// Sound. Clients expect all four members.
#[derive(Serialize)]
struct AudioOut<'a> {
    id: &'a str,
    expires_at: u64,
    data: &'a str,
    transcript: &'a str,
}

/// A picture, as OpenRouter writes it.
#[derive(Serialize)]
#[serde(untagged)]
enum PictureOut<'a> {
    Image {
        #[serde(rename = "type")]
        kind: &'static str,
        image_url: ImageOut<'a>,
    },
    /// One that came in a stream.
    Streamed(Value),
}

impl<'a> AnswerOut<'a> {
    /// A message of these parts, and of the extras of choice `place`.
    pub(super) fn new(
        parts: &'a [Part],
        own: &Map<String, Value>,
        place: usize,
        cx: &'a EncodeContext,
    ) -> Self {
        let mut out = Self {
            role: "assistant",
            content: joined(parts.iter().filter_map(as_text)),
            refusal: joined(parts.iter().filter_map(|part| match &part.content {
                Content::Refusal(text) => Some(text.as_str()),
                _ => None,
            })),
            reasoning_content: joined(parts.iter().filter_map(|part| match &part.content {
                Content::Reasoning(reasoning) => Some(reasoning.text.as_str()),
                _ => None,
            })),
            reasoning_details: details(parts),
            ..Self::default()
        };
        for part in parts {
            out.add(part, cx);
        }
        if cx.legacy_functions && !out.tool_calls.is_empty() {
            // The legacy form has room for one call, and its clients ask for one at a time.
            out.function_call = out.tool_calls.swap_remove(0).function;
            out.tool_calls.clear();
        }
        let acts = !out.tool_calls.is_empty() || out.function_call.is_some() || out.audio.is_some();
        if out.content.is_none() && out.refusal.is_none() && !acts {
            out.content = Some(Cow::Borrowed(""));
        }
        if !own.is_empty() {
            out.extra = within(own, &format!("choices[{place}].message."));
        }
        out
    }

    fn add(&mut self, part: &'a Part, cx: &'a EncodeContext) {
        match &part.content {
            Content::Text(text) => {
                self.annotations.extend(encode_annotations(&text.annotations));
                if let Some(seal) = part.signature.as_ref().and_then(Seal::of) {
                    self.extra_content = Some(seal);
                }
            }
            Content::ToolCall(call) => {
                let name = Cow::Borrowed(call.name.as_str());
                self.tool_calls.push(ToolCallOut::new(call, name, part.signature.as_ref()));
            }
            Content::Audio(audio) => self.audio = Some(AudioOut::of(audio, cx)),
            Content::Image(image) => {
                let image_url = encode_image(image);
                self.images
                    .extend(image_url.map(|image_url| PictureOut::Image { kind: "image_url", image_url }));
            }
            Content::Native(native) => self.images.extend(picture_of(native).map(PictureOut::Streamed)),
            _ => {}
        }
    }
}

impl<'a> AudioOut<'a> {
    fn of(audio: &'a Audio, cx: &'a EncodeContext) -> Self {
        Self {
            id: audio.id.as_deref().unwrap_or(&cx.id),
            expires_at: audio.expires_at.unwrap_or(cx.created),
            data: audio.data.as_deref().unwrap_or_default(),
            transcript: audio.transcript.as_deref().unwrap_or_default(),
        }
    }
}

fn as_text(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Text(text) => Some(text.text.as_str()),
        _ => None,
    }
}
