//! Gemini's answers and streams, word for word, and the mistakes other gateways make in them.

use serde_json::{Value, json};
use tollway_core::{Dialect, Framing, Usage};
use tollway_wire::{
    ApiError, DecodeContext, EncodeContext, ErrorKind,
    chat::{
        Choice, Content, Delta, Event, Finish, FinishReason, Part, Reply, Signature, Start, Text, ToolCall,
    },
    gemini::{StreamDecoder, StreamEncoder, decode_response, encode_response},
};

fn cx() -> DecodeContext {
    DecodeContext {
        seed: "request-1".into(),
        renamed_tools: vec![("a_b".into(), "a b".into())],
        ..DecodeContext::default()
    }
}

/// The events of a stream, and whether it was whole.
fn read(stream: &str) -> (Vec<Event>, bool) {
    let mut decoder = StreamDecoder::new(cx());
    decoder.feed(stream.as_bytes());
    let mut events: Vec<Event> = std::iter::from_fn(|| decoder.next_event()).collect();
    let whole = decoder.finish().is_ok();
    events.extend(std::iter::from_fn(|| decoder.next_event()));
    (events, whole)
}

fn sse(frames: &[Value]) -> String {
    frames.iter().flat_map(|frame| ["data: ".to_owned(), frame.to_string(), "\n\n".to_owned()]).collect()
}

fn said(text: &str) -> Value {
    json!({ "candidates": [{ "content": { "parts": [{ "text": text }], "role": "model" }, "index": 0 }] })
}

fn finished(word: &str) -> Value {
    json!({ "candidates": [{ "finishReason": word, "index": 0 }] })
}

fn finish_of(events: &[Event]) -> Option<FinishReason> {
    events.iter().find_map(|event| match event {
        Event::Finish { finish, .. } => Some(finish.reason),
        _ => None,
    })
}

fn answer(body: &Value) -> Result<Reply, ApiError> {
    decode_response(body.to_string().as_bytes(), &cx())
}

