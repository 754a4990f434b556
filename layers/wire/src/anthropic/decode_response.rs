use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    block::{Author, decode_block},
    error::{Details, from_parts, unreadable},
    format::ANSWER_TOOL,
    stop::decode_stop,
    text::Str,
    usage::{USAGE_EXTRA, WireUsage},
};
use crate::{
    ApiError, DecodeContext,
    chat::{Choice, Content, Finish, FinishReason, Part, Reply},
};

/// Reads a whole answer.
///
/// A call of the reserved answer tool becomes the answer's text. An answer that cannot be read is
/// an error of the upstream with status 502.
pub fn decode_response(body: &[u8], cx: &DecodeContext) -> Result<Reply, ApiError> {
    let wire: WireReply<'_> = serde_json::from_slice(body).map_err(unreadable)?;
    if let Some(error) = wire.error {
        return Err(from_parts(None, error));
    }
    let blocks = wire.content.ok_or_else(|| unreadable("it has no content"))?;
    let mut content = Vec::with_capacity(blocks.len() + 1);
    let mut characters = 0;
    let mut calls = 0u32;
    let mut answer = None;
    for raw in blocks {
        let mut part = decode_block(raw, characters, Author::Provider).map_err(unreadable)?;
        match &mut part.content {
            Content::Text(text) => characters += text.text.chars().count(),
            Content::ToolCall(call) if call.name == ANSWER_TOOL => {
                answer = Some(std::mem::take(&mut call.arguments));
                continue;
            }
            Content::ToolCall(call) => {
                call.name = cx.tool_name(&call.name).to_owned();
                if call.id.is_empty() {
                    call.id = call_id(cx, calls);
                }
                calls += 1;
            }
            _ => {}
        }
        content.push(part);
    }
    let mut finish = match wire.stop_reason {
        Some(reason) => decode_stop(&reason.0, wire.stop_sequence.map(|stop| stop.0.into_owned())),
        None => Finish::from(implied_reason(calls)),
    };
    if let Some(answer) = answer {
        // Words around the answer would break the JSON that the client reads.
        content.retain(|part| !matches!(part.content, Content::Text(_)));
        content.push(Part::text(answer));
        answered(&mut finish, calls);
    }
    let mut extra = Map::new();
    if let Some(details) = wire.stop_details {
        content.extend(explanation(&details).map(|words| Content::Refusal(words.to_owned()).into()));
        extra.insert("stop_details".to_owned(), details);
    }
    for (name, value) in [("container", wire.container), ("context_management", wire.context_management)] {
        if let Some(value) = value {
            extra.insert(name.to_owned(), value);
        }
    }
    if let Some(usage) = wire.usage.as_ref().and_then(WireUsage::extra) {
        extra.insert(USAGE_EXTRA.to_owned(), usage);
    }
    Ok(Reply {
        id: wire.id.map(|id| id.0.into_owned()),
        model: wire.model.map(|model| model.0.into_owned()),
        created: None,
        choices: vec![Choice { index: 0, content, finish, logprobs: None }],
        usage: wire.usage.as_ref().map(WireUsage::to_canonical),
        service_tier: wire.usage.as_ref().and_then(WireUsage::canonical_tier),
        system_fingerprint: None,
        extra,
    })
}

/// The id of a call that came without one.
pub(super) fn call_id(cx: &DecodeContext, index: u32) -> String {
    format!("toolu_{}_{index}", cx.seed)
}

/// Why an answer ended whose server does not say.
pub(super) const fn implied_reason(calls: u32) -> FinishReason {
    if calls > 0 { FinishReason::ToolCalls } else { FinishReason::Stop }
}

/// The end of an answer that came as a call of the answer tool: no call is left to wait for.
pub(super) fn answered(finish: &mut Finish, calls: u32) {
    if finish.reason == FinishReason::ToolCalls {
        finish.reason = implied_reason(calls);
    }
}

/// The words of a refusal.
pub(super) fn explanation(details: &Value) -> Option<&str> {
    details.get("explanation").and_then(Value::as_str).filter(|words| !words.is_empty())
}

#[derive(Deserialize)]
struct WireReply<'a> {
    #[serde(borrow, default)]
    id: Option<Str<'a>>,
    #[serde(borrow, default)]
    model: Option<Str<'a>>,
    #[serde(borrow, default)]
    content: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    stop_reason: Option<Str<'a>>,
    #[serde(borrow, default)]
    stop_sequence: Option<Str<'a>>,
    #[serde(default)]
    stop_details: Option<Value>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    container: Option<Value>,
    #[serde(default)]
    context_management: Option<Value>,
    #[serde(borrow, default)]
    error: Option<Details<'a>>,
}
