//! What holds for every Gemini request, answer and stream, whatever it says.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tollway_core::{Dialect, Usage};
use tollway_wire::{
    DecodeContext, Effort, EncodeContext, ReasoningStyle, Target, Traits,
    chat::{
        Audio, Chat, Choice, Content, Delta, Document, Event, Finish, FinishReason, Image, Message, Native,
        Part, Reasoning, ReasoningRequest, Reply, ResponseFormat, Role, Sampling, Signature, Source, Start,
        Text, Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
    },
    gemini::{
        StreamDecoder, StreamEncoder, decode_error, decode_request, decode_response, embeddings,
        encode_request, encode_response, model_path_segment,
    },
};

fn target() -> Target {
    let traits = Traits { reasoning: ReasoningStyle::Budget, function_call_ids: true, ..Traits::default() };
    Target { model: "gemini-x".into(), traits }
}

fn words() -> impl Strategy<Value = String> {
    "[a-z \n\"\\\\{}é漢😀]{1,12}"
}

fn signature() -> impl Strategy<Value = Option<Signature>> {
    let seal = "[A-Za-z0-9_-]{4,12}".prop_map(|value| Signature { dialect: Dialect::Gemini, value });
    prop::option::of(seal)
}

fn sealed(content: impl Strategy<Value = Content>) -> impl Strategy<Value = Part> {
    (content, signature()).prop_map(|(content, signature)| Part { content, cache_control: None, signature })
}

fn text() -> impl Strategy<Value = Content> {
    words().prop_map(|text| Content::Text(Text { text, annotations: Vec::new() }))
}

fn base64(kind: &'static str) -> impl Strategy<Value = Source> {
    "[A-Za-z0-9+/]{4}".prop_map(move |data| Source::Base64 { media_type: kind.into(), data })
}

fn medium() -> impl Strategy<Value = Content> {
    let kept = |path: String| format!("https://generativelanguage.googleapis.com/v1beta/files/{path}");
    prop_oneof![
        base64("image/png").prop_map(|source| Content::Image(Image { source, detail: None })),
        base64("application/pdf").prop_map(|source| Content::Document(Document { source, name: None })),
        base64("video/mp4").prop_map(|source| Content::Document(Document { source, name: None })),
        "[A-Za-z0-9+/]{4}".prop_map(|data| Content::Audio(Audio {
            data: Some(data),
            format: Some("mp3".into()),
            ..Audio::default()
        })),
        "[a-z]{3}".prop_map(move |path| Content::Document(Document {
            source: Source::Url { url: kept(path), media_type: Some("application/pdf".into()) },
            name: None,
        })),
    ]
}

fn arguments() -> impl Strategy<Value = String> {
    prop::collection::btree_map(
        "[a-z\"é]{1,4}",
        prop_oneof![
            words().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            Just(json!({ "deep": [1, null, { "x": 1.5 }] })),
        ],
        0..3,
    )
    .prop_map(|map| serde_json::to_string(&map).unwrap())
}

fn native() -> impl Strategy<Value = Content> {
    words().prop_map(|code| {
        let value = json!({ "executableCode": { "language": "PYTHON", "code": code } });
        Content::Native(Native { dialect: Dialect::Gemini, value })
    })
}

fn thought() -> impl Strategy<Value = Content> {
    words().prop_map(|text| Content::Reasoning(Reasoning { text, redacted: None }))
}

/// A turn of the model and the results of its calls.
fn step(number: usize) -> impl Strategy<Value = Vec<Message>> {
    let calls =
        prop::collection::vec(("[a-z_]{1,6}", arguments(), signature(), words(), any::<bool>()), 0..3);
    let said = prop::collection::vec(
        prop_oneof![sealed(text()), sealed(thought()), native().prop_map(Part::from)],
        1..4,
    );
    (said, calls).prop_map(move |(mut content, calls)| {
        let mut results = Vec::new();
        for (at, (name, arguments, signature, text, is_error)) in calls.into_iter().enumerate() {
            let id = format!("call-{number}-{at}");
            let call = ToolCall { id: id.clone(), name: name.clone(), arguments, custom: false };
            content.push(Part { content: Content::ToolCall(call), cache_control: None, signature });
            // An object is told as one, whatever stood between its braces.
            let text = match serde_json::from_str(&text) {
                Ok(Value::Object(object)) => Value::Object(object).to_string(),
                _ => text,
            };
            let content = vec![Part::text(text)];
            let result = ToolResult { call_id: id, name: Some(name), content, is_error };
            results.push(Content::ToolResult(result).into());
        }
        let mut messages = vec![Message { role: Role::Assistant, name: None, content }];
        if !results.is_empty() {
            messages.push(Message { role: Role::Tool, name: None, content: results });
        }
        messages
    })
}

