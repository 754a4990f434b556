//! Whole answers, errors and legacy completions.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tollway_core::{Dialect, Usage};
use tollway_wire::{
    DecodeContext, EncodeContext, ErrorKind,
    chat::{
        Audio, Choice, Content, Delta, Event, Finish, FinishReason, Image, Native, Part, Reasoning, Reply,
        Signature, Source, Text, ToolCall,
    },
    openai::{completions, decode_error, decode_response, encode_error, encode_response, is_error_shape},
};

use crate::support::{Said, cx, data};

fn read(message: &Value) -> Reply {
    let body = json!({"id": "c", "model": "m", "created": 1,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    decode_response(
        body.to_string().as_bytes(),
        &DecodeContext { seed: "s".into(), ..DecodeContext::default() },
    )
    .unwrap()
}

fn reply(content: Vec<Part>, finish: impl Into<Finish>) -> Reply {
    let choice = Choice { index: 0, content, finish: finish.into(), logprobs: None };
    Reply { choices: vec![choice], ..Reply::default() }
}

fn written(reply: &Reply, cx: &EncodeContext) -> Value {
    serde_json::from_slice(&encode_response(reply, cx)).unwrap()
}

fn call(id: &str, name: &str, arguments: &str, custom: bool) -> Part {
    let call = ToolCall { id: id.into(), name: name.into(), arguments: arguments.into(), custom };
    Content::ToolCall(call).into()
}

fn seal(dialect: Dialect, value: &str) -> Signature {
    Signature { dialect, value: value.into() }
}

#[test]
fn messages_are_read_as_servers_write_them() {
    let reply = read(&json!({
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
            {"type": "text", "text": "yes"},
        ],
        "refusal": null,
        "annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}],
        "tool_calls": [
            {"function": {"name": "f", "arguments": {"x": 1}}},
            {"id": "b", "type": "custom", "custom": {"name": "g", "input": "raw"}},
        ],
        "executed_tools": [{"index": 0}],
    }));
    let content = &reply.choices[0].content;
    let said = Said::by_parts(content);
    assert_eq!((&*said.reasoning, &*said.text, said.annotations.len()), ("hm", "yes", 1));
    let Content::ToolCall(first) = &content[2].content else { panic!("{content:?}") };
    assert_eq!((&*first.name, &*first.arguments, first.custom), ("f", "{\"x\":1}", false));
    assert!(!first.id.is_empty(), "an id is made");
    assert_eq!(content[3], call("b", "g", "raw", true));
    assert_eq!(reply.choices[0].finish.reason, FinishReason::ToolCalls);
    let again = written(&reply, &cx());
    assert_eq!(again["choices"][0]["message"]["executed_tools"], json!([{"index": 0}]));
    assert!(again.get("choices[0].message.executed_tools").is_none());
}

#[test]
fn an_answer_is_written_as_openai_writes_it() {
    let page = json!({"url": "u", "title": "t", "start_index": 0, "end_index": 2, "cited": true});
    let annotations = vec![
        json!({"type": "url_citation", "url_citation": page, "citation": {"type": "x"}}),
        json!({"type": "document_citation", "citation": {"type": "page_location"}}),
    ];
    let thought = Part {
        signature: Some(seal(Dialect::Anthropic, "s")),
        ..Content::Reasoning(Reasoning { text: "hm".into(), redacted: None }).into()
    };
    let mut reply = reply(
        vec![
            thought,
            Content::Text(Text { text: "he".into(), annotations }).into(),
            Part::text("llo"),
            call("a", "f", " ", false),
            call("b", "g", "raw", true),
            Content::Native(Native {
                dialect: Dialect::Anthropic,
                value: json!({"type": "server_tool_use"}),
            })
            .into(),
        ],
        FinishReason::ToolCalls,
    );
    reply.usage = Some(Usage { input: 3, output: 2, ..Usage::default() });
    reply.service_tier = Some("standard".into());
    reply.choices[0].logprobs = Some(json!({"content": [{"token": "he"}]}));
    assert_eq!(
        written(&reply, &cx()),
        json!({
            "id": "chatcmpl-own", "object": "chat.completion", "created": 7, "model": "model-own",
            "choices": [{
                "index": 0,
                "message": {
                    "role": "assistant", "content": "hello", "refusal": null,
                    "reasoning_content": "hm",
                    "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s",
                        "format": "anthropic-claude-v1", "index": 0}],
                    "annotations": [{"type": "url_citation",
                        "url_citation": {"start_index": 0, "end_index": 2, "url": "u", "title": "t"}}],
                    "tool_calls": [
                        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                        {"id": "b", "type": "custom", "custom": {"name": "g", "input": "raw"}},
                    ],
                },
                "logprobs": {"content": [{"token": "he"}], "refusal": null},
                "finish_reason": "tool_calls",
            }],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
                    "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}},
        })
    );
}

