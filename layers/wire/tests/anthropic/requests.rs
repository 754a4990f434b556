//! What a request of another dialect becomes, field by field.

use serde_json::{Value, json};
use tollway_core::Dialect;
use tollway_wire::{
    Effort, Encoded, ReasoningStyle, Refusal, Target, Traits,
    anthropic::{decode_request, encode_request},
    chat::{
        Audio, Chat, Content, Document, Image, Message, Native, Part, Reasoning, ReasoningRequest,
        ResponseFormat, Role, Sampling, Signature, Source, Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
    },
};

use crate::support::target;

fn message(role: Role, content: Vec<Part>) -> Message {
    Message { role, name: None, content }
}

fn says(role: Role, text: &str) -> Message {
    message(role, vec![Part::text(text)])
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
    Content::ToolCall(ToolCall { id, name, arguments, custom: false }).into()
}

fn result(id: &str, content: Vec<Part>) -> Part {
    Content::ToolResult(ToolResult { call_id: id.to_owned(), name: None, content, is_error: false }).into()
}

fn tool(name: &str, parameters: Value) -> Tool {
    Tool {
        name: name.to_owned(),
        description: None,
        kind: ToolKind::Function { parameters: Some(parameters) },
        strict: None,
        cache_control: None,
    }
}

fn weather() -> Tool {
    tool("weather", json!({"type": "object", "properties": {"city": {"type": "string"}}}))
}

fn chat(messages: Vec<Message>) -> Chat {
    Chat { messages, ..Chat::default() }
}

fn hi() -> Chat {
    chat(vec![says(Role::User, "hi")])
}

fn with(traits: Traits) -> Target {
    Target { traits: Traits { max_output_tokens: Some(64_000), ..traits }, ..target() }
}

/// A model as `claude-opus-5-5` is: always thinks, takes no sampling, no forced tool, no prefill.
fn opus_5_5() -> Target {
    with(Traits {
        sampling: false,
        prefill: false,
        forced_tool_choice: false,
        mid_conversation_system: true,
        reasoning: ReasoningStyle::Always,
        ..Traits::default()
    })
}

fn encoded_for(chat: &Chat, target: &Target) -> (Value, Encoded) {
    let encoded = encode_request(chat, target).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), encoded)
}

fn encoded(chat: &Chat) -> Value {
    encoded_for(chat, &target()).0
}

fn refused(chat: &Chat) -> Refusal {
    encode_request(chat, &target()).unwrap_err()
}

fn texts(content: &Value) -> Vec<&str> {
    content.as_array().unwrap().iter().map(|block| block["text"].as_str().unwrap()).collect()
}

#[test]
fn a_plain_request() {
    let chat = Chat {
        sampling: Sampling { temperature: Some(0.5), top_k: Some(5), ..Sampling::default() },
        max_tokens: Some(100),
        stop: vec!["END".to_owned()],
        stream: true,
        user: Some("user-1".to_owned()),
        service_tier: Some("auto".to_owned()),
        ..chat(vec![
            says(Role::System, "be brief"),
            says(Role::Developer, "in French"),
            says(Role::User, "hi"),
            says(Role::Assistant, "salut"),
            says(Role::User, "how"),
            says(Role::User, "are you"),
        ])
    };
    let (body, encoded) = encoded_for(&chat, &target());
    let block = |text: &str| json!({"type": "text", "text": text});
    let expected = json!({
        "model": "claude", "max_tokens": 100, "stream": true, "temperature": 0.5, "top_k": 5,
        "stop_sequences": ["END"], "metadata": {"user_id": "user-1"}, "service_tier": "auto",
        "system": [block("be brief"), block("in French")],
        "messages": [
            {"role": "user", "content": [block("hi")]},
            {"role": "assistant", "content": [block("salut")]},
            {"role": "user", "content": [block("how"), block("are you")]},
        ],
    });
    assert_eq!(body, expected);
    assert_eq!((encoded.dropped, encoded.renamed_tools), (vec![], vec![]));
}

