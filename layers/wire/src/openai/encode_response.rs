//! A whole answer in OpenAI's format.

use serde::Serialize;
use serde_json::{Map, Value};

use super::decode_response::OWN;
use super::encode_answer::AnswerOut;
use super::finish::encode_finish;
use super::out::{Extra, to_json};
use super::usage::UsageOut;
use crate::EncodeContext;
use crate::chat::{FinishReason, Reply};

/// Writes an answer of `POST /v1/chat/completions`.
///
/// Blocks only another dialect understands have no place here and are left out.
pub fn encode_response(reply: &Reply, cx: &EncodeContext) -> Vec<u8> {
    let none = Map::new();
    let own = own_extra(&reply.extra).unwrap_or(&none);
    let choices = reply.choices.iter().enumerate().map(|(place, choice)| {
        let finish_reason = match encode_finish(&choice.finish) {
            _ if cx.legacy_functions && choice.finish.reason == FinishReason::ToolCalls => "function_call",
            word => word,
        };
        ChoiceOut {
            index: choice.index,
            message: AnswerOut::new(&choice.content, own, place, cx),
            logprobs: choice.logprobs.as_ref().map(LogprobsOut::of),
            finish_reason,
            extra: within(own, &format!("choices[{place}].")),
        }
    });
    to_json(&Body {
        id: reply.id.as_deref().unwrap_or(&cx.id),
        object: "chat.completion",
        created: reply.created.unwrap_or(cx.created),
        model: reply.model.as_deref().unwrap_or(&cx.model),
        choices: choices.collect(),
        usage: reply.usage.as_ref().map(UsageOut::from),
        service_tier: reply.service_tier.as_deref().filter(|tier| is_tier(tier)),
        system_fingerprint: reply.system_fingerprint.as_deref(),
        extra: Extra { members: own, taken: TAKEN },
    })
}

const TAKEN: &[&str] =
    &["id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint"];

/// The fields of this format's own among the extras of an answer.
pub(super) fn own_extra(extra: &Map<String, Value>) -> Option<&Map<String, Value>> {
    extra.get(OWN)?.as_object()
}

/// Whether OpenAI's clients know a service tier. Other providers name others.
pub(crate) fn is_tier(tier: &str) -> bool {
    matches!(tier, "auto" | "default" | "flex" | "scale" | "priority")
}

/// The members of `own` that stand directly within `prefix`, by their own name.
pub(super) fn within(own: &Map<String, Value>, prefix: &str) -> Map<String, Value> {
    let members = own.iter().filter_map(|(path, value)| {
        let name = path.strip_prefix(prefix)?;
        (!name.contains(['.', '['])).then(|| (name.to_owned(), value.clone()))
    });
    members.collect()
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<ChoiceOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_fingerprint: Option<&'a str>,
    #[serde(flatten)]
    extra: Extra<'a>,
}

#[derive(Serialize)]
struct ChoiceOut<'a> {
    index: u32,
    message: AnswerOut<'a>,
    logprobs: Option<LogprobsOut<'a>>,
    finish_reason: &'static str,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// Log probabilities with both lists, as clients expect them.
#[derive(Serialize)]
pub(super) struct LogprobsOut<'a> {
    content: Option<&'a Value>,
    refusal: Option<&'a Value>,
}

impl<'a> LogprobsOut<'a> {
    /// Those of a canonical choice.
    pub(super) fn of(logprobs: &'a Value) -> Self {
        Self { content: logprobs.get("content"), refusal: logprobs.get("refusal") }
    }
}
