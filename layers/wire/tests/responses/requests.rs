//! Requests by hand: what is read, what is written, what is refused.

use serde_json::{Value, json};
use tollway_core::Dialect;
use tollway_wire::{
    Effort, Encoded, Target, Traits,
    chat::{
        Chat, Content, Document, Image, Message, Part, Reasoning, ReasoningRequest, ResponseFormat, Role,
        Source, Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
    },
    responses::{decode_request, encode_request},
};

use crate::sent::check_sent;
use crate::support::target;

fn read(request: &Value) -> Chat {
    decode_request(request.to_string().as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn refused(request: &Value) -> String {
    decode_request(request.to_string().as_bytes()).unwrap_err().param.unwrap_or_default()
}

fn write(chat: &Chat) -> (Value, Encoded) {
    let encoded = encode_request(chat, &target()).unwrap_or_else(|refusal| panic!("{refusal}"));
    (serde_json::from_slice(&encoded.body).unwrap(), encoded)
}

fn says(role: Role, text: &str) -> Message {
    Message { role, name: None, content: vec![Part::text(text)] }
}

/// A request in no dialect of this API's.
fn foreign(messages: Vec<Message>) -> Chat {
    Chat { model: "c".into(), messages, dialect: Some(Dialect::Anthropic), ..Chat::default() }
}

#[test]
fn a_text_and_instructions_are_two_messages() {
    let chat = read(&json!({"model": "m", "input": "hi", "instructions": "be brief"}));
    assert_eq!(chat.messages, [says(Role::System, "be brief"), says(Role::User, "hi")]);
    assert_eq!(chat.dialect, Some(Dialect::Responses));
    let (sent, _) = write(&foreign(chat.messages));
    assert_eq!(sent["instructions"], "be brief");
    assert_eq!(sent["input"], json!([{"type": "message", "role": "user", "content": "hi"}]));
    assert_eq!(sent["store"], false);
    assert_eq!(sent["include"], json!(["reasoning.encrypted_content"]));
    // Instructions alone are what the model is to answer.
    let (alone, _) = write(&foreign(vec![says(Role::System, "say hi")]));
    assert_eq!(alone["input"][0]["role"], "system");
    assert!(alone.get("instructions").is_none());
}

#[test]
fn what_the_assistant_does_in_a_row_is_one_message() {
    let chat = read(&json!({"model": "m", "input": [
        {"role": "user", "content": "q"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"},
            {"type": "summary_text", "text": "b"}], "encrypted_content": "gA"},
        {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
            "content": [{"type": "output_text", "text": "x", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c2", "name": "g", "input": "raw"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "custom_tool_call_output", "call_id": "c2",
            "output": [{"type": "input_text", "text": "two"}, {"type": "input_image", "image_url": "https://a/b.png"}]},
        {"type": "message", "role": "assistant", "content": "y"},
        {"type": "message", "role": "assistant", "content": "z"},
    ]}));
    let roles: Vec<Role> = chat.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool, Role::Assistant, Role::Assistant]);
    let turn = &chat.messages[1].content;
    assert_eq!(turn.len(), 4);
    let thought = Reasoning { text: "a\n\nb".into(), redacted: None };
    assert_eq!(turn[0].content, Content::Reasoning(thought));
    assert_eq!(turn[0].signature.as_ref().unwrap().value, "rs_1:gA");
    assert!(
        matches!(&turn[3].content, Content::ToolCall(ToolCall { custom: true, arguments, .. }) if arguments == "raw")
    );
    let results: Vec<usize> = chat.messages[2]
        .content
        .iter()
        .map(|part| match &part.content {
            Content::ToolResult(result) => result.content.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(results, [1, 2]);
    let (sent, encoded) = write(&Chat { dialect: Some(Dialect::OpenAi), ..chat });
    check_sent(&sent).unwrap();
    let kinds: Vec<&str> =
        sent["input"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "message",
            "reasoning",
            "message",
            "function_call",
            "custom_tool_call",
            "function_call_output",
            "custom_tool_call_output",
            "message",
            "message"
        ]
    );
    assert_eq!(
        sent["input"][1],
        json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "gA",
        "summary": [{"type": "summary_text", "text": "a\n\nb"}]})
    );
    assert!(encoded.dropped.is_empty(), "{:?}", encoded.dropped);
}

