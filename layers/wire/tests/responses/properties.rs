//! What holds for every input.

use proptest::prelude::*;
use serde_json::{Value, json};
use tollway_core::{Dialect, Usage};
use tollway_wire::{
    DecodeContext,
    chat::{
        Chat, Choice, Content, Event, FinishReason, Message, Part, Reasoning, Reply, Role, Signature, Tool,
        ToolCall, ToolKind, ToolResult,
    },
    responses::{decode_request, decode_response, encode_request, encode_response},
};

use crate::recorded_answers::check_events;
use crate::sent::check_sent;
use crate::support::{collect, cx, decode, encode, pieces, target};

/// Text that is hard to frame: quotes, newlines, letters of several bytes.
fn words() -> impl Strategy<Value = String> {
    "[a-zé漢😀\\n\"\\\\: ]{1,12}"
}

fn call(id: String, arguments: &Value, custom: bool) -> Content {
    let arguments = if custom { format!("raw {arguments}") } else { arguments.to_string() };
    Content::ToolCall(ToolCall { id, name: "tool".into(), arguments, custom })
}

fn sealed(content: Content, dialect: Dialect, value: String) -> Part {
    Part { content, cache_control: None, signature: Some(Signature { dialect, value }) }
}

fn thought(text: String) -> Content {
    Content::Reasoning(Reasoning { text, redacted: None })
}

/// A part of an answer; calls have their place in it in their id.
fn part() -> impl Strategy<Value = (Part, bool)> {
    prop_oneof![
        words().prop_map(|text| (Part::text(text), false)),
        words().prop_map(|text| (Content::Refusal(text).into(), false)),
        (words(), "[A-Za-z0-9+/=:]{1,9}")
            .prop_map(|(text, seal)| (sealed(thought(text), Dialect::Anthropic, seal), false)),
        ("[A-Za-z0-9]{1,9}").prop_map(|seal| (
            sealed(thought(String::new()), Dialect::Responses, format!("rs_1:{seal}")),
            false
        )),
        (words(), any::<bool>())
            .prop_map(|(text, custom)| (call(String::new(), &json!({"x": text}), custom).into(), true)),
    ]
}

fn usage() -> impl Strategy<Value = Usage> {
    (0..9_999_u64, 0..999_u64, 0..99_u64, 0..9_999_u64, 0..9_u64).prop_map(
        |(fresh, cached, written, output, searches)| Usage {
            input: fresh + cached + written,
            cached_input: cached,
            cache_write_5m: written,
            output,
            reasoning: output / 2,
            web_searches: searches,
            ..Usage::default()
        },
    )
}

fn reply() -> impl Strategy<Value = Reply> {
    let limits =
        prop::sample::select(vec![None, Some(FinishReason::Length), Some(FinishReason::ContentFilter)]);
    (prop::collection::vec(part(), 0..7), limits, usage()).prop_map(|(parts, limit, usage)| {
        let calls = parts.iter().any(|(_, is_call)| *is_call);
        let done = if calls { FinishReason::ToolCalls } else { FinishReason::Stop };
        let mut content: Vec<Part> = Vec::new();
        for (at, (mut part, _)) in parts.into_iter().enumerate() {
            if let Content::ToolCall(call) = &mut part.content {
                call.id = format!("call_{at}");
            }
            content.push(part);
        }
        let choice = Choice { index: 0, content, finish: limit.unwrap_or(done).into(), logprobs: None };
        let reply = Reply {
            id: Some("resp_1".into()),
            model: Some("m".into()),
            created: Some(9),
            choices: vec![choice],
            usage: Some(usage),
            ..Reply::default()
        };
        // Neighbouring texts are one.
        collect(reply.into_events())
    })
}