/// Models write arguments over several lines; a line break in an event's data would end it.
#[test]
fn arguments_of_several_lines_stay_in_one_event() {
    let mut encoder = StreamEncoder::new(EncodeContext::default());
    let mut out = Vec::new();
    let call = Delta::ToolCall { index: 0, id: "c".into(), name: "f".into(), custom: false, signature: None };
    let arguments =
        Delta::ToolArguments { index: 0, fragment: "{\n  \"a\": \"x\\ny\",\r\n  \"b\": 1.50\n}".into() };
    for delta in [call, arguments] {
        encoder.encode(&Event::Delta { choice: 0, delta }, &mut out);
    }
    encoder.encode(&Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() }, &mut out);
    encoder.finish(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(r#""args":{"a":"x\ny","b":1.50}"#), "{text}");
    assert!(text.lines().all(|line| line.is_empty() || line.starts_with("data: ")), "{text}");
}

#[test]
fn a_stream_word_for_word() {
    let stream = sse(&[
        json!({ "candidates": [{ "content": { "parts": [{ "text": "Hm.", "thought": true }, { "text": "I " }], "role": "model" }, "index": 0 }],
            "usageMetadata": { "promptTokenCount": 8, "totalTokenCount": 8, "serviceTier": "standard" },
            "modelVersion": "gemini-x", "responseId": "r1", "createTime": "2025-10-10T15:57:01.5Z" }),
        json!({ "candidates": [{ "content": { "parts": [{ "text": "look.", "thoughtSignature": "s1" },
            { "functionCall": { "name": "a_b", "args": { "q": "x" } }, "thoughtSignature": "s2" },
            { "functionCall": { "name": "f", "id": "given" } }], "role": "model" }, "finishReason": "STOP", "index": 0 }],
            "usageMetadata": { "promptTokenCount": 8, "candidatesTokenCount": 5, "thoughtsTokenCount": 2, "totalTokenCount": 15 },
            "modelVersion": "gemini-x", "responseId": "r1" }),
    ]);
    let (events, whole) = read(&stream);
    assert!(whole);
    let seal = |value: &str| Signature { dialect: Dialect::Gemini, value: value.into() };
    let delta = |delta| Event::Delta { choice: 0, delta };
    let Event::Delta { delta: Delta::ToolCall { id, .. }, .. } = &events[6] else { panic!("{events:#?}") };
    assert!(id.starts_with("call_"));
    assert_eq!(
        events,
        [
            Event::Start(Start {
                id: Some("r1".into()),
                model: Some("gemini-x".into()),
                created: Some(1_760_111_821),
                service_tier: Some("default".into()),
                ..Start::default()
            }),
            delta(Delta::Reasoning("Hm.".into())),
            delta(Delta::Text("I ".into())),
            Event::Usage(Usage { input: 8, ..Usage::default() }),
            delta(Delta::Text("look.".into())),
            delta(Delta::Signature(seal("s1"))),
            delta(Delta::ToolCall {
                index: 0,
                id: id.clone(),
                name: "a b".into(),
                custom: false,
                signature: Some(seal("s2"))
            }),
            delta(Delta::ToolArguments { index: 0, fragment: r#"{"q":"x"}"#.into() }),
            delta(Delta::ToolCall {
                index: 1,
                id: "given".into(),
                name: "f".into(),
                custom: false,
                signature: None
            }),
            delta(Delta::ToolArguments { index: 1, fragment: "{}".into() }),
            Event::Usage(Usage { input: 8, output: 7, reasoning: 2, ..Usage::default() }),
            Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() },
        ]
    );
}

#[test]
fn a_stream_is_written_word_for_word() {
    let mut encoder = StreamEncoder::new(EncodeContext {
        id: "r1".into(),
        model: "m1".into(),
        foreign: true,
        ..EncodeContext::default()
    });
    let mut out = Vec::new();
    let delta = |delta| Event::Delta { choice: 0, delta };
    let call = |index, id: &str| {
        delta(Delta::ToolCall { index, id: id.into(), name: "f".into(), custom: false, signature: None })
    };
    let arguments = |index, fragment: &str| delta(Delta::ToolArguments { index, fragment: fragment.into() });
    for event in [
        Event::Start(Start::default()),
        delta(Delta::Reasoning("Hm.".into())),
        delta(Delta::Signature(Signature { dialect: Dialect::Anthropic, value: "foreign".into() })),
        delta(Delta::Text("Hi".into())),
        call(0, "c0"),
        arguments(0, "{\"a\":"),
        call(1, "c1"),
        arguments(1, ""),
        arguments(0, "1}"),
        Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() },
        Event::Usage(Usage { input: 5, output: 3, reasoning: 1, ..Usage::default() }),
    ] {
        encoder.encode(&event, &mut out);
    }
    encoder.finish(&mut out);
    encoder.finish(&mut out);
    let tail = r#""modelVersion":"m1","responseId":"r1"}"#;
    let part = |part: &str| {
        format!(
            r#"data: {{"candidates":[{{"content":{{"parts":[{part}],"role":"model"}},"index":0}}],{tail}"#
        )
    };
    let expected = [
        part(r#"{"text":"Hm.","thought":true}"#),
        // Another provider's seal, marked and in base64.
        part(
            r#"{"text":"","thought":true,"thoughtSignature":"dG9sbHdheTphbnRocm9waWM6dGhpbmtpbmc6Zm9yZWlnbg=="}"#,
        ),
        part(r#"{"text":"Hi"}"#),
        // Google's stand-in for a seal, which its models want on the first of parallel calls.
        part(
            r#"{"functionCall":{"id":"c0","name":"f","args":{"a":1}},"thoughtSignature":"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="},{"functionCall":{"id":"c1","name":"f","args":{}}}"#,
        ),
        format!(
            r#"data: {{"candidates":[{{"content":{{"parts":[{{"text":""}}],"role":"model"}},"finishReason":"STOP","index":0}}],"usageMetadata":{{"promptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":8,"thoughtsTokenCount":1}},{tail}"#
        ),
    ];
    assert_eq!(String::from_utf8(out).unwrap(), expected.join("\n\n") + "\n\n");
}

#[test]
fn a_whole_answer_is_written_word_for_word() {
    let call = ToolCall { id: "c".into(), name: "f".into(), arguments: r#"{"a":1}"#.into(), custom: false };
    let cut = ToolCall { id: "d".into(), name: "f".into(), arguments: "{\"a\":".into(), custom: false };
    let cited = Text {
        text: "wet".into(),
        annotations: vec![json!({ "type": "url_citation", "url_citation":
            { "start_index": 0, "end_index": 3, "url": "https://a.example", "title": "A" } })],
    };
    let reply = Reply {
        created: Some(0),
        choices: vec![Choice {
            index: 0,
            content: vec![
                Content::Text(cited).into(),
                Content::ToolCall(call).into(),
                Content::ToolCall(cut).into(),
            ],
            finish: FinishReason::Length.into(),
            logprobs: None,
        }],
        ..Reply::default()
    };
    let cx = EncodeContext { id: "r".into(), model: "m".into(), foreign: true, ..EncodeContext::default() };
    let body: Value = serde_json::from_slice(&encode_response(&reply, &cx)).unwrap();
    assert_eq!(
        body,
        json!({
            "candidates": [{
                "content": { "role": "model", "parts": [
                    { "text": "wet" },
                    { "functionCall": { "id": "c", "name": "f", "args": { "a": 1 } },
                      "thoughtSignature": "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=" },
                    { "functionCall": { "id": "d", "name": "f", "args": { "input": "{\"a\":" } } }] },
                "finishReason": "MAX_TOKENS",
                "index": 0,
                "groundingMetadata": {
                    "groundingChunks": [{ "web": { "uri": "https://a.example", "title": "A" } }],
                    "groundingSupports": [{ "segment": { "startIndex": 0, "endIndex": 3 }, "groundingChunkIndices": [0] }] },
            }],
            "modelVersion": "m", "responseId": "r", "createTime": "1970-01-01T00:00:00Z",
        })
    );
}

/// envoy#1894: a stream of zero bytes after a 200 was taken for an empty answer.
#[test]
fn a_stream_of_nothing_is_truncated() {
    for stream in ["", " \n", ": keep-alive\n\n", "data: [DONE]\n\n", "[]", "data: {}\n\n", "<html></html>"] {
        let (events, whole) = read(stream);
        assert!(!whole, "{stream}");
        assert_eq!(finish_of(&events), None);
    }
}

/// agentgateway logs an error in mid-stream and then ends as if the answer were whole; praxis ai#1000
/// has the same.
#[test]
fn an_error_in_mid_stream_is_an_error_and_no_answer() {
    let error = json!({ "error": { "code": 503, "message": "overloaded", "status": "UNAVAILABLE" } });
    let in_array = format!("data: {}\n\n", json!([error]));
    for broken in [
        sse(&[said("Hel"), error.clone()]),
        sse(&[said("Hello"), finished("STOP"), error.clone(), said("never")]),
        format!("[{},{error}]", said("Hel")),
        sse(&[said("Hel")]) + &in_array,
    ] {
        let (events, whole) = read(&broken);
        assert!(!whole, "{broken}");
        let Some(Event::Error(error)) = events.last() else { panic!("{events:?}") };
        assert_eq!((error.status, error.kind, &*error.message), (503, ErrorKind::Overloaded, "overloaded"));
        assert_eq!(finish_of(&events), None);
    }
    let (events, _) = read(&sse(&[error]));
    assert!(matches!(events.as_slice(), [Event::Error(_)]));
}

#[test]
fn a_frame_that_is_no_json_is_an_error() {
    let (events, whole) = read("data: {\"candidates\":[{]}\n\ndata: {}\n\n");
    assert!(!whole);
    let [Event::Error(error)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((error.status, error.kind), (502, ErrorKind::Internal));
}

/// A stream that stops after a frame without a finish reason was cut, whatever it said so far.
#[test]
fn an_answer_without_a_finish_is_truncated() {
    let (events, whole) = read(&sse(&[said("Hello"), said(" world")]));
    assert!(!whole);
    assert_eq!(events.len(), 3);
    let (_, whole) = read(&sse(&[said("Hello"), finished("FINISH_REASON_UNSPECIFIED")]));
    assert!(!whole);
    let one_of_two = json!({ "candidates": [{ "index": 0, "finishReason": "STOP" }, { "index": 1 }] });
    assert!(!read(&sse(&[one_of_two])).1);
}

/// ogx#5122: usage in a Gemini stream is cumulative, and was summed; litellm#36168: usage that stands
/// beside a choice in the last frame was dropped, and with it the cached tokens.
#[test]
fn usage_is_the_last_that_was_told() {
    let with = |usage: Value| {
        let mut frame = finished("STOP");
        frame["usageMetadata"] = usage;
        frame
    };
    let (events, _) = read(&sse(&[
        with(json!({ "promptTokenCount": 100, "cachedContentTokenCount": 90, "candidatesTokenCount": 1 })),
        with(json!({ "promptTokenCount": 100, "candidatesTokenCount": 2 })),
        with(json!({ "candidatesTokenCount": 9, "thoughtsTokenCount": 4, "totalTokenCount": 113 })),
    ]));
    let told: Vec<&Usage> = events
        .iter()
        .filter_map(|event| if let Event::Usage(usage) = event { Some(usage) } else { None })
        .collect();
    assert_eq!(
        **told.last().unwrap(),
        Usage { input: 100, cached_input: 90, output: 13, reasoning: 4, ..Usage::default() }
    );
    assert_eq!(told.len(), 3);
}

/// A model that says `STOP` with a call waits for its result; agents that see `stop` go no further.
/// Some models say it in a frame before the call's, or in every frame.
#[test]
fn calls_anywhere_in_the_stream_make_the_finish_tool_calls() {
    let call = json!({ "candidates": [{ "content": { "parts": [{ "functionCall": { "name": "f", "args": {} } }] },
        "finishReason": "STOP" }] });
    for frames in [vec![call.clone()], vec![finished("STOP"), call.clone()], vec![call, finished("STOP")]] {
        let (events, whole) = read(&sse(&frames));
        assert!(whole);
        assert_eq!(finish_of(&events), Some(FinishReason::ToolCalls));
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Finish { .. })).count(), 1);
    }
}

/// agentgateway maps filtered answers in one way when streamed and in another when not.
#[test]
fn finish_reasons_are_the_same_streamed_or_not() {
    for (word, reason) in [
        ("STOP", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("RECITATION", FinishReason::ContentFilter),
        ("PROHIBITED_CONTENT", FinishReason::ContentFilter),
        ("IMAGE_SAFETY", FinishReason::ContentFilter),
        ("MALFORMED_FUNCTION_CALL", FinishReason::Stop),
        ("OTHER", FinishReason::Stop),
        ("SOMETHING_NEW", FinishReason::Stop),
    ] {
        let (events, _) = read(&sse(&[finished(word)]));
        assert_eq!(finish_of(&events), Some(reason), "{word}");
        assert_eq!(answer(&finished(word)).unwrap().choices[0].finish.reason, reason, "{word}");
    }
}

#[test]
fn a_prompt_held_back_is_a_filtered_answer() {
    let blocked = json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "No." },
        "usageMetadata": { "promptTokenCount": 4, "totalTokenCount": 4 } });
    let (events, whole) = read(&sse(std::slice::from_ref(&blocked)));
    assert!(whole);
    assert_eq!(finish_of(&events), Some(FinishReason::ContentFilter));
    assert!(events.contains(&Event::Delta { choice: 0, delta: Delta::Refusal("No.".into()) }));
    let reply = answer(&blocked).unwrap();
    let native = Some("PROHIBITED_CONTENT".to_owned());
    assert_eq!(
        reply.choices,
        [Choice {
            index: 0,
            content: vec![Content::Refusal("No.".into()).into()],
            finish: Finish { reason: FinishReason::ContentFilter, stop_sequence: None, native },
            logprobs: None,
        }]
    );
    let again: Value = serde_json::from_slice(&encode_response(&reply, &EncodeContext::default())).unwrap();
    assert_eq!(again["promptFeedback"], blocked["promptFeedback"]);
    assert_eq!(again.get("candidates"), None);
}

