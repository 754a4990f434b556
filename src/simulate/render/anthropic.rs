//! Anthropic messages.

use super::super::answer::{Answer, Finish, Reply};
use super::super::hash::identifier;
use super::super::prompt::Prompt;
use super::super::signature::{Of, sign};
use super::super::tokens::tokens;
use super::{Rendered, json, named, stream};
use bytes::Bytes;
use serde_json::{Value, json};

/// Writes a message, streamed when the prompt asks for it.
pub(crate) fn anthropic(prompt: &Prompt, answer: &Answer) -> Rendered {
    let id = identifier("msg_01", answer.seed, 22);
    let reply = answer.choices.first();
    let blocks = reply.map(|reply| blocks(prompt, reply)).unwrap_or_default();
    let (stop_reason, stop_sequence) = reply.map_or(("refusal", None), stop);
    let usage = usage(answer);
    if !prompt.stream {
        return json(&json!({
            "id": id, "type": "message", "role": "assistant", "model": prompt.model, "content": blocks,
            "stop_reason": stop_reason, "stop_sequence": stop_sequence, "usage": usage,
        }));
    }
    let mut start = usage.clone();
    start["output_tokens"] = json!(1);
    if let Some(start) = start.as_object_mut() {
        start.remove("output_tokens_details");
    }
    let message = json!({
        "id": id, "type": "message", "role": "assistant", "model": prompt.model, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": start,
    });
    let mut frames = vec![named(&json!({"type": "message_start", "message": message}))];
    for (index, block) in blocks.iter().enumerate() {
        stream_block(index, block, &mut frames);
        if index == 0 {
            frames.push(Bytes::from_static(b"event: ping\ndata: {\"type\": \"ping\"}\n\n"));
        }
    }
    let mut total = json!({
        "input_tokens": usage["input_tokens"],
        "cache_creation_input_tokens": usage["cache_creation_input_tokens"],
        "cache_read_input_tokens": usage["cache_read_input_tokens"],
        "output_tokens": usage["output_tokens"],
    });
    if !usage["output_tokens_details"].is_null() {
        total["output_tokens_details"] = usage["output_tokens_details"].clone();
    }
    let delta = json!({"stop_reason": stop_reason, "stop_sequence": stop_sequence});
    frames.push(named(&json!({"type": "message_delta", "delta": delta, "usage": total})));
    frames.push(named(&json!({"type": "message_stop"})));
    stream(frames)
}

fn blocks(prompt: &Prompt, reply: &Reply) -> Vec<Value> {
    let mut blocks = Vec::new();
    if let Some(reasoning) = &reply.reasoning {
        let shown = if prompt.shows_reasoning { reasoning.as_str() } else { "" };
        blocks.push(if reply.redacted {
            json!({"type": "redacted_thinking", "data": sign(Of::Redacted, "")})
        } else {
            json!({"type": "thinking", "thinking": shown, "signature": sign(Of::Thinking, shown)})
        });
    }
    if !reply.text.is_empty() {
        blocks.push(json!({"type": "text", "text": reply.text}));
    }
    for call in &reply.calls {
        let id = identifier("toolu_01", call.seed, 22);
        blocks.push(json!({"type": "tool_use", "id": id, "name": call.name, "input": call.arguments}));
    }
    blocks
}

fn stop(reply: &Reply) -> (&'static str, Option<&str>) {
    match &reply.finish {
        Finish::Stop => ("end_turn", None),
        Finish::Sequence(stop) => ("stop_sequence", Some(stop)),
        Finish::Length => ("max_tokens", None),
        Finish::Calls => ("tool_use", None),
        Finish::Refusal | Finish::Filter => ("refusal", None),
    }
}

/// Input tokens stand apart from the cached ones here.
fn usage(answer: &Answer) -> Value {
    let usage = answer.usage;
    let mut value = json!({
        "input_tokens": usage.input - usage.cached - usage.cache_write,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": usage.output,
        "service_tier": "standard",
        "inference_geo": "global",
    });
    if usage.reasoning > 0 {
        value["output_tokens_details"] = json!({"thinking_tokens": usage.reasoning});
    }
    value
}

fn stream_block(index: usize, block: &Value, frames: &mut Vec<Bytes>) {
    let text = |field: &str| block[field].as_str().unwrap_or_default();
    let start =
        |block: Value| named(&json!({"type": "content_block_start", "index": index, "content_block": block}));
    let delta = |delta: Value| named(&json!({"type": "content_block_delta", "index": index, "delta": delta}));
    match text("type") {
        "thinking" => {
            frames.push(start(json!({"type": "thinking", "thinking": "", "signature": ""})));
            let pieces = tokens(text("thinking"));
            frames.extend(pieces.map(|piece| delta(json!({"type": "thinking_delta", "thinking": piece}))));
            frames.push(delta(json!({"type": "signature_delta", "signature": text("signature")})));
        }
        "text" => {
            frames.push(start(json!({"type": "text", "text": ""})));
            frames.extend(
                tokens(text("text")).map(|piece| delta(json!({"type": "text_delta", "text": piece}))),
            );
        }
        "tool_use" => {
            let mut head = block.clone();
            head["input"] = json!({});
            frames.push(start(head));
            // The API opens with an empty piece, and sends nothing more for an empty object.
            frames.push(delta(json!({"type": "input_json_delta", "partial_json": ""})));
            let input = block["input"].to_string();
            let pieces = tokens(&input).filter(|_| input != "{}");
            frames.extend(
                pieces.map(|piece| delta(json!({"type": "input_json_delta", "partial_json": piece}))),
            );
        }
        _ => frames.push(start(block.clone())),
    }
    frames.push(named(&json!({"type": "content_block_stop", "index": index})));
}