#[test]
fn results_come_first_and_all_in_the_turn_after_their_calls() {
    // Anthropic refuses a result behind words of the user, and results spread over turns.
    let mut failed = result("b", vec![Part::text("no such city")]);
    if let Content::ToolResult(result) = &mut failed.content {
        result.is_error = true;
    }
    let chat = Chat {
        tools: vec![weather()],
        ..chat(vec![
            says(Role::User, "weather?"),
            message(
                Role::Assistant,
                vec![call("a", "weather", r#"{"city": "Rome", "n": 1.10}"#), call("b", "weather", "")],
            ),
            says(Role::System, "answer in French"),
            message(Role::Tool, vec![result("a", vec![Part::text("sunny")])]),
            message(Role::Tool, vec![failed]),
            says(Role::User, "well?"),
        ])
    };
    let body = encoded(&chat);
    let roles: Vec<&Value> = body["messages"].as_array().unwrap().iter().map(|turn| &turn["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert_eq!(
        body["messages"][1]["content"],
        json!([
            {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Rome", "n": 1.10}},
            {"type": "tool_use", "id": "b", "name": "weather", "input": {}},
        ])
    );
    assert_eq!(
        body["messages"][2]["content"],
        json!([
            {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "sunny"}]},
            {"type": "tool_result", "tool_use_id": "b", "is_error": true,
             "content": [{"type": "text", "text": "no such city"}]},
            {"type": "text", "text": "<system>\nanswer in French\n</system>"},
            {"type": "text", "text": "well?"},
        ])
    );
}

#[test]
fn arguments_go_out_as_the_model_wrote_them() {
    // Parsed and written again, big and long numbers would change, and with them the prompt cache.
    let arguments = r#"{"z":12345678901234567890123,"a":1.000}"#;
    let chat = Chat {
        tools: vec![weather()],
        ..chat(vec![
            says(Role::User, "go"),
            message(Role::Assistant, vec![call("a", "weather", arguments)]),
            message(Role::Tool, vec![result("a", vec![])]),
        ])
    };
    let body = encode_request(&chat, &target()).unwrap().body;
    assert!(String::from_utf8(body).unwrap().contains(&format!(r#""input":{arguments}"#)));
}

#[test]
fn a_broken_history_is_refused_with_the_field_at_fault() {
    let history = |calls: Vec<Part>, results: Vec<Part>| Chat {
        tools: vec![weather()],
        ..chat(vec![
            says(Role::User, "go"),
            message(Role::Assistant, calls),
            message(Role::Tool, results),
            says(Role::User, "well?"),
        ])
    };
    let odd = refused(&history(vec![call("a", "weather", "[1]")], vec![result("a", vec![])]));
    assert_eq!(odd.param.as_deref(), Some("messages[1].tool_calls[0].function.arguments"));
    let cut = refused(&history(vec![call("a", "weather", r#"{"a":"#)], vec![result("a", vec![])]));
    assert_eq!(cut.param.as_deref(), Some("messages[1].tool_calls[0].function.arguments"));
    let stray = refused(&history(vec![call("a", "weather", "{}")], vec![result("x", vec![])]));
    assert_eq!(stray.param.as_deref(), Some("messages[2].tool_call_id"));
    let calls = vec![call("a", "weather", "{}"), call("b", "weather", "{}")];
    let open = refused(&history(calls, vec![result("a", vec![])]));
    assert_eq!(open.param.as_deref(), Some("messages[1].tool_calls"));
    assert!(open.message.ends_with(": b"), "{}", open.message);
    let unanswered = chat(vec![says(Role::User, "go"), message(Role::Assistant, vec![call("a", "t", "{}")])]);
    assert_eq!(refused(&unanswered).param.as_deref(), Some("messages[1].tool_calls"));
}

#[test]
fn odd_tool_names_and_ids_are_renamed_everywhere_alike() {
    let chat = Chat {
        tools: vec![tool("mcp.fs/read", json!({"type": "object"}))],
        tool_choice: Some(ToolChoice::Named("mcp.fs/read".to_owned())),
        ..chat(vec![
            says(Role::User, "go"),
            message(Role::Assistant, vec![call("call:1", "mcp.fs/read", "{}")]),
            message(Role::Tool, vec![result("call:1", vec![Part::text("x")])]),
        ])
    };
    let (body, encoded) = encoded_for(&chat, &target());
    assert_eq!(body["tools"][0]["name"], "mcp_fs_read");
    assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "mcp_fs_read"}));
    assert_eq!(body["messages"][1]["content"][0]["name"], "mcp_fs_read");
    assert_eq!(body["messages"][1]["content"][0]["id"], "call_1");
    assert_eq!(body["messages"][2]["content"][0]["tool_use_id"], "call_1");
    assert_eq!(encoded.renamed_tools, [("mcp_fs_read".to_owned(), "mcp.fs/read".to_owned())]);
}

#[test]
fn every_tool_choice_has_its_form() {
    let choose = |choice: Option<ToolChoice>, parallel: Option<bool>| {
        let tools = vec![weather(), tool("time", json!({"type": "object"}))];
        let body = encoded(&Chat { tools, tool_choice: choice, parallel_tool_calls: parallel, ..hi() });
        let names: Vec<String> = body["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect();
        (body.get("tool_choice").cloned(), names.join(" "))
    };
    let both = || "weather time".to_owned();
    assert_eq!(choose(None, None), (None, both()));
    assert_eq!(choose(None, Some(true)), (None, both()));
    assert_eq!(
        choose(None, Some(false)),
        (Some(json!({"type": "auto", "disable_parallel_tool_use": true})), both())
    );
    assert_eq!(choose(Some(ToolChoice::Auto), None), (Some(json!({"type": "auto"})), both()));
    assert_eq!(choose(Some(ToolChoice::None), Some(false)), (Some(json!({"type": "none"})), both()));
    assert_eq!(
        choose(Some(ToolChoice::Required), Some(false)),
        (Some(json!({"type": "any", "disable_parallel_tool_use": true})), both())
    );
    assert_eq!(
        choose(Some(ToolChoice::Named("time".to_owned())), None),
        (Some(json!({"type": "tool", "name": "time"})), both())
    );
    let allowed = |required| ToolChoice::Allowed { names: vec!["time".to_owned()], required };
    assert_eq!(choose(Some(allowed(true)), None), (Some(json!({"type": "any"})), "time".to_owned()));
    assert_eq!(choose(Some(allowed(false)), None), (Some(json!({"type": "auto"})), "time".to_owned()));
}

#[test]
fn a_choice_without_its_tool_is_refused_and_an_idle_one_left_out() {
    let choose = |choice| Chat { tool_choice: Some(choice), ..hi() };
    for idle in [ToolChoice::Auto, ToolChoice::None] {
        assert_eq!(encoded(&choose(idle)).get("tool_choice"), None);
    }
    assert_eq!(refused(&choose(ToolChoice::Required)).param.as_deref(), Some("tool_choice"));
    let missing = Chat { tools: vec![weather()], ..choose(ToolChoice::Named("x".to_owned())) };
    assert_eq!(refused(&missing).param.as_deref(), Some("tool_choice"));
    let idle = Chat { parallel_tool_calls: Some(false), ..hi() };
    assert_eq!(encoded(&idle).get("tool_choice"), None);
}

#[test]
fn a_history_of_calls_gets_its_tools_back_but_none_to_call() {
    // Anthropic refuses calls in the history of a request without tools; OpenAI takes them.
    let chat = chat(vec![
        says(Role::User, "go"),
        message(Role::Assistant, vec![call("a", "weather", "{}")]),
        message(Role::Tool, vec![result("a", vec![Part::text("sunny")])]),
    ]);
    let body = encoded(&chat);
    assert_eq!(body["tools"], json!([{"name": "weather", "input_schema": {"type": "object"}}]));
    assert_eq!(body["tool_choice"], json!({"type": "none"}));
}

#[test]
fn a_model_that_cannot_be_forced_is_told_in_words() {
    let chat =
        Chat { tools: vec![weather()], tool_choice: Some(ToolChoice::Named("weather".to_owned())), ..hi() };
    let (body, encoded) = encoded_for(&chat, &opus_5_5());
    assert_eq!(body["tool_choice"], json!({"type": "auto"}));
    assert!(body["system"][0]["text"].as_str().unwrap().contains("`weather`"));
    assert_eq!(encoded.dropped, ["tool_choice"]);
}

#[test]
fn tools_carry_schema_strictness_and_cache_marks() {
    let mut strict = tool(
        "book",
        json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}),
    );
    strict.strict = Some(true);
    strict.description = Some("books".to_owned());
    strict.cache_control = Some(json!({"type": "ephemeral"}));
    let mut empty = weather();
    empty.kind = ToolKind::Function { parameters: None };
    let chat = Chat { tools: vec![strict, empty], ..hi() };
    let expected = json!([
        {"name": "book", "description": "books", "strict": true, "cache_control": {"type": "ephemeral"},
         "input_schema": {"type": "object", "additionalProperties": false, "required": ["n"],
            "properties": {"n": {"type": "integer", "description": "{minimum: 1}"}}}},
        {"name": "weather", "input_schema": {"type": "object", "properties": {}}},
    ]);
    assert_eq!(encoded(&chat)["tools"], expected);
    let old = with(Traits { structured_output: false, ..Traits::default() });
    let (body, encoded) = encoded_for(&chat, &old);
    assert_eq!(body["tools"][0].get("strict"), None);
    assert_eq!(body["tools"][0]["input_schema"]["properties"]["n"]["minimum"], 1);
    assert_eq!(encoded.dropped, ["tools[0].function.strict"]);
}

#[test]
fn a_custom_tool_is_refused() {
    let mut custom = weather();
    custom.kind = ToolKind::Custom { format: None };
    assert_eq!(refused(&Chat { tools: vec![custom], ..hi() }).param.as_deref(), Some("tools[0]"));
}

#[test]
fn tools_anthropic_cannot_tell_apart_or_call_are_refused() {
    let twice = Chat { tools: vec![weather(), weather()], ..hi() };
    assert_eq!(refused(&twice).param.as_deref(), Some("tools[1]"));
    let odd = tool("t", json!({"type": "object", "properties": {"größe": {}}}));
    let odd = refused(&Chat { tools: vec![odd], ..hi() });
    assert_eq!(odd.param.as_deref(), Some("tools[0].function.parameters"));
    let list = tool("t", json!([1]));
    let list = refused(&Chat { tools: vec![list], ..hi() });
    assert_eq!(list.param.as_deref(), Some("tools[0].function.parameters"));
}

#[test]
fn pictures_that_a_model_showed_are_left_out_and_listed() {
    let source = Source::Url { url: "https://example.com/a.png".to_owned(), media_type: None };
    let image = Content::Image(Image { source, detail: None });
    let shown = message(Role::Assistant, vec![Part::text("here"), image.into()]);
    let history = vec![says(Role::User, "draw"), shown, says(Role::User, "thanks")];
    let (body, encoded) = encoded_for(&chat(history), &target());
    assert_eq!(encoded.dropped, ["messages[1].content[1]"]);
    assert_eq!(body["messages"][1]["content"], json!([{"type": "text", "text": "here"}]));
}

#[test]
fn media_become_blocks_in_messages_and_in_results() {
    let image = |source| Part::from(Content::Image(Image { source, detail: None }));
    let base64 = |media_type: &str, data: &str| Source::Base64 {
        media_type: media_type.to_owned(),
        data: data.to_owned(),
    };
    let file = |source, name: Option<&str>| {
        Part::from(Content::Document(Document { source, name: name.map(str::to_owned) }))
    };
    let url = |url: &str| Source::Url { url: url.to_owned(), media_type: None };
    let mut marked = image(base64("image/jpg", "AA=="));
    marked.cache_control = Some(json!({"type": "ephemeral"}));
    let parts = vec![
        marked,
        image(url("https://example.com/a.png")),
        image(base64("application/pdf", "JVBERg==")),
        file(base64("application/pdf", "JVBERg=="), Some("a.pdf")),
        file(base64("text/plain; charset=utf-8", "aGVsbG8="), None),
        file(base64("image/png", "AA=="), None),
        file(url("https://example.com/a.pdf"), None),
        file(Source::File { id: "file_1".to_owned() }, None),
        file(Source::Text("words".to_owned()), Some("notes")),
    ];
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="});
    let expected = json!([
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AA=="},
         "cache_control": {"type": "ephemeral"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "source": pdf},
        {"type": "document", "source": pdf, "title": "a.pdf"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"},
         "title": "notes"},
    ]);
    let body = encoded(&chat(vec![message(Role::User, parts.clone())]));
    assert_eq!(body["messages"][0]["content"], expected);
    let body = encoded(&chat(vec![
        says(Role::User, "go"),
        message(Role::Assistant, vec![call("a", "scan", "{}")]),
        message(Role::Tool, vec![result("a", parts)]),
    ]));
    assert_eq!(body["messages"][2]["content"][0]["content"], expected);
}

#[test]
fn media_anthropic_does_not_take_are_refused_by_their_path() {
    let image = |source| Content::Image(Image { source, detail: None });
    let url = |url: &str| Source::Url { url: url.to_owned(), media_type: None };
    let tiff = Source::Base64 { media_type: "image/tiff".to_owned(), data: String::new() };
    let word = Source::Base64 { media_type: "application/msword".to_owned(), data: String::new() };
    let broken = Source::Base64 { media_type: "text/plain".to_owned(), data: "/w==".to_owned() };
    for content in [
        image(url("http://example.com/a.png")),
        image(url("gs://bucket/a.png")),
        image(tiff),
        Content::Document(Document { source: word, name: None }),
        Content::Document(Document { source: broken, name: None }),
    ] {
        let refusal = refused(&chat(vec![message(Role::User, vec![Part::text("see"), content.into()])]));
        assert_eq!(refusal.param.as_deref(), Some("messages[0].content[1]"), "{refusal}");
    }
    let audio = Content::Audio(Audio::default()).into();
    let refusal = refused(&chat(vec![message(Role::User, vec![audio])]));
    assert_eq!(refusal.param.as_deref(), Some("messages[0].content[0].input_audio"));
}

#[test]
fn empty_text_is_left_out() {
    // "text content blocks must be non-empty": clients send `""` beside tool calls and in system.
    let chat = chat(vec![
        says(Role::System, " \n"),
        message(Role::User, vec![Part::text(""), Part::text("hi")]),
        says(Role::Assistant, ""),
        says(Role::User, "there"),
    ]);
    let body = encoded(&chat);
    assert_eq!(body.get("system"), None);
    assert_eq!(body["messages"].as_array().unwrap().len(), 1);
    assert_eq!(texts(&body["messages"][0]["content"]), ["hi", "there"]);
}

#[test]
fn an_empty_last_word_of_the_user_does_not_become_a_prefill() {
    let chat = chat(vec![says(Role::User, "hi"), says(Role::Assistant, "hello"), says(Role::User, "")]);
    assert_eq!(refused(&chat).param.as_deref(), Some("messages[2].content"));
}

#[test]
fn the_first_turn_is_the_users() {
    let body = encoded(&chat(vec![says(Role::Assistant, "How can I help?"), says(Role::User, "hi")]));
    assert_eq!(body["messages"][0]["role"], "user");
    assert_eq!(body["messages"][1]["role"], "assistant");
    let alone = encoded(&chat(vec![says(Role::System, "tell a joke")]));
    assert_eq!(alone.get("system"), None);
    assert_eq!(texts(&alone["messages"][0]["content"]), ["tell a joke"]);
    assert_eq!(refused(&chat(vec![])).param.as_deref(), Some("messages"));
}

#[test]
fn instructions_in_mid_conversation_stand_where_the_model_takes_them() {
    // They may only follow a user's turn, and precede the assistant's or the end.
    let chat = chat(vec![
        says(Role::User, "one"),
        says(Role::System, "be brief"),
        says(Role::User, "two"),
        says(Role::Assistant, "ok"),
        says(Role::Developer, "in French"),
        says(Role::User, "three"),
    ]);
    let (body, encoded) = encoded_for(&chat, &opus_5_5());
    let turns: Vec<(&str, Vec<&str>)> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|turn| (turn["role"].as_str().unwrap(), texts(&turn["content"])))
        .collect();
    assert_eq!(
        turns,
        [
            ("user", vec!["one", "two"]),
            ("system", vec!["be brief"]),
            ("assistant", vec!["ok"]),
            ("user", vec!["three"]),
            ("system", vec!["in French"]),
        ]
    );
    assert_eq!(encoded.dropped, Vec::<String>::new());
    let last = Chat { messages: chat.messages[..5].to_vec(), ..chat.clone() };
    let (body, _) = encoded_for(&last, &opus_5_5());
    assert_eq!(body["messages"][3]["role"], "user");
    assert_eq!(texts(&body["messages"][3]["content"]), ["<system>\nin French\n</system>"]);
}

#[test]
fn a_prefill_goes_where_it_is_taken_and_is_refused_elsewhere() {
    let chat = chat(vec![says(Role::User, "json!"), says(Role::Assistant, "{ ")]);
    assert_eq!(texts(&encoded(&chat)["messages"][1]["content"]), ["{"]);
    let refusal = encode_request(&chat, &opus_5_5()).unwrap_err();
    assert_eq!(refusal.param.as_deref(), Some("messages[1]"));
}

#[test]
fn sealed_thinking_goes_back_unchanged_and_beside_its_call() {
    // bifrost#5887, #4262: thinking lost in multi-turn is refused by Anthropic in a tool loop.
    // litellm#16893: a seal of another provider (Gemini's) is refused, too, also after failover.
    let thinking = |text: &str, dialect, seal: &str| {
        let reasoning = Reasoning { text: text.to_owned(), redacted: None };
        let signature = Some(Signature { dialect, value: seal.to_owned() });
        Part { signature, ..Content::Reasoning(reasoning).into() }
    };
    let sealed = Reasoning { text: String::new(), redacted: Some("BLOB".to_owned()) };
    let unsigned = Reasoning { text: "hm".to_owned(), redacted: None };
    let chat = Chat {
        tools: vec![weather()],
        reasoning: Some(ReasoningRequest { effort: Some(Effort::Low), ..ReasoningRequest::default() }),
        ..chat(vec![
            says(Role::User, "go"),
            message(
                Role::Assistant,
                vec![
                    thinking("first", Dialect::Anthropic, "SEAL=="),
                    Content::Reasoning(sealed).into(),
                    thinking("", Dialect::Anthropic, "HIDDEN=="),
                    thinking("theirs", Dialect::Gemini, "X"),
                    Content::Reasoning(unsigned).into(),
                    call("a", "weather", "{}"),
                ],
            ),
            message(Role::Tool, vec![result("a", vec![Part::text("sunny")])]),
        ])
    };
    let budget = with(Traits { reasoning: ReasoningStyle::Budget, ..Traits::default() });
    let (body, encoded) = encoded_for(&chat, &budget);
    assert_eq!(
        body["messages"][1]["content"],
        json!([
            {"type": "thinking", "thinking": "first", "signature": "SEAL=="},
            {"type": "redacted_thinking", "data": "BLOB"},
            {"type": "thinking", "thinking": "", "signature": "HIDDEN=="},
            {"type": "tool_use", "id": "a", "name": "weather", "input": {}},
        ])
    );
    assert_eq!(body["thinking"], json!({"type": "enabled", "budget_tokens": 2048}));
    assert_eq!(encoded.dropped, ["messages[1].reasoning_content"]);

    // A client that lost the thinking, as every plain OpenAI client does, goes on without it.
    let mut lost = chat.clone();
    lost.messages[1].content.drain(..5);
    let (body, encoded) = encoded_for(&lost, &budget);
    assert_eq!(body.get("thinking"), None);
    assert_eq!(encoded.dropped, ["reasoning_effort"]);
}

#[test]
fn thinking_is_asked_for_as_the_model_takes_it() {
    let chat = Chat {
        reasoning: Some(ReasoningRequest { effort: Some(Effort::High), ..ReasoningRequest::default() }),
        sampling: Sampling { temperature: Some(0.2), ..Sampling::default() },
        ..hi()
    };
    let (body, encoded) = encoded_for(&chat, &target());
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
    assert_eq!(body["output_config"], json!({"effort": "high"}));
    assert_eq!(encoded.dropped, ["temperature"]);
    let none = with(Traits { reasoning: ReasoningStyle::None, ..Traits::default() });
    let (body, encoded) = encoded_for(&chat, &none);
    assert_eq!((body.get("thinking"), body.get("output_config")), (None, None));
    assert_eq!(encoded.dropped, ["reasoning_effort"]);
}

fn shaped(format: ResponseFormat) -> Chat {
    Chat { response_format: Some(format), ..hi() }
}

fn schema(schema: Value) -> ResponseFormat {
    ResponseFormat::JsonSchema { name: Some("s".to_owned()), description: None, schema, strict: Some(true) }
}

#[test]
fn a_schema_goes_to_the_models_own_structured_output() {
    let chat =
        shaped(schema(json!({"type": "object", "properties": {"a": {"oneOf": [{"type": "string"}]}}})));
    let body = encoded(&chat);
    assert_eq!(
        body["output_config"]["format"],
        json!({"type": "json_schema", "schema": {"type": "object", "additionalProperties": false,
            "properties": {"a": {"anyOf": [{"type": "string"}]}}}})
    );
    assert_eq!(body.get("tools"), None);
}

#[test]
fn an_older_model_answers_through_a_tool() {
    let old = with(Traits { structured_output: false, ..Traits::default() });
    let wanted = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let chat = shaped(schema(wanted.clone()));
    let (body, _) = encoded_for(&chat, &old);
    assert_eq!(body["tools"][0]["name"], "tollway_answer");
    assert_eq!(body["tools"][0]["input_schema"], wanted);
    assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "tollway_answer"}));
    // Beside the client's own tools, either is called.
    let (body, _) = encoded_for(&Chat { tools: vec![weather()], ..chat.clone() }, &old);
    assert_eq!(body["tool_choice"], json!({"type": "any"}));
    assert_eq!(body["tools"][1]["name"], "tollway_answer");
    // A client that demands its own tool gets that call.
    let demands = Chat { tools: vec![weather()], tool_choice: Some(ToolChoice::Required), ..chat };
    let (body, _) = encoded_for(&demands, &old);
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
}

#[test]
fn a_schema_that_cannot_be_enforced_is_shown_to_the_model_by_a_tool() {
    let list = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
    let (body, encoded) = encoded_for(&shaped(schema(list.clone())), &target());
    assert_eq!(body["tools"][0]["input_schema"], list);
    assert_eq!(encoded.dropped, ["response_format.json_schema.strict"]);
    let refusal = encode_request(&shaped(schema(list)), &opus_5_5()).unwrap_err();
    assert_eq!(refusal.param.as_deref(), Some("response_format.json_schema.schema"));
}

#[test]
fn any_json_object_comes_through_a_tool_or_by_words() {
    let (body, encoded) = encoded_for(&shaped(ResponseFormat::JsonObject), &target());
    assert_eq!(body["tool_choice"]["name"], "tollway_answer");
    assert_eq!(encoded.dropped, Vec::<String>::new());
    let (body, encoded) = encoded_for(&shaped(ResponseFormat::JsonObject), &opus_5_5());
    assert!(body["system"][0]["text"].as_str().unwrap().contains("JSON object"));
    assert_eq!((body.get("tools"), encoded.dropped), (None, vec!["response_format.type".to_owned()]));
}

#[test]
fn what_has_no_equivalent_is_listed() {
    let chat = Chat {
        sampling: Sampling {
            frequency_penalty: Some(0.5),
            presence_penalty: Some(0.0),
            seed: Some(7),
            temperature: Some(0.1),
            ..Sampling::default()
        },
        user: Some("ann@example.com".to_owned()),
        metadata: json!({"a": "b"}).as_object().cloned(),
        service_tier: Some("flex".to_owned()),
        stop: vec![" ".to_owned()],
        max_tokens: Some(100_000),
        extra: json!({"verbosity": "low", "store": false, "prediction": {"type": "content"}})
            .as_object()
            .cloned()
            .unwrap(),
        ..hi()
    };
    let mut named = chat;
    named.messages[0].name = Some("ann".to_owned());
    let (body, encoded) = encoded_for(&named, &opus_5_5());
    let mut dropped = encoded.dropped;
    dropped.sort();
    let expected = [
        "frequency_penalty",
        "max_tokens",
        "messages[0].name",
        "metadata",
        "prediction",
        "seed",
        "service_tier",
        "stop[0]",
        "temperature",
        "user",
        "verbosity",
    ];
    assert_eq!(dropped, expected);
    let mut fields: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["max_tokens", "messages", "model"]);
}

