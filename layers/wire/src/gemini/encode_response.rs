//! [`Reply`] → a whole answer.

use serde::Serialize;
use serde_json::Value;
use tollway_core::Dialect;

use super::{
    encode_calls::any_function_call, encode_turns::PartOut, finish, grounding, logprobs, marked, media,
    part::WirePart, text_index::TextIndex, tier, time, usage::UsageOut, words::Words,
};
use crate::{
    EncodeContext,
    chat::{Choice, Content, Part, Reply},
    portable,
};

/// An answer, or a frame of a streamed one, as it is written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnswerOut<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) candidates: Vec<CandidateOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_feedback: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage_metadata: Option<UsageOut>,
    pub(super) model_version: &'a str,
    pub(super) response_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) create_time: Option<String>,
}

/// One answer of several, as it is written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CandidateOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<ContentOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<&'a str>,
    pub(super) index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grounding_metadata: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs_result: Option<Value>,
}

/// What a candidate says, as it is written.
#[derive(Debug, Serialize)]
pub(super) struct ContentOut<'a> {
    pub(super) parts: Vec<PartOut<'a>>,
    pub(super) role: &'static str,
}

/// Writes an answer. What only another dialect understands is left out.
pub fn encode_response(reply: &Reply, cx: &EncodeContext) -> Vec<u8> {
    let feedback = reply.extra.get("promptFeedback");
    let blocked = feedback.is_some_and(|feedback| feedback.get("blockReason").is_some());
    let tier = reply.service_tier.as_deref().and_then(tier::service_tier);
    let answer = AnswerOut {
        candidates: if blocked {
            Vec::new()
        } else {
            reply.choices.iter().map(|choice| candidate(choice, cx)).collect()
        },
        prompt_feedback: feedback,
        usage_metadata: UsageOut::new(reply.usage.as_ref(), tier),
        model_version: reply.model.as_deref().unwrap_or(&cx.model),
        response_id: reply.id.as_deref().unwrap_or(&cx.id),
        create_time: reply.created.map(time::format),
    };
    serde_json::to_vec(&answer).unwrap_or_else(|_| b"{}".to_vec())
}

fn candidate<'a>(choice: &'a Choice, cx: &EncodeContext) -> CandidateOut<'a> {
    let mut text = TextIndex::default();
    let mut annotations = Vec::new();
    for part in &choice.content {
        if let Content::Text(said) = &part.content {
            text.push(&said.text);
            annotations.extend_from_slice(&said.annotations);
        }
    }
    let searches: Vec<&str> = choice
        .content
        .iter()
        .filter_map(|part| match &part.content {
            Content::Native(native) => portable::query_of(native),
            _ => None,
        })
        .collect();
    let calls = choice.content.iter().filter(|part| matches!(part.content, Content::ToolCall(_)));
    let mut seals = marked::on_calls(calls.map(marked::shown), cx).into_iter();
    let parts = choice.content.iter().filter_map(|one| {
        let is_call = matches!(one.content, Content::ToolCall(_));
        part(one, if is_call { seals.next().flatten() } else { marked::shown(one) })
    });
    let parts = parts.collect();
    CandidateOut {
        content: Some(ContentOut { parts, role: "model" }),
        finish_reason: Some(finish::encode(&choice.finish)),
        index: choice.index,
        grounding_metadata: grounding::encode(&annotations, &searches, &text),
        logprobs_result: choice.logprobs.as_ref().and_then(logprobs::encode),
    }
}

fn part<'a>(part: &'a Part, signature: Option<Words<'a>>) -> Option<PartOut<'a>> {
    let said = |text: &'_ str| !text.is_empty() || part.signature.is_some();
    let mut wire = match &part.content {
        Content::Text(text) if said(&text.text) => text_part(&text.text),
        Content::Refusal(text) => text_part(text),
        Content::Reasoning(thought) if said(&thought.text) || thought.redacted.is_some() => {
            WirePart { thought: true, ..text_part(&thought.text) }
        }
        Content::ToolCall(call) => any_function_call(call)?,
        Content::Image(image) => media::to_part(&image.source, String::new).ok()?,
        Content::Document(document) => media::to_part(&document.source, String::new).ok()?,
        Content::Audio(audio) => media::audio_part(audio, String::new).ok()?,
        Content::Native(native) if native.dialect == Dialect::Gemini => {
            return Some(PartOut::Native(&native.value));
        }
        _ => return None,
    };
    wire.thought_signature = signature;
    Some(wire.into())
}

/// A part of plain text.
pub(super) fn text_part(text: &str) -> WirePart<'_> {
    WirePart { text: Some(text.into()), ..WirePart::default() }
}
