//! Gemini `generateContent`.

use serde_json::{Value, json};

use super::{Ask, push, result};
use crate::answer::Answer;
use crate::dialect::Mode;
use crate::feature::{Feature, LIMIT, PDF, PNG, SYSTEM, parameters, person};

pub(super) fn ask(feature: Feature, model: &str, mode: Mode) -> Ask {
    let text = feature.text();
    let mut body = json!({"contents": [{"role": "user", "parts": [{"text": text}]}]});
    match feature {
        Feature::System => body["systemInstruction"] = json!({"parts": [{"text": SYSTEM}]}),
        Feature::Turns => {
            body["contents"] = json!([
                {"role": "user", "parts": [{"text": "Hello"}]},
                {"role": "model", "parts": [{"text": "Hi."}]},
                {"role": "user", "parts": [{"text": text}]},
            ]);
        }
        Feature::Image => {
            body["contents"][0]["parts"] =
                json!([{"text": text}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]);
        }
        Feature::Pdf => {
            body["contents"][0]["parts"] =
                json!([{"text": text}, {"inlineData": {"mimeType": "application/pdf", "data": PDF}}]);
        }
        Feature::Structured => {
            body["generationConfig"] =
                json!({"responseMimeType": "application/json", "responseJsonSchema": person()});
        }
        Feature::StopSequence => body["generationConfig"] = json!({"stopSequences": ["END"]}),
        Feature::MaxTokens => body["generationConfig"] = json!({"maxOutputTokens": LIMIT}),
        Feature::ForcedTool => {
            body["toolConfig"] =
                json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["walk"]}});
        }
        _ => {}
    }
    if feature.has_tools() {
        let functions = ["look", "walk"].map(
            |name| json!({"name": name, "description": "does it", "parametersJsonSchema": parameters()}),
        );
        body["tools"] = json!([{"functionDeclarations": functions}]);
    }
    if feature.thinks() {
        body["generationConfig"] =
            json!({"thinkingConfig": {"includeThoughts": true, "thinkingLevel": "low"}});
    }
    let method = match mode {
        Mode::Plain => "generateContent",
        Mode::Events => "streamGenerateContent?alt=sse",
        Mode::Array => "streamGenerateContent",
    };
    Ask { path: format!("/v1beta/models/{model}:{method}"), body }
}

pub(super) fn results(body: &mut Value, feature: Feature, answer: &Answer) {
    let parts: Vec<Value> = answer
        .calls
        .iter()
        .enumerate()
        .map(|(i, call)| {
            let response = match feature {
                Feature::ToolError => json!({"error": "dark"}),
                _ => json!({"result": result(i)}),
            };
            let mut made = json!({"name": call.name, "response": response});
            if let Some(id) = &call.id {
                made["id"] = json!(id);
            }
            json!({"functionResponse": made})
        })
        .collect();
    push(body, "contents", answer.turn.clone());
    push(body, "contents", [json!({"role": "user", "parts": parts})]);
}

pub(super) fn says(body: &mut Value, answer: &Answer, text: &str) {
    push(body, "contents", answer.turn.clone());
    push(body, "contents", [json!({"role": "user", "parts": [{"text": text}]})]);
}
