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
    #[serde(alias = "input_tokens_details")]
    input_token_details: Option<Details>,
    #[serde(alias = "output_tokens_details")]
    output_token_details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    audio_tokens: Option<u64>,
    image_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

impl Counted {
    fn usage(self) -> Option<Usage> {
        if self.input_tokens.is_none() && self.output_tokens.is_none() {
            return None;
        }
        let input = self.input_token_details.unwrap_or_default();
        let output = self.output_token_details.unwrap_or_default();
        Some(Usage {
            input: self.input_tokens.unwrap_or(0),
            output: self.output_tokens.unwrap_or(0),
            cached_input: input.cached_tokens.unwrap_or(0),
            cache_write_5m: input.cache_write_tokens.unwrap_or(0),
            input_audio: input.audio_tokens.unwrap_or(0),
            input_image: input.image_tokens.unwrap_or(0),
            output_audio: output.audio_tokens.unwrap_or(0),
            reasoning: output.reasoning_tokens.unwrap_or(0),
            ..Usage::default()
        })
    }
}