fn user() -> impl Strategy<Value = Message> {
    let part = prop_oneof![3 => text(), 1 => medium()];
    prop::collection::vec(part.prop_map(Part::from), 1..4).prop_map(|content| Message {
        role: Role::User,
        name: None,
        content,
    })
}

fn messages() -> impl Strategy<Value = Vec<Message>> {
    (prop::option::of(prop::collection::vec(text(), 1..3)), user(), step(0), user(), step(1)).prop_map(
        |(system, first, one, second, two)| {
            let system = system.map(|texts| Message {
                role: Role::System,
                name: None,
                content: texts.into_iter().map(Part::from).collect(),
            });
            system.into_iter().chain([first]).chain(one).chain([second]).chain(two).collect()
        },
    )
}

fn tools() -> impl Strategy<Value = (Vec<Tool>, Option<ToolChoice>)> {
    let tool = |name: String, kind| Tool { name, description: None, kind, strict: None, cache_control: None };
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] });
    let functions = prop::collection::btree_set("[a-z_][a-z0-9_.-]{0,8}", 1..4);
    (functions, 0..5_usize, any::<bool>()).prop_map(move |(names, choice, search)| {
        let names: Vec<String> = names.into_iter().collect();
        let choice = match choice {
            0 => None,
            1 => Some(ToolChoice::Auto),
            2 => Some(ToolChoice::None),
            3 => Some(ToolChoice::Required),
            _ if names.len() == 1 => Some(ToolChoice::Named(names[0].clone())),
            _ => Some(ToolChoice::Allowed { names: names.clone(), required: true }),
        };
        let mut tools: Vec<Tool> = names
            .into_iter()
            .map(|name| tool(name, ToolKind::Function { parameters: Some(schema.clone()) }))
            .collect();
        if search {
            let native = Native { dialect: Dialect::Gemini, value: json!({ "googleSearch": {} }) };
            tools.push(tool("googleSearch".into(), ToolKind::Server(native)));
        }
        (tools, choice)
    })
}

fn sampling() -> impl Strategy<Value = Sampling> {
    let number = || prop::option::of((-8_i32..8).prop_map(|eighths| f64::from(eighths) / 8.0));
    (number(), number(), prop::option::of(0..100_u64), number(), prop::option::of(any::<i32>())).prop_map(
        |(temperature, top_p, top_k, penalty, seed)| Sampling {
            temperature,
            top_p,
            top_k,
            frequency_penalty: penalty,
            presence_penalty: penalty,
            seed: seed.map(i64::from),
            logit_bias: None,
        },
    )
}

fn reasoning() -> impl Strategy<Value = Option<ReasoningRequest>> {
    let asked = (1..20_000_u64, prop::option::of(any::<bool>())).prop_map(|(tokens, include_thoughts)| {
        ReasoningRequest { effort: None, budget_tokens: Some(tokens), include_thoughts }
    });
    prop::option::of(asked)
}

