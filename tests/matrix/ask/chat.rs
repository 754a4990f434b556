//! OpenAI Chat Completions.

use serde_json::{Value, json};

use super::{Ask, push, result};
use crate::answer::Answer;
use crate::feature::{Feature, LIMIT, PDF, PNG, SYSTEM, parameters, person};

pub(super) fn ask(feature: Feature, model: &str, stream: bool) -> Ask {
    let text = feature.text();
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": text}]});
    match feature {
        Feature::System => {
            body["messages"] =
                json!([{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]);
        }
        Feature::Turns => {
            body["messages"] = json!([
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Hi."},
                {"role": "user", "content": [{"type": "text", "text": text}]},
            ]);
        }
        Feature::Image => {
            let url = format!("data:image/png;base64,{PNG}");
            body["messages"][0]["content"] =
                json!([{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]);
        }
        Feature::Pdf => {
            let data = format!("data:application/pdf;base64,{PDF}");
            body["messages"][0]["content"] = json!([
                {"type": "text", "text": text},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": data}},
            ]);
        }
        Feature::Structured => {
            body["response_format"] = json!({
                "type": "json_schema", "json_schema": {"name": "person", "strict": true, "schema": person()},
            });
        }
        Feature::StopSequence => body["stop"] = json!(["END"]),
        Feature::MaxTokens => body["max_completion_tokens"] = json!(LIMIT),
        Feature::ForcedTool => {
            body["tool_choice"] = json!({"type": "function", "function": {"name": "walk"}});
        }
        _ => {}
    }
    if feature.has_tools() {
        body["tools"] = ["look", "walk"]
            .map(|name| {
                json!({"type": "function", "function": {"name": name, "description": "does it", "parameters": parameters()}})
            })
            .into();
    }
    if feature.thinks() {
        // `reasoning_effort` has no word for whether thoughts are to be shown; this form has.
        body["reasoning"] = json!({"effort": "low", "exclude": false});
    }
    if stream {
        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
    }
    Ask { path: "/v1/chat/completions".into(), body }
}

/// A failed tool has no mark of its own here: it says so.
pub(super) fn results(body: &mut Value, feature: Feature, answer: &Answer) {
    let said = |i| if feature == Feature::ToolError { "failed: dark".to_owned() } else { result(i) };
    push(body, "messages", answer.turn.clone());
    let results = answer.calls.iter().enumerate();
    push(
        body,
        "messages",
        results.map(|(i, call)| json!({"role": "tool", "tool_call_id": call.id, "content": said(i)})),
    );
}

pub(super) fn says(body: &mut Value, answer: &Answer, text: &str) {
    push(body, "messages", answer.turn.clone());
    push(body, "messages", [json!({"role": "user", "content": text})]);
}
