//! `usageMetadata` ⇄ [`Usage`].
//!
//! Counts are cumulative: each frame of a stream tells all so far, and what a frame leaves out keeps
//! its earlier value. `promptTokenCount` includes cached tokens; `candidatesTokenCount` leaves out
//! `thoughtsTokenCount`, unless the total shows that it does not.

use serde::{Deserialize, Serialize};
use tollway_core::Usage;

use super::words::EnumWord;

/// The counters of one frame, or of all so far.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Counters<'a> {
    prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    total_token_count: Option<u64>,
    #[serde(borrow)]
    prompt_tokens_details: Option<Vec<ModalityCount<'a>>>,
    #[serde(borrow)]
    cache_tokens_details: Option<Vec<ModalityCount<'a>>>,
    #[serde(borrow)]
    candidates_tokens_details: Option<Vec<ModalityCount<'a>>>,
    #[serde(borrow)]
    pub(super) traffic_type: Option<EnumWord<'a>>,
    #[serde(borrow)]
    pub(super) service_tier: Option<EnumWord<'a>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModalityCount<'a> {
    #[serde(borrow, default)]
    modality: Option<EnumWord<'a>>,
    #[serde(default)]
    token_count: u64,
}

/// What all frames so far have told, as told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    prompt: Option<u64>,
    cached: Option<u64>,
    candidates: Option<u64>,
    tool_use: Option<u64>,
    thoughts: Option<u64>,
    total: Option<u64>,
    prompt_audio: Option<u64>,
    cached_audio: Option<u64>,
    prompt_image: Option<u64>,
    candidates_audio: Option<u64>,
    /// Web searches the provider ran, told by the grounding metadata.
    pub(super) web_searches: u64,
}

/// The modalities in the order of their numbers.
const MODALITIES: &[&str] = &["MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"];

impl Tally {
    /// Puts newer counts in place of older ones; a count left out keeps its value.
    pub(super) fn update(&mut self, counters: &Counters<'_>) {
        let put = |to: &mut Option<u64>, from: Option<u64>| *to = from.or(*to);
        put(&mut self.prompt, counters.prompt_token_count);
        put(&mut self.cached, counters.cached_content_token_count);
        put(&mut self.candidates, counters.candidates_token_count);
        put(&mut self.tool_use, counters.tool_use_prompt_token_count);
        put(&mut self.thoughts, counters.thoughts_token_count);
        put(&mut self.total, counters.total_token_count);
        let prompt = counters.prompt_tokens_details.as_deref();
        put(&mut self.prompt_audio, prompt.map(|details| count_of(details, "AUDIO")));
        put(&mut self.prompt_image, prompt.map(|details| count_of(details, "IMAGE")));
        let cached = counters.cache_tokens_details.as_deref();
        put(&mut self.cached_audio, cached.map(|details| count_of(details, "AUDIO")));
        let candidates = counters.candidates_tokens_details.as_deref();
        put(&mut self.candidates_audio, candidates.map(|details| count_of(details, "AUDIO")));
    }

    /// The counts normalised, once any is known.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.prompt.or(self.candidates).or(self.thoughts).or(self.total)?;
        let prompt = self.prompt.unwrap_or_default();
        let candidates = self.candidates.unwrap_or_default();
        let tool_use = self.tool_use.unwrap_or_default();
        let thoughts = self.thoughts.unwrap_or_default();
        let whole = |sum: u64| self.total == Some(sum);
        let told = prompt.saturating_add(candidates);
        let thoughts_within =
            thoughts > 0 && thoughts <= candidates && (whole(told) || whole(told.saturating_add(tool_use)));
        // What a web search put into the prompt is not billed as input; what code execution and URL
        // context put there is. The answer does not tell them apart where both were used.
        let billed_tool_use = if self.web_searches > 0 { 0 } else { tool_use };
        Some(Usage {
            input: prompt.saturating_add(billed_tool_use),
            cached_input: self.cached.unwrap_or_default(),
            output: if thoughts_within { candidates } else { candidates.saturating_add(thoughts) },
            reasoning: thoughts,
            input_audio: self.prompt_audio.unwrap_or_default(),
            cached_input_audio: self.cached_audio.unwrap_or_default(),
            output_audio: self.candidates_audio.unwrap_or_default(),
            input_image: self.prompt_image.unwrap_or_default(),
            web_searches: self.web_searches,
            ..Usage::default()
        })
    }
}

fn count_of(details: &[ModalityCount<'_>], wanted: &str) -> u64 {
    let of = |detail: &&ModalityCount<'_>| {
        detail.modality.as_ref().is_some_and(|word| word.name(MODALITIES) == wanted)
    };
    details.iter().filter(of).fold(0, |sum: u64, detail| sum.saturating_add(detail.token_count))
}

/// `usageMetadata` as it is written.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsageOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_token_count: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    cached_content_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    thoughts_token_count: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prompt_tokens_details: Vec<ModalityOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cache_tokens_details: Vec<ModalityOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates_tokens_details: Vec<ModalityOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ModalityOut {
    modality: &'static str,
    token_count: u64,
}

impl UsageOut {
    /// What is known of usage and tier, if anything.
    pub(super) fn new(usage: Option<&Usage>, service_tier: Option<&'static str>) -> Option<Self> {
        let counts = match usage {
            Some(usage) => Self::from(usage),
            None => Self::default(),
        };
        (usage.is_some() || service_tier.is_some()).then_some(Self { service_tier, ..counts })
    }
}