prop_compose! {
    fn chat()(
        messages in messages(),
        (tools, tool_choice) in tools(),
        sampling in sampling(),
        reasoning in reasoning(),
        max_tokens in prop::option::of(1..9999_u64),
        stop in prop::collection::vec("[a-z]{1,3}", 0..5),
        n in prop::option::of(2..8_u32),
        format in 0..3_u8,
        stream in any::<bool>(),
        safety in any::<bool>(),
    ) -> Chat {
        let mut extra = Map::new();
        if safety {
            extra.insert("safetySettings".into(), json!([{ "category": "X", "threshold": "BLOCK_NONE" }]));
            extra.insert("generationConfig".into(), json!({ "responseModalities": ["TEXT"] }));
        }
        if tools.len() > 1 && tools.iter().any(|tool| matches!(tool.kind, ToolKind::Server(_))) {
            extra.insert("toolConfig".into(), json!({ "includeServerSideToolInvocations": true }));
        }
        let schema = json!({ "type": "array", "items": { "type": "integer", "enum": [1, 2] } });
        Chat {
            model: "gemini-x".into(),
            messages, tools, tool_choice, sampling, reasoning, max_tokens, stop, n, stream,
            include_usage: stream,
            response_format: match format {
                0 => None,
                1 => Some(ResponseFormat::JsonObject),
                _ => Some(ResponseFormat::JsonSchema { name: None, description: None, schema, strict: None }),
            },
            logprobs: Some(true),
            top_logprobs: Some(3),
            extra,
            dialect: Some(Dialect::Gemini),
            ..Chat::default()
        }
    }
}

prop_compose! {
    fn choice(index: u32)(
        said in prop::collection::vec(prop_oneof![sealed(text()), sealed(thought()), native().prop_map(Part::from), sealed(medium_in_answer())], 0..4),
        call in prop::option::of((arguments(), signature())),
        finish in prop_oneof![Just("STOP"), Just("MAX_TOKENS"), Just("SAFETY"), Just("OTHER")],
    ) -> Choice {
        let mut content = said;
        let called = call.is_some();
        if let Some((arguments, signature)) = call {
            let call = ToolCall { id: format!("id-{index}"), name: "f".into(), arguments, custom: false };
            content.push(Part { content: Content::ToolCall(call), cache_control: None, signature });
        }
        let reason = match finish {
            "MAX_TOKENS" => FinishReason::Length,
            "SAFETY" => FinishReason::ContentFilter,
            _ if called => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        };
        let native = (!matches!(finish, "STOP" | "MAX_TOKENS")).then(|| finish.to_owned());
        Choice { index, content, finish: Finish { reason, stop_sequence: None, native }, logprobs: None }
    }
}

fn medium_in_answer() -> impl Strategy<Value = Content> {
    base64("image/png").prop_map(|source| Content::Image(Image { source, detail: None }))
}

prop_compose! {
    fn reply()(
        one in choice(0),
        two in prop::option::of(choice(1)),
        input in 0..5000_u64, cached in 0..100_u64, output in 0..900_u64, reasoning in 0..100_u64,
        created in prop::option::of(0..4_000_000_000_u64),
        tier in prop::option::of("default|flex|priority"),
    ) -> Reply {
        let usage = Usage { input: input + cached, cached_input: cached, output: output + reasoning, reasoning,
            ..Usage::default() };
        Reply {
            id: Some("r".into()),
            model: Some("gemini-x".into()),
            created,
            choices: [one].into_iter().chain(two).collect(),
            usage: Some(usage),
            service_tier: tier,
            ..Reply::default()
        }
    }
}

/// The steps by which an answer could have been streamed.
fn events(reply: &Reply) -> Vec<Event> {
    let mut events = vec![Event::Start(Start {
        id: reply.id.clone(),
        model: reply.model.clone(),
        created: reply.created,
        service_tier: reply.service_tier.clone(),
        ..Start::default()
    })];
    for choice in &reply.choices {
        let mut calls = 0;
        for part in &choice.content {
            let deltas = match &part.content {
                Content::Text(text) => vec![Delta::Text(text.text.clone())],
                Content::Reasoning(thought) => vec![Delta::Reasoning(thought.text.clone())],
                Content::Native(native) => vec![Delta::Native(native.clone())],
                Content::ToolCall(call) => {
                    calls += 1;
                    let index = calls - 1;
                    let (id, name, signature) = (call.id.clone(), call.name.clone(), part.signature.clone());
                    let (head, tail) = call.arguments.split_at(1);
                    vec![
                        Delta::ToolCall { index, id, name, custom: false, signature },
                        Delta::ToolArguments { index, fragment: head.into() },
                        Delta::ToolArguments { index, fragment: tail.into() },
                    ]
                }
                _ => continue,
            };
            let call = matches!(part.content, Content::ToolCall(_));
            let seal = part.signature.clone().filter(|_| !call).map(Delta::Signature);
            let deltas = deltas.into_iter().chain(seal);
            events.extend(deltas.map(|delta| Event::Delta { choice: choice.index, delta }));
        }
        events.push(Event::Finish { choice: choice.index, finish: choice.finish.clone() });
    }
    events.extend(reply.usage.map(Event::Usage));
    events
}

