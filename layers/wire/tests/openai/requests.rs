//! Requests as clients write them, and as we write them.

use serde_json::{Value, json};
use tollway_core::Dialect;
use tollway_wire::{
    Effort, ReasoningStyle, Target, Traits,
    chat::{Chat, Content, Part, ResponseFormat, Role, Source, ToolChoice, ToolKind},
    openai::{decode_request, encode_request},
};

use crate::support::target;

fn read(fields: &Value) -> Chat {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    decode_request(body.to_string().as_bytes()).unwrap()
}

fn message(message: &Value) -> Vec<Part> {
    read(&json!({"messages": [message]})).messages.remove(0).content
}

fn written(chat: &Chat, traits: Traits) -> (Value, Vec<String>) {
    let encoded = encode_request(chat, &Target { model: "m".to_owned(), traits }).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), encoded.dropped)
}

#[test]
fn what_is_wrong_is_refused_by_its_path() {
    for (body, param) in [
        (json!({"messages": []}), "model"),
        (json!({"model": "m"}), "messages"),
        (json!({"model": "m", "messages": []}), "messages"),
        (json!({"model": 7, "messages": [{"role": "user", "content": "a"}]}), "model"),
        (json!({"model": "m", "messages": [{"role": "user"}]}), "messages[0].content"),
        (json!({"model": "m", "messages": [{"role": "robot", "content": "a"}]}), "messages[0].role"),
        (json!({"model": "m", "messages": [{"role": "tool", "content": "a"}]}), "messages[0].tool_call_id"),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}),
            "messages[0].content[0].image_url.url",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": [{"text": "a"}]}]}),
            "messages[0].content[0].type",
        ),
        (
            json!({"model": "m", "messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"arguments": 7, "name": "f"}}]}]}),
            "messages[0].tool_calls[0].function.arguments",
        ),
    ] {
        let refusal = decode_request(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(refusal.param.as_deref(), Some(param), "{body}: {refusal}");
    }
    for (fields, param) in [
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"n": 0}), "n"),
        (json!({"max_tokens": 1.5}), "max_tokens"),
        (json!({"max_tokens": 1, "max_completion_tokens": 2}), "max_tokens"),
        (json!({"stop": [1]}), "stop[0]"),
        (json!({"stream_options": {"include_usage": true}}), "stream_options"),
        (json!({"response_format": {"type": "xml"}}), "response_format.type"),
        (json!({"reasoning_effort": "extreme"}), "reasoning_effort"),
        (json!({"tool_choice": "some"}), "tool_choice"),
        (json!({"tools": [{"type": "function", "function": {}}]}), "tools[0].function.name"),
    ] {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "a"}]});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let refusal = decode_request(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(refusal.param.as_deref(), Some(param), "{fields}: {refusal}");
    }
    for body in ["", "{", "[]", "null", "\u{fffd}"] {
        assert_eq!(decode_request(body.as_bytes()).unwrap_err().param, None, "{body}");
    }
    let half = br#"{"model":"m","messages":[{"role":"user","content":"a\ud83d"}]}"#;
    assert_eq!(decode_request(half).unwrap_err().param.as_deref(), Some("messages[0].content"));
}

#[test]
fn legacy_functions_are_tools() {
    let chat = read(&json!({
        "messages": [
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "done"},
        ],
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
        "function_call": {"name": "f"},
    }));
    assert!(chat.legacy_functions);
    assert_eq!(chat.tool_choice, Some(ToolChoice::Named("f".to_owned())));
    assert!(matches!(chat.tools[0].kind, ToolKind::Function { parameters: Some(_) }));
    let Content::ToolCall(call) = &chat.messages[0].content[0].content else { panic!("{chat:?}") };
    let Content::ToolResult(result) = &chat.messages[1].content[0].content else { panic!("{chat:?}") };
    assert_eq!((chat.messages[1].role, &result.call_id), (Role::Tool, &call.id));
}

