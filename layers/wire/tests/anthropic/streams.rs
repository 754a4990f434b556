//! Event streams: what has gone wrong elsewhere, and the frames we write.

use serde_json::{Value, json};
use tollway_core::Dialect;
use tollway_wire::{
    ApiError, DecodeContext, ErrorKind, Truncated,
    anthropic::StreamEncoder,
    chat::{Delta, Event, Finish, FinishReason, Signature, Start},
};

use crate::support::{Said, cx, data, decode, decode_with, encode};

/// A stream of these events, framed as Anthropic does.
fn stream(events: &[Value]) -> String {
    let frame = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.iter().map(frame).collect::<Vec<_>>().concat()
}

fn start() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage":
        {"input_tokens": 4, "cache_read_input_tokens": 50, "output_tokens": 1, "service_tier": "standard"}}})
}

fn open(at: u64, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": at, "content_block": block})
}

fn grow(at: u64, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": at, "delta": delta})
}

fn text(at: u64, text: &str) -> Value {
    grow(at, &json!({"type": "text_delta", "text": text}))
}

fn input(at: u64, fragment: &str) -> Value {
    grow(at, &json!({"type": "input_json_delta", "partial_json": fragment}))
}

fn close(at: u64) -> Value {
    json!({"type": "content_block_stop", "index": at})
}

fn end(reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": 9}})
}

fn stop() -> Value {
    json!({"type": "message_stop"})
}

fn tool(id: &str, name: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": {}})
}

fn said(events: &[Value]) -> Said {
    let (events, end) = decode(&[stream(events).as_bytes()]);
    assert!(end.is_ok(), "{events:?}");
    Said::by_events(&events)
}

#[test]
fn a_stream_is_told_in_order() {
    let events = [
        start(),
        open(0, &json!({"type": "text", "text": ""})),
        json!({"type": "ping"}),
        text(0, "hi"),
        close(0),
        end("end_turn"),
        stop(),
    ];
    let (events, end) = decode(&[stream(&events).as_bytes()]);
    assert!(end.is_ok());
    let Event::Start(start) = &events[0] else { panic!("{events:?}") };
    assert_eq!((start.id.as_deref(), start.model.as_deref()), (Some("msg_1"), Some("claude")));
    assert_eq!(start.service_tier.as_deref(), Some("default"));
    assert!(matches!(events[1], Event::Usage(usage) if usage.input == 54 && usage.output == 1));
    assert_eq!(events[2], Event::Delta { choice: 0, delta: Delta::Text("hi".to_owned()) });
    assert_eq!(events[3], Event::Finish { choice: 0, finish: FinishReason::Stop.into() });
    assert!(matches!(events[4], Event::Usage(usage) if usage.input == 54 && usage.output == 9));
    assert_eq!(events.len(), 5);
}

#[test]
fn an_error_after_status_200_is_an_error_and_no_whole_answer() {
    // agentgateway logs the error event and ends with `[DONE]`: a cut answer looks whole.
    let overloaded = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let block = open(0, &json!({"type": "text", "text": ""}));
    let events = [start(), block, text(0, "half"), overloaded, end("end_turn"), stop()];
    let (events, end) = decode(&[stream(&events).as_bytes()]);
    assert_eq!(end, Err(Truncated));
    let Some(Event::Error(error)) = events.last() else { panic!("{events:?}") };
    assert_eq!(
        (error.status, error.kind, error.message.as_str()),
        (503, ErrorKind::Overloaded, "Overloaded")
    );
}

#[test]
fn an_error_before_the_start_comes_after_a_start() {
    let (events, end) = decode(&[stream(&[json!({"type": "error"})]).as_bytes()]);
    assert_eq!(end, Err(Truncated));
    assert!(matches!(events.as_slice(), [Event::Start(_), Event::Error(_)]), "{events:?}");
}

