use serde_json::{Value, json};

use super::*;

const COUNTING: [Dialect; 3] = [Dialect::Anthropic, Dialect::Gemini, Dialect::Responses];

fn target() -> Target {
    Target { model: "target-model".to_owned(), ..Target::default() }
}

/// One conversation, asked to be counted in a dialect's own words.
fn asked(dialect: Dialect) -> Value {
    let schema = json!({ "type": "object", "properties": {} });
    match dialect {
        Dialect::Anthropic => json!({
            "model": "m", "system": "Be brief.", "messages": [{ "role": "user", "content": "Hi é" }],
            "tools": [{ "name": "f", "input_schema": schema }], "tool_choice": { "type": "auto" },
        }),
        Dialect::Gemini => json!({ "generateContentRequest": {
            "model": "models/m", "systemInstruction": { "parts": [{ "text": "Be brief." }] },
            "contents": [{ "role": "user", "parts": [{ "text": "Hi é" }] }],
            "tools": [{ "functionDeclarations": [{ "name": "f", "parametersJsonSchema": schema }] }],
            "toolConfig": { "functionCallingConfig": { "mode": "AUTO" } },
            "generationConfig": { "temperature": 1, "stopSequences": ["x"], "candidateCount": 2 },
        } }),
        _ => json!({
            "model": "m", "instructions": "Be brief.", "input": "Hi é", "tool_choice": "auto",
            "tools": [{ "type": "function", "name": "f", "parameters": schema, "strict": false }],
        }),
    }
}

#[test]
fn a_conversation_crosses_to_every_format_that_counts() {
    for from in COUNTING {
        let chat = decode_request(from, "m", asked(from).to_string().as_bytes()).unwrap();
        for to in COUNTING {
            let encoded = encode_request(to, &mut chat.clone(), &target()).unwrap();
            assert_eq!(encoded.dropped, [""; 0], "{from:?} {to:?}");
            let again = decode_request(to, "target-model", &encoded.body).unwrap();
            assert_eq!(
                (&again.messages, &again.tool_choice),
                (&chat.messages, &chat.tool_choice),
                "{from:?} {to:?}"
            );
            assert_eq!(again.tools.len(), 1);
            assert_eq!(again.model, "target-model");
        }
    }
}

#[test]
fn only_what_is_counted_is_sent() {
    let chat = decode_request(Dialect::Gemini, "m", asked(Dialect::Gemini).to_string().as_bytes()).unwrap();
    let sent = |to| -> Value {
        let mut chat = Chat { max_tokens: Some(99), stream: true, ..chat.clone() };
        let encoded = encode_request(to, &mut chat, &target());
        serde_json::from_slice(&encoded.unwrap().body).unwrap()
    };
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&sent(Dialect::Anthropic)), ["model", "system", "messages", "tools", "tool_choice"]);
    assert_eq!(names(&sent(Dialect::Responses)), ["model", "instructions", "input", "tools", "tool_choice"]);
    let whole = sent(Dialect::Gemini);
    assert_eq!(names(&whole), ["generateContentRequest"]);
    assert_eq!(whole["generateContentRequest"]["model"], "models/target-model");
}

#[test]
fn counts_are_read_and_written() {
    let count = TokenCount { input: 14, cached: 0 };
    for (dialect, body) in [
        (Dialect::Anthropic, r#"{"input_tokens":14}"#),
        (Dialect::Gemini, r#"{"totalTokens":14}"#),
        (Dialect::Responses, r#"{"object":"response.input_tokens","input_tokens":14}"#),
    ] {
        assert_eq!(decode_response(dialect, body.as_bytes()), Ok(count), "{dialect:?}");
        assert_eq!(String::from_utf8(encode_response(dialect, count)).unwrap(), body);
        for body in ["{}", "[]", "", "{\"input_tokens\":null}", "<html>"] {
            assert_eq!(decode_response(dialect, body.as_bytes()).unwrap_err().status, 502, "{body}");
        }
    }
    let cached = r#"{"totalTokens":14,"cachedContentTokenCount":9}"#;
    let count = TokenCount { input: 14, cached: 9 };
    assert_eq!(decode_response(Dialect::Gemini, cached.as_bytes()), Ok(count));
    assert_eq!(String::from_utf8(encode_response(Dialect::Gemini, count)).unwrap(), cached);
}

#[test]
fn chat_completions_count_nothing() {
    assert!(decode_request(Dialect::OpenAi, "m", b"{}").is_err());
    assert!(decode_response(Dialect::OpenAi, b"{}").is_err());
    let refusal = encode_request(Dialect::OpenAi, &mut Chat::default(), &target()).unwrap_err();
    assert_eq!(refusal.param.as_deref(), Some("model"));
}

#[test]
fn refusals_name_the_field_in_the_client_s_own_request() {
    let refused = |body: &str| decode_request(Dialect::Gemini, "m", body.as_bytes()).unwrap_err().param;
    let param = refused(r#"{"contents":7}"#);
    assert_eq!(param.as_deref(), Some("contents"));
    let param = refused(r#"{"generateContentRequest":{"contents":7}}"#);
    assert_eq!(param.as_deref(), Some("generateContentRequest.contents"));
}
