//! OpenAI Responses. Nothing is stored, so that any provider can go on with a conversation.

use serde_json::{Value, json};

use super::{Ask, push, result};
use crate::answer::Answer;
use crate::feature::{Feature, LIMIT, PDF, PNG, SYSTEM, parameters, person};

pub(super) fn ask(feature: Feature, model: &str, stream: bool) -> Option<Ask> {
    let text = feature.text();
    let user = |content: Value| json!({"type": "message", "role": "user", "content": content});
    let mut body = json!({"model": model, "input": [user(json!([{"type": "input_text", "text": text}]))]});
    match feature {
        Feature::Text => body["input"] = json!(text),
        Feature::System => body["instructions"] = json!(SYSTEM),
        Feature::Turns => {
            body["input"] = json!([
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Hi."},
                {"role": "user", "content": text},
            ]);
        }
        Feature::Image => {
            let url = format!("data:image/png;base64,{PNG}");
            body["input"] = json!([user(json!([
                {"type": "input_text", "text": text},
                {"type": "input_image", "image_url": url, "detail": "auto"},
            ]))]);
        }
        Feature::Pdf => {
            let data = format!("data:application/pdf;base64,{PDF}");
            body["input"] = json!([user(json!([
                {"type": "input_text", "text": text},
                {"type": "input_file", "filename": "a.pdf", "file_data": data},
            ]))]);
        }
        Feature::Structured => {
            body["text"] = json!({
                "format": {"type": "json_schema", "name": "person", "strict": true, "schema": person()},
            });
        }
        // The API has no stop sequences.
        Feature::StopSequence => return None,
        Feature::MaxTokens => body["max_output_tokens"] = json!(LIMIT),
        Feature::ForcedTool => body["tool_choice"] = json!({"type": "function", "name": "walk"}),
        _ => {}
    }
    if feature.has_tools() {
        body["tools"] = ["look", "walk"]
            .map(|name| {
                json!({"type": "function", "name": name, "description": "does it", "parameters": parameters(), "strict": true})
            })
            .into();
    }
    if feature.thinks() {
        body["reasoning"] = json!({"effort": "low", "summary": "auto"});
        body["include"] = json!(["reasoning.encrypted_content"]);
        body["store"] = json!(false);
    }
    if stream {
        body["stream"] = json!(true);
    }
    Some(Ask { path: "/v1/responses".into(), body })
}

pub(super) fn results(body: &mut Value, feature: Feature, answer: &Answer) {
    let said = |i| if feature == Feature::ToolError { "failed: dark".to_owned() } else { result(i) };
    push(body, "input", answer.turn.clone());
    let results = answer.calls.iter().enumerate();
    push(
        body,
        "input",
        results
            .map(|(i, call)| json!({"type": "function_call_output", "call_id": call.id, "output": said(i)})),
    );
}

pub(super) fn says(body: &mut Value, answer: &Answer, text: &str) {
    push(body, "input", answer.turn.clone());
    push(body, "input", [json!({"role": "user", "content": text})]);
}
