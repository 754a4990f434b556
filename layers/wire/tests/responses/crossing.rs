//! Requests in this dialect for other formats, and back.

use serde_json::{Value, json};
use tollway_wire::{
    Encoded, Refusal, Target, Traits, anthropic,
    chat::Chat,
    gemini, openai,
    responses::{decode_request, encode_request},
};

use crate::sent::check_sent;
use crate::support::target;

type Encode = fn(&Chat, &Target) -> Result<Encoded, Refusal>;

const FORMATS: [(&str, Encode); 3] = [
    ("openai", openai::encode_request),
    ("anthropic", anthropic::encode_request),
    ("gemini", gemini::encode_request),
];

fn read(request: &Value) -> Chat {
    decode_request(request.to_string().as_bytes()).unwrap()
}

fn sent(encoded: &Encoded) -> Value {
    serde_json::from_slice(&encoded.body).unwrap()
}

/// State kept at OpenAI was passed over by other gateways, and the model answered without it.
#[test]
fn state_kept_at_openai_is_refused_everywhere_else_and_carried_there() {
    let item = |kind: &str| json!([{"role": "user", "content": "q"}, {"type": kind, "id": "x_1"}]);
    for (name, value, path) in [
        ("previous_response_id", json!("resp_1"), "previous_response_id"),
        ("conversation", json!({"id": "conv_1"}), "conversation"),
        ("background", json!(true), "background"),
        ("prompt", json!({"id": "pmpt_1"}), "prompt"),
        ("moderation", json!({"model": "m"}), "moderation"),
        ("input", item("item_reference"), "input[1].type"),
        ("input", item("compaction"), "input[1].type"),
    ] {
        let mut request = json!({"model": "m", "input": "q"});
        request[name] = value.clone();
        let chat = read(&request);
        for (format, encode) in FORMATS {
            let refusal = encode(&chat, &target()).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some(path), "{format}");
            assert_eq!(chat.own_refusal(refusal).param.as_deref(), Some(path), "{format}");
        }
        let own = sent(&encode_request(&chat, &target()).unwrap());
        assert!(own[name] == value || own["input"][1] == value[1], "{own}");
    }
    for nothing in [json!(null), json!(false)] {
        let chat =
            read(&json!({"model": "m", "input": "q", "background": nothing, "previous_response_id": null}));
        for (format, encode) in FORMATS {
            assert!(encode(&chat, &target()).is_ok(), "{format}");
        }
    }
}

#[test]
fn a_conversation_with_tools_reaches_every_format() {
    let chat = read(&json!({"model": "m", "instructions": "be brief", "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "see"},
            {"type": "input_image", "image_url": "data:image/png;base64,QUJD"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"x\":1}"},
        {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2", "output": "two"},
        {"role": "user", "content": "so?"}],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}],
        "tool_choice": "required", "max_output_tokens": 99, "text": {"verbosity": "low"},
        "prompt_cache_key": "k", "store": false}));
    let of = |encode: Encode| {
        let traits = Traits { function_call_ids: true, ..Traits::default() };
        let encoded = encode(&chat, &Target { model: "m".into(), traits }).unwrap();
        (sent(&encoded), encoded.dropped)
    };
    let (chat_body, dropped) = of(openai::encode_request);
    assert_eq!((&chat_body["verbosity"], &chat_body["prompt_cache_key"]), (&json!("low"), &json!("k")));
    assert_eq!(dropped, Vec::<String>::new());
    let roles: Vec<&str> =
        chat_body["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "tool", "user"]);
    assert_eq!(chat_body["messages"][2]["tool_calls"].as_array().unwrap().len(), 2);

    let (body, dropped) = of(anthropic::encode_request);
    assert_eq!(dropped, ["messages[2].reasoning_content", "verbosity", "prompt_cache_key"]);
    assert_eq!(body["messages"][1]["content"].as_array().unwrap().len(), 2);
    assert_eq!(body["messages"][2]["content"][0]["tool_use_id"], "c1");
    assert_eq!(body["tool_choice"]["type"], "any");

    let (body, _) = of(gemini::encode_request);
    assert_eq!(
        body["contents"][1]["parts"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|p| p["functionCall"].is_object())
            .count(),
        2
    );
    assert!(!body.to_string().contains("gAAAA"));
}

