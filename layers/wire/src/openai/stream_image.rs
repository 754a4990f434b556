//! Pictures in a streamed answer, for which there is no canonical step.

use serde_json::{Value, json};
use tollway_core::Dialect;

use crate::chat::{Image, Native, Source};

/// A picture as a step of a stream: OpenRouter's form, which is also what goes out again.
pub(super) fn encode_image(image: &Image) -> Option<Native> {
    let url = match &image.source {
        Source::Base64 { media_type, data } => format!("data:{media_type};base64,{data}"),
        Source::Url { url, .. } => url.clone(),
        Source::File { .. } | Source::Text(_) => return None,
    };
    let value = json!({ "type": "image_url", "image_url": { "url": url } });
    Some(Native { dialect: Dialect::OpenAi, value })
}

/// The picture a step of a stream holds, in OpenRouter's form: our own, or Gemini's inline data.
pub(super) fn picture_of(native: &Native) -> Option<Value> {
    match native.dialect {
        Dialect::OpenAi => {
            let is_image = native.value.get("type").and_then(Value::as_str) == Some("image_url");
            is_image.then(|| native.value.clone())
        }
        Dialect::Gemini => {
            let inline = native.value.get("inlineData");
            let held = inline.or_else(|| native.value.get("fileData"))?;
            let kind = held.get("mimeType").and_then(Value::as_str)?;
            if !kind.starts_with("image/") {
                return None;
            }
            let url = match inline {
                Some(inline) => format!("data:{kind};base64,{}", inline.get("data")?.as_str()?),
                None => held.get("fileUri")?.as_str()?.to_owned(),
            };
            Some(json!({ "type": "image_url", "image_url": { "url": url } }))
        }
        _ => None,
    }
}