#[test]
fn content_is_null_only_beside_something_else() {
    let content =
        |parts| written(&reply(parts, FinishReason::Stop), &cx())["choices"][0]["message"]["content"].clone();
    assert_eq!(content(vec![]), json!(""));
    assert_eq!(content(vec![Part::text("a")]), json!("a"));
    assert_eq!(content(vec![call("a", "f", "{}", false)]), Value::Null);
    assert_eq!(content(vec![Content::Refusal("no".into()).into()]), Value::Null);
}

#[test]
fn legacy_clients_are_given_a_function_call() {
    let legacy = EncodeContext { legacy_functions: true, ..cx() };
    let answer = reply(vec![call("a", "f", "{}", false)], FinishReason::ToolCalls);
    let choice = &written(&answer, &legacy)["choices"][0];
    assert_eq!(choice["message"]["function_call"], json!({"name": "f", "arguments": "{}"}));
    assert!(choice["message"].get("tool_calls").is_none());
    assert_eq!(choice["finish_reason"], "function_call");
    let read = read(&choice["message"]);
    assert_eq!(Said::by_parts(&read.choices[0].content).calls[0].1, "f");
}

#[test]
fn extras_of_other_dialects_are_never_written() {
    let mut answer = reply(vec![Part::text("a")], FinishReason::Stop);
    for name in
        ["usage_extra", "stop_details", "container", "context_management", "promptFeedback", "provider"]
    {
        answer.extra.insert(name.to_owned(), json!({"x": 1}));
    }
    let plain = reply(vec![Part::text("a")], FinishReason::Stop);
    assert_eq!(written(&answer, &cx()), written(&plain, &cx()));
    answer.extra = Map::from_iter([("openai".to_owned(), json!({"provider": "x", "id": "never"}))]);
    let own = written(&answer, &cx());
    assert_eq!((&own["provider"], &own["id"]), (&json!("x"), &json!("chatcmpl-own")));
}

#[test]
fn geminis_seals_sound_and_pictures_are_written_and_read_back() {
    let picture = Image {
        source: Source::Base64 { media_type: "image/png".into(), data: "AAAA".into() },
        detail: None,
    };
    let text = Part { signature: Some(seal(Dialect::Gemini, "st")), ..Part::text("a") };
    let calls = Part { signature: Some(seal(Dialect::Gemini, "sc")), ..call("a", "f", "{}", false) };
    let sound = Audio { data: Some("BBBB".into()), ..Audio::default() };
    let answer = reply(
        vec![
            text.clone(),
            Content::Audio(sound).into(),
            Content::Image(picture.clone()).into(),
            calls.clone(),
        ],
        FinishReason::ToolCalls,
    );
    let message = &written(&answer, &cx())["choices"][0]["message"];
    assert_eq!(message["extra_content"]["google"]["thought_signature"], "st");
    assert_eq!(message["tool_calls"][0]["extra_content"]["google"]["thought_signature"], "sc");
    assert_eq!(
        message["audio"],
        json!({"id": "chatcmpl-own", "expires_at": 7, "data": "BBBB", "transcript": ""})
    );
    let content = &read(message).choices[0].content;
    assert_eq!(content[0], text);
    assert_eq!(content[2].content, Content::Image(picture));
    assert_eq!(content[3], calls);
}