#[test]
fn a_stream_of_nothing_is_truncated() {
    // Envoy AI Gateway took a stream of zero bytes for an answer (#1894).
    assert_eq!(decode(&[]), (vec![], Err(Truncated)));
    assert_eq!(decode(&[b"data: [DONE]\n\n"]), (vec![], Err(Truncated)));
}

#[test]
fn a_hole_in_the_answer_is_an_error() {
    for broken in ["data: {\"type\":\"content_block_delta\",\"index\":\n\n", "data: not json\n\n"] {
        let stream = stream(&[start()]) + broken;
        let (events, end) = decode(&[stream.as_bytes()]);
        assert_eq!(end, Err(Truncated));
        assert!(matches!(events.last(), Some(Event::Error(error)) if error.status == 502), "{events:?}");
    }
    let orphan = [start(), input(3, "{\"a\":")];
    assert!(matches!(decode(&[stream(&orphan).as_bytes()]).0.last(), Some(Event::Error(_))));
}

#[test]
fn what_the_provider_adds_one_day_is_passed_over() {
    let block = open(0, &json!({"type": "text", "text": ""}));
    let events = [
        start(),
        json!({"type": "weather_report", "delta": "sunny", "index": "one"}),
        block,
        grow(0, &json!({"type": "glow_delta", "glow": 3})),
        text(0, "hi"),
        close(0),
        end("end_turn"),
        stop(),
    ];
    assert_eq!(said(&events).text, "hi");
}

#[test]
fn parallel_calls_are_counted_among_themselves() {
    // Portkey used the block's index as the call's: the first call behind a text got index 1.
    let events = [
        start(),
        open(0, &json!({"type": "text", "text": ""})),
        text(0, "let me see"),
        close(0),
        open(1, &tool("a", "weather")),
        input(1, ""),
        input(1, "{\"city\": "),
        input(1, "\"Rome\"}"),
        close(1),
        open(2, &tool("b", "time")),
        close(2),
        end("tool_use"),
        stop(),
    ];
    let said = said(&events);
    let calls = [
        ("a".to_owned(), "weather".to_owned(), json!({"city": "Rome"})),
        // A call without input sends no piece of it: its arguments are an empty object, not "".
        ("b".to_owned(), "time".to_owned(), json!({})),
    ];
    assert_eq!(said.calls, calls);
    assert_eq!(said.finish.unwrap().reason, FinishReason::ToolCalls);
}

#[test]
fn text_and_input_may_stand_in_the_start_of_a_block() {
    let mut whole = tool("", "weather");
    whole["input"] = json!({"city": "Rome"});
    let events = [
        start(),
        open(0, &json!({"type": "text", "text": "so: "})),
        text(0, "this"),
        close(0),
        open(1, &whole),
        close(1),
        end("tool_use"),
        stop(),
    ];
    let said = said(&events);
    assert_eq!(said.text, "so: this");
    let call = ("toolu_seed_0".to_owned(), "weather".to_owned(), json!({"city": "Rome"}));
    assert_eq!(said.calls, [call]);
}

#[test]
fn a_block_whose_end_is_missing_ends_with_the_message() {
    // bifrost#4262: a missing block stop left the call without arguments.
    let events = [start(), open(0, &tool("a", "time")), end("tool_use"), stop()];
    assert_eq!(said(&events).calls, [("a".to_owned(), "time".to_owned(), json!({}))]);
}

#[test]
fn usage_is_cumulative_and_never_added() {
    // litellm#9812 and others, envoy PR 2241: cache tokens of both events were added up.
    let mut last = end("end_turn");
    last["usage"] = json!({"input_tokens": 4, "cache_read_input_tokens": 50, "output_tokens": 9,
        "cache_creation_input_tokens": 6});
    let usage = said(&[start(), last, stop()]).usage.unwrap();
    assert_eq!((usage.input, usage.cached_input, usage.cache_write_5m, usage.output), (60, 50, 6, 9));
}

