//! An answer, or one frame of a streamed one, borrowed from its bytes.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    part::WirePart,
    usage::Counters,
    words::{EnumWord, Words},
};

/// `GenerateContentResponse`, or the error that stands in its place.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) candidates: Option<Vec<Candidate<'a>>>,
    #[serde(borrow)]
    pub(super) prompt_feedback: Option<Box<PromptFeedback<'a>>>,
    #[serde(borrow)]
    pub(super) usage_metadata: Option<Box<Counters<'a>>>,
    #[serde(borrow)]
    pub(super) model_version: Option<Words<'a>>,
    #[serde(borrow)]
    pub(super) response_id: Option<Words<'a>>,
    #[serde(borrow)]
    pub(super) create_time: Option<Words<'a>>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// One answer of several.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Candidate<'a> {
    pub(super) index: Option<u32>,
    #[serde(borrow)]
    pub(super) content: Option<Turn<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Option<EnumWord<'a>>,
    #[serde(borrow)]
    pub(super) grounding_metadata: Option<Box<Grounding<'a>>>,
    #[serde(borrow)]
    pub(super) citation_metadata: Option<Box<Citations<'a>>>,
    #[serde(borrow)]
    pub(super) logprobs_result: Option<Box<Logprobs<'a>>>,
}

/// What a candidate says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Turn<'a> {
    #[serde(borrow)]
    pub(super) parts: Option<Vec<WirePart<'a>>>,
}

/// What became of the prompt, where it was held back.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PromptFeedback<'a> {
    #[serde(borrow)]
    pub(super) block_reason: Option<EnumWord<'a>>,
    #[serde(borrow)]
    pub(super) block_reason_message: Option<Words<'a>>,
}

/// Where grounded text comes from.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Grounding<'a> {
    #[serde(borrow)]
    #[serde(rename = "groundingChunks")]
    pub(super) chunks: Vec<GroundingChunk<'a>>,
    #[serde(borrow)]
    #[serde(rename = "groundingSupports")]
    pub(super) supports: Vec<GroundingSupport<'a>>,
    #[serde(borrow)]
    pub(super) web_search_queries: Vec<Words<'a>>,
}

/// A source.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GroundingChunk<'a> {
    #[serde(borrow)]
    pub(super) web: Option<WebSource<'a>>,
    #[serde(borrow)]
    pub(super) retrieved_context: Option<WebSource<'a>>,
    #[serde(borrow)]
    pub(super) maps: Option<WebSource<'a>>,
}

/// A page, file or place.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WebSource<'a> {
    #[serde(borrow)]
    pub(super) uri: Option<Words<'a>>,
    #[serde(borrow)]
    pub(super) title: Option<Words<'a>>,
}

/// Which text rests on which sources.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GroundingSupport<'a> {
    pub(super) grounding_chunk_indices: Vec<usize>,
    #[serde(borrow)]
    pub(super) segment: Option<Segment<'a>>,
}

/// A span of text, in bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Segment<'a> {
    pub(super) start_index: usize,
    pub(super) end_index: usize,
    #[serde(borrow)]
    pub(super) text: Option<Words<'a>>,
}

/// Sources the model recited from. AI Studio and Vertex name the list differently.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Citations<'a> {
    #[serde(borrow, alias = "citations")]
    pub(super) citation_sources: Vec<CitationSource<'a>>,
}

/// One of them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CitationSource<'a> {
    pub(super) start_index: usize,
    pub(super) end_index: usize,
    #[serde(borrow)]
    pub(super) uri: Option<Words<'a>>,
    #[serde(borrow)]
    pub(super) title: Option<Words<'a>>,
}

/// Log probabilities.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Logprobs<'a> {
    #[serde(borrow)]
    pub(super) chosen_candidates: Vec<TokenLogprob<'a>>,
    #[serde(borrow)]
    pub(super) top_candidates: Vec<TopLogprobs<'a>>,
}

/// The likeliest tokens of one place.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TopLogprobs<'a> {
    #[serde(borrow)]
    pub(super) candidates: Vec<TokenLogprob<'a>>,
}

/// A token and its log probability.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TokenLogprob<'a> {
    #[serde(borrow)]
    pub(super) token: Words<'a>,
    pub(super) log_probability: f64,
}
