//! Streams as the servers of this format send them, and as we write them.

use serde_json::{Value, json};
use tollway_core::{Dialect, Usage};
use tollway_wire::{
    ApiError, DecodeContext, EncodeContext, ErrorKind,
    chat::{Collect, Content, Delta, Event, FinishReason, Native, Reply, Signature, Start},
    openai::StreamEncoder,
};

use crate::support::{Said, cx, data, decode, decode_with, encode, encode_with, stream};

fn chunk(delta: &str) -> String {
    format!(
        r#"{{"id":"c","model":"m","created":1,"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#
    )
}

fn end(reason: &str) -> String {
    format!(r#"{{"id":"c","model":"m","choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#)
}

/// The answer that these deltas and a plain end make.
fn said(deltas: &[&str]) -> Said {
    let mut frames: Vec<String> = deltas.iter().map(|delta| chunk(delta)).collect();
    frames.push(end("stop"));
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    let (events, end) = decode(&[stream(&frames).as_bytes()]);
    assert!(end.is_ok());
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Start(_))).count(), 1);
    Said::by_events(&events, 0)
}

fn calls(deltas: &[&str]) -> Vec<(String, String, String)> {
    said(deltas).calls
}

fn owned(calls: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    calls.iter().map(|(id, name, arguments)| ((*id).into(), (*name).into(), (*arguments).into())).collect()
}

#[test]
fn pieces_of_calls_are_told_apart_by_index() {
    let read = calls(&[
        r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}"#,
        r#"{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{"}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}},{"index":1,"function":{"arguments":"}"}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"#,
    ]);
    assert_eq!(read, owned(&[("a", "f", "{\"x\":1}"), ("b", "g", "{}")]));
}

#[test]
fn calls_without_an_index_are_told_apart_by_id_or_name() {
    let whole = calls(&[
        r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"f","arguments":"[]"}}]}"#,
    ]);
    assert_eq!(whole, owned(&[("a", "f", "{}"), ("b", "f", "[]")]));
    let pieces = calls(&[
        r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]}"#,
        r#"{"tool_calls":[{"function":{"arguments":"}"}}]}"#,
        r#"{"tool_calls":[{"id":"a","function":{"arguments":" "}}]}"#,
    ]);
    assert_eq!(pieces, owned(&[("a", "f", "{} ")]));
    let unnamed = calls(&[
        r#"{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}"#,
        r#"{"tool_calls":[{"function":{"name":"g","arguments":"{}"}}]}"#,
    ]);
    assert_eq!(unnamed.len(), 2);
    assert_ne!(unnamed[0].0, unnamed[1].0, "ids are made, and differ");
}

#[test]
fn parallel_calls_that_all_have_index_zero_are_told_apart_by_id() {
    let read = calls(&[
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
        r#"{"tool_calls":[{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}]}"#,
    ]);
    assert_eq!(read, owned(&[("a", "f", "{}"), ("b", "f", "{}")]));
}

#[test]
fn a_repeated_id_and_name_begin_nothing() {
    let read = calls(&[
        r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{"}}]}"#,
        r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"}"}}]}"#,
    ]);
    assert_eq!(read, owned(&[("a", "f", "{}")]));
}

#[test]
fn arguments_before_the_name_and_arguments_as_an_object_are_taken() {
    let late = calls(&[
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{\"x\""}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":":1}"}}]}"#,
    ]);
    assert_eq!(late, owned(&[("a", "f", "{\"x\":1}")]));
    let object =
        calls(&[r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}}]}"#]);
    assert_eq!(object, owned(&[("a", "f", "{\"x\":1}")]));
    let nothing =
        calls(&[r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":null}}]}"#]);
    assert_eq!(nothing, owned(&[("a", "f", "")]));
}

#[test]
fn legacy_calls_and_custom_tools_are_read() {
    let legacy = calls(&[
        r#"{"function_call":{"name":"f","arguments":"{"}}"#,
        r#"{"function_call":{"arguments":"}"}}"#,
    ]);
    assert_eq!((legacy.len(), &*legacy[0].1, &*legacy[0].2), (1, "f", "{}"));
    let (events, _) = decode(&[stream(&[
        &chunk(r#"{"tool_calls":[{"index":0,"id":"a","type":"custom","custom":{"name":"sql","input":""}}]}"#),
        &chunk(r#"{"tool_calls":[{"index":0,"custom":{"input":"select 1"}}]}"#),
        &end("tool_calls"),
    ])
    .as_bytes()]);
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Delta { delta: Delta::ToolCall { custom: true, .. }, .. }))
    );
    assert_eq!(Said::by_events(&events, 0).calls, owned(&[("a", "sql", "select 1")]));
}

