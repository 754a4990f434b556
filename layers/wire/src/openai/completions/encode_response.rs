//! A whole answer as a legacy completion.

use serde::Serialize;

use super::CompletionOptions;
use crate::EncodeContext;
use crate::chat::{Choice, Content, FinishReason, Reply};
use crate::openai::out::to_json;
use crate::openai::usage::UsageOut;

/// Writes an answer of `POST /v1/completions`: the text of each choice. Thinking has no place here.
pub fn encode_response(reply: &Reply, options: &CompletionOptions, cx: &EncodeContext) -> Vec<u8> {
    let choices = reply.choices.iter().map(|choice| ChoiceOut {
        text: text_of(choice, options),
        index: choice.index,
        logprobs: None,
        finish_reason: finish_word(choice.finish.reason),
    });
    to_json(&Body {
        id: reply.id.as_deref().unwrap_or(&cx.id),
        object: "text_completion",
        created: reply.created.unwrap_or(cx.created),
        model: reply.model.as_deref().unwrap_or(&cx.model),
        choices: choices.collect(),
        usage: reply.usage.as_ref().map(UsageOut::from),
        system_fingerprint: reply.system_fingerprint.as_deref(),
    })
}

fn text_of(choice: &Choice, options: &CompletionOptions) -> String {
    let mut text = options.echo.clone().unwrap_or_default();
    for part in &choice.content {
        match &part.content {
            Content::Text(more) => text.push_str(&more.text),
            Content::Refusal(more) => text.push_str(more),
            _ => {}
        }
    }
    text
}

/// The legacy endpoint's words, which are fewer.
pub(super) const fn finish_word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Length => "length",
        FinishReason::ContentFilter => "content_filter",
        _ => "stop",
    }
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<ChoiceOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_fingerprint: Option<&'a str>,
}

#[derive(Serialize)]
struct ChoiceOut {
    text: String,
    index: u32,
    logprobs: Option<()>,
    finish_reason: &'static str,
}