#[test]
fn media_are_read_wherever_they_are() {
    let parts = message(&json!({"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/PNG;base64,AAAA", "detail": "low"}},
        {"type": "image_url", "image_url": "https://x/y"},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "mp3"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,CCCC", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video_url", "video_url": {"url": "https://x/v"}},
    ]}));
    let Content::Image(image) = &parts[0].content else { panic!("{parts:?}") };
    assert_eq!(image.source, Source::Base64 { media_type: "image/png".into(), data: "AAAA".into() });
    let Content::Image(image) = &parts[1].content else { panic!("{parts:?}") };
    assert_eq!(image.source, Source::Url { url: "https://x/y".into(), media_type: None });
    let Content::Document(document) = &parts[3].content else { panic!("{parts:?}") };
    assert_eq!(document.source, Source::Base64 { media_type: "application/pdf".into(), data: "CCCC".into() });
    let Content::Document(document) = &parts[4].content else { panic!("{parts:?}") };
    assert_eq!(document.source, Source::File { id: "file-1".into() });
    assert!(matches!(&parts[5].content, Content::Native(native) if native.dialect == Dialect::OpenAi));
}

#[test]
fn no_field_is_lost_unseen() {
    let chat = read(&json!({
        "verbosity": "low",
        "messages": [{"role": "user", "content": "a", "weight": 1}],
        "tools": [{"type": "function", "function": {"name": "f", "examples": [1]}}],
    }));
    let (body, dropped) = written(&chat, Traits::default());
    assert_eq!(body["verbosity"], "low");
    assert_eq!(dropped, ["messages[0].weight", "tools[0].function.examples"]);
}

#[test]
fn a_model_is_given_only_what_it_takes() {
    let mut chat = read(&json!({
        "temperature": 0.5, "top_p": 0.5, "top_k": 5, "reasoning_effort": "xhigh",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]},
            {"role": "assistant", "reasoning_content": "hm", "content": "b"},
        ],
    }));
    let plain =
        Traits { sampling: false, extensions: false, reasoning: ReasoningStyle::None, ..Traits::default() };
    let (body, mut dropped) = written(&chat, plain);
    let wanted = json!({"model": "m", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]});
    assert_eq!(body, wanted);
    dropped.sort();
    assert_eq!(
        dropped,
        [
            "messages[].content[].cache_control",
            "messages[].reasoning_content",
            "reasoning_effort",
            "temperature",
            "top_k",
            "top_p"
        ]
    );

    let few = Traits { efforts: vec![Effort::Low, Effort::High], ..Traits::default() };
    assert_eq!(written(&chat, few).0["reasoning_effort"], "high");
    let budget = Traits { reasoning: ReasoningStyle::Budget, ..Traits::default() };
    assert_eq!(written(&chat, budget).0["reasoning"], json!({"max_tokens": 16384}));

    chat.response_format =
        Some(ResponseFormat::JsonSchema { name: None, description: None, schema: json!({}), strict: None });
    let bare = Target { model: "m".into(), traits: Traits { structured_output: false, ..Traits::default() } };
    assert_eq!(encode_request(&chat, &bare).unwrap_err().param.as_deref(), Some("response_format"));
    chat.response_format = None;
    chat.tool_choice = Some(ToolChoice::Required);
    let unforced =
        Target { model: "m".into(), traits: Traits { forced_tool_choice: false, ..Traits::default() } };
    assert_eq!(encode_request(&chat, &unforced).unwrap_err().param.as_deref(), Some("tool_choice"));
}

#[test]
fn names_the_format_cannot_say_are_changed_everywhere() {
    let chat = read(&json!({
        "messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "a.b", "arguments": "{}"}}]}],
        "tools": [{"type": "function", "function": {"name": "a.b"}}],
        "tool_choice": {"type": "function", "function": {"name": "a.b"}},
    }));
    let encoded = encode_request(&chat, &target("m")).unwrap();
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    for path in
        ["/tools/0/function/name", "/tool_choice/function/name", "/messages/0/tool_calls/0/function/name"]
    {
        assert_eq!(body.pointer(path).unwrap(), "a_b", "{path}");
    }
    assert_eq!(encoded.renamed_tools, [("a_b".to_owned(), "a.b".to_owned())]);
}

#[test]
fn openrouters_reasoning_is_read() {
    let reasoning = |value| read(&json!({ "reasoning": value })).reasoning;
    assert_eq!(reasoning(json!({"enabled": true})).unwrap().effort, Some(Effort::Medium));
    assert_eq!(reasoning(json!({"enabled": false})).unwrap().effort, Some(Effort::None));
    assert_eq!(reasoning(json!({"max_tokens": 2000})).unwrap().budget_tokens, Some(2000));
    assert_eq!(reasoning(json!({"exclude": true})).unwrap().include_thoughts, Some(false));
    assert_eq!(reasoning(json!({})), None);
}