fn written(events: &[Event]) -> Vec<u8> {
    let mut encoder = StreamEncoder::new(EncodeContext::default());
    let mut out = Vec::new();
    for event in events {
        encoder.encode(event, &mut out);
    }
    encoder.finish(&mut out);
    out
}

fn read(chunks: &[&[u8]]) -> (Vec<Event>, bool) {
    let mut decoder = StreamDecoder::new(DecodeContext::default());
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk);
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    let whole = decoder.finish().is_ok();
    events.extend(std::iter::from_fn(|| decoder.next_event()));
    (events, whole)
}

/// Steps less those that only repeat the usage, arguments joined.
fn joined(events: Vec<Event>) -> Vec<Event> {
    let mut out: Vec<Event> = Vec::new();
    for event in events {
        match (out.last_mut(), event) {
            (_, Event::Usage(_)) => {}
            (
                Some(Event::Delta { choice, delta: Delta::ToolArguments { index, fragment } }),
                Event::Delta { choice: more, delta: Delta::ToolArguments { index: at, fragment: next } },
            ) if *choice == more && *index == at => fragment.push_str(&next),
            (_, event) => out.push(event),
        }
    }
    // Gemini tells why candidates finished only when all are whole.
    out.sort_by_key(|event| matches!(event, Event::Finish { .. }));
    out
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect()
}

