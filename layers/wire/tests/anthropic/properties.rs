//! What holds for every input.

use proptest::prelude::*;
use serde_json::{Value, json};
use tollway_core::{Dialect, Usage};
use tollway_wire::{
    DecodeContext,
    anthropic::{decode_request, decode_response, encode_request, encode_response},
    chat::{
        Chat, Choice, Content, Delta, Event, FinishReason, Message, Part, Reasoning, Reply, Role, Signature,
        Start, Tool, ToolCall, ToolKind, ToolResult,
    },
};

use crate::support::{Said, cx, decode, encode, target};

/// Text that is hard to frame: quotes, newlines, letters of several bytes.
fn words() -> impl Strategy<Value = String> {
    "[a-zé漢\\n\"\\\\: ]{1,12}".prop_filter("blank text is left out", |text| !text.trim().is_empty())
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(
        "[a-z]{1,3}",
        prop_oneof![words().prop_map(Value::from), any::<i64>().prop_map(Value::from)],
        0..3,
    )
    .prop_map(|fields| json!(fields))
}

fn usage() -> impl Strategy<Value = Usage> {
    let count = || 0..1_000_000u64;
    (count(), count(), count(), count(), count(), 0..9u64).prop_map(
        |(fresh, read, short, long, output, web)| Usage {
            input: fresh + read + short + long,
            cached_input: read,
            cache_write_5m: short,
            cache_write_1h: long,
            output,
            reasoning: output / 2,
            web_searches: web,
            ..Usage::default()
        },
    )
}

fn finish() -> impl Strategy<Value = FinishReason> {
    prop::sample::select(vec![
        FinishReason::Stop,
        FinishReason::StopSequence,
        FinishReason::Length,
        FinishReason::ToolCalls,
        FinishReason::ContentFilter,
        FinishReason::Pause,
    ])
}

fn call(id: String, arguments: &Value) -> Content {
    Content::ToolCall(ToolCall {
        id,
        name: "tool".to_owned(),
        arguments: arguments.to_string(),
        custom: false,
    })
}

fn thought(text: String, seal: &str) -> Part {
    let signature = Some(Signature { dialect: Dialect::Anthropic, value: seal.to_owned() });
    Part { signature, ..Content::Reasoning(Reasoning { text, redacted: None }).into() }
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        words().prop_map(Part::text),
        (words(), "[A-Z]{4}").prop_map(|(text, seal)| thought(text, &seal)),
        ("[a-z]{8}", object()).prop_map(|(id, arguments)| call(id, &arguments).into()),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    (prop::collection::vec(part(), 0..6), finish(), usage()).prop_map(|(content, reason, usage)| Reply {
        id: Some("msg_1".to_owned()),
        model: Some("claude".to_owned()),
        choices: vec![Choice { index: 0, content, finish: reason.into(), logprobs: None }],
        usage: Some(usage),
        ..Reply::default()
    })
}

/// The events of an answer, its texts cut in pieces.
fn events(reply: &Reply) -> Vec<Event> {
    let mut events =
        vec![Event::Start(Start { id: reply.id.clone(), model: reply.model.clone(), ..Start::default() })];
    let mut index = 0;
    let mut push = |delta| events.push(Event::Delta { choice: 0, delta });
    for part in &reply.choices[0].content {
        match &part.content {
            Content::Text(text) => text.text.chars().for_each(|one| push(Delta::Text(one.to_string()))),
            Content::Reasoning(reasoning) => {
                push(Delta::Reasoning(reasoning.text.clone()));
                push(Delta::Signature(part.signature.clone().unwrap()));
            }
            Content::ToolCall(call) => {
                let (id, name) = (call.id.clone(), call.name.clone());
                push(Delta::ToolCall { index, id, name, custom: false, signature: None });
                for one in call.arguments.chars() {
                    push(Delta::ToolArguments { index, fragment: one.to_string() });
                }
                index += 1;
            }
            _ => {}
        }
    }
    events.push(Event::Finish { choice: 0, finish: reply.choices[0].finish.clone() });
    events.push(Event::Usage(reply.usage.unwrap()));
    events
}