#[test]
fn fields_whose_loss_would_change_the_answer_are_refused() {
    let extra = |value: Value| Chat { extra: value.as_object().cloned().unwrap(), ..hi() };
    let audio = refused(&extra(json!({"modalities": ["text", "audio"]})));
    assert_eq!(audio.param.as_deref(), Some("modalities"));
    assert!(encode_request(&extra(json!({"modalities": ["text"]})), &target()).is_ok());
    let cached = refused(&extra(json!({"cachedContent": "cachedContents/1"})));
    assert_eq!(cached.param.as_deref(), Some("cachedContent"));
    let native = Content::Native(Native { dialect: Dialect::Gemini, value: json!({"executableCode": {}}) });
    let foreign = refused(&chat(vec![message(Role::User, vec![native.into()])]));
    assert_eq!(foreign.param.as_deref(), Some("messages[0].content[0]"));
}

#[test]
fn anthropics_own_fields_go_out_whoever_sent_them() {
    let extra = json!({
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "cache_control": {"type": "ephemeral"},
        "output_config": {"task_budget": {"type": "tokens", "total": 9}},
        "web_search_options": {"search_context_size": "low",
            "user_location": {"type": "approximate", "approximate": {"country": "FR", "city": null}}},
    });
    let chat = Chat { extra: extra.as_object().cloned().unwrap(), ..hi() };
    let budget = with(Traits { reasoning: ReasoningStyle::Budget, ..Traits::default() });
    let (body, encoded) = encoded_for(&chat, &budget);
    assert_eq!(body["thinking"], extra["thinking"]);
    assert_eq!(body["cache_control"], extra["cache_control"]);
    assert_eq!(body["output_config"], extra["output_config"]);
    assert_eq!(
        body["tools"],
        json!([{"type": "web_search_20250305", "name": "web_search",
            "user_location": {"type": "approximate", "country": "FR"}}])
    );
    assert_eq!(encoded.dropped, ["web_search_options.search_context_size"]);
}