#[test]
fn requests_of_other_dialects_are_as_the_api_takes_them() {
    let anthropic = json!({"model": "c", "max_tokens": 1, "stop_sequences": [], "thinking": {"type": "enabled", "budget_tokens": 2048},
        "system": [{"type": "text", "text": "one", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "two"}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}, {"type": "web_search_20250305", "name": "web_search"}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "metadata": {"user_id": "u"}, "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "Eq"},
            {"type": "text", "text": "a"}, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true,
            "content": [{"type": "text", "text": "no"}]}, {"type": "text", "text": "so?"}]}]});
    let chat = anthropic::decode_request(anthropic.to_string().as_bytes()).unwrap();
    let encoded = encode_request(&chat, &target()).unwrap();
    let body = sent(&encoded);
    check_sent(&body).unwrap();
    assert_eq!(
        body["input"][0],
        json!({"type": "message", "role": "system",
        "content": [{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}]})
    );
    assert_eq!(
        body["input"][3],
        json!({"type": "function_call", "call_id": "toolu_1", "name": "f", "arguments": "{\"x\":1}"})
    );
    assert_eq!(
        (&body["tool_choice"], &body["parallel_tool_calls"], &body["user"]),
        (&json!("required"), &json!(false), &json!("u"))
    );
    assert_eq!(body["reasoning"], json!({"effort": "low"}));
    assert_eq!(
        encoded.dropped,
        [
            "messages[].content[].cache_control",
            "messages[].reasoning_content",
            "messages[].content[].is_error",
            "max_tokens"
        ]
    );

    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "r"}}}]}],
        "tools": [{"googleSearch": {}}], "generationConfig": {"responseMimeType": "application/json"}});
    let chat = gemini::decode_request("g", true, gemini.to_string().as_bytes()).unwrap();
    let encoded = encode_request(&chat, &target()).unwrap();
    let body = sent(&encoded);
    check_sent(&body).unwrap();
    assert_eq!(body["text"]["format"]["type"], "json_object");
    assert_eq!((&body["stream"], &body["tools"]), (&json!(true), &json!([{"type": "web_search"}])));
    assert!(!body.to_string().contains("c2ln"));

    let openai = json!({"model": "o", "messages": [{"role": "developer", "content": "d"}, {"role": "user", "content": "q"}],
        "logprobs": true, "top_logprobs": 2, "verbosity": "high", "safety_identifier": "s", "reasoning_effort": "high",
        "stream": true, "stream_options": {"include_usage": true}, "store": true, "seed": 4,
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": true}}});
    let chat = openai::decode_request(openai.to_string().as_bytes()).unwrap();
    let encoded = encode_request(&chat, &target()).unwrap();
    let body = sent(&encoded);
    check_sent(&body).unwrap();
    assert_eq!(
        body["text"],
        json!({"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": true}, "verbosity": "high"})
    );
    assert_eq!(body["include"], json!(["reasoning.encrypted_content", "message.output_text.logprobs"]));
    assert_eq!((&body["safety_identifier"], &body["top_logprobs"]), (&json!("s"), &json!(2)));
    assert_eq!(encoded.dropped, ["seed", "store"]);
}

/// A request for pictures or sound was answered in text.
#[test]
fn what_gemini_is_asked_to_show_or_say_is_refused() {
    let asked = |kind: &str| {
        let body = json!({"contents": [{"role": "user", "parts": [{"text": "q"}]}],
            "generationConfig": {"responseModalities": [kind]}});
        let chat = gemini::decode_request("m", false, body.to_string().as_bytes()).unwrap();
        encode_request(&chat, &target()).map_err(|refusal| refusal.param)
    };
    assert!(asked("TEXT").is_ok());
    for kind in ["IMAGE", "AUDIO"] {
        assert_eq!(asked(kind).unwrap_err().as_deref(), Some("generationConfig.responseModalities"));
    }
}
