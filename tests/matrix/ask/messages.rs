//! Anthropic Messages.

use serde_json::{Value, json};

use super::{Ask, push, result};
use crate::answer::Answer;
use crate::feature::{Feature, LIMIT, PDF, PNG, SYSTEM, parameters, person};

pub(super) fn ask(feature: Feature, model: &str, stream: bool) -> Ask {
    let text = feature.text();
    let mut body =
        json!({"model": model, "max_tokens": 4096, "messages": [{"role": "user", "content": text}]});
    match feature {
        Feature::System => body["system"] = json!([{"type": "text", "text": SYSTEM}]),
        Feature::Turns => {
            body["messages"] = json!([
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": [{"type": "text", "text": "Hi."}]},
                {"role": "user", "content": [{"type": "text", "text": text}]},
            ]);
        }
        Feature::Image => {
            body["messages"][0]["content"] = json!([
                {"type": "text", "text": text},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            ]);
        }
        Feature::Pdf => {
            body["messages"][0]["content"] = json!([
                {"type": "text", "text": text},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
            ]);
        }
        Feature::Structured => {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": person()}});
        }
        Feature::StopSequence => body["stop_sequences"] = json!(["END"]),
        Feature::MaxTokens => body["max_tokens"] = json!(LIMIT),
        Feature::ForcedTool => body["tool_choice"] = json!({"type": "tool", "name": "walk"}),
        _ => {}
    }
    if feature.has_tools() {
        body["tools"] = ["look", "walk"]
            .map(|name| json!({"name": name, "description": "does it", "input_schema": parameters()}))
            .into();
    }
    if feature.thinks() {
        body["thinking"] = json!({"type": "enabled", "budget_tokens": 2048, "display": "summarized"});
    }
    if stream {
        body["stream"] = json!(true);
    }
    Ask { path: "/v1/messages".into(), body }
}

pub(super) fn results(body: &mut Value, feature: Feature, answer: &Answer) {
    let results: Vec<Value> = answer
        .calls
        .iter()
        .enumerate()
        .map(|(i, call)| {
            let mut block =
                json!({"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": result(i)}]});
            if feature == Feature::ToolError {
                block["content"] = json!("dark");
                block["is_error"] = json!(true);
            }
            block
        })
        .collect();
    push(body, "messages", answer.turn.clone());
    push(body, "messages", [json!({"role": "user", "content": results})]);
}

pub(super) fn says(body: &mut Value, answer: &Answer, text: &str) {
    push(body, "messages", answer.turn.clone());
    push(body, "messages", [json!({"role": "user", "content": text})]);
}