#[test]
fn a_request_of_anthropics_is_read_into_canonical_words() {
    let body = json!({
        "model": "m", "max_tokens": 9, "system": "be brief", "stop_sequences": ["X"], "top_k": 3,
        "thinking": {"type": "disabled"}, "metadata": {"user_id": "u"}, "service_tier": "standard_only",
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "tools": [{"name": "t", "input_schema": {"type": "object"}, "defer_loading": true},
                  {"type": "web_search_20250305", "name": "web_search"}],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "tollway:gemini:thinking:SIG"},
                {"type": "tool_use", "id": "a", "name": "t", "input": {"x": 1}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "done", "is_error": true},
                {"type": "text", "text": "so?", "cache_control": {"type": "ephemeral"}}]},
        ],
    });
    let chat = decode_request(body.to_string().as_bytes()).unwrap();
    let roles: Vec<Role> = chat.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool, Role::User]);
    let seal = Signature { dialect: Dialect::Gemini, value: "SIG".to_owned() };
    assert_eq!(chat.messages[2].content[0].signature, Some(seal));
    assert_eq!(chat.messages[2].content[1], call("a", "t", r#"{"x":1}"#));
    assert_eq!(chat.messages[4].content[0].cache_control, Some(json!({"type": "ephemeral"})));
    assert_eq!(chat.tool_choice, Some(ToolChoice::Required));
    assert_eq!(chat.parallel_tool_calls, Some(false));
    assert_eq!(chat.reasoning.unwrap().effort, Some(Effort::None));
    assert_eq!((chat.user.as_deref(), chat.service_tier.as_deref()), (Some("u"), Some("default")));
    assert!(matches!(&chat.tools[1].kind, ToolKind::Server(_)));
    assert_eq!(chat.extra["tool_options"], json!({"t": {"defer_loading": true}}));
}

#[test]
fn an_unreadable_request_names_its_field() {
    let user = |content: Value| json!({"model": "m", "messages": [{"role": "user", "content": content}]});
    let block = |block: Value| user(json!([{"type": "text", "text": "a"}, block]));
    let with = |name: &str, value: Value| {
        let mut body = user(json!("a"));
        body[name] = value;
        body
    };
    for (body, param) in [
        (json!({"messages": []}), "model"),
        (with("max_tokens", json!("9")), "max_tokens"),
        (with("stop_sequences", json!("X")), "stop_sequences"),
        (with("stop_sequences", json!(["X", 1])), "stop_sequences[1]"),
        (with("system", json!([{"type": "text", "text": 3}])), "system[0].text"),
        (with("thinking", json!({"type": "enabled"})), "thinking.budget_tokens"),
        (with("thinking", json!({"type": "enabled", "budget_tokens": "x"})), "thinking.budget_tokens"),
        (with("tools", json!([{"name": "f"}])), "tools[0].input_schema"),
        (with("tools", json!([{"input_schema": {}}])), "tools[0].name"),
        (with("tool_choice", json!({"type": "tool"})), "tool_choice.name"),
        (json!({"model": "m", "messages": [{"role": "tool", "content": "x"}]}), "messages[0].role"),
        (json!({"model": "m", "messages": [{"role": "user"}]}), "messages[0].content"),
        (user(Value::Null), "messages[0].content"),
        (user(json!([7])), "messages[0].content[0]"),
        (user(json!([{"text": "a"}])), "messages[0].content[0].type"),
        (block(json!({"type": "text", "text": 1})), "messages[0].content[1].text"),
        (block(json!({"type": "text"})), "messages[0].content[1].text"),
        (
            block(json!({"type": "tool_use", "id": "a", "name": "f", "input": "x"})),
            "messages[0].content[1].input",
        ),
        (block(json!({"type": "tool_use", "name": "f", "input": {}})), "messages[0].content[1].id"),
        (block(json!({"type": "tool_use", "id": "", "name": "f", "input": {}})), "messages[0].content[1].id"),
        (block(json!({"type": "tool_use", "id": "a", "input": {}})), "messages[0].content[1].name"),
        (block(json!({"type": "tool_result", "content": "x"})), "messages[0].content[1].tool_use_id"),
        (
            block(json!({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text"}]})),
            "messages[0].content[1].content[0].text",
        ),
        (block(json!({"type": "image"})), "messages[0].content[1].source"),
        (
            block(
                json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": 5}}),
            ),
            "messages[0].content[1].source.data",
        ),
        (
            block(json!({"type": "image", "source": {"type": "base64", "data": "x"}})),
            "messages[0].content[1].source.media_type",
        ),
    ] {
        let refusal = decode_request(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(refusal.param.as_deref(), Some(param), "{body}: {}", refusal.message);
        assert!(!refusal.message.contains(" line "), "{}", refusal.message);
    }
    assert!(decode_request(b"[1,2]").is_err());
    // A text that was cut within an emoji, as JavaScript writes it.
    let half = br#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a\ud83d"}]}]}"#;
    assert_eq!(decode_request(half).unwrap_err().param.as_deref(), Some("messages[0].content[0].text"));
}
