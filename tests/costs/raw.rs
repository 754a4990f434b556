//! What an answer's JSON counts, read by hand from each provider's documentation.

use serde_json::Value;

use crate::{events::events, recording::Recording};

/// The tokens of an answer, each counted once.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) model: String,
    pub(crate) tier: Option<String>,
    /// Input that is neither read from nor written to a cache.
    pub(crate) fresh: u64,
    pub(crate) read: u64,
    pub(crate) written: u64,
    pub(crate) hour: u64,
    pub(crate) audio: u64,
    /// Of the audio, what was read from a cache.
    pub(crate) cached_audio: u64,
    pub(crate) output: u64,
    pub(crate) searches: u64,
}

impl Told {
    /// Reads an answer; none where it counts nothing.
    pub(crate) fn read(recording: &Recording) -> Option<Self> {
        let frames: Vec<Value> = match recording.json() {
            _ if recording.is_stream => {
                events(recording.text()).iter().map(super::events::Event::json).collect()
            }
            Value::Array(frames) => frames,
            whole => vec![whole],
        };
        let mut told = match recording.provider.as_str() {
            "anthropic" => anthropic(&frames),
            "gemini" | "vertex" => gemini(&frames),
            _ if recording.name.contains("/responses/") => responses(&frames),
            _ => openai(&frames),
        }?;
        if told.model.is_empty() {
            recording.request["model"].as_str().unwrap_or_default().clone_into(&mut told.model);
        }
        Some(told)
    }
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// The last text at a place in any of the frames.
fn last(frames: &[Value], pointer: &str) -> Option<String> {
    frames.iter().filter_map(|frame| frame.pointer(pointer)?.as_str()).next_back().map(str::to_owned)
}

fn openai(frames: &[Value]) -> Option<Told> {
    let places = ["/usage", "/x_groq/usage"];
    let usage = places.iter().find_map(|place| {
        frames.iter().filter_map(|frame| frame.pointer(place)).rfind(|usage| usage.is_object())
    })?;
    let input = number(usage, "/prompt_tokens");
    let read = number(usage, "/prompt_tokens_details/cached_tokens").max(number(usage, "/num_cached_tokens"));
    let read = read.max(number(usage, "/prompt_cache_hit_tokens"));
    let written = number(usage, "/prompt_tokens_details/cache_write_tokens");
    Some(Told {
        model: last(frames, "/model").unwrap_or_default(),
        tier: last(frames, "/service_tier"),
        fresh: input.saturating_sub(read).saturating_sub(written),
        read,
        written,
        output: number(usage, "/completion_tokens"),
        audio: number(usage, "/prompt_tokens_details/audio_tokens"),
        ..Told::default()
    })
}

fn responses(frames: &[Value]) -> Option<Told> {
    let answer = frames.iter().rev().map(|frame| frame.get("response").unwrap_or(frame));
    let answer = answer.clone().find(|answer| answer["usage"].is_object())?;
    let usage = &answer["usage"];
    let read = number(usage, "/input_tokens_details/cached_tokens");
    let written = number(usage, "/input_tokens_details/cache_write_tokens");
    let items = answer["output"].as_array().map(Vec::as_slice).unwrap_or_default();
    let searched = |item: &&Value| {
        let action = &item["action"]["type"];
        item["type"] == "web_search_call" && (action.is_null() || action == "search")
    };
    let told = number(answer, "/tool_usage/web_search/num_requests");
    let seen = u64::try_from(items.iter().filter(searched).count()).unwrap();
    Some(Told {
        model: answer["model"].as_str().unwrap_or_default().to_owned(),
        tier: answer["service_tier"].as_str().map(str::to_owned),
        fresh: number(usage, "/input_tokens") - read - written,
        read,
        written,
        output: number(usage, "/output_tokens"),
        searches: if told > 0 { told } else { seen },
        ..Told::default()
    })
}

fn anthropic(frames: &[Value]) -> Option<Told> {
    // Cumulative: what a later event tells takes the place of what an earlier one told.
    let mut usage = serde_json::Map::new();
    for found in frames.iter().flat_map(|frame| [frame.get("usage"), frame.pointer("/message/usage")]) {
        let fields = found.and_then(Value::as_object).into_iter().flatten();
        usage.extend(
            fields.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    if usage.is_empty() {
        return None;
    }
    let usage = Value::Object(usage);
    let count = |usage: &Value| {
        let written = number(usage, "/cache_creation_input_tokens");
        let hour = number(usage, "/cache_creation/ephemeral_1h_input_tokens");
        [
            number(usage, "/input_tokens"),
            number(usage, "/cache_read_input_tokens"),
            written - hour,
            hour,
            number(usage, "/output_tokens"),
        ]
    };
    let mut counts = count(&usage);
    // Where passes are told, they are all that is billed; the top leaves some of them out.
    if let Some(passes) = usage["iterations"].as_array() {
        let passes: Vec<_> = passes.iter().map(count).collect();
        for (place, of_all) in counts.iter_mut().enumerate() {
            *of_all = (*of_all).max(passes.iter().map(|pass| pass[place]).sum());
        }
    }
    let [fresh, read, written, hour, output] = counts;
    let model = last(frames, "/message/model").or_else(|| last(frames, "/model"));
    Some(Told {
        model: model.unwrap_or_default(),
        tier: usage["service_tier"].as_str().map(str::to_owned),
        fresh,
        read,
        written,
        hour,
        output,
        searches: number(&usage, "/server_tool_use/web_search_requests"),
        ..Told::default()
    })
}

fn gemini(frames: &[Value]) -> Option<Told> {
    let mut usage = serde_json::Map::new();
    for found in frames.iter().filter_map(|frame| frame["usageMetadata"].as_object()) {
        usage.extend(found.clone());
    }
    let usage = Value::Object(usage);
    let counted = ["promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount"];
    if counted.iter().all(|name| usage[*name].is_null()) {
        return None;
    }
    let queries = frames
        .iter()
        .filter_map(|frame| frame.pointer("/candidates/0/groundingMetadata/webSearchQueries")?.as_array());
    let searches =
        queries.map(|queries| queries.iter().filter(|query| *query != "").count()).max().unwrap_or(0);
    let tools = if searches > 0 { 0 } else { number(&usage, "/toolUsePromptTokenCount") };
    let read = number(&usage, "/cachedContentTokenCount");
    let audio = |name: &str| {
        let details = usage[name].as_array().map(Vec::as_slice).unwrap_or_default();
        let audio = details.iter().filter(|detail| detail["modality"] == "AUDIO");
        audio.map(|detail| number(detail, "/tokenCount")).sum()
    };
    Some(Told {
        model: last(frames, "/modelVersion").unwrap_or_default(),
        tier: usage["serviceTier"].as_str().or(usage["trafficType"].as_str()).map(str::to_owned),
        fresh: number(&usage, "/promptTokenCount") + tools - read,
        read,
        audio: audio("promptTokensDetails"),
        cached_audio: audio("cacheTokensDetails"),
        output: number(&usage, "/candidatesTokenCount") + number(&usage, "/thoughtsTokenCount"),
        searches: u64::try_from(searches).unwrap(),
        ..Told::default()
    })
}
