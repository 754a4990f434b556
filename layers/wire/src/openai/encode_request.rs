//! A chat request in OpenAI's format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};
use tollway_core::Dialect;

use super::encode_message::{MessageOut, encode_messages};
use super::encode_tools::{ChoiceOut, ToolOut, encode_choice, encode_tools, web_search};
use super::out::{Extra, is_path, to_json};
use super::strict;
use super::tool_names::ToolNames;
use super::turns::laid_out;
use crate::chat::{Chat, ReasoningRequest, ResponseFormat};
use crate::loss::{is_unset, lost_fields, tier_of};
use crate::portable;
use crate::{Effort, Encoded, ReasoningStyle, Refusal, Target};

/// Writes the body of `POST /v1/chat/completions`.
///
/// The limit is written as `max_completion_tokens`, legacy `functions` as `tools`. Whether the
/// stream tells its usage is as [`Chat::include_usage`] says: set it where the gateway wants to know.
pub fn encode_request(chat: &Chat, target: &Target) -> Result<Encoded, Refusal> {
    crate::loss::check_stateless(chat)?;
    crate::loss::check_text_only(chat)?;
    let (chat, lost) = portable::said_in(Dialect::OpenAi, chat);
    let chat = &*chat;
    let traits = &target.traits;
    let names = ToolNames::of(chat);
    let mut dropped = Dropped::default();
    for path in &lost {
        dropped.list(path);
    }
    let turns = laid_out(&chat.messages);
    let messages = encode_messages(&turns, traits, &names, &mut dropped)?;
    let tools = encode_tools(chat, traits, &names, &mut dropped)?;
    let sampling = &chat.sampling;
    let mut drawn = |name, value: Option<f64>, carried: bool| dropped.unless(carried, name, value);
    let temperature = drawn("temperature", sampling.temperature, traits.sampling);
    let top_p = drawn("top_p", sampling.top_p, traits.sampling);
    // Zero is no penalty, which is what leaving it out says.
    let penalty = |value: Option<f64>| value.filter(|value| traits.sampling || *value != 0.0);
    let frequency_penalty = drawn("frequency_penalty", penalty(sampling.frequency_penalty), traits.sampling);
    let presence_penalty = drawn("presence_penalty", penalty(sampling.presence_penalty), traits.sampling);
    let bias = sampling.logit_bias.as_ref().filter(|bias| traits.sampling || !bias.is_empty());
    let logit_bias = dropped.unless(traits.sampling, "logit_bias", bias);
    let top_k = dropped.unless(traits.sampling && traits.extensions, "top_k", sampling.top_k);
    let (reasoning_effort, reasoning) = encode_reasoning(chat.reasoning.as_ref(), target, &mut dropped);
    let mut extra = encode_extra(chat, &mut dropped)?;
    if let Some(search) = web_search(chat, &mut dropped)? {
        extra.to_mut().insert("web_search_options".to_owned(), search);
    }
    let body = Body {
        model: &target.model,
        messages,
        tools,
        tool_choice: encode_choice(chat, traits, &names)?,
        parallel_tool_calls: chat.parallel_tool_calls,
        response_format: encode_format(chat, target, &mut dropped)?,
        temperature,
        top_p,
        top_k,
        frequency_penalty,
        presence_penalty,
        seed: sampling.seed,
        logit_bias,
        max_completion_tokens: chat.max_tokens,
        stop: &chat.stop,
        n: chat.n,
        logprobs: chat.logprobs,
        top_logprobs: chat.top_logprobs,
        reasoning_effort,
        reasoning,
        stream: chat.stream.then_some(true),
        stream_options: (chat.stream && chat.include_usage).then_some(StreamOptions { include_usage: true }),
        user: encode_user(chat, Dialect::OpenAi, &mut dropped),
        metadata: chat.metadata.as_ref(),
        service_tier: tier_of(chat),
        extra: Extra { members: &extra, taken: &[] },
    };
    Ok(Encoded { body: to_json(&body), dropped: dropped.0, renamed_tools: names.renamed })
}

/// The fields without a canonical place that go out, which are this dialect's own. Another's are listed,
/// or refused where the answer would be to another question.
fn encode_extra<'a>(chat: &'a Chat, dropped: &mut Dropped) -> Result<Cow<'a, Map<String, Value>>, Refusal> {
    if chat.dialect.is_none_or(|dialect| dialect == Dialect::OpenAi) {
        for name in chat.extra.keys().filter(|name| is_path(name)) {
            dropped.list(name);
        }
        return Ok(Cow::Borrowed(&chat.extra));
    }
    let mut shared = Map::new();
    for (name, value) in chat.extra.iter().filter(|(_, value)| !is_unset(value)) {
        if chat.dialect == Some(Dialect::Responses) && SHARED.contains(&name.as_str()) {
            shared.insert(name.clone(), value.clone());
            continue;
        }
        if ASKING.contains(&name.as_str()) {
            return Err(Refusal::at(name, format!("the upstream has no word for {name}")));
        }
        if name != "serviceTier" {
            for path in lost_fields(name, value) {
                dropped.list(&path);
            }
        }
    }
    Ok(Cow::Owned(shared))
}

