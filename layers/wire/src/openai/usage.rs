//! Tokens counted: OpenAI's `usage` object and what other servers make of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tollway_core::Usage;

use super::lenient::{Count, object_or_default};

/// Reads a `usage` object. `None` when it is not an object or counts nothing.
pub(super) fn decode_usage(usage: &Value) -> Option<Usage> {
    UsageBody::deserialize(usage).ok()?.usage()
}

/// Groq's own corner of a chunk, where the usage of a stream stands.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct XGroq {
    #[serde(deserialize_with = "object_or_default")]
    pub(super) usage: UsageBody,
    /// What went wrong in mid-stream.
    pub(super) error: Value,
}

/// A `usage` object as the various servers write it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UsageBody {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    #[serde(deserialize_with = "object_or_default")]
    prompt_tokens_details: InputDetails,
    #[serde(deserialize_with = "object_or_default")]
    completion_tokens_details: OutputDetails,
    /// DeepSeek's.
    prompt_cache_hit_tokens: Count,
    /// DeepSeek's.
    prompt_cache_miss_tokens: Count,
    /// Mistral's.
    num_cached_tokens: Count,
    /// OpenRouter's.
    #[serde(deserialize_with = "object_or_default")]
    server_tool_use_details: ServerTools,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct InputDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct OutputDetails {
    reasoning_tokens: Count,
    audio_tokens: Count,
    accepted_prediction_tokens: Count,
    rejected_prediction_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServerTools {
    web_search_requests: Count,
}

impl UsageBody {
    /// The same, normalised. `None` when no tokens are counted at all.
    pub(super) fn usage(&self) -> Option<Usage> {
        let total = self.total_tokens.0;
        let told_output = self.completion_tokens.0;
        let hit_and_miss = match (self.prompt_cache_hit_tokens.0, self.prompt_cache_miss_tokens.0) {
            (None, None) => None,
            (hit, miss) => Some(hit.unwrap_or(0).saturating_add(miss.unwrap_or(0))),
        };
        let told_input = self.prompt_tokens.0.or(hit_and_miss);
        if total.is_none() && told_output.is_none() && told_input.is_none() {
            return None;
        }
        let total = total.unwrap_or(0);
        let input = told_input.unwrap_or_else(|| total.saturating_sub(told_output.unwrap_or(0)));
        // xAI and Gemini's OpenAI endpoint count thinking in the total but not in the completion.
        // The total never holds less than both, so what is over was answered with.
        let output = told_output.unwrap_or(0).max(total.saturating_sub(input));
        let of_input = &self.prompt_tokens_details;
        let of_output = &self.completion_tokens_details;
        let cached = of_input.cached_tokens.0.or(self.prompt_cache_hit_tokens.0).or(self.num_cached_tokens.0);
        Some(Usage {
            input,
            cached_input: cached.unwrap_or(0),
            cache_write_5m: of_input.cache_write_tokens.0.unwrap_or(0),
            cache_write_1h: 0,
            output,
            reasoning: of_output.reasoning_tokens.0.unwrap_or(0),
            input_audio: of_input.audio_tokens.0.unwrap_or(0),
            output_audio: of_output.audio_tokens.0.unwrap_or(0),
            input_image: of_input.image_tokens.0.unwrap_or(0),
            accepted_prediction: of_output.accepted_prediction_tokens.0.unwrap_or(0),
            rejected_prediction: of_output.rejected_prediction_tokens.0.unwrap_or(0),
            web_searches: self.server_tool_use_details.web_search_requests.0.unwrap_or(0),
        })
    }
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
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_openais_own() {
        let usage = decode_usage(&json!({
            "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 3, "cache_write_tokens": 7},
            "completion_tokens_details": {"reasoning_tokens": 9, "audio_tokens": 1,
                "accepted_prediction_tokens": 2, "rejected_prediction_tokens": 4},
        }))
        .unwrap();
        let expected = Usage {
            input: 100,
            cached_input: 64,
            cache_write_5m: 7,
            output: 20,
            reasoning: 9,
            input_audio: 3,
            output_audio: 1,
            accepted_prediction: 2,
            rejected_prediction: 4,
            ..Usage::default()
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn reads_what_other_servers_write() {
        let deepseek = decode_usage(&json!({
            "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 10, "completion_tokens": 5,
        }));
        let deepseek = deepseek.unwrap();
        assert_eq!((deepseek.input, deepseek.cached_input, deepseek.output), (74, 64, 5));
        let mistral = decode_usage(&json!({"prompt_tokens": 9, "num_cached_tokens": 8, "total_tokens": 10}));
        assert_eq!(mistral.map(|u| (u.cached_input, u.output)), Some((8, 1)));
        let odd = decode_usage(&json!({"prompt_tokens": "12", "completion_tokens": 3.0,
            "prompt_tokens_details": null, "completion_tokens_details": []}));
        assert_eq!(odd.map(|u| (u.input, u.output)), Some((12, 3)));
    }

    #[test]
    fn thinking_left_out_of_the_completion_is_output() {
        let xai = decode_usage(&json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115,
            "completion_tokens_details": {"reasoning_tokens": 100}}));
        assert_eq!(xai.map(|u| (u.output, u.reasoning, u.total())), Some((105, 100, 115)));
    }

    #[test]
    fn no_counts_are_no_usage() {
        for nothing in [json!(null), json!({}), json!([]), json!({"prompt_tokens": null}), json!("12")] {
            assert_eq!(decode_usage(&nothing), None, "{nothing}");
        }
    }

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
