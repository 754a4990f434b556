//! Seals come back to the provider that made them, through every other dialect.

use serde_json::{Value, json};
use tollway_core::Dialect;
use tollway_wire::{
    DecodeContext, EncodeContext, anthropic,
    chat::{
        Chat, Choice, Content, Event, FinishReason, Message, Part, Reasoning, Reply, Role, Signature, Text,
        ToolCall,
    },
    openai, responses,
};

use crate::support::{cx, target};

/// An answer of a thinking model of OpenAI's: seen, hidden, and a call.
const THOUGHT: &str = r#"{"id":"resp_1","object":"response","status":"completed","model":"gpt","output":[
    {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAA"},
    {"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"gBBB"},
    {"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{\"x\":1}","status":"completed"}]}"#;

fn answer() -> Reply {
    responses::decode_response(THOUGHT.as_bytes(), &DecodeContext::default()).unwrap()
}

/// What OpenAI is sent of the thinking in a conversation.
fn thinking_sent(chat: &Chat) -> Vec<Value> {
    let encoded = responses::encode_request(chat, &target()).unwrap();
    let sent: Value = serde_json::from_slice(&encoded.body).unwrap();
    sent["input"].as_array().unwrap().iter().filter(|item| item["type"] == "reasoning").cloned().collect()
}

fn expected() -> Vec<Value> {
    vec![
        json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA",
            "summary": [{"type": "summary_text", "text": "hm"}]}),
        json!({"type": "reasoning", "id": "rs_2", "encrypted_content": "gBBB", "summary": []}),
    ]
}

fn streamed<E>(
    new: impl Fn(EncodeContext) -> E,
    encode: impl Fn(&mut E, &Event, &mut Vec<u8>),
    finish: impl Fn(&mut E, &mut Vec<u8>),
) -> Vec<u8> {
    let mut encoder = new(cx());
    let mut out = Vec::new();
    for event in answer().into_events() {
        encode(&mut encoder, &event, &mut out);
    }
    finish(&mut encoder, &mut out);
    out
}

#[test]
fn openais_thinking_comes_back_through_an_anthropic_client() {
    let whole: Value = serde_json::from_slice(&anthropic::encode_response(&answer(), &cx())).unwrap();
    let streamed = streamed(
        anthropic::StreamEncoder::new,
        anthropic::StreamEncoder::encode,
        anthropic::StreamEncoder::finish,
    );
    let mut decoder = anthropic::StreamDecoder::new(DecodeContext::default());
    decoder.feed(&streamed);
    let mut collect = tollway_wire::chat::Collect::default();
    std::iter::from_fn(|| decoder.next_event()).for_each(|event| collect.push(event));
    let collected: Value =
        serde_json::from_slice(&anthropic::encode_response(&collect.finish().unwrap(), &cx())).unwrap();
    for blocks in [&whole["content"], &collected["content"]] {
        let request = json!({"model": "c", "max_tokens": 99, "messages": [{"role": "user", "content": "q"},
            {"role": "assistant", "content": blocks},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "r"}]}]});
        let chat = anthropic::decode_request(request.to_string().as_bytes()).unwrap();
        assert_eq!(thinking_sent(&chat), expected(), "{blocks}");
        // Anthropic itself never sees them.
        let encoded = anthropic::encode_request(&chat, &target()).unwrap();
        assert!(!String::from_utf8(encoded.body).unwrap().contains("gAAA"));
    }
}

#[test]
fn openais_thinking_comes_back_through_a_chat_client() {
    let whole: Value = serde_json::from_slice(&openai::encode_response(&answer(), &cx())).unwrap();
    let message = &whole["choices"][0]["message"];
    let request = json!({"model": "c", "messages": [{"role": "user", "content": "q"}, message,
        {"role": "tool", "tool_call_id": "call_1", "content": "r"}]});
    let chat = openai::decode_request(request.to_string().as_bytes()).unwrap();
    assert_eq!(thinking_sent(&chat), expected(), "{message}");
    let encoded = anthropic::encode_request(&chat, &target()).unwrap();
    assert!(!String::from_utf8(encoded.body).unwrap().contains("gAAA"));
}

