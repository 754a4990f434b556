use serde::Serialize;
use serde_json::Value;

use super::{answer::AnswerItem, message_id::message_id, stop::encode_stop, usage::UsageOut};
use crate::{
    EncodeContext,
    chat::{Content, FinishReason, Reply},
};

/// Writes a whole answer. Of several choices the first is written: the format has no place for more.
pub fn encode_response(reply: &Reply, cx: &EncodeContext) -> Vec<u8> {
    let choice = reply.choices.first();
    let parts = choice.map(|choice| choice.content.as_slice()).unwrap_or_default();
    let stop_details = reply.extra.get("stop_details");
    let mut refused = false;
    let mut content = Vec::with_capacity(parts.len());
    for part in parts {
        if matches!(part.content, Content::Refusal(_)) {
            refused = true;
            // The words stand in `stop_details`, from where they came.
            if stop_details.is_some() {
                continue;
            }
        }
        AnswerItem::push(part, &mut content);
    }
    let finish = choice.map(|choice| &choice.finish);
    let stop_reason = match finish {
        Some(finish) if finish.reason == FinishReason::Stop && refused => "refusal",
        Some(finish) => encode_stop(finish),
        None => "end_turn",
    };
    let usage = reply.usage.unwrap_or_default();
    let body = ReplyOut {
        id: &message_id(reply.id.as_deref(), cx),
        kind: "message",
        role: "assistant",
        model: reply.model.as_deref().unwrap_or(&cx.model),
        content,
        stop_reason,
        stop_sequence: finish.and_then(|finish| finish.stop_sequence.as_deref()),
        stop_details,
        usage: UsageOut::new(&usage, reply.service_tier.as_deref(), &reply.extra),
        container: reply.extra.get("container"),
        context_management: reply.extra.get("context_management"),
    };
    // Writing to memory what holds no map with odd keys cannot fail.
    serde_json::to_vec(&body).unwrap_or_default()
}

#[derive(Serialize)]
struct ReplyOut<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<AnswerItem<'a>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_details: Option<&'a Value>,
    usage: UsageOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_management: Option<&'a Value>,
}
