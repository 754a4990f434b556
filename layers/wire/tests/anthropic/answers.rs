//! Whole answers.

use serde_json::{Value, json};
use tollway_core::{Dialect, Usage};
use tollway_wire::{
    DecodeContext, ErrorKind,
    anthropic::{decode_response, encode_response},
    chat::{Choice, Content, FinishReason, Part, Reasoning, Reply, Signature, Text, ToolCall},
};

use crate::support::{Said, cx};

fn decoded(body: &Value) -> Reply {
    decode_response(body.to_string().as_bytes(), &DecodeContext::default()).unwrap()
}

fn reply(content: Vec<Part>, reason: FinishReason) -> Reply {
    let choice = Choice { index: 0, content, finish: reason.into(), logprobs: None };
    Reply { choices: vec![choice], ..Reply::default() }
}

fn encoded(reply: &Reply) -> Value {
    serde_json::from_slice(&encode_response(reply, &cx())).unwrap()
}

#[test]
fn an_answer_in_anthropics_words() {
    let reasoning = Reasoning { text: "hm".to_owned(), redacted: None };
    let mut thought = Part::from(Content::Reasoning(reasoning));
    thought.signature = Some(Signature { dialect: Dialect::Anthropic, value: "SEAL".to_owned() });
    let page = json!({"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 2,
        "url": "https://example.com", "title": "Example"}});
    let cited = Content::Text(Text { text: "so".to_owned(), annotations: vec![page] });
    let call = ToolCall {
        id: "call_1".to_owned(),
        name: "fs.read".to_owned(),
        arguments: "{\"n\":1.0}".to_owned(),
        custom: false,
    };
    let odd = ToolCall { arguments: "not json".to_owned(), ..call.clone() };
    let parts = vec![
        thought,
        cited.into(),
        Part::text(""),
        Content::ToolCall(call).into(),
        Content::ToolCall(odd).into(),
    ];
    let mut reply = reply(parts, FinishReason::ToolCalls);
    reply.usage = Some(Usage { input: 10, cached_input: 4, output: 3, ..Usage::default() });
    reply.service_tier = Some("default".to_owned());
    let expected = json!({
        "id": "msg_own", "type": "message", "role": "assistant", "model": "claude",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "SEAL"},
            {"type": "text", "text": "so", "citations": [{"type": "web_search_result_location",
                "url": "https://example.com", "title": "Example", "cited_text": "", "encrypted_index": "tollway:"}]},
            {"type": "tool_use", "id": "call_1", "name": "fs.read", "input": {"n": 1.0}},
            {"type": "tool_use", "id": "call_1", "name": "fs.read", "input": {"raw_arguments": "not json"}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 6, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 3, "service_tier": "standard"},
    });
    assert_eq!(encoded(&reply), expected);
}

#[test]
fn every_end_is_the_same_streamed_or_whole() {
    // agentgateway maps content_filter differently in streams and whole answers.
    for (wire, reason) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::StopSequence),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("compaction", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("refusal", FinishReason::ContentFilter),
        ("pause_turn", FinishReason::Pause),
    ] {
        let reply = decoded(&json!({"content": [], "stop_reason": wire}));
        assert_eq!(reply.choices[0].finish.reason, reason);
        assert_eq!(encoded(&reply)["stop_reason"], wire);
        let frame = format!("data: {}\n\n", json!({"type": "message_delta", "delta": {"stop_reason": wire}}));
        let (events, _) = crate::support::decode(&[frame.as_bytes()]);
        assert_eq!(Said::by_events(&events).finish.as_ref(), Some(&reply.choices[0].finish));
    }
}

#[test]
fn citations_mark_their_text_in_the_whole_answer() {
    let citation = json!({"type": "web_search_result_location", "url": "https://example.com", "title": "E",
        "cited_text": "c", "encrypted_index": "X"});
    let page = json!({"type": "page_location", "document_index": 0, "start_page_number": 1});
    let reply = decoded(&json!({"stop_reason": "end_turn", "content": [
        {"type": "text", "text": "größe "},
        {"type": "text", "text": "zählt", "citations": [citation, page]},
    ]}));
    let Content::Text(text) = &reply.choices[0].content[1].content else { panic!() };
    let cited = &text.annotations[0]["url_citation"];
    assert_eq!((&cited["start_index"], &cited["end_index"]), (&json!(6), &json!(11)));
    assert_eq!(text.annotations[1]["type"], "document_citation");
    assert_eq!(encoded(&reply)["content"][1]["citations"], json!([citation, page]));
}

#[test]
fn the_answer_tool_is_text_again_and_alone() {
    let reply = decoded(&json!({"stop_reason": "tool_use", "content": [
        {"type": "text", "text": "Here you are:"},
        {"type": "tool_use", "id": "a", "name": "tollway_answer", "input": {"joke": "ha"}},
    ]}));
    assert_eq!(reply.choices[0].content, [Part::text("{\"joke\":\"ha\"}")]);
    assert_eq!(reply.choices[0].finish, FinishReason::Stop.into());
}

#[test]
fn a_refusal_keeps_its_words_and_details() {
    let details = json!({"type": "refusal", "category": "cyber", "explanation": "not this"});
    let reply = decoded(&json!({"stop_reason": "refusal", "stop_details": details, "content": []}));
    assert_eq!(reply.choices[0].content, [Content::Refusal("not this".to_owned()).into()]);
    let back = encoded(&reply);
    assert_eq!((&back["stop_details"], &back["content"]), (&details, &json!([])));
    let other = reply_of_refusal();
    assert_eq!(encoded(&other)["stop_reason"], "refusal");
    assert_eq!(encoded(&other)["content"][0]["text"], "no");
}

fn reply_of_refusal() -> Reply {
    reply(vec![Content::Refusal("no".to_owned()).into()], FinishReason::Stop)
}

#[test]
fn an_answer_that_cannot_be_read_is_the_upstreams_fault() {
    for body in [&b"<html>"[..], b"{}", b"{\"content\":[{\"text\":\"x\"}]}", b"[]", b"\xff"] {
        let error = decode_response(body, &DecodeContext::default()).unwrap_err();
        assert_eq!((error.status, error.kind), (502, ErrorKind::Internal));
    }
    let error = decode_response(
        br#"{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}"#,
        &DecodeContext::default(),
    );
    assert_eq!(error.unwrap_err().kind, ErrorKind::RateLimit);
}

#[test]
fn what_prices_an_answer_is_kept() {
    let reply = decoded(&json!({"content": [], "stop_reason": "end_turn", "container": {"id": "c"},
        "usage": {"input_tokens": 1, "output_tokens": 2, "inference_geo": "us", "speed": "fast",
            "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}}}));
    assert_eq!(reply.usage.unwrap().web_searches, 2);
    let back = encoded(&reply);
    assert_eq!(back["usage"]["inference_geo"], "us");
    assert_eq!(back["usage"]["speed"], "fast");
    assert_eq!(back["usage"]["server_tool_use"]["web_fetch_requests"], 1);
    assert_eq!(back["container"], json!({"id": "c"}));
}
