//! What holds for every input.

use proptest::prelude::*;
use serde_json::{Value, json};
use tollway_core::{Dialect, Usage};
use tollway_wire::{
    DecodeContext, Effort,
    chat::{
        Chat, Choice, Collect, Content, Delta, Event, FinishReason, Image, Message, Part, Reasoning,
        ReasoningRequest, Reply, ResponseFormat, Role, Sampling, Signature, Source, Start, Text, Tool,
        ToolCall, ToolChoice, ToolKind, ToolResult,
    },
    openai::{
        completions, decode_error, decode_request, decode_response, embeddings, encode_request,
        encode_response, is_error_shape,
    },
};

use crate::support::{Said, cx, decode, encode, target};

/// Text that is hard to frame: quotes, newlines, letters of several bytes.
fn words() -> impl Strategy<Value = String> {
    "[a-zé漢\\n\\r\"\\\\: ]{1,12}"
}

fn object() -> impl Strategy<Value = Value> {
    let value = prop_oneof![words().prop_map(Value::from), any::<i64>().prop_map(Value::from)];
    prop::collection::btree_map("[a-z]{1,3}", value, 0..3).prop_map(|fields| json!(fields))
}

fn usage() -> impl Strategy<Value = Usage> {
    let count = || 0..1_000_000u64;
    (count(), count(), count(), 0..9u64).prop_map(|(input, cached_input, output, web_searches)| Usage {
        input,
        cached_input,
        output,
        reasoning: output / 2,
        web_searches,
        ..Usage::default()
    })
}

fn finish() -> impl Strategy<Value = FinishReason> {
    prop::sample::select(vec![FinishReason::Stop, FinishReason::Length, FinishReason::ContentFilter])
}

fn call(id: String, arguments: &Value, custom: bool) -> Part {
    let arguments = arguments.to_string();
    Content::ToolCall(ToolCall { id, name: "tool".to_owned(), arguments, custom }).into()
}

fn thought(text: String, seal: Option<String>) -> Part {
    let signature = seal.map(|value| Signature { dialect: Dialect::Anthropic, value });
    Part { signature, ..Content::Reasoning(Reasoning { text, redacted: None }).into() }
}

fn redacted(data: String) -> Part {
    Content::Reasoning(Reasoning { text: String::new(), redacted: Some(data) }).into()
}

/// An assistant's parts, as a message of this format can say them: thinking anywhere, one text
/// before the calls. Unsealed thinking keeps its place only beside sealed thinking, so that all of
/// it is sealed here.
fn spoken() -> impl Strategy<Value = Vec<Part>> {
    let thinking = || {
        let one = prop_oneof![
            3 => (words(), "[A-Z]{4}").prop_map(|(text, seal)| thought(text, Some(seal))),
            1 => "[A-Z]{4}".prop_map(redacted),
        ];
        prop::collection::vec(one, 0..3)
    };
    let calls = prop::collection::vec((thinking(), object(), any::<bool>()), 0..3);
    (thinking(), prop::option::of(words()), calls).prop_map(|(mut parts, text, calls)| {
        parts.extend(text.map(Part::text));
        for (index, (thinking, arguments, custom)) in calls.into_iter().enumerate() {
            parts.extend(thinking);
            parts.push(call(format!("call_{index}"), &arguments, custom));
        }
        parts
    })
}

fn image() -> impl Strategy<Value = Part> {
    let source = prop_oneof![
        "[a-z]{4}".prop_map(|data| Source::Base64 { media_type: "image/png".to_owned(), data }),
        "[a-z]{4}".prop_map(|path| Source::Url { url: format!("https://x/{path}"), media_type: None }),
    ];
    (source, prop::option::of(Just("low".to_owned())))
        .prop_map(|(source, detail)| Content::Image(Image { source, detail }).into())
}

