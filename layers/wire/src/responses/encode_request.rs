//! A request in OpenAI's Responses format.

use serde::Serialize;
use serde_json::{Map, Value};
use tollway_core::Dialect;

use super::encode_input::{ItemOut, encode_input};
use super::encode_settings;
use super::encode_tools::{ToolOut, encode_choice, encode_tools};
use crate::chat::Chat;
use crate::openai::encode_request::{Dropped, encode_user};
use crate::openai::tool_names::ToolNames;
use crate::{Encoded, Refusal, Target};

/// The least limit the API takes.
const LEAST_TOKENS: u64 = 16;

/// Writes the body of `POST /v1/responses`.
///
/// The module's page lists what is fitted, dropped and refused.
pub fn encode_request(chat: &Chat, target: &Target) -> Result<Encoded, Refusal> {
    let traits = &target.traits;
    let mut dropped = Dropped::default();
    crate::loss::check_text_only(chat)?;
    check(chat)?;
    let (chat, lost) = crate::portable::said_in(Dialect::Responses, chat);
    let chat = &*chat;
    for path in &lost {
        dropped.list(path);
    }
    let names = ToolNames::of(chat);
    let input = encode_input(chat, traits, &names, &mut dropped)?;
    let tools = encode_tools(chat, &names, &mut dropped)?;
    let tool_choice = encode_choice(chat, traits, &names)?;
    let sampling = &chat.sampling;
    let temperature = dropped.unless(traits.sampling, "temperature", sampling.temperature);
    let top_p = dropped.unless(traits.sampling, "top_p", sampling.top_p);
    // Zero is no penalty, which is what leaving it out says.
    dropped.unless(false, "frequency_penalty", sampling.frequency_penalty.filter(|penalty| *penalty != 0.0));
    dropped.unless(false, "presence_penalty", sampling.presence_penalty.filter(|penalty| *penalty != 0.0));
    dropped.unless(false, "logit_bias", sampling.logit_bias.as_ref().filter(|bias| !bias.is_empty()));
    dropped.unless(false, "seed", sampling.seed);
    dropped.unless(false, "top_k", sampling.top_k);
    let body = Body {
        model: &target.model,
        instructions: input.instructions,
        input: input.items,
        parallel_tool_calls: chat.parallel_tool_calls.filter(|_| !tools.is_empty()),
        tools,
        tool_choice,
        text: encode_settings::text(chat, target, &mut dropped)?,
        reasoning: encode_settings::reasoning(chat, target, &mut dropped),
        include: encode_settings::include(chat, target),
        max_output_tokens: max_tokens(chat, target, &mut dropped),
        temperature,
        top_p,
        top_logprobs: chat.top_logprobs,
        stream: chat.stream.then_some(true),
        stream_options: stream_options(chat),
        user: encode_user(chat, Dialect::Responses, &mut dropped),
        metadata: chat.metadata.as_ref(),
        service_tier: chat.service_tier.as_deref(),
        extra: encode_settings::extra(chat, &mut dropped)?,
    };
    let body = serde_json::to_vec(&body)
        .map_err(|error| Refusal::whole(format!("the request cannot be written: {error}")))?;
    Ok(Encoded { body, dropped: dropped.0, renamed_tools: names.renamed })
}

/// Refuses what the API has no word for and whose loss would be another answer.
fn check(chat: &Chat) -> Result<(), Refusal> {
    if chat.n.is_some_and(|n| n > 1) {
        return Err(Refusal::at("n", "the Responses format gives one answer: use n of 1"));
    }
    if !chat.stop.is_empty() {
        return Err(Refusal::at(
            "stop",
            "the Responses format has no texts that end an answer: leave out stop",
        ));
    }
    Ok(())
}

/// The client's limit, within what the API and the model take.
fn max_tokens(chat: &Chat, target: &Target, dropped: &mut Dropped) -> Option<u64> {
    let wanted = chat.max_tokens?;
    let most = target.traits.max_output_tokens.unwrap_or(u64::MAX);
    let least = if chat.dialect == Some(Dialect::Responses) { 0 } else { LEAST_TOKENS };
    let fitted = wanted.max(least).min(most);
    if fitted != wanted {
        dropped.list("max_tokens");
    }
    Some(fitted)
}

/// Options of the stream, as far as they came in this dialect.
fn stream_options(chat: &Chat) -> Option<Map<String, Value>> {
    let mut options = Map::new();
    if chat.stream {
        encode_settings::restore(chat, "stream_options.", &mut options);
    }
    (!options.is_empty()).then_some(options)
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    input: Vec<ItemOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    text: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    reasoning: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}