#[test]
fn openais_thinking_comes_back_through_a_streamed_chat_client() {
    let streamed =
        streamed(openai::StreamEncoder::new, openai::StreamEncoder::encode, openai::StreamEncoder::finish);
    let text = String::from_utf8(streamed).unwrap();
    // What clients do that keep the details: append them in order.
    let mut details = Vec::new();
    for data in text.lines().filter_map(|line| line.strip_prefix("data: {")) {
        let chunk: Value = serde_json::from_str(&format!("{{{data}")).unwrap();
        let delta = &chunk["choices"][0]["delta"];
        details.extend(delta["reasoning_details"].as_array().into_iter().flatten().cloned());
    }
    let call =
        json!({"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}});
    let request = json!({"model": "c", "messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "content": null, "reasoning_details": details, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "r"}]});
    let chat = openai::decode_request(request.to_string().as_bytes()).unwrap();
    assert_eq!(thinking_sent(&chat), expected(), "{details:?}");
}

/// What a client of this dialect gives back of an answer, and a result for each call.
fn given_back(reply: &Reply) -> Chat {
    let body: Value = serde_json::from_slice(&responses::encode_response(reply, &cx())).unwrap();
    let mut input = vec![json!({"role": "user", "content": "q"})];
    input.extend(body["output"].as_array().unwrap().iter().cloned());
    for item in body["output"].as_array().unwrap().iter().filter(|item| item["type"] == "function_call") {
        input.push(json!({"type": "function_call_output", "call_id": item["call_id"], "output": "r"}));
    }
    responses::decode_request(json!({"model": "c", "input": input}).to_string().as_bytes()).unwrap()
}

fn reply(content: Vec<Part>) -> Reply {
    let choice = Choice { index: 0, content, finish: FinishReason::ToolCalls.into(), logprobs: None };
    Reply { id: Some("x".into()), choices: vec![choice], ..Reply::default() }
}

fn sealed(content: Content, dialect: Dialect, value: &str) -> Part {
    Part { content, cache_control: None, signature: Some(Signature { dialect, value: value.into() }) }
}

fn call(id: &str) -> Content {
    Content::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments: "{}".into(), custom: false })
}

#[test]
fn seals_of_others_come_back_through_a_client_of_this_dialect() {
    let thought = |text: &str, redacted: Option<&str>| {
        Content::Reasoning(Reasoning { text: text.into(), redacted: redacted.map(str::to_owned) })
    };
    let said = |text: &str| Content::Text(Text { text: text.into(), annotations: Vec::new() });
    for content in [
        vec![
            sealed(thought("hm", None), Dialect::Anthropic, "Eq:1=="),
            sealed(thought("", Some("hidden")), Dialect::Anthropic, ""),
            sealed(thought("", None), Dialect::Anthropic, "Eq2"),
            call("toolu_1").into(),
        ],
        vec![
            sealed(call("a"), Dialect::Gemini, "sig-a"),
            call("b").into(),
            sealed(call("c"), Dialect::Gemini, "sig:c"),
        ],
        vec![sealed(said("done"), Dialect::Gemini, "sig-t")],
        vec![said("done").into(), sealed(said(""), Dialect::Gemini, "sig-t")],
    ] {
        let chat = given_back(&reply(content.clone()));
        let assistant: Vec<&Message> =
            chat.messages.iter().filter(|message| message.role == Role::Assistant).collect();
        assert_eq!(assistant.len(), 1);
        let got = &assistant[0].content;
        if content.len() == 2 && content[0].signature.is_none() {
            // A seal on nothing is on the text before it.
            assert_eq!(got, &[sealed(said("done"), Dialect::Gemini, "sig-t")]);
        } else {
            assert_eq!(got, &content);
        }
        // OpenAI itself never sees them.
        let encoded = responses::encode_request(&chat, &target()).unwrap();
        let sent = String::from_utf8(encoded.body).unwrap();
        assert!(!sent.contains("tollway:") && !sent.contains("sig-") && !sent.contains("hidden"), "{sent}");
        assert!(!encoded.dropped.is_empty());
    }
}

#[test]
fn thinking_that_nothing_follows_is_kept_back() {
    let mut chat = given_back(&answer());
    chat.dialect = Some(Dialect::Anthropic);
    chat.messages.truncate(2);
    chat.messages[1].content.truncate(2);
    chat.messages.push(Message { role: Role::User, name: None, content: vec![Part::text("go on")] });
    assert!(thinking_sent(&chat).is_empty());
    let encoded = responses::encode_request(&chat, &target()).unwrap();
    assert_eq!(encoded.dropped, ["messages[].reasoning_content"]);
}