fn message() -> impl Strategy<Value = Message> {
    let plain = |role| move |content: Vec<Part>| Message { role, name: None, content };
    let said = |text: String| vec![Part::text(text)];
    let result = |(id, text): (u8, String)| {
        let content = vec![Part::text(text)];
        let result = ToolResult { call_id: format!("call_{id}"), name: None, content, is_error: false };
        vec![Content::ToolResult(result).into()]
    };
    prop_oneof![
        words().prop_map(said).prop_map(plain(Role::System)),
        words().prop_map(said).prop_map(plain(Role::Developer)),
        prop::collection::vec(prop_oneof![words().prop_map(Part::text), image()], 1..4)
            .prop_map(plain(Role::User)),
        spoken().prop_map(plain(Role::Assistant)),
        (0..3u8, words()).prop_map(result).prop_map(plain(Role::Tool)),
    ]
}

fn tool() -> impl Strategy<Value = Tool> {
    ("[a-zA-Z0-9_-]{1,64}", prop::option::of(words()), prop::option::of(object()), any::<bool>()).prop_map(
        |(name, description, parameters, custom)| Tool {
            name,
            description,
            strict: (!custom).then_some(true),
            kind: if custom {
                ToolKind::Custom { format: parameters }
            } else {
                ToolKind::Function { parameters }
            },
            cache_control: None,
        },
    )
}

fn format() -> impl Strategy<Value = ResponseFormat> {
    prop_oneof![
        Just(ResponseFormat::Text),
        Just(ResponseFormat::JsonObject),
        (object(), prop::option::of(any::<bool>())).prop_map(|(schema, strict)| ResponseFormat::JsonSchema {
            name: Some("shape".to_owned()),
            description: None,
            schema,
            strict,
        }),
    ]
}

fn sampling() -> impl Strategy<Value = Sampling> {
    // Halves, quarters and so on: those every reader gets right to the last digit.
    let number = || prop::option::of((-128..128i32).prop_map(|number| f64::from(number) / 64.0));
    (number(), number(), number(), prop::option::of(0..100u64), prop::option::of(any::<i64>())).prop_map(
        |(temperature, top_p, penalty, top_k, seed)| Sampling {
            temperature,
            top_p,
            top_k,
            frequency_penalty: penalty,
            presence_penalty: penalty,
            seed,
            logit_bias: None,
        },
    )
}

fn chat() -> impl Strategy<Value = Chat> {
    let choice = prop::sample::select(vec![None, Some(ToolChoice::Auto), Some(ToolChoice::Required)]);
    let effort = prop::sample::select(vec![None, Some(Effort::None), Some(Effort::Low), Some(Effort::Xhigh)]);
    let stream = prop::sample::select(vec![(false, false), (true, false), (true, true)]);
    let messages = prop::collection::vec(message(), 1..5);
    let tools = prop::collection::vec(tool(), 0..3);
    let stop = prop::collection::vec(words(), 0..3);
    (messages, tools, choice, prop::option::of(format()), sampling(), effort, stream, stop).prop_map(
        |(
            mut messages,
            tools,
            tool_choice,
            response_format,
            sampling,
            effort,
            (stream, include_usage),
            stop,
        )| {
            // Calls wait for their results: what the assistant says behind them is part of its turn.
            messages.dedup_by(|next, last| {
                let calls = last.content.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
                calls && [&*next, &*last].iter().all(|message| message.role == Role::Assistant)
            });
            Chat {
                model: "model".to_owned(),
                messages,
                tools,
                tool_choice,
                response_format,
                sampling,
                stop,
                stream,
                include_usage,
                max_tokens: Some(9),
                reasoning: effort
                    .map(|effort| ReasoningRequest { effort: Some(effort), ..ReasoningRequest::default() }),
                extra: json!({"verbosity": "low"}).as_object().cloned().unwrap_or_default(),
                ..Chat::default()
            }
        },
    )
}