/// The application's name for its user, if it came in the format it goes out in or is not longer than
/// OpenAI takes: "Expected a string with maximum length 64". Claude Code's is.
pub(crate) fn encode_user<'a>(chat: &'a Chat, format: Dialect, dropped: &mut Dropped) -> Option<&'a str> {
    let user = chat.user.as_deref();
    let own = chat.dialect.is_none_or(|dialect| dialect == format);
    let fits = own || user.is_none_or(|user| user.chars().take(65).count() <= 64);
    dropped.unless(fits, "user", user)
}

/// Fields that OpenAI's Responses has by the same name and meaning.
pub(crate) const SHARED: [&str; 4] =
    ["prompt_cache_key", "prompt_cache_retention", "safety_identifier", "verbosity"];

/// What other dialects' requests hold beside the conversation that the model is to read or to use.
pub(crate) const ASKING: [&str; 3] = ["cachedContent", "container", "mcp_servers"];

pub(crate) const NESTED: [&str; 3] = ["generationConfig", "output_config", "toolConfig"];

/// The fields that were left out, each once.
#[derive(Debug, Default)]
pub(crate) struct Dropped(pub(crate) Vec<String>);

impl Dropped {
    /// Lists a field.
    pub(crate) fn list(&mut self, name: &str) {
        if !self.0.iter().any(|listed| listed == name) {
            self.0.push(name.to_owned());
        }
    }

    /// Lets a value through if it is carried, and lists it if there is one to lose.
    pub(crate) fn unless<T>(&mut self, carried: bool, name: &str, value: Option<T>) -> Option<T> {
        if !carried && value.is_some() {
            self.list(name);
            return None;
        }
        value
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<MessageOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<FormatOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logit_bias: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<ReasoningOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(flatten)]
    extra: Extra<'a>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct ReasoningOut {
    max_tokens: u64,
}

#[derive(Serialize)]
struct FormatOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    json_schema: Option<SchemaOut<'a>>,
}

#[derive(Serialize)]
struct SchemaOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

fn encode_format<'a>(
    chat: &'a Chat,
    target: &Target,
    dropped: &mut Dropped,
) -> Result<Option<FormatOut<'a>>, Refusal> {
    let (kind, json_schema) = match &chat.response_format {
        None => return Ok(None),
        Some(ResponseFormat::Text) => ("text", None),
        Some(ResponseFormat::JsonObject) => ("json_object", None),
        Some(ResponseFormat::JsonSchema { .. }) if !target.traits.structured_output => {
            let message = format!("the model cannot answer by a JSON Schema: {}", target.model);
            return Err(Refusal::at("response_format", message));
        }
        Some(ResponseFormat::JsonSchema { name, description, schema, strict }) => {
            let name = name.as_deref().unwrap_or("response");
            let description = description.as_deref();
            let strict = strict::strict(chat, *strict, Some(schema), "response_format", dropped);
            ("json_schema", Some(SchemaOut { name, description, schema, strict }))
        }
    };
    Ok(Some(FormatOut { kind, json_schema }))
}

/// `reasoning_effort`, or OpenRouter's `reasoning.max_tokens` for a model told by tokens.
fn encode_reasoning(
    request: Option<&ReasoningRequest>,
    target: &Target,
    dropped: &mut Dropped,
) -> (Option<&'static str>, Option<ReasoningOut>) {
    let Some(request) = request else { return (None, None) };
    if request.include_thoughts.is_some() {
        dropped.list("reasoning.exclude");
    }
    let wanted = request.effort.or(request.budget_tokens.map(Effort::from_budget));
    let Some(wanted) = wanted else { return (None, None) };
    match target.traits.reasoning {
        ReasoningStyle::None => {
            // What does not think need not be told not to.
            if wanted != Effort::None {
                dropped.list("reasoning_effort");
            }
            (None, None)
        }
        ReasoningStyle::Budget if wanted != Effort::None => {
            let max_tokens = request.budget_tokens.unwrap_or(wanted.budget_tokens());
            (None, Some(ReasoningOut { max_tokens }))
        }
        ReasoningStyle::Always if wanted == Effort::None => {
            dropped.list("reasoning_effort");
            (None, None)
        }
        _ => (Some(target.traits.nearest_effort(wanted).as_str()), None),
    }
}