/// A conversation that Anthropic takes: turns of the user, and of the assistant with calls that are
/// answered.
fn chat() -> impl Strategy<Value = Chat> {
    let round = (words(), prop::collection::vec((object(), words(), any::<bool>()), 0..3), words());
    prop::collection::vec(round, 1..4).prop_map(|rounds| {
        let says = |role, text: &str| Message { role, name: None, content: vec![Part::text(text)] };
        let mut messages = vec![says(Role::System, "be brief")];
        for (asked, calls, answer) in &rounds {
            messages.push(says(Role::User, asked));
            let mut made = vec![thought("hm".to_owned(), "SEAL"), Part::text(answer.trim_end())];
            let mut results = Vec::new();
            for (at, (arguments, came, is_error)) in calls.iter().enumerate() {
                made.push(call(format!("call_{at}"), arguments).into());
                let result = ToolResult {
                    call_id: format!("call_{at}"),
                    name: None,
                    content: vec![Part::text(came)],
                    is_error: *is_error,
                };
                results.push(Content::ToolResult(result).into());
            }
            messages.push(Message { role: Role::Assistant, name: None, content: made });
            if !results.is_empty() {
                messages.push(Message { role: Role::Tool, name: None, content: results });
            }
        }
        messages.push(says(Role::User, "so?"));
        let tool = Tool {
            name: "tool".to_owned(),
            description: Some("does".to_owned()),
            kind: ToolKind::Function { parameters: Some(json!({"type": "object", "properties": {}})) },
            strict: None,
            cache_control: Some(json!({"type": "ephemeral"})),
        };
        Chat {
            model: "claude".to_owned(),
            messages: merged(messages),
            tools: vec![tool],
            max_tokens: Some(100),
            dialect: Some(Dialect::Anthropic),
            ..Chat::default()
        }
    })
}

/// Neighbours of one role are one message, as in Anthropic's format.
fn merged(messages: Vec<Message>) -> Vec<Message> {
    let mut out: Vec<Message> = Vec::new();
    for message in messages {
        match out.last_mut() {
            Some(last) if last.role == message.role => last.content.extend(message.content),
            _ => out.push(message),
        }
    }
    out
}

fn chunks<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn an_answer_survives_a_round_trip(reply in reply()) {
        let body = encode_response(&reply, &cx());
        prop_assert_eq!(decode_response(&body, &DecodeContext::default()).unwrap(), reply);
    }

    #[test]
    fn a_stream_survives_a_round_trip_in_any_pieces(
        reply in reply(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let written = encode(&events(&reply));
        let (events, end) = decode(&chunks(written.as_bytes(), &cuts));
        prop_assert!(end.is_ok());
        let mut expected = Said::by_parts(&reply.choices[0].content);
        expected.finish = Some(reply.choices[0].finish.clone());
        expected.usage = reply.usage;
        prop_assert_eq!(Said::by_events(&events), expected);
        prop_assert_eq!(decode(&[written.as_bytes()]).0, events);
    }

    #[test]
    fn a_prefix_of_a_stream_is_never_whole(reply in reply(), cut in any::<prop::sample::Index>()) {
        let written = encode(&events(&reply));
        let (_, end) = decode(&[&written.as_bytes()[..cut.index(written.trim_end().len())]]);
        prop_assert!(end.is_err());
    }

    #[test]
    fn a_request_survives_a_round_trip(chat in chat()) {
        let encoded = encode_request(&chat, &target()).unwrap();
        prop_assert_eq!(&encoded.dropped, &Vec::<String>::new());
        prop_assert_eq!(decode_request(&encoded.body).unwrap(), chat);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = decode_request(&bytes);
        let _ = decode_response(&bytes, &DecodeContext::default());
        prop_assert!(decode(&[&bytes]).1.is_err());
    }

    #[test]
    fn odd_events_never_panic(
        frames in prop::collection::vec((
            prop::sample::select(vec!["message_start", "content_block_start", "content_block_delta",
                "content_block_stop", "message_delta", "error", "ping"]),
            prop::sample::select(vec!["index", "delta", "content_block", "message", "usage", "error"]),
            prop_oneof![
                Just(json!(null)), Just(json!(-1)), Just(json!("x")), Just(json!([1])), Just(json!({})),
                Just(json!({"type": "tool_use"})), Just(json!({"type": "text_delta"})),
                Just(json!({"type": "input_json_delta", "partial_json": "{"})),
                Just(json!({"type": "thinking", "text": 1})), Just(json!({"type": "new", "input": 3})),
                Just(json!({"stop_reason": "x"})), Just(json!({"input_tokens": -4})),
            ],
        ), 0..8),
    ) {
        let frame = |(kind, key, value): &(&str, &str, Value)| {
            format!("data: {}\n\n", json!({"type": kind, (*key): value}))
        };
        let stream = frames.iter().map(frame).collect::<Vec<_>>().concat();
        let (events, end) = decode(&[stream.as_bytes()]);
        prop_assert!(end.is_err());
        let errors = events.iter().filter(|event| matches!(event, Event::Error(_))).count();
        prop_assert!(errors <= 1);
        prop_assert!(errors == 0 || matches!(events.last(), Some(Event::Error(_))));
        prop_assert!(events.is_empty() || matches!(events[0], Event::Start(_)));
    }

    #[test]
    fn a_broken_request_is_refused_without_panic(chat in chat(), cut in any::<prop::sample::Index>()) {
        let body = encode_request(&chat, &target()).unwrap().body;
        prop_assert!(decode_request(&body[..cut.index(body.len())]).is_err());
    }
}