/// JSON in the manner of Gemini's, right and wrong.
fn gemini_like() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(1e300)),
        prop::sample::select(vec![
            "",
            "user",
            "model",
            "STOP",
            "image/png",
            "AAAA",
            "é",
            "https://a.example/x.png"
        ])
        .prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "contents",
        "parts",
        "role",
        "text",
        "thought",
        "functionCall",
        "functionResponse",
        "name",
        "args",
        "id",
        "response",
        "inlineData",
        "mimeType",
        "data",
        "fileData",
        "fileUri",
        "candidates",
        "content",
        "finishReason",
        "index",
        "usageMetadata",
        "promptTokenCount",
        "promptTokensDetails",
        "modality",
        "tokenCount",
        "promptFeedback",
        "blockReason",
        "groundingMetadata",
        "groundingChunks",
        "web",
        "uri",
        "groundingSupports",
        "groundingChunkIndices",
        "segment",
        "startIndex",
        "endIndex",
        "generationConfig",
        "topK",
        "responseSchema",
        "type",
        "thinkingConfig",
        "thinkingLevel",
        "tools",
        "functionDeclarations",
        "parameters",
        "toolConfig",
        "functionCallingConfig",
        "mode",
        "systemInstruction",
        "error",
        "code",
        "message",
        "details",
        "retryDelay",
        "logprobsResult",
        "chosenCandidates",
        "token",
        "embeddings",
        "values",
        "executableCode",
        "thoughtSignature",
    ]);
    leaf.prop_recursive(6, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((keys.clone(), inner), 0..5)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

fn read_everything(body: &[u8]) {
    let target = Target::default();
    if let Ok(chat) = decode_request("m", true, body) {
        let _ = encode_request(&chat, &target);
    }
    if let Ok(reply) = decode_response(body, &DecodeContext::default()) {
        let _ = encode_response(&reply, &EncodeContext::default());
    }
    let _ = decode_error(400, body);
    let _ = embeddings::decode_response(body);
    let (events, _) = read(&[body]);
    let _ = written(&events);
}

proptest! {
    #[test]
    fn requests_come_back(chat in chat()) {
        let encoded = encode_request(&chat, &target()).unwrap();
        prop_assert_eq!(&encoded.dropped, &Vec::<String>::new());
        let again = decode_request("gemini-x", chat.stream, &encoded.body).unwrap();
        prop_assert_eq!(again, chat);
    }

    #[test]
    fn answers_come_back(reply in reply()) {
        let body = encode_response(&reply, &EncodeContext::default());
        let again = decode_response(&body, &DecodeContext::default()).unwrap();
        prop_assert_eq!(again, reply);
    }

    #[test]
    fn streams_come_back(reply in reply()) {
        let events = events(&reply);
        let (again, whole) = read(&[&written(&events)]);
        prop_assert!(whole);
        let usage = again.iter().rev().find_map(|event| match event {
            Event::Usage(usage) => Some(*usage),
            _ => None,
        });
        prop_assert_eq!(usage, reply.usage);
        prop_assert_eq!(joined(again), joined(events));
    }

    /// One body frame is not one event: proxies and TLS cut and join as they like.
    #[test]
    fn any_chunking_gives_the_same_events(
        reply in reply(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        framing in 0..3_u8,
    ) {
        let body = written(&events(&reply));
        let body = match framing {
            0 => body,
            1 => String::from_utf8(body).unwrap().replace("\n\n", "\r\n\r\n").into_bytes(),
            _ => as_array(&body),
        };
        let (whole, complete) = read(&[&body]);
        prop_assert!(complete);
        prop_assert_eq!(read(&pieces(&body, &cuts)), (whole, true));
    }

    /// A cut stream must never look like a whole answer: the finish stands in the last frame.
    #[test]
    fn a_cut_stream_is_truncated(reply in reply(), cut in any::<prop::sample::Index>(), array in any::<bool>()) {
        let body = written(&events(&reply));
        let body = if array { as_array(&body) } else { body };
        let last_brace = body.iter().rposition(|byte| *byte == b'}').unwrap();
        let (events, whole) = read(&[&body[..cut.index(last_brace + 1)]]);
        prop_assert!(!whole);
        let finished = events.iter().any(|event| matches!(event, Event::Finish { .. }));
        prop_assert!(!finished);
    }

    #[test]
    fn no_bytes_panic(body in any::<Vec<u8>>(), prefix in "(data: |\\[|)") {
        read_everything(&[prefix.as_bytes(), &body].concat());
    }

    #[test]
    fn no_json_panics(json in gemini_like(), prefix in "(data: |)", wrap in 0..4_u8) {
        let json = match wrap {
            0 => json,
            1 => json!({ "candidates": [{ "content": { "parts": [json] } }] }),
            2 => json!({ "contents": [{ "parts": [json] }] }),
            _ => json!({ "contents": [{ "parts": [{ "text": "x" }] }], "generationConfig": json }),
        };
        read_everything(format!("{prefix}{json}").as_bytes());
    }

    #[test]
    fn a_model_name_never_changes_the_path(name in any::<String>()) {
        if let Ok(segment) = model_path_segment(&name) {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
            prop_assert!(segment.bytes().all(plain) && segment != "." && segment != "..");
        }
    }

    /// What was asked is what a model of any kind is sent, or it is refused: nothing is lost unnamed.
    #[test]
    fn efforts_are_said_in_the_models_own_way(effort in 0..7_usize, by_level in any::<bool>()) {
        let efforts = [Effort::None, Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh, Effort::Max];
        let reasoning = if by_level { ReasoningStyle::Effort } else { ReasoningStyle::Budget };
        let asked = ReasoningRequest { effort: Some(efforts[effort]), ..ReasoningRequest::default() };
        let message = Message { role: Role::User, name: None, content: vec![Part::text("x")] };
        let chat = Chat { messages: vec![message], reasoning: Some(asked), ..Chat::default() };
        let target = Target { model: "m".into(), traits: Traits { reasoning, ..Traits::default() } };
        let body: Value = serde_json::from_slice(&encode_request(&chat, &target).unwrap().body).unwrap();
        let thinking = &body["generationConfig"]["thinkingConfig"];
        prop_assert_eq!(thinking.as_object().map(Map::len), Some(1));
        prop_assert_eq!(thinking["thinkingLevel"].is_string(), by_level);
        prop_assert_eq!(thinking["thinkingBudget"].as_u64(), (!by_level).then(|| efforts[effort].budget_tokens()));
    }
}

/// The frames of a stream as `streamGenerateContent` writes them without `alt=sse`.
fn as_array(sse: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(sse.to_vec()).unwrap();
    let frames: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    format!("[{}\n]", frames.join(",\r\n")).into_bytes()
}