fn reply() -> impl Strategy<Value = Reply> {
    let choice = (spoken(), finish(), prop::option::of(words()));
    (prop::collection::vec(choice, 1..3), prop::option::of(usage())).prop_map(|(choices, usage)| {
        let choices = choices.into_iter().enumerate().map(|(index, (mut content, reason, refusal))| {
            let calls = content.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
            let refusal = refusal.filter(|_| content.is_empty());
            content.extend(refusal.map(|text| Content::Refusal(text).into()));
            let reason = if calls { FinishReason::ToolCalls } else { reason };
            let index = u32::try_from(index).unwrap();
            let logprobs = Some(json!({"content": [{"token": "a"}], "refusal": null}));
            Choice { index, content, finish: reason.into(), logprobs }
        });
        Reply {
            id: Some("chatcmpl-1".to_owned()),
            model: Some("model".to_owned()),
            created: Some(5),
            choices: choices.collect(),
            // A usage that counts nothing at all is none.
            usage: usage.filter(|usage| usage.total() > 0),
            service_tier: Some("default".to_owned()),
            system_fingerprint: Some("fp".to_owned()),
            extra: json!({"openai": {"provider": "x"}}).as_object().cloned().unwrap(),
        }
    })
}

/// The steps of an answer, its choices interleaved.
fn events() -> impl Strategy<Value = Vec<Event>> {
    (reply(), any::<u64>()).prop_map(|(reply, mut order)| {
        let mut steps: Vec<Vec<Event>> = reply.choices.iter().map(steps_of).collect();
        let start = Start {
            id: reply.id,
            model: reply.model,
            created: reply.created,
            service_tier: reply.service_tier,
            system_fingerprint: reply.system_fingerprint,
            extra: reply.extra,
        };
        let mut events = vec![Event::Start(start)];
        for steps in &mut steps {
            steps.reverse();
        }
        while steps.iter().any(|steps| !steps.is_empty()) {
            let turn = usize::try_from(order % 2).unwrap();
            order = order.rotate_right(1);
            let count = steps.len();
            events.extend(steps[turn % count].pop());
        }
        events.extend(reply.usage.map(Event::Usage));
        events
    })
}

fn steps_of(choice: &Choice) -> Vec<Event> {
    let mut deltas = Vec::new();
    let mut calls = 0;
    for part in &choice.content {
        match &part.content {
            Content::Text(Text { text, .. }) => deltas.push(Delta::Text(text.clone())),
            Content::Refusal(text) => deltas.push(Delta::Refusal(text.clone())),
            Content::Reasoning(Reasoning { redacted: Some(data), .. }) => {
                deltas.push(Delta::RedactedReasoning(data.clone()));
            }
            Content::Reasoning(reasoning) => deltas.push(Delta::Reasoning(reasoning.text.clone())),
            Content::ToolCall(call) => {
                let (id, name, custom) = (call.id.clone(), call.name.clone(), call.custom);
                deltas.push(Delta::ToolCall { index: calls, id, name, custom, signature: None });
                let (head, tail) = call.arguments.split_at(1);
                for fragment in [head, tail] {
                    deltas.push(Delta::ToolArguments { index: calls, fragment: fragment.to_owned() });
                }
                calls += 1;
            }
            other => panic!("no step for {other:?}"),
        }
        deltas.extend(part.signature.clone().map(Delta::Signature));
    }
    let steps = deltas.into_iter().map(|delta| Event::Delta { choice: choice.index, delta });
    let end = Event::Finish { choice: choice.index, finish: choice.finish.clone() };
    steps.chain([end]).collect()
}

/// A whole answer of these events.
fn collected(events: &[Event]) -> Reply {
    let mut collect = Collect::default();
    events.iter().cloned().for_each(|event| collect.push(event));
    collect.finish().unwrap()
}

