//! Requests of other dialects, written in this one.

use serde_json::{Value, json};
use tollway_wire::{Target, Traits, anthropic, chat::Chat, gemini, openai::encode_request, responses};

fn target() -> Target {
    Target { model: "m".to_owned(), traits: Traits::default() }
}

/// Fields of other dialects went out as if they were OpenAI's, which refuses what it does not know.
#[test]
fn fields_of_other_dialects_are_listed_or_refused_and_never_sent() {
    let asked = json!({"model": "c", "max_tokens": 9, "messages": [{"role": "user", "content": "u"}],
        "cache_control": {"type": "ephemeral"}, "context_management": {"edits": []}, "speed": "fast",
        "output_config": {"task_budget": {"total": 9}},
        "tools": [{"name": "t", "input_schema": {"type": "object"}, "defer_loading": true}]});
    let chat = anthropic::decode_request(asked.to_string().as_bytes()).unwrap();
    let encoded = encode_request(&chat, &target()).unwrap();
    let sent: Value = serde_json::from_slice(&encoded.body).unwrap();
    let mut names: Vec<&str> = sent.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["max_completion_tokens", "messages", "model", "tools"]);
    let mut dropped = encoded.dropped;
    dropped.sort_unstable();
    assert_eq!(
        dropped,
        [
            "cache_control",
            "context_management",
            "output_config.task_budget",
            "speed",
            "tools[].defer_loading"
        ]
    );

    let mut servers = asked;
    servers["mcp_servers"] = json!([{"type": "url", "url": "https://example.com", "name": "s"}]);
    let chat = anthropic::decode_request(servers.to_string().as_bytes()).unwrap();
    assert_eq!(encode_request(&chat, &target()).unwrap_err().param.as_deref(), Some("mcp_servers"));

    let asked = json!({"contents": [{"role": "user", "parts": [{"text": "u"}]}],
        "safetySettings": [{"category": "c", "threshold": "t"}],
        "generationConfig": {"mediaResolution": "LOW", "topK": 3}});
    let chat = gemini::decode_request("g", false, asked.to_string().as_bytes()).unwrap();
    let encoded = encode_request(&chat, &target()).unwrap();
    assert_eq!(encoded.dropped, ["safetySettings", "generationConfig.mediaResolution"]);
    assert!(!String::from_utf8(encoded.body).unwrap().contains("mediaResolution"));
}

/// OpenAI wants the results of all calls of a message behind it, and Gemini's turns may follow each other.
#[test]
fn calls_of_neighbouring_turns_are_made_at_once() {
    let call = |id: &str| json!({"functionCall": {"id": id, "name": "f", "args": {"x": 1}}});
    let result = |id: &str| json!({"functionResponse": {"id": id, "name": "f", "response": {"output": "r"}}});
    let asked = json!({"contents": [
        {"role": "user", "parts": [{"text": "u"}]},
        {"role": "model", "parts": [call("a")]},
        {"role": "model", "parts": [call("b")]},
        {"role": "user", "parts": [result("a"), result("b")]},
    ]});
    let chat = gemini::decode_request("g", false, asked.to_string().as_bytes()).unwrap();
    let sent: Value = serde_json::from_slice(&encode_request(&chat, &target()).unwrap().body).unwrap();
    let roles: Vec<&str> = sent["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool"]);
    assert_eq!(sent["messages"][1]["tool_calls"].as_array().unwrap().len(), 2);
}

/// OpenAI's tools answer by text; a document was refused.
#[test]
fn a_document_of_a_result_is_shown_by_the_user() {
    let document = json!({"type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}});
    let asked = json!({"model": "c", "max_tokens": 9, "messages": [
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [document]},
            {"type": "text", "text": "and?"}]},
    ]});
    let chat = anthropic::decode_request(asked.to_string().as_bytes()).unwrap();
    let sent: Value = serde_json::from_slice(&encode_request(&chat, &target()).unwrap().body).unwrap();
    assert_eq!(sent["messages"][2]["role"], "tool");
    assert_eq!(sent["messages"][3]["content"][1]["file"]["file_data"], "data:application/pdf;base64,JVBE");
    assert_eq!(sent["messages"][4]["content"], "and?");
}

/// A thinking model refuses penalties as it does the temperature.
#[test]
fn what_a_thinking_model_refuses_is_listed() {
    let asked = json!({"contents": [{"role": "user", "parts": [{"text": "u"}]}],
        "generationConfig": {"temperature": 0.5, "presencePenalty": -1.5, "frequencyPenalty": 0}});
    let chat = gemini::decode_request("g", false, asked.to_string().as_bytes()).unwrap();
    let traits = Traits { sampling: false, ..Traits::default() };
    let encoded = encode_request(&chat, &Target { model: "m".to_owned(), traits }).unwrap();
    assert_eq!(encoded.dropped, ["temperature", "presence_penalty"]);
}

/// OpenAI refuses `json_object` unless the word stands in the conversation; Gemini wants none.
#[test]
fn json_without_a_schema_is_spoken_of_towards_openai() {
    let ask = |system: Value, text: &str| {
        let body = json!({"systemInstruction": system, "contents": [{"role": "user", "parts": [{"text": text}]}],
            "generationConfig": {"responseMimeType": "application/json"}});
        gemini::decode_request("m", false, body.to_string().as_bytes()).unwrap()
    };
    let said = |chat: &Chat, responses: bool| {
        let encode = if responses { responses::encode_request } else { encode_request };
        let body = encode(chat, &target()).unwrap().body;
        String::from_utf8(body).unwrap()
    };
    for responses in [false, true] {
        for (system, text, added) in [
            (Value::Null, "three colours", true),
            (json!("Be brief."), "three colours", true),
            // Instructions alone are not where OpenAI looks.
            (json!("Say JSON."), "three colours", true),
            (Value::Null, "three colours as json", false),
        ] {
            let body = said(&ask(system.clone(), text), responses);
            assert_eq!(body.contains("Answer in JSON."), added, "{body}");
            assert!(!responses || !added || !body.contains("\"instructions\""), "{body}");
        }
    }
}

/// Anthropic holds to schemas that OpenAI's strict mode refuses.
#[test]
fn what_openai_cannot_be_held_to_is_not_strict() {
    let schema = |required: Value| {
        json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "required": required, "additionalProperties": false})
    };
    for (required, strict) in [(json!(["a", "b"]), true), (json!(["a"]), false)] {
        let body = json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "q"}],
            "output_config": {"format": {"type": "json_schema", "schema": schema(required.clone())}},
            "tools": [{"name": "t", "strict": true, "input_schema": schema(required)}]});
        let chat = anthropic::decode_request(body.to_string().as_bytes()).unwrap();
        let lost = if strict { vec![] } else { vec!["tools[].strict", "response_format"] };
        let chats = encode_request(&chat, &target()).unwrap();
        let body: Value = serde_json::from_slice(&chats.body).unwrap();
        assert_eq!(body["response_format"]["json_schema"]["strict"], strict);
        assert_eq!(body["tools"][0]["function"]["strict"], strict);
        assert_eq!(chats.dropped, lost);
        let responses = responses::encode_request(&chat, &target()).unwrap();
        let body: Value = serde_json::from_slice(&responses.body).unwrap();
        assert_eq!(body["text"]["format"]["strict"], strict);
        assert_eq!(body["tools"][0]["strict"], strict);
        assert_eq!(responses.dropped, lost);
    }
}