#[test]
fn pictures_files_and_sound_of_the_user() {
    let chat = read(&json!({"model": "m", "input": [{"role": "user", "content": [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "low"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
        {"type": "input_file", "file_url": "https://a/b.pdf"},
        {"type": "input_file", "file_id": "file-2"},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
    ]}]}));
    let parts: Vec<&Content> = chat.messages[0].content.iter().map(|part| &part.content).collect();
    let png = Source::Base64 { media_type: "image/png".into(), data: "QUJD".into() };
    assert_eq!(parts[1], &Content::Image(Image { source: png, detail: Some("low".into()) }));
    let pdf = Source::Base64 { media_type: "application/pdf".into(), data: "JVBE".into() };
    assert_eq!(parts[3], &Content::Document(Document { source: pdf, name: Some("a.pdf".into()) }));
    let (sent, _) = write(&Chat { dialect: None, ..chat });
    assert_eq!(
        sent["input"][0]["content"],
        json!([
            {"type": "input_text", "text": "see"},
            {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "low"},
            {"type": "input_image", "file_id": "file-1"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            {"type": "input_file", "file_url": "https://a/b.pdf"},
            {"type": "input_file", "file_id": "file-2"},
            {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
        ])
    );
}

#[test]
fn tools_of_every_kind_and_their_choice() {
    let grammar = json!({"type": "grammar", "syntax": "lark", "definition": "start: /a/"});
    let tools = json!([
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true},
        {"type": "custom", "name": "g", "format": grammar},
        {"type": "web_search", "search_context_size": "low"},
    ]);
    for choice in [
        json!("auto"),
        json!("none"),
        json!("required"),
        json!({"type": "function", "name": "f"}),
        json!({"type": "custom", "name": "g"}),
        json!({"type": "web_search"}),
        json!({"type": "allowed_tools", "mode": "required",
            "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "g"}, {"type": "web_search"}]}),
        json!({"type": "mcp", "server_label": "s", "name": "n"}),
    ] {
        let mut request = json!({"model": "m", "input": "q", "tools": tools, "tool_choice": choice,
            "parallel_tool_calls": false});
        if choice["type"] == "mcp" {
            request["tools"][2] = json!({"type": "mcp", "server_label": "s", "server_url": "https://a"});
        }
        let chat = read(&request);
        let (sent, _) = write(&chat);
        assert_eq!(sent["tools"], request["tools"]);
        assert_eq!(sent["tool_choice"], choice);
        assert_eq!(sent["parallel_tool_calls"], false);
    }
    let chat = read(&json!({"model": "m", "input": "q", "tools": tools}));
    assert!(matches!(&chat.tools[1].kind, ToolKind::Custom { format: Some(format) }
        if format["grammar"]["syntax"] == "lark"));
    assert!(matches!(&chat.tools[2].kind, ToolKind::Server(native) if native.dialect == Dialect::Responses));
}

#[test]
fn functions_of_others_are_not_strict_unless_they_say_so() {
    let tool = |strict| Tool {
        name: "a.b".into(),
        description: None,
        kind: ToolKind::Function { parameters: None },
        strict,
        cache_control: Some(json!({"type": "ephemeral"})),
    };
    let mut chat = foreign(vec![says(Role::User, "q")]);
    chat.tools = vec![tool(None)];
    chat.tool_choice = Some(ToolChoice::Named("a.b".into()));
    let (sent, encoded) = write(&chat);
    assert_eq!(
        sent["tools"],
        json!([{"type": "function", "name": "a_b",
        "parameters": {"type": "object", "properties": {}}, "strict": false}])
    );
    assert_eq!(sent["tool_choice"], json!({"type": "function", "name": "a_b"}));
    assert_eq!(encoded.renamed_tools, [("a_b".to_owned(), "a.b".to_owned())]);
    assert_eq!(encoded.dropped, ["tools[].cache_control"]);
    let strict = json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    let kind = ToolKind::Function { parameters: Some(strict) };
    chat.tools = vec![Tool { kind, ..tool(Some(true)) }];
    assert_eq!(write(&chat).0["tools"][0]["strict"], true);
}

#[test]
fn settings_are_read_and_written_back() {
    let settings = json!({"model": "m", "input": "q", "max_output_tokens": 9, "temperature": 0.5, "top_p": 0.25,
        "top_logprobs": 2, "include": ["reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.action.sources"],
        "reasoning": {"effort": "low", "summary": "detailed", "context": "all_turns"},
        "text": {"format": {"type": "json_schema", "name": "n", "description": "d", "schema": {"type": "object"},
            "strict": true}, "verbosity": "low"},
        "metadata": {"a": "b"}, "user": "u", "service_tier": "flex", "store": true, "truncation": "auto",
        "previous_response_id": "resp_1", "max_tool_calls": 3, "prompt_cache_key": "k", "stream": true,
        "stream_options": {"include_new": true}});
    let chat = read(&settings);
    assert_eq!(chat.max_tokens, Some(9));
    assert_eq!((chat.logprobs, chat.top_logprobs), (Some(true), Some(2)));
    let reasoning =
        ReasoningRequest { effort: Some(Effort::Low), budget_tokens: None, include_thoughts: Some(true) };
    assert_eq!(chat.reasoning, Some(reasoning));
    assert!(matches!(&chat.response_format, Some(ResponseFormat::JsonSchema { strict: Some(true), .. })));
    let (mut sent, encoded) = write(&chat);
    sent["input"] = json!("q");
    assert_eq!(sent, settings);
    assert!(encoded.dropped.is_empty(), "{:?}", encoded.dropped);
    assert_eq!(read(&sent), chat);
}

#[test]
fn what_the_api_has_no_word_for_is_listed_or_refused() {
    let mut chat = foreign(vec![says(Role::User, "q")]);
    chat.max_tokens = Some(1);
    chat.sampling.seed = Some(1);
    chat.sampling.top_k = Some(4);
    chat.sampling.frequency_penalty = Some(0.5);
    chat.sampling.presence_penalty = Some(0.0);
    chat.messages[0].name = Some("ann".into());
    chat.messages[0].content[0].cache_control = Some(json!({"type": "ephemeral"}));
    let (sent, encoded) = write(&chat);
    assert_eq!(sent["max_output_tokens"], 16);
    assert_eq!(
        encoded.dropped,
        [
            "messages[0].name",
            "messages[].content[].cache_control",
            "frequency_penalty",
            "seed",
            "top_k",
            "max_tokens"
        ]
    );
    let refusal = |change: fn(&mut Chat)| {
        let mut changed = chat.clone();
        change(&mut changed);
        encode_request(&changed, &target()).unwrap_err().param.unwrap()
    };
    assert_eq!(refusal(|chat| chat.n = Some(2)), "n");
    assert_eq!(refusal(|chat| chat.stop = vec!["x".into()]), "stop");
    assert_eq!(
        refusal(|chat| {
            chat.extra.insert("mcp_servers".into(), json!([1]));
        }),
        "mcp_servers"
    );
    assert_eq!(
        refusal(|chat| {
            chat.extra.insert("modalities".into(), json!(["text", "audio"]));
        }),
        "modalities"
    );
    // What a model showed before asks for nothing.
    let source = Source::Url { url: "https://a/b.png".into(), media_type: None };
    let image = Content::Image(Image { source, detail: None }).into();
    let content = vec![Part::text("see"), image];
    chat.messages.push(Message { role: Role::Assistant, name: None, content });
    let (sent, encoded) = write(&chat);
    assert_eq!(sent["input"][1]["content"], "see");
    assert!(encoded.dropped.contains(&"messages[1].content[1]".to_owned()));
}

#[test]
fn web_search_of_others_is_the_hosted_tool() {
    let server = |dialect, value| Tool {
        name: "web_search".into(),
        description: None,
        strict: None,
        cache_control: None,
        kind: ToolKind::Server(tollway_wire::chat::Native { dialect, value }),
    };
    let mut chat = foreign(vec![says(Role::User, "q")]);
    chat.tools = vec![server(
        Dialect::Anthropic,
        json!({"type": "web_search_20250305", "name": "web_search",
        "max_uses": 3, "allowed_domains": ["a.org"], "user_location": {"type": "approximate", "city": "Bonn"}}),
    )];
    let (sent, encoded) = write(&chat);
    assert_eq!(
        sent["tools"],
        json!([{"type": "web_search", "filters": {"allowed_domains": ["a.org"]},
        "user_location": {"type": "approximate", "city": "Bonn"}}])
    );
    assert_eq!(encoded.dropped, ["tools[0].max_uses"]);
    chat.tools = vec![server(Dialect::Gemini, json!({"googleSearch": {}}))];
    assert_eq!(write(&chat).0["tools"], json!([{"type": "web_search"}]));
    chat.tools = vec![server(
        Dialect::Anthropic,
        json!({"type": "web_search_20250305", "blocked_domains": ["b.org"]}),
    )];
    assert_eq!(
        encode_request(&chat, &target()).unwrap_err().param.as_deref(),
        Some("tools[0].blocked_domains")
    );
    chat.tools = Vec::new();
    chat.dialect = None;
    chat.extra.insert(
        "web_search_options".into(),
        json!({"search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"country": "DE"}}}),
    );
    assert_eq!(
        write(&chat).0["tools"],
        json!([{"type": "web_search", "search_context_size": "low",
        "user_location": {"type": "approximate", "country": "DE"}}])
    );
}

#[test]
fn a_model_that_does_not_think_is_sent_no_thinking() {
    let chat = read(&json!({"model": "m", "input": [{"role": "user", "content": "q"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gA"},
        {"role": "assistant", "content": "a"}, {"role": "user", "content": "q"}],
        "reasoning": {"effort": "low", "summary": "auto"}}));
    let chat = Chat { dialect: None, ..chat };
    let traits = Traits { reasoning: tollway_wire::ReasoningStyle::None, ..Traits::default() };
    let encoded = encode_request(&chat, &Target { model: "m".into(), traits }).unwrap();
    let sent: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert!(sent.get("include").is_none() && sent.get("reasoning").is_none());
    assert_eq!(sent["input"].as_array().unwrap().len(), 3);
    assert_eq!(encoded.dropped, ["messages[].reasoning_content", "reasoning_effort"]);
}

#[test]
fn results_keep_pictures_and_lose_their_mark_of_failure() {
    let call = |id: &str| {
        Content::ToolCall(ToolCall {
            id: id.into(),
            name: "f".into(),
            arguments: String::new(),
            custom: false,
        })
        .into()
    };
    let source = Source::Base64 { media_type: "image/png".into(), data: "QUJD".into() };
    let result = ToolResult {
        call_id: "a.b".into(),
        name: None,
        is_error: true,
        content: vec![Part::text("no"), Content::Image(Image { source, detail: None }).into()],
    };
    let chat = foreign(vec![
        says(Role::User, "q"),
        Message { role: Role::Assistant, name: None, content: vec![call("a.b")] },
        Message {
            role: Role::User,
            name: None,
            content: vec![Content::ToolResult(result).into(), Part::text("so?")],
        },
    ]);
    let (sent, encoded) = write(&chat);
    check_sent(&sent).unwrap();
    let items = sent["input"].as_array().unwrap();
    assert_eq!(items[1]["call_id"], items[2]["call_id"]);
    assert_ne!(items[1]["call_id"], "a.b");
    assert_eq!(items[1]["arguments"], "{}");
    assert_eq!(
        items[2]["output"],
        json!([{"type": "input_text", "text": "no"},
        {"type": "input_image", "image_url": "data:image/png;base64,QUJD"}])
    );
    assert_eq!(items[3]["content"], "so?");
    assert_eq!(encoded.dropped, ["messages[].content[].is_error"]);
}

#[test]
fn bad_requests_are_refused_by_their_path() {
    let with = |name: &str, value: Value| {
        let mut request = json!({"model": "m", "input": "q"});
        request[name] = value;
        refused(&request)
    };
    assert_eq!(refused(&json!({"input": "q"})), "model");
    assert_eq!(refused(&json!({"model": "m"})), "input");
    for (name, value, path) in [
        ("input", json!(3), "input"),
        ("input", json!([3]), "input[0]"),
        ("input", json!([{"content": "x"}]), "input[0].role"),
        ("input", json!([{"role": "robot", "content": "x"}]), "input[0].role"),
        ("input", json!([{"role": "user"}]), "input[0].content"),
        ("input", json!([{"role": "user", "content": [{"text": "x"}]}]), "input[0].content[0].type"),
        (
            "input",
            json!([{"role": "assistant", "content": [{"type": "message", "text": "x"}]}]),
            "input[0].content[0].type",
        ),
        ("input", json!([{"role": "user", "content": [{"type": "input_text"}]}]), "input[0].content[0].text"),
        (
            "input",
            json!([{"role": "user", "content": [{"type": "input_image", "image_url": "ftp://x"}]}]),
            "input[0].content[0].image_url",
        ),
        (
            "input",
            json!([{"role": "user", "content": [{"type": "input_file"}]}]),
            "input[0].content[0].file_data",
        ),
        ("input", json!([{"type": "function_call", "name": "f"}]), "input[0].call_id"),
        ("input", json!([{"type": "function_call_output", "call_id": "c"}]), "input[0].output"),
        ("tools", json!([{"name": "f"}]), "tools[0].type"),
        ("tools", json!([{"type": "function"}]), "tools[0].name"),
        ("tool_choice", json!("any"), "tool_choice"),
        ("tool_choice", json!({"type": "allowed_tools", "mode": "x", "tools": []}), "tool_choice.mode"),
        ("text", json!({"format": {"type": "xml"}}), "text.format.type"),
        ("text", json!({"format": {"type": "json_schema"}}), "text.format.schema"),
        ("reasoning", json!({"effort": "hard"}), "reasoning.effort"),
        ("max_output_tokens", json!(0), "max_output_tokens"),
        ("temperature", json!("hot"), "temperature"),
        ("include", json!("x"), "include"),
        ("stream", json!("yes"), "stream"),
    ] {
        assert_eq!(with(name, value), path);
    }
    let half = br#"{"model":"m","input":[{"role":"user","content":"a\ud83d"}]}"#;
    assert_eq!(decode_request(half).unwrap_err().param.as_deref(), Some("input[0].content"));
    for body in [&b""[..], b"[]", b"{", b"\xff", b"null"] {
        assert!(decode_request(body).is_err());
    }
}

/// "Expected a string with maximum length 64": Claude Code's name for its user is longer.
#[test]
fn a_users_name_that_is_too_long_stays_behind() {
    for (user, goes) in [("u".repeat(64), true), ("u".repeat(65), false)] {
        let chat = Chat { user: Some(user.clone()), ..foreign(vec![says(Role::User, "q")]) };
        let (body, encoded) = write(&chat);
        assert_eq!(body["user"], if goes { json!(user) } else { Value::Null });
        assert_eq!(encoded.dropped.is_empty(), goes);
    }
    let own = read(&json!({"model": "m", "input": "q", "user": "u".repeat(65)}));
    assert_eq!(write(&own).0["user"], "u".repeat(65));
}