proptest! {
    #[test]
    fn requests_come_back(chat in chat()) {
        let encoded = encode_request(&chat, &target("model")).unwrap();
        prop_assert_eq!(&encoded.dropped, &Vec::<String>::new());
        prop_assert_eq!(decode_request(&encoded.body).unwrap(), chat);
    }

    #[test]
    fn answers_come_back(reply in reply()) {
        let body = encode_response(&reply, &cx());
        prop_assert_eq!(decode_response(&body, &DecodeContext::default()).unwrap(), reply);
    }

    #[test]
    fn streams_come_back(events in events()) {
        let written = encode(&events);
        let (read, end) = decode(&[written.as_bytes()]);
        prop_assert!(end.is_ok());
        prop_assert_eq!(collected(&read), collected(&events));
    }

    #[test]
    fn any_chunking_gives_the_same_events(
        events in events(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let written = encode(&events);
        let bytes = written.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(decode(&chunks), decode(&[bytes]));
    }

    /// A stream that was cut before its last choice told why it ended never looks whole.
    #[test]
    fn a_cut_stream_is_never_whole(events in events(), cut in any::<prop::sample::Index>()) {
        let written = encode(&events);
        let told = written.rfind("\"finish_reason\":\"").unwrap();
        let (_, end) = decode(&[&written.as_bytes()[..cut.index(told)]]);
        // With several choices, those seen so far may all have ended.
        let (all, _) = decode(&[written.as_bytes()]);
        let choices = all.iter().filter(|event| matches!(event, Event::Finish { .. })).count();
        prop_assert!(end.is_err() || choices > 1);
    }

    #[test]
    fn nothing_follows_an_error_and_no_answer_is_whole_after_it(
        events in events(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut written = encode(&events).into_bytes();
        let at = at.index(written.len());
        written[at] = byte;
        let (read, end) = decode(&[&written]);
        let failed = read.iter().any(|event| matches!(event, Event::Error(_)));
        prop_assert!(!(failed && end.is_ok()));
        prop_assert!(!failed || matches!(read.last(), Some(Event::Error(_))), "something follows an error");
    }

    /// Chunks that differ in their text alone are not parsed in full. Those that hold a member of
    /// their own are, and must say the same.
    #[test]
    fn shortcuts_change_nothing(
        steps in prop::collection::vec((0..2u32, 0..4usize, "[a-zé\\\\\\n\"{}:]{0,6}", any::<bool>()), 1..40),
        spoilt in prop::option::of((any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[ -~]")),
    ) {
        let mut frames: Vec<String> = steps.iter().map(|(choice, kind, text, padded)| frame(*choice, *kind, text, *padded)).collect();
        if let Some((frame, at, byte)) = spoilt {
            let frame = frame.get_mut(&mut frames);
            let at = at.index(frame.len());
            if frame.is_char_boundary(at) && frame.is_char_boundary(at + 1) {
                frame.replace_range(at..=at, &byte);
            }
        }
        let parsed: Vec<String> = frames.iter().enumerate().map(|(index, frame)| {
            let rest = frame.strip_prefix('{').map(|rest| format!("{{\"n\":{index},{rest}"));
            rest.unwrap_or_else(|| frame.clone())
        }).collect();
        let read = |frames: &[String]| {
            let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
            let (events, end) = decode(&[crate::support::stream(&frames).as_bytes()]);
            // Where a frame cannot be read is told by the column, and the start holds the members.
            let events = events.into_iter().filter(|event| !matches!(event, Event::Start(_) | Event::Error(_)));
            (events.collect::<Vec<_>>(), end)
        };
        prop_assert_eq!(read(&frames), read(&parsed));
    }

    #[test]
    fn arbitrary_bytes_panic_nowhere(bytes in any::<Vec<u8>>(), status in any::<u16>()) {
        let cx = DecodeContext::default();
        let _ = decode_request(&bytes);
        let _ = decode_response(&bytes, &cx);
        let _ = completions::decode_request(&bytes);
        let _ = embeddings::decode_request(&bytes);
        let _ = is_error_shape(&bytes);
        let error = decode_error(status, &bytes);
        prop_assert!(!error.message.trim().is_empty());
        prop_assert!((400..600).contains(&error.status));
        let (events, end) = decode(&[&bytes]);
        prop_assert!(end.is_err());
        prop_assert!(events.is_empty() || matches!(events.first(), Some(Event::Start(_))));
    }

    /// JSON of the right words in the wrong places.
    #[test]
    fn arbitrary_objects_panic_nowhere(value in odd_json()) {
        let body = value.to_string();
        let cx = DecodeContext::default();
        for wrapped in [
            body.clone(),
            format!(r#"{{"model":"m","messages":{body}}}"#),
            format!(r#"{{"model":"m","messages":[{body}],"tools":[{body}],"tool_choice":{body}}}"#),
            format!(r#"{{"choices":[{body}]}}"#),
            format!(r#"{{"choices":[{{"message":{body},"delta":{body},"finish_reason":"stop"}}]}}"#),
            format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{body},{body}]}}}}],"usage":{body}}}"#),
        ] {
            let _ = decode_request(wrapped.as_bytes());
            let _ = completions::decode_request(wrapped.as_bytes());
            let _ = embeddings::decode_request(wrapped.as_bytes());
            if let Ok(reply) = decode_response(wrapped.as_bytes(), &cx) {
                let _ = encode_response(&reply, &tollway_wire::EncodeContext::default());
            }
            let (events, _) = decode(&[format!("data: {wrapped}\n\ndata: {wrapped}\n\n").as_bytes()]);
            let starts = events.iter().filter(|event| matches!(event, Event::Start(_))).count();
            prop_assert!(starts <= 1);
            let _ = encode(&events);
            prop_assert!(!decode_error(500, wrapped.as_bytes()).message.trim().is_empty());
        }
    }
}

