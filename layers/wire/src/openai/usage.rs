//! Tokens counted: OpenAI's `usage` object. It is read as where it is only relayed, by the same names.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tollway_core::Usage;

use crate::relay::usage::decode;

/// Reads a `usage` object. `None` when it is not an object or counts nothing.
pub(super) fn decode_usage(usage: &Value) -> Option<Usage> {
    decode(usage.to_string().as_bytes())
}

/// The same, of text.
pub(super) fn read_usage(usage: &RawValue) -> Option<Usage> {
    decode(usage.get().as_bytes())
}

/// Groq's own corner of a chunk, where the usage of a stream stands.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct XGroq<'a> {
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    /// What went wrong in mid-stream.
    pub(super) error: Value,
}

/// A `usage` object as we write it: OpenAI's, with cache writes and images where there are any.
#[derive(Debug, Serialize)]
pub(super) struct UsageOut {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: InputDetailsOut,
    completion_tokens_details: OutputDetailsOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_tool_use_details: Option<ServerToolsOut>,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct InputDetailsOut {
    cached_tokens: u64,
    audio_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_tokens: u64,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct OutputDetailsOut {
    reasoning_tokens: u64,
    audio_tokens: u64,
    accepted_prediction_tokens: u64,
    rejected_prediction_tokens: u64,
}

#[derive(Debug, Serialize)]
struct ServerToolsOut {
    web_search_requests: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl From<&Usage> for UsageOut {
    fn from(usage: &Usage) -> Self {
        let searches = usage.web_searches;
        Self {
            prompt_tokens: usage.input,
            completion_tokens: usage.output,
            total_tokens: usage.total(),
            prompt_tokens_details: InputDetailsOut {
                cached_tokens: usage.cached_input,
                audio_tokens: usage.input_audio,
                cache_write_tokens: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
                image_tokens: usage.input_image,
            },
            completion_tokens_details: OutputDetailsOut {
                reasoning_tokens: usage.reasoning,
                audio_tokens: usage.output_audio,
                accepted_prediction_tokens: usage.accepted_prediction,
                rejected_prediction_tokens: usage.rejected_prediction,
            },
            server_tool_use_details: (searches > 0)
                .then_some(ServerToolsOut { web_search_requests: searches }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_totals_and_details() {
        let usage = Usage { input: 5, cached_input: 2, output: 3, cache_write_1h: 1, ..Usage::default() };
        let text = serde_json::to_string(&UsageOut::from(&usage)).unwrap();
        assert_eq!(
            text,
            r#"{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":2,"audio_tokens":0,"cache_write_tokens":1},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#
        );
    }
}