#[test]
fn a_forced_call_that_ends_in_stop_ends_in_tool_calls() {
    let call = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
    assert_eq!(said(&[call]).finish.unwrap().reason, FinishReason::ToolCalls);
}

#[test]
fn renamed_tools_get_their_own_names_back() {
    let cx = DecodeContext {
        renamed_tools: vec![("a_b".into(), "a.b".into())],
        seed: String::new(),
        ..DecodeContext::default()
    };
    let frames = stream(&[
        &chunk(r#"{"tool_calls":[{"index":0,"id":"1","function":{"name":"a_b","arguments":"{}"}}]}"#),
        &end("tool_calls"),
    ]);
    assert_eq!(Said::by_events(&decode_with(cx, &[frames.as_bytes()]).0, 0).calls[0].1, "a.b");
}

#[test]
fn thinking_is_read_under_every_name_and_never_twice() {
    assert_eq!(said(&[r#"{"reasoning_content":"th"}"#, r#"{"reasoning_content":"ink"}"#]).reasoning, "think");
    assert_eq!(said(&[r#"{"reasoning":"think"}"#]).reasoning, "think");
    let mistral = said(&[
        r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"think"}]}]}"#,
        r#"{"content":[{"type":"text","text":"say"}]}"#,
    ]);
    assert_eq!((&*mistral.reasoning, &*mistral.text), ("think", "say"));
    let openrouter = said(&[
        r#"{"reasoning":"th","reasoning_details":[{"type":"reasoning.text","text":"th","format":"anthropic-claude-v1","index":0}]}"#,
        r#"{"reasoning":"ink","reasoning_details":[{"type":"reasoning.text","text":"ink","format":"anthropic-claude-v1","index":0}]}"#,
        r#"{"reasoning_details":[{"type":"reasoning.text","signature":"seal","format":"anthropic-claude-v1","index":0}]}"#,
    ]);
    assert_eq!((&*openrouter.reasoning, openrouter.seals), ("think", vec!["seal".to_owned()]));
    let bare = said(&[r#"{"reasoning_details":[{"type":"reasoning.text","text":"think"}]}"#]);
    assert_eq!(bare.reasoning, "think");
    let mixed = said(&[
        r#"{"reasoning_content":"th"}"#,
        r#"{"reasoning_details":[{"type":"reasoning.text","text":"in"}]}"#,
        r#"{"reasoning":"k","reasoning_details":[{"type":"reasoning.text","text":"k"}]}"#,
        r#"{"reasoning":" hard","reasoning_details":[{"type":"reasoning.summary","summary":"Hard"}]}"#,
    ]);
    assert_eq!(mixed.reasoning, "think hard");
    let at_the_end = said(&[
        r#"{"reasoning_content":"th"}"#,
        r#"{"reasoning_content":"in"}"#,
        r#"{"reasoning_content":"k"}"#,
        r#"{"reasoning_details":[{"type":"reasoning.text","text":"think","signature":"seal"}]}"#,
    ]);
    assert_eq!((&*at_the_end.reasoning, at_the_end.seals), ("think", vec!["seal".to_owned()]));
    let sealed = said(&[r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"x"}]}"#]);
    assert_eq!(sealed.redacted, ["x"]);
}

/// The call was passed on under an empty name, which no client can call.
#[test]
fn a_call_without_a_name_is_an_error() {
    let call = r#"{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]}"#;
    let legacy = r#"{"function_call":{"name":"","arguments":"{}"}}"#;
    for (delta, end) in [(call, end("tool_calls")), (legacy, end("function_call")), (call, "[DONE]".into())] {
        let (events, ended) = decode(&[stream(&[&chunk(delta), &end]).as_bytes()]);
        assert!(matches!(events.last(), Some(Event::Error(error)) if error.status == 502), "{events:?}");
        assert!(ended.is_err());
    }
}

#[test]
fn a_seal_of_geminis_finds_its_call_whichever_comes_first() {
    let call = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
    let seal = r#"{"reasoning_details":[{"type":"reasoning.encrypted","format":"google-gemini-v1","id":"a","data":"s"}]}"#;
    let google = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}}]}"#;
    for deltas in [&[call, seal][..], &[seal, call], &[google]] {
        assert_eq!(said(deltas).seals, ["s"]);
        assert_eq!(said(deltas).calls.len(), 1);
    }
}