impl From<&Usage> for UsageOut {
    fn from(usage: &Usage) -> Self {
        Self {
            prompt_token_count: Some(usage.input),
            candidates_token_count: Some(usage.output.saturating_sub(usage.reasoning)),
            total_token_count: Some(usage.total()),
            cached_content_token_count: usage.cached_input,
            thoughts_token_count: usage.reasoning.min(usage.output),
            prompt_tokens_details: details(
                usage.input,
                [("AUDIO", usage.input_audio), ("IMAGE", usage.input_image)],
            ),
            cache_tokens_details: details(
                usage.cached_input,
                [("AUDIO", usage.cached_input_audio), ("IMAGE", 0)],
            ),
            candidates_tokens_details: details(
                usage.output.saturating_sub(usage.reasoning),
                [("AUDIO", usage.output_audio), ("IMAGE", 0)],
            ),
            service_tier: None,
        }
    }
}

/// The modalities of a count; empty when all of it is text.
fn details(all: u64, others: [(&'static str, u64); 2]) -> Vec<ModalityOut> {
    let told = others.iter().fold(0, |sum: u64, (_, count)| sum.saturating_add(*count));
    if told == 0 {
        return Vec::new();
    }
    let text = ("TEXT", all.saturating_sub(told));
    let counts = std::iter::once(text).chain(others).filter(|(_, count)| *count > 0);
    counts.map(|(modality, token_count)| ModalityOut { modality, token_count }).collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(frames: &[&str]) -> Option<Usage> {
        let mut tally = Tally::default();
        for frame in frames {
            tally.update(&serde_json::from_str(frame).unwrap());
        }
        tally.usage()
    }

    #[test]
    fn thoughts_are_added_to_the_output() {
        let got = usage(&[
            r#"{"promptTokenCount":8,"candidatesTokenCount":340,"totalTokenCount":2040,"thoughtsTokenCount":1692}"#,
        ])
        .unwrap();
        assert_eq!((got.input, got.output, got.reasoning, got.total()), (8, 2032, 1692, 2040));
    }

    #[test]
    fn thoughts_already_within_the_candidates_are_not_added_again() {
        let got = usage(&[
            r#"{"promptTokenCount":10,"candidatesTokenCount":50,"totalTokenCount":60,"thoughtsTokenCount":30}"#,
        ])
        .unwrap();
        assert_eq!((got.output, got.reasoning), (50, 30));
        let with_tools = usage(&[
            r#"{"promptTokenCount":10,"toolUsePromptTokenCount":5,"candidatesTokenCount":50,"totalTokenCount":65,"thoughtsTokenCount":30}"#,
        ])
        .unwrap();
        assert_eq!((with_tools.input, with_tools.output), (15, 50));
    }

    #[test]
    fn audio_among_the_cached_tokens_is_told_apart() {
        let got = usage(&[r#"{"promptTokenCount":100,"cachedContentTokenCount":90,"totalTokenCount":101,
            "promptTokensDetails":[{"modality":"AUDIO","tokenCount":60}],
            "cacheTokensDetails":[{"modality":"TEXT","tokenCount":35},{"modality":"AUDIO","tokenCount":55}]}"#]);
        let got = got.unwrap();
        assert_eq!((got.cached_input, got.input_audio, got.cached_input_audio), (90, 60, 55));
        let written = serde_json::to_value(UsageOut::from(&got)).unwrap();
        assert_eq!(written["cacheTokensDetails"][1]["tokenCount"], 55);
    }

    #[test]
    fn cached_tokens_are_part_of_the_prompt_and_not_added_to_it() {
        let got = usage(&[
            r#"{"promptTokenCount":100,"cachedContentTokenCount":90,"candidatesTokenCount":1,"totalTokenCount":101}"#,
        ])
        .unwrap();
        assert_eq!((got.input, got.cached_input), (100, 90));
    }

    /// ogx#5122: each frame of a stream tells all tokens so far, and another gateway added them up,
    /// so that an answer of ten frames cost ten times its prompt.
    #[test]
    fn cumulative_counts_replace_and_never_add() {
        let got = usage(&[
            r#"{"promptTokenCount":32,"candidatesTokenCount":20,"totalTokenCount":52}"#,
            r#"{"promptTokenCount":32,"candidatesTokenCount":25,"totalTokenCount":57}"#,
        ])
        .unwrap();
        assert_eq!((got.input, got.output), (32, 25));
    }

    /// A last frame that tells only a part of the counts must not wipe out the rest.
    #[test]
    fn a_count_left_out_keeps_its_value() {
        let got = usage(&[
            r#"{"promptTokenCount":32,"cachedContentTokenCount":30,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":7}]}"#,
            r#"{"candidatesTokenCount":25}"#,
        ])
        .unwrap();
        assert_eq!((got.input, got.cached_input, got.output, got.input_audio), (32, 30, 25, 7));
    }

    #[test]
    fn modalities_are_read_by_name_and_by_number() {
        let got = usage(&[
            r#"{"promptTokenCount":9,"promptTokensDetails":[{"modality":4,"tokenCount":3},{"modality":"IMAGE","tokenCount":2},{"modality":"AUDIO","tokenCount":1}]}"#,
        ])
        .unwrap();
        assert_eq!((got.input_audio, got.input_image), (4, 2));
    }

    #[test]
    fn a_frame_that_tells_only_its_traffic_type_is_no_usage() {
        assert_eq!(usage(&[r#"{"trafficType":"ON_DEMAND"}"#]), None);
    }
}