/// A chunk by which a choice grows: by text, by thinking, or by arguments of one of two calls.
fn frame(choice: u32, kind: usize, text: &str, padded: bool) -> String {
    let call = |index: usize| json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]});
    let delta = match kind {
        0 => json!({"content": text}),
        1 => json!({"content": null, "reasoning_content": text}),
        // A call that may begin anew under the same index.
        2 if text.len().is_multiple_of(2) => {
            json!({"tool_calls": [{"index": 0, "id": text, "function": {"name": "f"}}]})
        }
        kind => call(kind - 2),
    };
    let padding =
        if padded { format!(r#","obfuscation":"{}""#, "x".repeat(text.len())) } else { String::new() };
    format!(
        r#"{{"id":"c","choices":[{{"index":{choice},"delta":{delta},"finish_reason":null}}],"usage":null{padding}}}"#
    )
}

fn odd_json() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "role",
        "content",
        "type",
        "text",
        "index",
        "id",
        "function",
        "custom",
        "name",
        "arguments",
        "input",
        "tool_calls",
        "function_call",
        "message",
        "delta",
        "error",
        "code",
        "detail",
        "loc",
        "usage",
        "prompt_tokens",
        "reasoning",
        "reasoning_details",
        "data",
        "signature",
        "image_url",
        "url",
        "audio",
        "finish_reason",
        "annotations",
        "extra_content",
        "google",
        "thought_signature",
        "images",
        "thinking",
    ]);
    let word = prop::sample::select(vec![
        "",
        "user",
        "assistant",
        "tool",
        "text",
        "thinking",
        "function",
        "custom",
        "image_url",
        "reasoning.text",
        "reasoning.encrypted",
        "data:image/png;base64,AA",
        "stop",
        "error",
        "a",
    ]);
    let leaf = prop_oneof![
        4 => word.prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 32, 4, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => prop::collection::btree_map(key.clone(), inner, 0..4).prop_map(|fields| json!(fields)),
        ]
    })
}

#[test]
fn unsealed_thinking_comes_back_as_one_text() {
    let said = |text: &str| Event::Delta { choice: 0, delta: Delta::Reasoning(text.to_owned()) };
    let events = [said("a"), said("b"), Event::Finish { choice: 0, finish: FinishReason::Stop.into() }];
    let written = encode(&events);
    assert!(!written.contains("reasoning_details"), "nothing is sealed");
    assert_eq!(Said::by_events(&decode(&[written.as_bytes()]).0, 0).reasoning, "ab");
}
