//! Tokens counted: the `usage` object of this API, and searches, which stand elsewhere.

use serde::Serialize;
use serde_json::Value;
use tollway_core::Usage;

use crate::chat::{Content, Part};

/// Reads the usage of an answer in which so many searches were seen. `None` when it tells none.
pub(super) fn decode(response: &Value, searches: u64) -> Option<Usage> {
    let usage = response.get("usage")?;
    let count = |within: Option<&Value>, name: &str| within.and_then(|within| within.get(name)?.as_u64());
    let (input_details, output_details) =
        (usage.get("input_tokens_details"), usage.get("output_tokens_details"));
    let (input, output) = (count(Some(usage), "input_tokens"), count(Some(usage), "output_tokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    Some(Usage {
        input: input.unwrap_or(0),
        cached_input: count(input_details, "cached_tokens").unwrap_or(0),
        cache_write_5m: count(input_details, "cache_write_tokens").unwrap_or(0),
        output: output.unwrap_or(0),
        reasoning: count(output_details, "reasoning_tokens").unwrap_or(0),
        input_audio: count(input_details, "audio_tokens").unwrap_or(0),
        input_image: count(input_details, "image_tokens").unwrap_or(0),
        output_audio: count(output_details, "audio_tokens").unwrap_or(0),
        web_searches: told_searches(response).unwrap_or(searches),
        ..Usage::default()
    })
}

/// The searches told, which older answers do not.
fn told_searches(response: &Value) -> Option<u64> {
    let told = response.get("tool_usage")?.get("web_search")?.get("num_requests")?.as_u64();
    told.filter(|told| *told > 0)
}

/// The searches among the parts of an answer, for when they are not told. Opening a found page is none.
pub(super) fn searches(parts: &[Part]) -> u64 {
    let natives = parts.iter().filter_map(|part| match &part.content {
        Content::Native(native) => Some(&native.value),
        _ => None,
    });
    u64::try_from(natives.filter(|item| is_search(item)).count()).unwrap_or(u64::MAX)
}

/// Whether an item is a search that is billed.
pub(super) fn is_search(item: &Value) -> bool {
    let action = item.get("action").and_then(|action| action.get("type")?.as_str());
    item.get("type").and_then(Value::as_str) == Some("web_search_call")
        && action.is_none_or(|action| action == "search")
}

/// The `usage` object as it is written.
#[derive(Debug, Serialize)]
pub(super) struct UsageOut {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    audio_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_tokens: u64,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    audio_tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl From<&Usage> for UsageOut {
    fn from(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.input,
            input_tokens_details: InputDetails {
                cached_tokens: usage.cached_input,
                cache_write_tokens: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
                audio_tokens: usage.input_audio,
                image_tokens: usage.input_image,
            },
            output_tokens: usage.output,
            output_tokens_details: OutputDetails {
                reasoning_tokens: usage.reasoning,
                audio_tokens: usage.output_audio,
            },
            total_tokens: usage.total(),
        }
    }
}

/// The `tool_usage` object that tells of searches.
#[derive(Debug, Serialize)]
pub(super) struct ToolUsageOut {
    image_gen: ImageUsageOut,
    web_search: SearchesOut,
}

/// No pictures were made. Clients read searches only beside it.
#[derive(Debug, Default, Serialize)]
struct ImageUsageOut {
    input_tokens: u64,
    input_tokens_details: ImageDetails,
    output_tokens: u64,
    output_tokens_details: ImageDetails,
    total_tokens: u64,
}

#[derive(Debug, Default, Serialize)]
struct ImageDetails {
    image_tokens: u64,
    text_tokens: u64,
}

#[derive(Debug, Serialize)]
struct SearchesOut {
    num_requests: u64,
}

impl ToolUsageOut {
    /// The object, if there were searches.
    pub(super) fn of(usage: &Usage) -> Option<Self> {
        let num_requests = usage.web_searches;
        (num_requests > 0)
            .then(|| Self { image_gen: ImageUsageOut::default(), web_search: SearchesOut { num_requests } })
    }
}
