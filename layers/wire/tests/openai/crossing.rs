//! Requests of other dialects, written in this one.

use serde_json::{Value, json};
use tollway_wire::{Target, Traits, anthropic, gemini, openai::encode_request};

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