#[test]
fn thinking_keeps_its_seal() {
    let events = [
        start(),
        open(0, &json!({"type": "thinking", "thinking": "", "signature": ""})),
        grow(0, &json!({"type": "thinking_delta", "thinking": "hm"})),
        grow(0, &json!({"type": "signature_delta", "signature": "SE"})),
        grow(0, &json!({"type": "signature_delta", "signature": "AL"})),
        close(0),
        open(1, &json!({"type": "redacted_thinking", "data": "BLOB"})),
        close(1),
        end("end_turn"),
        stop(),
    ];
    let said = said(&events);
    assert_eq!(
        (said.reasoning.as_str(), said.seals, said.redacted),
        ("hm", vec!["SEAL".into()], vec!["BLOB".into()])
    );
}

#[test]
fn the_answer_tool_is_text_again() {
    let mut answer = tool("a", "tollway_answer");
    let pieces = [
        start(),
        open(0, &answer),
        input(0, "{\"joke\":"),
        input(0, "\"ha\"}"),
        close(0),
        end("tool_use"),
        stop(),
    ];
    let streamed = said(&pieces);
    assert_eq!((streamed.text.as_str(), streamed.calls.len()), ("{\"joke\":\"ha\"}", 0));
    assert_eq!(streamed.finish.unwrap().reason, FinishReason::Stop);
    answer["input"] = json!({"joke": "ha"});
    assert_eq!(
        said(&[start(), open(0, &answer), close(0), end("tool_use"), stop()]).text,
        "{\"joke\":\"ha\"}"
    );
}

#[test]
fn renamed_tools_get_their_names_back() {
    let cx = DecodeContext {
        renamed_tools: vec![("fs_read".to_owned(), "fs.read".to_owned())],
        ..DecodeContext::default()
    };
    let events = [start(), open(0, &tool("a", "fs_read")), close(0), end("tool_use"), stop()];
    let (events, _) = decode_with(cx, &[stream(&events).as_bytes()]);
    assert_eq!(Said::by_events(&events).calls[0].1, "fs.read");
}

#[test]
fn a_refusal_is_told_with_its_words() {
    let mut refusal = end("refusal");
    refusal["delta"]["stop_details"] = json!({"type": "refusal", "explanation": "not this"});
    let said = said(&[start(), refusal, stop()]);
    assert_eq!(said.refusal, "not this");
    assert_eq!(said.finish.unwrap().reason, FinishReason::ContentFilter);
}

#[test]
fn a_compaction_comes_whole() {
    let events = [
        start(),
        open(0, &json!({"type": "compaction", "content": null})),
        grow(0, &json!({"type": "compaction_delta", "content": "so far"})),
        close(0),
        end("compaction"),
        stop(),
    ];
    let said = said(&events);
    assert_eq!(said.natives, [json!({"type": "compaction", "content": "so far"})]);
    let finish =
        Finish { reason: FinishReason::Length, stop_sequence: None, native: Some("compaction".to_owned()) };
    assert_eq!(said.finish, Some(finish));
}

fn delta(delta: Delta) -> Event {
    Event::Delta { choice: 0, delta }
}