#[test]
fn usage_is_what_was_told_last() {
    let usage = |output: u64| {
        format!(r#"{{"prompt_tokens":2,"completion_tokens":{output},"total_tokens":{}}}"#, output + 2)
    };
    let with = |chunk: &str, usage: &str| format!("{},\"usage\":{usage}}}", chunk.strip_suffix('}').unwrap());
    let told = |frames: &[&str]| {
        Said::by_events(&decode(&[stream(frames).as_bytes()]).0, 0).usage.map(|usage| usage.output)
    };
    let hello = chunk(r#"{"content":"hi"}"#);
    let separate = format!(r#"{{"id":"c","choices":[],"usage":{}}}"#, usage(9));
    let bare = format!(r#"{{"id":"c","usage":{}}}"#, usage(9));
    let groq = format!(r#"{{"id":"c","choices":[],"x_groq":{{"id":"r","usage":{}}}}}"#, usage(9));
    assert_eq!(told(&[&hello, &end("stop"), &separate]), Some(9));
    assert_eq!(told(&[&hello, &end("stop"), &bare]), Some(9));
    assert_eq!(told(&[&hello, &with(&end("stop"), &usage(9))]), Some(9));
    assert_eq!(told(&[&with(&hello, &usage(1)), &with(&end("stop"), &usage(2)), &separate]), Some(9));
    assert_eq!(told(&[&with(&hello, "null"), &end("stop"), &groq]), Some(9));
    assert_eq!(told(&[&hello, &end("stop")]), None);
}

#[test]
fn azures_first_chunk_and_comments_are_passed_over() {
    let frames = [
        r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}"#,
        &chunk(r#"{"role":"assistant","content":""}"#),
        &chunk(r#"{"content":"hi"}"#),
        &end("stop"),
    ];
    let text = format!(": OPENROUTER PROCESSING\n\n{}", stream(&frames));
    let (events, end) = decode(&[text.as_bytes()]);
    assert!(end.is_ok());
    let Event::Start(start) = &events[0] else { panic!("{events:?}") };
    assert_eq!((start.id.as_deref(), start.model.as_deref(), start.created), (Some("c"), Some("m"), Some(1)));
    assert_eq!(start.extra["openai"]["prompt_filter_results"][0]["prompt_index"], 0);
    assert_eq!(Said::by_events(&events, 0).text, "hi");
}

#[test]
fn an_error_in_mid_stream_is_the_last_event() {
    let hello = chunk(r#"{"content":"hi"}"#);
    for (frame, status, message) in [
        (r#"{"error":{"message":"busy","code":503}}"#, 503, "busy"),
        (r#"{"error":"broken"}"#, 502, "broken"),
        (r#"[{"error":{"message":"quota","status":"RESOURCE_EXHAUSTED","code":429}}]"#, 429, "quota"),
        (r#"{"object":"error","message":"bad","type":"internal_server_error"}"#, 500, "bad"),
        (r#"{"x_groq":{"error":"over capacity"}}"#, 502, "over capacity"),
        (
            r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"error","error":{"message":"died","code":504}}]}"#,
            504,
            "died",
        ),
        (
            r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"error"}]}"#,
            500,
            "the provider ended the answer with an error",
        ),
    ] {
        let text = stream(&[&hello, frame, &hello, &end("stop")]);
        let (events, end) = decode(&[text.as_bytes()]);
        assert!(end.is_err(), "{frame}");
        let Some(Event::Error(error)) = events.last() else { panic!("{frame}: {events:?}") };
        assert_eq!((error.status, &*error.message), (status, message), "{frame}");
        assert_eq!(Said::by_events(&events, 0).text, "hi", "nothing follows an error");
    }
    for broken in ["{\"id\":\"c\",\"choices\":[{", "null", "12", "\"text\"", "{\"choices\":7}", "nonsense"] {
        let (events, end) = decode(&[stream(&[&hello, broken]).as_bytes()]);
        assert!(end.is_err(), "{broken}");
        assert!(
            matches!(events.last(), Some(Event::Error(error)) if error.status == 502),
            "{broken}: {events:?}"
        );
    }
}

#[test]
fn a_named_error_event_is_an_error() {
    let text = "event: error\ndata: {\"message\":\"overloaded\",\"type\":\"overloaded_error\"}\n\n";
    let (events, end) = decode(&[text.as_bytes()]);
    assert!(end.is_err());
    assert!(matches!(events.first(), Some(Event::Start(_))));
    assert!(matches!(&events[1..], [Event::Error(error)] if error.kind == ErrorKind::Overloaded));
}

#[test]
fn a_stream_is_whole_by_the_mark_or_by_every_choices_end() {
    let two =
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#;
    let end_of =
        |index: u32| format!(r#"{{"choices":[{{"index":{index},"delta":{{}},"finish_reason":"stop"}}]}}"#);
    let unmarked = |frames: &[&str]| stream(frames).replace("data: [DONE]\n\n", "");
    let is_whole = |text: &str| decode(&[text.as_bytes()]).1.is_ok();
    assert!(is_whole(&stream(&[two])), "the mark is enough");
    assert!(is_whole(&unmarked(&[two, &end_of(0), &end_of(1)])));
    assert!(!is_whole(&unmarked(&[two, &end_of(0)])));
    assert!(!is_whole(&unmarked(&[two])));
    assert!(!is_whole(""));
    assert!(!is_whole("data: [DONE]\n\n"), "no answer at all is not a whole one");
    let cut = unmarked(&[two, &end_of(0), &end_of(1)]) + "data: {\"choices\":[],\"usa";
    assert!(!is_whole(&cut), "a frame that was cut tells of a stream that was cut");
    // The last blank line may be missing.
    assert!(is_whole(stream(&[two]).trim_end()));
}

#[test]
fn nothing_after_the_mark_counts() {
    let text =
        stream(&[&chunk(r#"{"content":"hi"}"#), &end("stop")]) + &stream(&[&chunk(r#"{"content":"more"}"#)]);
    let (events, end) = decode(&[text.as_bytes()]);
    assert!(end.is_ok());
    assert_eq!(Said::by_events(&events, 0).text, "hi");
}

#[test]
fn a_choice_the_mark_ends_without_a_reason_is_given_one() {
    let (events, end) = decode(&[stream(&[&chunk(r#"{"content":"hi"}"#)]).as_bytes()]);
    assert!(end.is_ok());
    assert_eq!(Said::by_events(&events, 0).finish.unwrap().reason, FinishReason::Stop);
}

fn delta(delta: Delta) -> Event {
    Event::Delta { choice: 0, delta }
}

#[test]
fn a_stream_is_written_as_openai_writes_it() {
    let start = Start {
        id: Some("chatcmpl-1".into()),
        model: Some("gpt".into()),
        created: Some(5),
        ..Start::default()
    };
    let usage = Usage { input: 3, output: 2, ..Usage::default() };
    let written = encode(&[
        Event::Start(start),
        delta(Delta::Text("a \"b\"\n".into())),
        Event::Usage(usage),
        Event::Finish { choice: 0, finish: FinishReason::Length.into() },
    ]);
    let head =
        r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"gpt","choices":["#;
    let expected = [
        r#"{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}"#,
        r#"{"index":0,"delta":{"content":"a \"b\"\n"},"logprobs":null,"finish_reason":null}],"usage":null}"#,
        r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"length"}],"usage":null}"#,
        r#"],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}"#,
    ];
    let expected = expected.map(|rest| format!("{head}{rest}\n\n")).concat();
    assert_eq!(written, expected + "data: [DONE]\n\n");
}

#[test]
fn usage_is_not_mentioned_to_a_client_that_did_not_ask() {
    let events = [delta(Delta::Text("a".into())), Event::Usage(Usage { input: 1, ..Usage::default() })];
    let written = encode_with(EncodeContext { include_usage: false, ..cx() }, &events);
    assert!(!written.contains("usage"), "{written}");
    assert!(written.ends_with("data: [DONE]\n\n"));
}

fn tool_call(index: u32, name: &str) -> Event {
    delta(Delta::ToolCall {
        index,
        id: format!("id{index}"),
        name: name.into(),
        custom: false,
        signature: None,
    })
}

#[test]
fn calls_are_numbered_from_zero_and_never_without_arguments() {
    let arguments = |index, fragment: &str| delta(Delta::ToolArguments { index, fragment: fragment.into() });
    let events = [
        tool_call(4, "f"),
        tool_call(7, "g"),
        arguments(4, "{\"x\":1}"),
        Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() },
    ];
    let chunks = data(&encode(&events));
    assert_eq!(
        chunks[0]["choices"][0]["delta"],
        json!({"role": "assistant", "content": null, "refusal": null})
    );
    let calls: Vec<&Value> =
        chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]).collect();
    assert_eq!(
        calls[1..5],
        [
            &json!({"index": 0, "id": "id4", "type": "function", "function": {"name": "f", "arguments": ""}}),
            &json!({"index": 1, "id": "id7", "type": "function", "function": {"name": "g", "arguments": ""}}),
            &json!({"index": 0, "function": {"arguments": "{\"x\":1}"}}),
            &json!({"index": 1, "function": {"arguments": "{}"}}),
        ]
    );
    assert_eq!(chunks[5]["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn legacy_clients_are_given_function_calls() {
    let legacy = EncodeContext { legacy_functions: true, ..cx() };
    let events = [
        tool_call(0, "f"),
        delta(Delta::ToolArguments { index: 0, fragment: "{}".into() }),
        tool_call(1, "g"),
        Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() },
    ];
    let chunks = data(&encode_with(legacy, &events));
    let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert_eq!(deltas[1], &json!({"function_call": {"name": "f", "arguments": ""}}));
    assert_eq!(deltas[2], &json!({"function_call": {"arguments": "{}"}}));
    assert_eq!(chunks.len(), 4, "the legacy form has room for one call");
    assert_eq!(chunks[3]["choices"][0]["finish_reason"], "function_call");
}

#[test]
fn a_broken_stream_ends_in_an_error_and_no_mark() {
    let mut encoder = StreamEncoder::new(cx());
    let mut out = Vec::new();
    encoder.encode(&delta(Delta::Text("a".into())), &mut out);
    let error = ApiError {
        status: 503,
        kind: ErrorKind::Overloaded,
        message: "busy".into(),
        code: None,
        param: None,
        retry_after: None,
    };
    encoder.fail(&error, &mut out);
    encoder.finish(&mut out);
    encoder.encode(&delta(Delta::Text("b".into())), &mut out);
    let text = String::from_utf8(out).unwrap();
    let last = r#"data: {"error":{"message":"busy","type":"overloaded_error","param":null,"code":null}}"#;
    assert!(text.ends_with(&format!("{last}\n\n")), "{text}");
    assert!(!text.contains("[DONE]"));
    assert!(matches!(decode(&[text.as_bytes()]).0.last(), Some(Event::Error(error)) if error.status == 503));
}

/// Thinking of Claude's that stands between text and calls must go back to Anthropic in its place,
/// with its seal. A client that only appends what it is given must be able to give it back.
#[test]
fn sealed_thinking_comes_back_in_its_place() {
    let seal =
        |value: &str| delta(Delta::Signature(Signature { dialect: Dialect::Anthropic, value: value.into() }));
    let events = [
        delta(Delta::Reasoning("one".into())),
        seal("s1"),
        delta(Delta::Text("text".into())),
        delta(Delta::Reasoning("two".into())),
        seal("s2"),
        delta(Delta::RedactedReasoning("x".into())),
        tool_call(0, "f"),
        delta(Delta::ToolArguments { index: 0, fragment: "{}".into() }),
        Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() },
    ];
    let mut collect = Collect::default();
    events.iter().cloned().for_each(|event| collect.push(event));
    let reply = collect.finish().unwrap();

    let mut message = json!({"role": "assistant", "content": "", "reasoning_content": "", "reasoning_details": [], "tool_calls": []});
    for chunk in data(&encode(&events)) {
        append(&mut message, &chunk["choices"][0]["delta"]);
    }
    let body = json!({"model": "m", "messages": [message]});
    let chat = tollway_wire::openai::decode_request(body.to_string().as_bytes()).unwrap();
    assert_eq!(chat.messages[0].content, reply.choices[0].content);
}

/// Appends a delta to a message, as clients do.
fn append(message: &mut Value, delta: &Value) {
    for name in ["content", "reasoning_content"] {
        if let Some(more) = delta[name].as_str() {
            message[name] = json!(message[name].as_str().unwrap().to_owned() + more);
        }
    }
    for detail in delta["reasoning_details"].as_array().into_iter().flatten() {
        message["reasoning_details"].as_array_mut().unwrap().push(detail.clone());
    }
    for piece in delta["tool_calls"].as_array().into_iter().flatten() {
        let calls = message["tool_calls"].as_array_mut().unwrap();
        if piece.get("id").is_some() {
            calls.push(piece.clone());
        } else {
            let arguments = &mut calls.last_mut().unwrap()["function"]["arguments"];
            let more = piece["function"]["arguments"].as_str().unwrap();
            *arguments = json!(arguments.as_str().unwrap().to_owned() + more);
        }
    }
}

#[test]
fn geminis_seals_pictures_and_log_probabilities_are_written() {
    let gemini = Signature { dialect: Dialect::Gemini, value: "s".into() };
    let picture = json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}});
    let events = [
        delta(Delta::Text("a".into())),
        delta(Delta::Signature(gemini.clone())),
        delta(Delta::ToolCall {
            index: 0,
            id: "c".into(),
            name: "f".into(),
            custom: false,
            signature: Some(gemini),
        }),
        delta(Delta::Native(Native { dialect: Dialect::Gemini, value: picture })),
        delta(Delta::Native(Native {
            dialect: Dialect::Anthropic,
            value: json!({"type": "server_tool_use"}),
        })),
        delta(Delta::Logprobs(json!({"content": [{"token": "a"}]}))),
        delta(Delta::Annotations(vec![
            json!({"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1, "x": 1}, "citation": {}}),
            json!({"type": "document_citation", "citation": {}}),
        ])),
    ];
    let written = encode(&events);
    assert!(!written.contains("server_tool_use") && !written.contains("document_citation"));
    let chunks = data(&written);
    let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    let seal = json!({"google": {"thought_signature": "s"}});
    assert_eq!(deltas[2]["extra_content"], seal);
    assert_eq!(deltas[3]["tool_calls"][0]["extra_content"], seal);
    let image = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]);
    assert_eq!(deltas[4]["images"], image);
    assert_eq!(chunks[5]["choices"][0]["logprobs"], json!({"content": [{"token": "a"}], "refusal": null}));
    let page = json!({"url": "u", "title": "t", "start_index": 0, "end_index": 1});
    assert_eq!(deltas[6]["annotations"], json!([{"type": "url_citation", "url_citation": page}]));
}

#[test]
fn a_stream_collected_is_the_answer() {
    let frames = stream(&[
        &chunk(r#"{"role":"assistant","content":""}"#),
        &chunk(r#"{"content":"hi"}"#),
        &chunk(r#"{"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}"#),
        &end("stop"),
    ]);
    let mut collect = Collect::default();
    decode(&[frames.as_bytes()]).0.into_iter().for_each(|event| collect.push(event));
    let reply: Reply = collect.finish().unwrap();
    assert!(matches!(&reply.choices[0].content[0].content, Content::Text(text) if text.text == "hi"));
    assert_eq!(reply.id.as_deref(), Some("c"));
    let written: Value =
        serde_json::from_slice(&tollway_wire::openai::encode_response(&reply, &cx())).unwrap();
    assert_eq!(
        written["choices"][0]["message"]["images"][0]["image_url"]["url"],
        "data:image/png;base64,AAAA"
    );
}
