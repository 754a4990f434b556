//! Streams by hand: read and written.

use serde_json::{Value, json};
use tollway_core::{Dialect, Usage};
use tollway_wire::{
    ApiError, ErrorKind, StreamEnd, Truncated,
    chat::{Content, Delta, Event, FinishReason, Native, Signature, Start},
    responses::StreamEncoder,
};

use crate::recorded_answers::check_events;
use crate::support::{Said, collect, cx, data, decode, encode};

fn stream(events: &[Value]) -> String {
    let frames =
        events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
    frames.collect::<Vec<_>>().concat()
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "resp_1", "model": "gpt", "created_at": 9.0, "status": "in_progress",
        "service_tier": "auto", "output": []}})
}

fn completed(output: &Value) -> Value {
    json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": output,
        "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 1}, "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 5}}})
}

fn delta(delta: Delta) -> Event {
    Event::Delta { choice: 0, delta }
}

fn started() -> Event {
    Event::Start(Start {
        id: Some("chatcmpl-1".into()),
        model: Some("gpt".into()),
        created: Some(9),
        ..Start::default()
    })
}

#[test]
fn a_stream_of_a_server_that_tells_little_is_read() {
    // No items begin, no parts, no deltas of arguments: as compatible servers send it.
    let call = json!({"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"x\":1}"});
    let text = stream(&[
        created(),
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": "he"}),
        json!({"type": "response.output_text.done", "output_index": 0, "text": "hello"}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": call}),
        completed(&json!([{"type": "message", "content": [{"type": "output_text", "text": "hello"}]}, call])),
    ]);
    let (events, end) = decode(&[text.as_bytes()]);
    assert_eq!(end, Ok(StreamEnd));
    let said = Said::of(&collect(events));
    assert_eq!((said.text.as_str(), said.calls.len()), ("hello", 1));
    assert_eq!(said.calls[0], ("c1".to_owned(), "f".to_owned(), "{\"x\":1}".to_owned()));
    assert_eq!(said.finish.unwrap().reason, FinishReason::ToolCalls);
    let usage = Usage { input: 3, cached_input: 1, output: 2, reasoning: 1, ..Usage::default() };
    assert_eq!(said.usage, Some(usage));
    // Not even that: only the end.
    let only_end = stream(&[completed(
        &json!([{"type": "message", "content": [{"type": "output_text", "text": "hello"}]}, call]),
    )]);
    let (events, end) = decode(&[only_end.as_bytes()]);
    assert_eq!(end, Ok(StreamEnd));
    let all = Said::of(&collect(events));
    assert_eq!((all.text.as_str(), all.calls), ("hello", said.calls));
}

#[test]
fn parallel_calls_and_parts_of_a_summary_are_told_apart() {
    let text = stream(&[
        created(),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
        json!({"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 0}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "a"}),
        json!({"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 1}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "b"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}], "encrypted_content": "gA"}}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "function_call", "call_id": "c1", "name": "f", "arguments": ""}}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": ""}}),
        json!({"type": "response.custom_tool_call_input.delta", "output_index": 2, "delta": "ra"}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{}"}),
        json!({"type": "response.custom_tool_call_input.delta", "output_index": 2, "delta": "w"}),
        json!({"type": "response.function_call_arguments.done", "output_index": 1, "arguments": "{}"}),
        json!({"type": "response.custom_tool_call_input.done", "output_index": 2, "input": "raw"}),
        completed(&json!([])),
    ]);
    let (events, end) = decode(&[text.as_bytes()]);
    assert_eq!(end, Ok(StreamEnd));
    let reply = collect(events);
    let said = Said::of(&reply);
    assert_eq!(said.reasoning, ["a\n\nb"]);
    assert_eq!(said.seals, ["rs_1:gA"]);
    let call = |id: &str, name: &str, arguments: &str| (id.to_owned(), name.to_owned(), arguments.to_owned());
    assert_eq!(said.calls, [call("c1", "f", "{}"), call("c2", "g", "raw")]);
    assert!(matches!(&reply.choices[0].content[2].content, Content::ToolCall(call) if call.custom));
}

#[test]
fn an_incomplete_answer_is_whole_and_says_why() {
    for (reason, canonical) in
        [("max_output_tokens", FinishReason::Length), ("content_filter", FinishReason::ContentFilter)]
    {
        let text = stream(&[
            created(),
            json!({"type": "response.output_text.delta", "output_index": 0, "delta": "x"}),
            json!({"type": "response.incomplete", "response": {"status": "incomplete",
                "incomplete_details": {"reason": reason}, "output": []}}),
        ]);
        let (events, end) = decode(&[text.as_bytes()]);
        assert_eq!(end, Ok(StreamEnd));
        let written = encode(&events);
        let last = data(&written).pop().unwrap();
        assert_eq!(last["type"], "response.incomplete");
        assert_eq!(last["response"]["incomplete_details"]["reason"], reason);
        assert_eq!(last["response"]["output"][0]["status"], "incomplete");
        assert_eq!(collect(events).choices[0].finish.reason, canonical);
        check_events(reason, &written);
    }
}

#[test]
fn errors_in_mid_stream_end_it_and_it_is_never_whole() {
    let failed = json!({"type": "response.failed", "response": {"status": "failed",
        "error": {"code": "rate_limit_exceeded", "message": "slow down"}}});
    let flat = json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": null});
    let nested = json!({"type": "error", "error": {"type": "rate_limit_error", "code": "rate_limit_exceeded", "message": "slow down"}});
    for last in [failed, flat, nested] {
        let text = stream(&[
            created(),
            json!({"type": "response.output_text.delta", "output_index": 0, "delta": "x"}),
            last,
            completed(&json!([])),
        ]);
        let (events, end) = decode(&[text.as_bytes()]);
        assert_eq!(end, Err(Truncated));
        let Some(Event::Error(error)) = events.last() else { panic!("{events:?}") };
        assert_eq!(
            (error.kind, error.status, error.message.as_str()),
            (ErrorKind::RateLimit, 429, "slow down")
        );
    }
    let bare = "data: {\"error\":{\"message\":\"gone\",\"code\":503}}\n\n";
    let (events, end) = decode(&[bare.as_bytes()]);
    assert!(matches!(&events[..], [Event::Start(_), Event::Error(error)] if error.status == 503));
    assert_eq!(end, Err(Truncated));
}

#[test]
fn a_hole_in_the_answer_is_an_error_and_news_are_passed_over() {
    for hole in [
        "data: {\"type\":\"response.output_text.delta\",\"delta\":7}\n\n",
        "data: {\"type\":\"response.output_text.de\n\n",
        "data: {\"type\":\"response.completed\"}\n\n",
        "data: nonsense\n\n",
    ] {
        let (events, end) = decode(&[hole.as_bytes()]);
        assert!(matches!(events.last(), Some(Event::Error(error)) if error.status == 502), "{hole}");
        assert_eq!(end, Err(Truncated));
    }
    let news = format!(
        "{}{}{}data: [DONE]\n\n",
        stream(&[created()]),
        "data: {\"type\":\"response.new.delta\",\"delta\":7}\n\ndata: {\"type\":\"keepalive\",\"delta\":[]}\n\n",
        stream(&[completed(&json!([]))])
    );
    assert_eq!(decode(&[news.as_bytes()]).1, Ok(StreamEnd));
}

#[test]
fn every_kind_of_delta_is_written_as_the_sdks_read_it() {
    let seal = |dialect, value: &str| Delta::Signature(Signature { dialect, value: value.into() });
    let call = |index, id: &str, custom, signature| Delta::ToolCall {
        index,
        id: id.into(),
        name: "f".into(),
        custom,
        signature,
    };
    let arguments = |index, fragment: &str| Delta::ToolArguments { index, fragment: fragment.into() };
    let events: Vec<Event> = std::iter::once(started()).chain([
        Delta::Reasoning("h".into()),
        Delta::Reasoning("m".into()),
        seal(Dialect::Anthropic, "S1"),
        Delta::RedactedReasoning("hidden".into()),
        Delta::Native(Native { dialect: Dialect::Responses, value: json!({"type": "web_search_call", "id": "ws_1", "status": "completed"}) }),
        Delta::Text("größe ".into()),
        Delta::Text("漢".into()),
        Delta::Logprobs(json!({"content": [{"token": "x", "logprob": -0.5, "bytes": [120], "top_logprobs": []}], "refusal": null})),
        Delta::Annotations(vec![json!({"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 5, "url": "https://a", "title": "A"}})]),
        Delta::Refusal("no".into()),
        call(0, "c0", false, Some(Signature { dialect: Dialect::Gemini, value: "G".into() })),
        call(1, "c1", true, None),
        arguments(1, "ra"),
        arguments(0, "{\"x\""),
        arguments(1, "w"),
        arguments(0, ":1}"),
        call(2, "c2", false, None),
    ].map(delta)).chain([
        Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() },
        Event::Usage(Usage { input: 5, output: 3, cached_input: 2, reasoning: 1, web_searches: 1, ..Usage::default() }),
    ]).collect();
    let written = encode(&events);
    check_events("by hand", &written);
    let frames = data(&written);
    let last = &frames.last().unwrap()["response"];
    let kinds: Vec<&str> =
        last["output"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "reasoning",
            "reasoning",
            "web_search_call",
            "message",
            "reasoning",
            "function_call",
            "custom_tool_call",
            "function_call"
        ]
    );
    assert_eq!(last["output"][3]["content"][0]["logprobs"][0]["token"], "x");
    assert_eq!(
        last["output"][3]["content"][0]["annotations"][0],
        json!({"type": "url_citation", "start_index": 0,
        "end_index": 5, "url": "https://a", "title": "A"})
    );
    assert_eq!(last["output"][3]["content"][1], json!({"type": "refusal", "refusal": "no"}));
    assert_eq!(last["output"][6]["input"], "raw");
    assert_eq!(last["output"][7]["arguments"], "{}");
    assert_eq!(
        last["usage"],
        json!({"input_tokens": 5, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 8})
    );
    assert_eq!(last["tool_usage"]["web_search"]["num_requests"], 1);
    for (at, name) in ["response.created", "response.in_progress"].into_iter().enumerate() {
        assert_eq!(frames[at]["type"], name);
        assert_eq!(frames[at]["response"]["status"], "in_progress");
        assert_eq!(frames[at]["response"]["output"], json!([]));
        assert!(frames[at]["response"]["usage"].is_null());
    }
    // Ids are of the API's kinds, all different, and the same for the same request.
    let id = last["id"].as_str().unwrap();
    assert!(id.starts_with("resp_") && id.len() == 45, "{id}");
    assert_eq!(encode(&events), written);
    let names: Vec<&str> = written.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let types: Vec<&str> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    assert_eq!(names, types);
}

#[test]
fn a_broken_answer_ends_in_an_error_and_a_failure() {
    let error = ApiError {
        status: 503,
        kind: ErrorKind::Overloaded,
        message: "busy".into(),
        code: None,
        param: None,
        retry_after: None,
    };
    let mut encoder = StreamEncoder::new(cx());
    let mut out = Vec::new();
    encoder.encode(&started(), &mut out);
    encoder.encode(&delta(Delta::Text("x".into())), &mut out);
    encoder.encode(&Event::Error(error), &mut out);
    encoder.encode(&delta(Delta::Text("y".into())), &mut out);
    encoder.finish(&mut out);
    let written = String::from_utf8(out).unwrap();
    let frames = data(&written);
    let numbers: Vec<u64> = frames.iter().map(|frame| frame["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..frames.len() as u64).collect::<Vec<_>>());
    let [.., told, failed] = &frames[..] else { panic!() };
    assert_eq!(
        told,
        &json!({"type": "error", "code": "server_error", "message": "busy", "param": null,
        "sequence_number": told["sequence_number"]})
    );
    assert_eq!(
        (&failed["type"], &failed["response"]["status"]),
        (&json!("response.failed"), &json!("failed"))
    );
    assert_eq!(failed["response"]["error"], json!({"code": "server_error", "message": "busy"}));
    assert!(!written.contains("response.completed"));
    let (events, end) = decode(&[written.as_bytes()]);
    assert_eq!(end, Err(Truncated));
    assert!(matches!(events.last(), Some(Event::Error(error)) if error.message == "busy"));
}

#[test]
fn an_empty_answer_is_one() {
    let written = encode(&[started(), Event::Finish { choice: 0, finish: FinishReason::Stop.into() }]);
    check_events("empty", &written);
    let (events, end) = decode(&[written.as_bytes()]);
    assert_eq!(end, Ok(StreamEnd));
    assert!(collect(events).choices[0].content.is_empty());
}
