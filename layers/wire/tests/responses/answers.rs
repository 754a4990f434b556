//! Whole answers by hand.

use serde_json::{Value, json};
use tollway_core::Usage;
use tollway_wire::{
    DecodeContext, EncodeContext, ErrorKind,
    chat::{Choice, Content, Finish, FinishReason, Part, Reasoning, Reply, ToolCall},
    responses::{Echo, decode_error, decode_response, encode_response},
};

use crate::support::{Said, cx};

fn read(body: &Value) -> Reply {
    decode_response(body.to_string().as_bytes(), &DecodeContext::default()).unwrap()
}

fn write(reply: &Reply, cx: &EncodeContext) -> Value {
    serde_json::from_slice(&encode_response(reply, cx)).unwrap()
}

fn reply(content: Vec<Part>, reason: FinishReason) -> Reply {
    let choice = Choice { index: 0, content, finish: reason.into(), logprobs: None };
    Reply { id: Some("msg_01".into()), choices: vec![choice], ..Reply::default() }
}

#[test]
fn an_answer_of_another_provider_has_all_that_clients_expect() {
    let call = ToolCall { id: "toolu_1".into(), name: "f".into(), arguments: String::new(), custom: false };
    let thought = Content::Reasoning(Reasoning { text: "hm".into(), redacted: None });
    let mut answer = reply(
        vec![thought.into(), Part::text("hi"), Content::ToolCall(call).into()],
        FinishReason::ToolCalls,
    );
    answer.usage = Some(Usage { input: 3, output: 2, ..Usage::default() });
    answer.service_tier = Some("standard".into());
    let body = write(&answer, &cx());
    assert_eq!(
        (&body["object"], &body["status"], &body["created_at"], &body["model"]),
        (&json!("response"), &json!("completed"), &json!(7), &json!("m"))
    );
    assert!(body["id"].as_str().unwrap().starts_with("resp_"));
    for (name, value) in [
        ("error", Value::Null),
        ("incomplete_details", Value::Null),
        ("instructions", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("temperature", json!(1.0)),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("top_p", json!(1.0)),
        ("store", json!(false)),
        ("text", json!({"format": {"type": "text"}})),
        ("truncation", json!("disabled")),
    ] {
        assert_eq!(body.get(name), Some(&value), "{name}");
    }
    // A tier that OpenAI does not know is not told.
    assert!(body.get("service_tier").is_none());
    let output = body["output"].as_array().unwrap();
    assert_eq!(output[0]["summary"], json!([{"type": "summary_text", "text": "hm"}]));
    assert_eq!(
        output[1]["content"],
        json!([{"type": "output_text", "text": "hi", "annotations": [], "logprobs": []}])
    );
    assert_eq!((&output[1]["role"], &output[1]["status"]), (&json!("assistant"), &json!("completed")));
    assert_eq!((&output[2]["call_id"], &output[2]["arguments"]), (&json!("toolu_1"), &json!("{}")));
    for (item, prefix) in output.iter().zip(["rs_", "msg_", "fc_"]) {
        assert!(item["id"].as_str().unwrap().starts_with(prefix), "{item}");
    }
    // Another request's answer has other ids, the same request's the same.
    assert_eq!(write(&answer, &cx()), body);
    let other = write(&answer, &EncodeContext { id: "req-2".into(), ..cx() });
    assert_ne!(other["id"], body["id"]);
    assert_ne!(other["output"][1]["id"], body["output"][1]["id"]);
}

#[test]
fn the_request_s_settings_are_repeated() {
    let request = json!({"model": "m", "input": "secret", "instructions": "be brief", "temperature": 0.5, "user": null,
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "tool_choice": {"type": "function", "name": "f"}, "text": {"verbosity": "low"}, "metadata": {"a": "b"},
        "stream": true, "include": ["x"], "previous_response_id": "resp_0"});
    let answered = |request: String| {
        let echo = Echo::read(&request.into());
        write(&reply(vec![Part::text("hi")], FinishReason::Stop), &EncodeContext { echo, ..cx() })
    };
    let body = answered(request.to_string());
    assert!(["input", "stream", "include"].iter().all(|name| body.get(*name).is_none()));
    assert_eq!((&body["user"], &body["model"], &body["top_p"]), (&Value::Null, &json!("m"), &json!(1.0)));
    for name in ["instructions", "temperature", "tool_choice", "metadata", "previous_response_id"] {
        assert_eq!(body[name], request[name], "{name}");
    }
    assert_eq!(body["text"], json!({"verbosity": "low", "format": {"type": "text"}}));
    assert_eq!(
        body["tools"][0],
        json!({"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": null})
    );
    assert_eq!(answered(serde_json::to_string_pretty(&request).unwrap()), body);
    assert_eq!(answered("[]".to_owned()), answered("{".to_owned()));
    assert_eq!(answered("{}".to_owned())["text"], json!({"format": {"type": "text"}}));
}

#[test]
fn why_an_answer_ended() {
    for (status, reason, calls, canonical) in [
        ("completed", None, false, FinishReason::Stop),
        ("completed", None, true, FinishReason::ToolCalls),
        ("incomplete", Some("max_output_tokens"), true, FinishReason::Length),
        ("incomplete", Some("content_filter"), false, FinishReason::ContentFilter),
    ] {
        let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"});
        let details = reason.map(|reason| json!({"reason": reason}));
        let body = json!({"object": "response", "status": status, "incomplete_details": details,
            "output": if calls { json!([call]) } else { json!([]) }});
        let answer = read(&body);
        assert_eq!(answer.choices[0].finish.reason, canonical);
        let written = write(&answer, &cx());
        assert_eq!(written["status"], status);
        assert_eq!(written["incomplete_details"]["reason"].as_str(), reason);
        if calls {
            assert_eq!(written["output"][0]["status"], status);
        }
    }
    let new =
        read(&json!({"status": "incomplete", "incomplete_details": {"reason": "steered"}, "output": []}));
    let finish = Finish { reason: FinishReason::Length, stop_sequence: None, native: Some("steered".into()) };
    assert_eq!(new.choices[0].finish, finish);
    // The others' words for an end that is none of a limit.
    for reason in [FinishReason::Stop, FinishReason::StopSequence, FinishReason::Pause] {
        assert_eq!(write(&reply(vec![Part::text("x")], reason), &cx())["status"], "completed");
    }
}

#[test]
fn what_is_no_answer_is_an_error() {
    let error = |body: &str| decode_response(body.as_bytes(), &DecodeContext::default()).unwrap_err();
    for body in [
        "",
        "[]",
        "{}",
        "nonsense",
        r#"{"object":"response.input_tokens","input_tokens":3}"#,
        r#"{"status":"queued","output":[]}"#,
        r#"{"status":"cancelled","output":[]}"#,
        r#"{"status":"failed","output":[]}"#,
    ] {
        assert_eq!((error(body).status, error(body).kind), (502, ErrorKind::Internal), "{body}");
    }
    let failed =
        error(r#"{"status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"slow"}}"#);
    assert_eq!((failed.status, failed.kind, failed.message.as_str()), (429, ErrorKind::RateLimit, "slow"));
    let refused = decode_error(
        400,
        br#"{"error":{"message":"no","type":"invalid_request_error","param":"input[0].id","code":"x"}}"#,
    );
    assert_eq!((refused.param.as_deref(), refused.code.as_deref()), (Some("input[0].id"), Some("x")));
}

#[test]
fn names_of_tools_are_the_clients_again_and_missing_ids_are_made() {
    let context = DecodeContext {
        renamed_tools: vec![("a_b".into(), "a.b".into())],
        seed: "s".into(),
        ..DecodeContext::default()
    };
    let body = json!({"output": [{"type": "function_call", "name": "a_b", "arguments": "{}"},
        {"type": "function_call", "name": "a_b", "arguments": "{}"}]});
    let said = Said::of(&decode_response(body.to_string().as_bytes(), &context).unwrap());
    assert_eq!(said.calls[0].1, "a.b");
    assert_ne!(said.calls[0].0, said.calls[1].0);
}

#[test]
fn citations_count_from_the_beginning_of_the_answer() {
    let cited = |start: u64| json!({"type": "url_citation", "start_index": start, "end_index": start + 2, "url": "https://a", "title": "A"});
    let text =
        |text: &str, start: u64| json!({"type": "output_text", "text": text, "annotations": [cited(start)]});
    let body = json!({"output": [
        {"type": "message", "content": [text("größe", 1)]},
        {"type": "web_search_call", "id": "ws_1", "action": {"type": "search"}},
        {"type": "message", "content": [text("zwei", 2)]}],
        "usage": {"input_tokens": 1, "output_tokens": 1}});
    let answer = read(&body);
    let said = Said::of(&answer);
    let starts: Vec<u64> =
        said.annotations.iter().map(|note| note["url_citation"]["start_index"].as_u64().unwrap()).collect();
    assert_eq!(starts, [1, 7]);
    assert_eq!(said.usage.unwrap().web_searches, 1);
    let written = write(&answer, &cx());
    assert_eq!(written["output"][0]["content"][0]["annotations"], json!([cited(1)]));
    assert_eq!(written["output"][2]["content"][0]["annotations"], json!([cited(2)]));
}