#[test]
fn canonical_events_become_blocks() {
    let call = |index, id: &str| Delta::ToolCall {
        index,
        id: id.to_owned(),
        name: "weather".to_owned(),
        custom: false,
        signature: None,
    };
    let seal = |dialect| Delta::Signature(Signature { dialect, value: "S".to_owned() });
    let arguments = |index, fragment: &str| Delta::ToolArguments { index, fragment: fragment.to_owned() };
    let events = [
        Event::Start(Start { model: Some("gpt".to_owned()), ..Start::default() }),
        delta(Delta::Reasoning("h".to_owned())),
        delta(Delta::Reasoning("m".to_owned())),
        delta(seal(Dialect::Gemini)),
        delta(Delta::Text("so".to_owned())),
        delta(call(0, "a")),
        delta(arguments(0, "{}")),
        delta(call(1, "b")),
        delta(arguments(1, "{\"x\":1}")),
        Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() },
        Event::Usage(tollway_core::Usage { input: 30, cached_input: 10, output: 5, ..Default::default() }),
    ];
    let written = data(&encode(&events));
    let usage = |input: u64, read: u64, output: u64| {
        json!({"input_tokens": input, "cache_read_input_tokens": read, "cache_creation_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output})
    };
    let expected = [
        json!({"type": "message_start", "message": {"id": "msg_own", "type": "message", "role": "assistant",
            "model": "gpt", "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": usage(0, 0, 0)}}),
        open(0, &json!({"type": "thinking", "thinking": "", "signature": ""})),
        grow(0, &json!({"type": "thinking_delta", "thinking": "h"})),
        grow(0, &json!({"type": "thinking_delta", "thinking": "m"})),
        grow(0, &json!({"type": "signature_delta", "signature": "tollway:gemini:thinking:S"})),
        close(0),
        open(1, &json!({"type": "text", "text": ""})),
        text(1, "so"),
        close(1),
        open(2, &tool("a", "weather")),
        input(2, "{}"),
        close(2),
        open(3, &tool("b", "weather")),
        input(3, "{\"x\":1}"),
        close(3),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null},
            "usage": usage(20, 10, 5)}),
        stop(),
    ];
    assert_eq!(written, expected);
}

/// Claude Code runs a tool when its block ends, which it did with no arguments where a server told those
/// of several calls side by side.
#[test]
fn calls_that_grow_side_by_side_are_blocks_one_after_the_other() {
    let call = |index: u32| {
        let (id, name) = (index.to_string(), "f".to_owned());
        delta(Delta::ToolCall { index, id, name, custom: false, signature: None })
    };
    let piece = |index, fragment: &str| delta(Delta::ToolArguments { index, fragment: fragment.to_owned() });
    let events = [
        call(0),
        call(1),
        call(2),
        piece(1, "{\"b\""),
        piece(0, "{\"a\":"),
        delta(Delta::Text("so".to_owned())),
        piece(0, "1}"),
        piece(1, ":2}"),
        piece(0, "\n"),
        call(3),
        piece(3, "{}"),
    ];
    let written = data(&encode(&events));
    let blocks = written
        .iter()
        .filter(|event| event["type"].as_str().is_some_and(|kind| kind.starts_with("content_block")));
    let expected = [
        open(0, &tool("0", "f")),
        input(0, "{\"a\":"),
        input(0, "1}"),
        close(0),
        open(1, &tool("1", "f")),
        input(1, "{\"b\""),
        input(1, ":2}"),
        close(1),
        // Whether it has arguments is known at the end only.
        open(2, &tool("2", "f")),
        close(2),
        open(3, &json!({"type": "text", "text": ""})),
        text(3, "so"),
        close(3),
        open(4, &tool("3", "f")),
        input(4, "{}"),
        close(4),
    ];
    assert_eq!(blocks.cloned().collect::<Vec<_>>(), expected);
    assert_eq!(written.last(), Some(&stop()));
}

#[test]
fn frames_name_their_event() {
    let written = encode(&[delta(Delta::Text("hi".to_owned()))]);
    for frame in written.split_terminator("\n\n") {
        let (name, data) = frame.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
    }
}

#[test]
fn a_broken_answer_ends_in_an_error_and_without_message_stop() {
    let error = ApiError {
        status: 503,
        kind: ErrorKind::Overloaded,
        message: "busy".to_owned(),
        code: None,
        param: None,
        retry_after: None,
    };
    let mut encoder = StreamEncoder::new(cx());
    let mut out = Vec::new();
    encoder.encode(&delta(Delta::Text("half".to_owned())), &mut out);
    encoder.encode(&Event::Error(error), &mut out);
    encoder.encode(&delta(Delta::Text("more".to_owned())), &mut out);
    encoder.finish(&mut out);
    let written = String::from_utf8(out).unwrap();
    assert!(written.ends_with(
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n"
    ));
    assert!(!written.contains("message_stop") && !written.contains("more"));
    assert_eq!(decode(&[written.as_bytes()]).1, Err(Truncated));
}