#[test]
fn candidates_that_interleave_are_told_apart() {
    let part = |index: u32, part: Value| json!({ "candidates": [{ "index": index, "content": { "parts": [part] } }] });
    let call = |q: u32| json!({ "functionCall": { "name": "f", "args": { "q": q } } });
    let (events, whole) = read(&sse(&[
        part(1, json!({ "text": "b" })),
        part(0, call(1)),
        part(1, call(2)),
        part(0, call(3)),
        json!({ "candidates": [{ "index": 0, "finishReason": "STOP" }, { "index": 1, "finishReason": "MAX_TOKENS" }] }),
    ]));
    assert!(whole);
    let calls: Vec<(u32, u32)> = events
        .iter()
        .filter_map(|event| match event {
            Event::Delta { choice, delta: Delta::ToolCall { index, .. } } => Some((*choice, *index)),
            _ => None,
        })
        .collect();
    // Portkey#1275: the index counts a choice's own calls.
    assert_eq!(calls, [(0, 0), (1, 0), (0, 1)]);
    assert_eq!(events[events.len() - 2], Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() });
    assert_eq!(events[events.len() - 1], Event::Finish { choice: 1, finish: FinishReason::Length.into() });
}

/// Ids that gateways count from zero in each answer collide in the second round of a conversation.
#[test]
fn synthesised_ids_differ_between_requests_and_within_an_answer() {
    let call = json!({ "functionCall": { "name": "f", "args": {} } });
    let body = json!({ "candidates": [{ "content": { "parts": [call, call] }, "finishReason": "STOP" },
        { "content": { "parts": [call] }, "finishReason": "STOP" }] });
    let mut ids = Vec::new();
    for seed in ["round-1", "round-2"] {
        let cx = DecodeContext { seed: seed.into(), ..DecodeContext::default() };
        let reply = decode_response(body.to_string().as_bytes(), &cx).unwrap();
        for part in reply.choices.iter().flat_map(|choice| &choice.content) {
            if let Content::ToolCall(call) = &part.content {
                ids.push(call.id.clone());
            }
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[test]
fn what_is_no_answer_is_a_502() {
    for body in ["", "null", "{}", "[]", "<html>", r#"{"candidates":[]}"#, r#"{"candidates":5}"#] {
        let error = decode_response(body.as_bytes(), &cx()).unwrap_err();
        assert_eq!((error.status, error.kind), (502, ErrorKind::Internal), "{body}");
        assert!(!error.message.is_empty());
    }
}

#[test]
fn pictures_and_code_in_an_answer_are_kept() {
    let body = json!({ "candidates": [{ "content": { "parts": [
        { "inlineData": { "mimeType": "image/png", "data": "AAAA" }, "thoughtSignature": "s" },
        { "executableCode": { "language": "PYTHON", "code": "1" }, "thoughtSignature": "t" },
        { "codeExecutionResult": { "outcome": "OUTCOME_OK", "output": "1" } }] }, "finishReason": "STOP" }] });
    let reply = answer(&body).unwrap();
    let content = &reply.choices[0].content;
    assert!(matches!(&content[0], Part { content: Content::Image(_), signature: Some(_), .. }));
    let Content::Native(native) = &content[1].content else { panic!("{content:?}") };
    assert_eq!(native.value, body["candidates"][0]["content"]["parts"][1]);
    let again: Value = serde_json::from_slice(&encode_response(&reply, &EncodeContext::default())).unwrap();
    assert_eq!(again["candidates"][0]["content"]["parts"], body["candidates"][0]["content"]["parts"]);
}

#[test]
fn grounding_is_told_as_citations_and_counted_as_searches() {
    let mut last = finished("STOP");
    last["candidates"][0]["groundingMetadata"] = json!({
        "webSearchQueries": ["a", "b"],
        "groundingChunks": [{ "web": { "uri": "https://a.example", "title": "A" } }],
        "groundingSupports": [{ "segment": { "startIndex": 4, "endIndex": 8 }, "groundingChunkIndices": [0] }] });
    last["usageMetadata"] = json!({ "promptTokenCount": 5, "toolUsePromptTokenCount": 70, "candidatesTokenCount": 3,
        "totalTokenCount": 78 });
    let (events, _) = read(&sse(&[said("für "), said("alle"), last.clone(), last]));
    let cited: Vec<&Vec<Value>> = events
        .iter()
        .filter_map(|event| match event {
            Event::Delta { delta: Delta::Annotations(cited), .. } => Some(cited),
            _ => None,
        })
        .collect();
    let expected = json!({ "type": "url_citation", "url_citation":
        { "start_index": 3, "end_index": 7, "url": "https://a.example", "title": "A" } });
    assert_eq!(cited, [&vec![expected]]);
    // What Google's search put into the prompt is not billed as input.
    let usage = Usage { input: 5, output: 3, web_searches: 2, ..Usage::default() };
    assert!(events.contains(&Event::Usage(usage)));
}

/// An answer written in a framing, ended by `end`.
fn written(framing: Framing, end: impl FnOnce(&mut StreamEncoder, &mut Vec<u8>)) -> String {
    let mut encoder = StreamEncoder::new(EncodeContext::default()).with_framing(framing);
    let mut out = Vec::new();
    for text in ["a", "],\n[{\"", "é"] {
        encoder.encode(&Event::Delta { choice: 0, delta: Delta::Text(text.into()) }, &mut out);
    }
    encoder.encode(&Event::Finish { choice: 0, finish: FinishReason::Stop.into() }, &mut out);
    end(&mut encoder, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn both_framings_hold_the_same_frames() {
    let end = |encoder: &mut StreamEncoder, out: &mut Vec<u8>| {
        encoder.finish(out);
        encoder.finish(out);
    };
    let events = written(Framing::Events, end);
    let frames = events.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    let frames: Vec<Value> = frames.map(|frame| serde_json::from_str(frame).unwrap()).collect();
    let array = written(Framing::Array, end);
    assert_eq!(serde_json::from_str::<Vec<Value>>(&array).unwrap(), frames);
    assert_eq!((frames.len(), read(&array)), (4, read(&events)));
    // Cut anywhere it is neither JSON nor, to those who read it as it grows, whole.
    for at in 0..array.len() {
        let Some(cut) = array.get(..at) else { continue };
        assert!(serde_json::from_str::<Value>(cut).is_err() && !read(cut).1, "{cut}");
    }
}

#[test]
fn an_array_that_fails_closes_in_its_error() {
    let error = ApiError {
        status: 503,
        kind: ErrorKind::Overloaded,
        message: "busy".into(),
        code: None,
        param: None,
        retry_after: None,
    };
    let array = written(Framing::Array, |encoder, out| {
        encoder.fail(&error, out);
        encoder.finish(out);
    });
    let elements: Vec<Value> = serde_json::from_str(&array).unwrap();
    assert_eq!((elements.len(), &elements[3]["error"]["message"]), (4, &json!("busy")));
    assert!(!read(&array).1 && !array.contains("finishReason"));
    let mut out = Vec::new();
    StreamEncoder::new(EncodeContext::default()).with_framing(Framing::Array).fail(&error, &mut out);
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&out).unwrap().len(), 1);
}

#[test]
fn a_failing_stream_is_written_as_an_error_and_never_as_an_end() {
    let mut encoder = StreamEncoder::new(EncodeContext::default());
    let mut out = Vec::new();
    encoder.encode(&Event::Delta { choice: 0, delta: Delta::Text("a".into()) }, &mut out);
    encoder.encode(&Event::Finish { choice: 0, finish: FinishReason::Stop.into() }, &mut out);
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
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.ends_with(
            "data: {\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}\n\n"
        ),
        "{text}"
    );
    assert!(!text.contains("finishReason"));
    assert!(!read(&text).1);
}
