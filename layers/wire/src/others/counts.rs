//! Usage as OpenAI's endpoints beside chat count it: images, transcriptions, realtime sessions.

use serde::Deserialize;
use serde_json::value::RawValue;
use tollway_core::Usage;

use crate::relay::usage;

/// Reads a `usage` object, and the first of several values.
pub(super) fn decode(text: &[u8]) -> Option<Usage> {
    let object: &RawValue = serde_json::Deserializer::from_slice(text).into_iter().next()?.ok()?;
    let object = object.get();
    if !object.starts_with('{') {
        return None;
    }
    let counted = serde_json::from_str::<Counted>(object).ok().and_then(Counted::usage);
    // Servers of OpenAI's format count as in chat.
    counted.or_else(|| usage::decode(object.as_bytes()))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Counted {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    /// Of models that count what they hear by its length (`whisper-1`).
    seconds: Option<f64>,
    #[serde(alias = "input_tokens_details")]
    input_token_details: Option<Details>,
    #[serde(alias = "output_tokens_details")]
    output_token_details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    #[serde(rename = "cached_tokens")]
    cached: Option<u64>,
    #[serde(rename = "cache_write_tokens")]
    written: Option<u64>,
    #[serde(rename = "audio_tokens")]
    audio: Option<u64>,
    #[serde(rename = "image_tokens")]
    image: Option<u64>,
    #[serde(rename = "reasoning_tokens")]
    reasoning: Option<u64>,
}

impl Counted {
    fn usage(self) -> Option<Usage> {
        let length = self.seconds.filter(|seconds| *seconds > 0.0);
        if self.input_tokens.is_none() && self.output_tokens.is_none() && length.is_none() {
            return None;
        }
        let input = self.input_token_details.unwrap_or_default();
        let output = self.output_token_details.unwrap_or_default();
        Some(Usage {
            input: self.input_tokens.unwrap_or(0),
            output: self.output_tokens.unwrap_or(0),
            cached_input: input.cached.unwrap_or(0),
            cache_write_5m: input.written.unwrap_or(0),
            input_audio: input.audio.unwrap_or(0),
            input_audio_ms: length.map_or(0, millis),
            input_image: input.image.unwrap_or(0),
            output_audio: output.audio.unwrap_or(0),
            reasoning: output.reasoning.unwrap_or(0),
            ..Usage::default()
        })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and saturating")]
fn millis(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}