/// A conversation with calls that are answered.
fn chat() -> impl Strategy<Value = Chat> {
    let round =
        (words(), prop::collection::vec((words(), words(), any::<bool>()), 0..3), words(), any::<bool>());
    (prop::collection::vec(round, 1..4), any::<bool>()).prop_map(|(rounds, instructed)| {
        let says = |role, text: &str| Message { role, name: None, content: vec![Part::text(text)] };
        let mut messages = Vec::new();
        if instructed {
            messages.push(says(Role::System, "be brief"));
        }
        for (turn, (asked, calls, answer, thinks)) in rounds.iter().enumerate() {
            messages.push(says(Role::User, asked));
            let mut made = Vec::new();
            if *thinks {
                made.push(sealed(thought("hm".into()), Dialect::Responses, format!("rs_{turn}:gA")));
            }
            made.push(Part::text(answer.clone()));
            let mut results = Vec::new();
            for (at, (asked, came, custom)) in calls.iter().enumerate() {
                let call_id = format!("call_{turn}_{at}");
                made.push(call(call_id.clone(), &json!({"x": asked}), *custom).into());
                let content = vec![Part::text(came.clone())];
                results.push(
                    Content::ToolResult(ToolResult { call_id, name: None, content, is_error: false }).into(),
                );
            }
            messages.push(Message { role: Role::Assistant, name: None, content: made });
            if !results.is_empty() {
                messages.push(Message { role: Role::Tool, name: None, content: results });
            }
        }
        messages.push(says(Role::User, "so?"));
        let tool = Tool {
            name: "tool".into(),
            description: Some("does".into()),
            strict: Some(false),
            cache_control: None,
            kind: ToolKind::Function { parameters: Some(json!({"type": "object", "properties": {}})) },
        };
        Chat {
            model: "m".into(),
            messages,
            tools: vec![tool],
            max_tokens: Some(100),
            dialect: Some(Dialect::Responses),
            ..Chat::default()
        }
    })
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
        cuts in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        let written = encode(&reply.clone().into_events());
        check_events("generated", &written);
        let (events, end) = decode(&pieces(written.as_bytes(), &cuts));
        prop_assert!(end.is_ok());
        prop_assert_eq!(&decode(&[written.as_bytes()]).0, &events);
        prop_assert_eq!(collect(events), reply.clone());
        let last: Value = crate::support::data(&written).pop().unwrap()["response"].clone();
        let whole: Value = serde_json::from_slice(&encode_response(&reply, &cx())).unwrap();
        prop_assert_eq!(last, whole);
    }

    #[test]
    fn a_prefix_of_a_stream_is_never_whole(reply in reply(), cut in any::<prop::sample::Index>()) {
        let written = encode(&reply.into_events());
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
    fn a_conversation_from_elsewhere_is_as_the_api_takes_it(chat in chat(), long in any::<bool>()) {
        let mut chat = Chat { dialect: Some(Dialect::Anthropic), ..chat };
        if long {
            for part in chat.messages.iter_mut().flat_map(|message| &mut message.content) {
                match &mut part.content {
                    Content::ToolCall(call) => call.id = format!("{}{}", call.id, "x".repeat(90)),
                    Content::ToolResult(result) => result.call_id = format!("{}{}", result.call_id, "x".repeat(90)),
                    _ => {}
                }
            }
        }
        let encoded = encode_request(&chat, &target()).unwrap();
        let sent: Value = serde_json::from_slice(&encoded.body).unwrap();
        prop_assert_eq!(check_sent(&sent), Ok(()));
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
            prop::sample::select(vec!["response.created", "response.output_item.added", "response.output_item.done",
                "response.output_text.delta", "response.output_text.done", "response.content_part.added",
                "response.content_part.done", "response.function_call_arguments.delta",
                "response.function_call_arguments.done", "response.reasoning_summary_text.delta",
                "response.output_text.annotation.added", "response.completed", "response.failed", "error"]),
            prop::sample::select(vec!["output_index", "delta", "item", "response", "part", "text", "annotation", "error"]),
            prop_oneof![
                Just(json!(null)), Just(json!(-1)), Just(json!("x")), Just(json!([1])), Just(json!({})),
                Just(json!({"type": "function_call"})), Just(json!({"type": "message", "content": [3, {"type": "output_text"}]})),
                Just(json!({"type": "reasoning", "summary": 3})), Just(json!({"annotations": [{}]})),
                Just(json!({"output": [{"type": "message"}, 4], "status": "incomplete"})),
                Just(json!({"usage": {"input_tokens": -4}})),
            ],
        ), 0..8),
    ) {
        let frame = |(kind, key, value): &(&str, &str, Value)| {
            format!("data: {}\n\n", json!({"type": kind, (*key): value}))
        };
        let stream = frames.iter().map(frame).collect::<Vec<_>>().concat();
        let (events, end) = decode(&[stream.as_bytes()]);
        let completed = frames.iter().any(|(kind, key, _)| *kind == "response.completed" && *key == "response");
        prop_assert!(end.is_err() || completed);
        let errors = events.iter().filter(|event| matches!(event, Event::Error(_))).count();
        prop_assert!(errors <= 1);
        prop_assert!(errors == 0 || end.is_err() && matches!(events.last(), Some(Event::Error(_))));
        prop_assert!(events.is_empty() || matches!(events[0], Event::Start(_)));
        let starts = events.iter().filter(|event| matches!(event, Event::Start(_))).count();
        prop_assert!(starts <= 1);
    }

    #[test]
    fn a_broken_request_is_refused_without_panic(chat in chat(), cut in any::<prop::sample::Index>()) {
        let body = encode_request(&chat, &target()).unwrap().body;
        prop_assert!(decode_request(&body[..cut.index(body.len())]).is_err());
    }
}