#[test]
fn what_is_no_answer_is_the_upstreams_fault() {
    let cx = DecodeContext::default();
    for body in
        ["", "{", "[]", "null", "7", "{}", r#"{"choices":[]}"#, r#"{"choices":7}"#, r#"{"choices":[7]}"#]
    {
        let error = decode_response(body.as_bytes(), &cx).unwrap_err();
        assert_eq!((error.status, error.kind), (502, ErrorKind::Internal), "{body}");
    }
    for (body, status, message) in [
        (r#"{"error":{"message":"slow down","code":429}}"#, 429, "slow down"),
        (r#"{"id":"c","choices":[],"error":{"message":"gone","code":404}}"#, 404, "gone"),
        (
            r#"{"choices":[{"index":0,"error":{"message":"died","code":502},"finish_reason":"error"}]}"#,
            502,
            "died",
        ),
    ] {
        let error = decode_response(body.as_bytes(), &cx).unwrap_err();
        assert_eq!((error.status, &*error.message), (status, message), "{body}");
    }
}

#[test]
fn errors_are_read_in_every_shape() {
    for (status, body, kind, message) in [
        (
            400,
            r#"{"error":{"message":"bad","type":"invalid_request_error"}}"#,
            ErrorKind::InvalidRequest,
            "bad",
        ),
        (400, r#"{"error":"bad"}"#, ErrorKind::InvalidRequest, "bad"),
        (
            503,
            r#"[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]"#,
            ErrorKind::Overloaded,
            "busy",
        ),
        (
            422,
            r#"{"object":"error","message":{"detail":[{"loc":["body","messages",0,"role"],"msg":"unknown"}]},"type":"invalid_request_error"}"#,
            ErrorKind::InvalidRequest,
            "messages[0].role: unknown",
        ),
        (401, r#"{"message":"Unauthorized","request_id":"r"}"#, ErrorKind::Authentication, "Unauthorized"),
        (
            422,
            r#"{"detail":[{"loc":["body","temperature"],"msg":"too hot","type":"value_error"},{"msg":"and wrong"}]}"#,
            ErrorKind::InvalidRequest,
            "temperature: too hot; and wrong",
        ),
        (400, r#"{"errors":[{"message":"a"},{"message":"b"}]}"#, ErrorKind::InvalidRequest, "a; b"),
        (404, r#"{"detail":"Not Found"}"#, ErrorKind::NotFound, "Not Found"),
        (
            404,
            r#"{"error":{"code":"DeploymentNotFound","message":"no such deployment"}}"#,
            ErrorKind::NotFound,
            "no such deployment",
        ),
        (
            429,
            r#"{"error":{"message":"no credit","type":"insufficient_quota"}}"#,
            ErrorKind::Quota,
            "no credit",
        ),
        (
            429,
            r#"{"error":{"message":"slow","type":"tokens","code":"rate_limit_exceeded"}}"#,
            ErrorKind::RateLimit,
            "slow",
        ),
        (529, r#"{"error":{"message":"busy"}}"#, ErrorKind::Overloaded, "busy"),
        (
            502,
            "<html><head><title>502 Bad Gateway</title></head><body>x</body></html>",
            ErrorKind::Internal,
            "502 Bad Gateway",
        ),
        (502, "<html><body>x</body></html>", ErrorKind::Internal, "the provider gave no reason, status 502"),
        (500, "upstream connect error", ErrorKind::Internal, "upstream connect error"),
        (500, "", ErrorKind::Internal, "the provider gave no reason, status 500"),
        (500, "{}", ErrorKind::Internal, "the provider gave no reason, status 500"),
        (
            500,
            r#"{"error":{"message":"  "}}"#,
            ErrorKind::Internal,
            "the provider gave no reason, status 500",
        ),
    ] {
        let error = decode_error(status, body.as_bytes());
        assert_eq!((error.kind, &*error.message), (kind, message), "{body}");
        assert!((400..600).contains(&error.status));
    }
    let azure = br#"{"error":{"message":"filtered","type":null,"param":"prompt","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#;
    let azure = decode_error(400, azure);
    assert_eq!((azure.code.as_deref(), azure.param.as_deref()), (Some("content_filter"), Some("prompt")));
}

#[test]
fn what_lies_deeper_in_an_error_is_read() {
    let mistral =
        r#"{"object":"error","message":{"detail":[{"loc":["body","messages",0,"role"],"msg":"unknown"}]}}"#;
    for body in [mistral, r#"{"detail":[{"loc":["body","messages",0,"role"],"msg":"unknown"}]}"#] {
        assert_eq!(decode_error(422, body.as_bytes()).param.as_deref(), Some("messages[0].role"), "{body}");
    }
    let groq = br#"{"error":{"message":"Rate limit reached. Please try again in 7.66s.","type":"tokens"}}"#;
    assert_eq!(decode_error(429, groq).retry_after, Some(Duration::from_millis(7660)));
    let google = br#"[{"error":{"code":429,"message":"quota","details":[{"retryDelay":"30s"}]}}]"#;
    assert_eq!(decode_error(429, google).retry_after, Some(Duration::from_secs(30)));
}

#[test]
fn errors_are_written_as_openai_writes_them_and_come_back() {
    for (status, kind, word) in [
        (400, ErrorKind::InvalidRequest, "invalid_request_error"),
        (401, ErrorKind::Authentication, "authentication_error"),
        (403, ErrorKind::Permission, "permission_error"),
        (404, ErrorKind::NotFound, "invalid_request_error"),
        (413, ErrorKind::TooLarge, "invalid_request_error"),
        (429, ErrorKind::RateLimit, "rate_limit_error"),
        (429, ErrorKind::Quota, "insufficient_quota"),
        (503, ErrorKind::Overloaded, "overloaded_error"),
        (504, ErrorKind::Timeout, "timeout_error"),
        (500, ErrorKind::Internal, "server_error"),
    ] {
        let error = tollway_wire::ApiError {
            status,
            kind,
            message: "why".into(),
            code: None,
            param: Some("model".into()),
            retry_after: None,
        };
        let body = encode_error(&error);
        let text = format!(r#"{{"error":{{"message":"why","type":"{word}","param":"model","code":null}}}}"#);
        assert_eq!(String::from_utf8(body.clone()).unwrap(), text);
        assert!(is_error_shape(&body));
        assert_eq!(decode_error(status, &body), error);
    }
    for body in
        ["", "{", "[]", r#"{"error":"text"}"#, r#"{"error":{"message":""}}"#, r#"{"error":{"message":7}}"#]
    {
        assert!(!is_error_shape(body.as_bytes()), "{body}");
    }
}

fn completion(
    fields: &str,
) -> Result<(tollway_wire::chat::Chat, completions::CompletionOptions), tollway_wire::Refusal> {
    completions::decode_request(format!(r#"{{"model":"m",{fields}}}"#).as_bytes())
}

#[test]
fn a_completion_is_carried_through_a_chat() {
    let (chat, options) =
        completion(r#""prompt":["say"],"echo":true,"max_tokens":5,"stop":"\n","best_of":1,"suffix":"""#)
            .unwrap();
    assert_eq!(Said::by_parts(&chat.messages[0].content).text, "say");
    assert_eq!((chat.max_tokens, &*chat.stop), (Some(5), &["\n".to_owned()][..]));
    assert!(chat.extra.is_empty(), "{:?}", chat.extra);
    // OpenAI's own default, where the client says nothing.
    assert_eq!(completion(r#""prompt":"say""#).unwrap().0.max_tokens, Some(16));

    let mut answer = reply(vec![Part::text(" hello")], FinishReason::Length);
    answer.usage = Some(Usage { input: 1, output: 2, ..Usage::default() });
    let body: Value =
        serde_json::from_slice(&completions::encode_response(&answer, &options, &cx())).unwrap();
    assert_eq!(body["object"], "text_completion");
    let choice = json!({"text": "say hello", "index": 0, "logprobs": null, "finish_reason": "length"});
    assert_eq!(body["choices"], json!([choice]));
    assert_eq!(body["usage"]["total_tokens"], 3);

    let mut encoder = completions::StreamEncoder::new(cx()).with_options(&options);
    let mut out = Vec::new();
    for delta in [Delta::Reasoning("hm".into()), Delta::Text(" hel".into()), Delta::Text("lo".into())] {
        encoder.encode(&Event::Delta { choice: 0, delta }, &mut out);
    }
    encoder.encode(&Event::Finish { choice: 0, finish: FinishReason::ToolCalls.into() }, &mut out);
    encoder.finish(&mut out);
    let out = String::from_utf8(out).unwrap();
    assert!(out.ends_with("data: [DONE]\n\n"));
    let texts: Vec<Value> = data(&out).iter().map(|chunk| chunk["choices"][0]["text"].clone()).collect();
    assert_eq!(texts, ["say", " hel", "lo", ""]);
    assert_eq!(data(&out)[3]["choices"][0]["finish_reason"], "stop");
}

#[test]
fn what_a_chat_cannot_complete_is_refused_by_name() {
    for (fields, param) in [
        (r#""prompt":["a","b"]"#, "prompt"),
        (r#""prompt":[1,2]"#, "prompt"),
        (r#""prompt":[[1,2]]"#, "prompt"),
        (r#""prompt":[]"#, "prompt"),
        (r#""prompt":{}"#, "prompt"),
        (r#""echo":true"#, "prompt"),
        (r#""prompt":"a","suffix":"b""#, "suffix"),
        (r#""prompt":"a","best_of":2"#, "best_of"),
        (r#""prompt":"a","logprobs":0"#, "logprobs"),
        (r#""prompt":"a","echo":"yes""#, "echo"),
    ] {
        assert_eq!(completion(fields).unwrap_err().param.as_deref(), Some(param), "{fields}");
    }
}
