//! Requests to Gemini, word for word, and the mistakes other gateways make in them.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Map, Value, json};
use tollway_core::Dialect;
use tollway_wire::{
    Effort, Encoded, ReasoningStyle, Refusal, Target, Traits,
    chat::{
        Chat, Content, Document, Image, Message, Native, Part, Reasoning, ReasoningRequest, ResponseFormat,
        Role, Sampling, Signature, Source, Tool, ToolCall, ToolChoice, ToolKind, ToolResult,
    },
    gemini::{decode_request, encode_request},
};

/// A model that thinks by level, as Gemini 3 does.
fn gemini_3() -> Target {
    let traits = Traits { function_call_ids: true, ..Traits::default() };
    Target { model: "gemini-3.8-flash".into(), traits }
}

/// A model that thinks by tokens, as Gemini 2.5 does.
fn gemini_2() -> Target {
    let traits = Traits { reasoning: ReasoningStyle::Budget, ..Traits::default() };
    Target { model: "gemini-2.5-flash".into(), traits }
}

fn message(role: Role, content: Vec<Part>) -> Message {
    Message { role, name: None, content }
}

fn says(role: Role, text: &str) -> Message {
    message(role, vec![Part::text(text)])
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    let call = ToolCall { id: id.into(), name: name.into(), arguments: arguments.into(), custom: false };
    Content::ToolCall(call).into()
}

fn result(id: &str, content: Vec<Part>) -> Message {
    let result = ToolResult { call_id: id.into(), name: None, content, is_error: false };
    message(Role::Tool, vec![Content::ToolResult(result).into()])
}

fn function(name: &str, parameters: Option<Value>) -> Tool {
    let kind = ToolKind::Function { parameters };
    Tool { name: name.into(), description: Some("does".into()), kind, strict: None, cache_control: None }
}

fn chat(messages: Vec<Message>) -> Chat {
    Chat { model: "m".into(), messages, ..Chat::default() }
}

fn asked(text: &str) -> Chat {
    chat(vec![says(Role::User, text)])
}

fn encoded(chat: &Chat, target: &Target) -> (Value, Encoded) {
    let encoded = encode_request(chat, target).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), encoded)
}

fn body(chat: &Chat, target: &Target) -> Value {
    encoded(chat, target).0
}

fn refused(chat: &Chat, target: &Target) -> Refusal {
    encode_request(chat, target).unwrap_err()
}

fn extra(key: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value)])
}

#[test]
fn a_whole_request_word_for_word() {
    let schema = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "properties": { "city": { "type": "string" } }, "required": ["city"], "additionalProperties": false });
    let image = Image {
        source: Source::Base64 { media_type: "image/png".into(), data: "AAAA".into() },
        detail: Some("auto".into()),
    };
    let chat = Chat {
        tools: vec![function("weather", Some(schema)), function("now", None)],
        tool_choice: Some(ToolChoice::Auto),
        parallel_tool_calls: Some(true),
        sampling: Sampling {
            temperature: Some(0.5),
            top_p: Some(0.9),
            top_k: Some(40),
            seed: Some(7),
            ..Sampling::default()
        },
        max_tokens: Some(100),
        stop: vec!["END".into()],
        n: Some(2),
        logprobs: Some(true),
        top_logprobs: Some(2),
        response_format: Some(ResponseFormat::JsonSchema {
            name: Some("answer".into()),
            description: None,
            schema: json!({ "type": "object", "properties": {} }),
            strict: Some(true),
        }),
        reasoning: Some(ReasoningRequest {
            effort: Some(Effort::Low),
            include_thoughts: Some(true),
            ..Default::default()
        }),
        ..chat(vec![
            says(Role::System, "Be brief."),
            says(Role::Developer, "Use tools."),
            message(Role::User, vec![Part::text("Weather?"), Content::Image(image).into()]),
            message(
                Role::Assistant,
                vec![
                    Part::text("Let me see."),
                    call("c1", "weather", r#"{"city": "Bonn"}"#),
                    call("c2", "now", ""),
                ],
            ),
            result("c1", vec![Part::text(r#"{"temp": 20}"#)]),
            result("c2", vec![Part::text("noon")]),
        ])
    };
    let (body, encoded) = encoded(&chat, &gemini_3());
    assert_eq!(
        body,
        json!({
            "systemInstruction": { "parts": [{ "text": "Be brief." }, { "text": "Use tools." }] },
            "contents": [
                { "role": "user", "parts": [
                    { "text": "Weather?" }, { "inlineData": { "mimeType": "image/png", "data": "AAAA" } }] },
                { "role": "model", "parts": [
                    { "text": "Let me see." },
                    { "functionCall": { "id": "c1", "name": "weather", "args": { "city": "Bonn" } },
                      "thoughtSignature": "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=" },
                    { "functionCall": { "id": "c2", "name": "now", "args": {} } }] },
                { "role": "user", "parts": [
                    { "functionResponse": { "id": "c1", "name": "weather", "response": { "temp": 20 } } },
                    { "functionResponse": { "id": "c2", "name": "now", "response": { "output": "noon" } } }] },
            ],
            "tools": [{ "functionDeclarations": [
                { "name": "weather", "description": "does", "parametersJsonSchema": { "type": "object",
                    "properties": { "city": { "type": "string" } }, "required": ["city"], "additionalProperties": false } },
                { "name": "now", "description": "does" }] }],
            "toolConfig": { "functionCallingConfig": { "mode": "AUTO" } },
            "generationConfig": {
                "temperature": 0.5, "topP": 0.9, "topK": 40, "seed": 7, "maxOutputTokens": 100,
                "stopSequences": ["END"], "candidateCount": 2, "responseLogprobs": true, "logprobs": 2,
                "responseMimeType": "application/json",
                "responseJsonSchema": { "type": "object", "properties": {}, "title": "answer" },
                "thinkingConfig": { "thinkingLevel": "LOW", "includeThoughts": true },
            },
        })
    );
    assert_eq!(encoded.dropped, Vec::<String>::new());
    assert_eq!(encoded.renamed_tools, Vec::new());
}

#[test]
fn a_clients_request_is_read_in_both_spellings() {
    let camel = json!({
        "contents": [{ "role": "user", "parts": [{ "inlineData": { "mimeType": "audio/mpeg", "data": "AA-_" } }] }],
        "systemInstruction": { "parts": [{ "text": "s" }] },
        "generationConfig": { "topK": 4, "maxOutputTokens": 5, "thinkingConfig": { "thinkingBudget": 0 } },
        "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["f"] } },
        "tools": [{ "functionDeclarations": [{ "name": "f", "parameters": { "type": "OBJECT" } }] }],
        "safetySettings": [],
        "cachedContent": "cachedContents/x",
    });
    let snake = json!({
        "contents": { "role": "user", "parts": { "inline_data": { "mime_type": "audio/mpeg", "data": "AA+/" } } },
        "system_instruction": "s",
        "generation_config": { "top_k": 4.0, "max_output_tokens": 5, "thinking_config": { "thinking_budget": 0 } },
        "tool_config": { "function_calling_config": { "mode": 2, "allowed_function_names": ["f"] } },
        "tools": { "function_declarations": [{ "name": "f", "parameters": { "type": 6 } }] },
        "safety_settings": [],
        "cached_content": "cachedContents/x",
    });
    let read = |value: &Value| decode_request("m", false, value.to_string().as_bytes()).unwrap();
    let chat = read(&camel);
    assert_eq!(chat, read(&snake));
    assert_eq!(chat.tool_choice, Some(ToolChoice::Named("f".into())));
    assert_eq!(chat.reasoning.unwrap().budget_tokens, Some(0));
    assert_eq!(chat.messages[0], says(Role::System, "s"));
    assert_eq!(chat.extra.keys().collect::<Vec<_>>(), ["safetySettings", "cachedContent"]);
}

#[test]
fn what_is_no_request_is_refused_with_its_field() {
    for (body, param) in [
        ("", None),
        ("[]", None),
        (r#"{"contents":[{"role":"system","parts":[]}]}"#, Some("contents[0].role")),
        (r#"{"contents":5}"#, Some("contents")),
        (r#"{"contents":[5]}"#, Some("contents[0]")),
        (r#"{"contents":[{"parts":[]},{"parts":5}]}"#, Some("contents[1].parts")),
        (r#"{"contents":[{"parts":[{"text":"a"},{"text":5}]}]}"#, Some("contents[0].parts[1].text")),
        (r#"{"contents":[{"parts":[{"inlineData":5}]}]}"#, Some("contents[0].parts[0].inlineData")),
        (r#"{"systemInstruction":{"parts":[{"text":5}]}}"#, Some("systemInstruction.parts[0].text")),
        (r#"{"tools":[5]}"#, Some("tools[0]")),
        (r#"{"generationConfig":{"stopSequences":5}}"#, Some("generationConfig.stopSequences")),
        (r#"{"generationConfig":{"stopSequences":["a",5]}}"#, Some("generationConfig.stopSequences")),
        (r#"{"generationConfig":{"thinkingConfig":5}}"#, Some("generationConfig.thinkingConfig")),
        (r#"{"generationConfig":{"responseMimeType":5}}"#, Some("generationConfig.responseMimeType")),
        // A text that was cut within an emoji, as JavaScript writes it.
        (r#"{"contents":[{"parts":[{"text":"a"},{"text":"b\ud83d"}]}]}"#, Some("contents[0].parts[1].text")),
        (r#"{"generationConfig":{"topK":"many"}}"#, Some("generationConfig.topK")),
        (
            r#"{"generationConfig":{"thinkingConfig":{"thinkingLevel":"WILD"}}}"#,
            Some("generationConfig.thinkingConfig.thinkingLevel"),
        ),
        (
            r#"{"toolConfig":{"functionCallingConfig":{"mode":"WILD"}}}"#,
            Some("toolConfig.functionCallingConfig.mode"),
        ),
        (r#"{"tools":[{"functionDeclarations":[{}]}]}"#, Some("tools[0].functionDeclarations[0].name")),
        (r#"{"contents":[{"parts":"x"}]}"#, Some("contents[0].parts")),
        (r#"{"contents":[{},{"parts":[{"text":"a"},{"text":5}]}]}"#, Some("contents[1].parts[1].text")),
        (
            r#"{"contents":[{"parts":[{"inlineData":{"data":"x"}}]}]}"#,
            Some("contents[0].parts[0].inlineData.mimeType"),
        ),
        (r#"{"contents":[{"parts":[{"functionCall":{}}]}]}"#, Some("contents[0].parts[0].functionCall.name")),
        (
            r#"{"contents":[{"parts":[{"functionResponse":{}}]}]}"#,
            Some("contents[0].parts[0].functionResponse.name"),
        ),
        (r#"{"systemInstruction":5}"#, Some("systemInstruction")),
        (r#"{"systemInstruction":{"parts":[{"text":1}]}}"#, Some("systemInstruction.parts[0].text")),
        (r#"{"generationConfig":{"thinkingConfig":5}}"#, Some("generationConfig.thinkingConfig")),
        (r#"{"generationConfig":{"stopSequences":[1]}}"#, Some("generationConfig.stopSequences")),
        (r#"{"generationConfig":{"responseLogprobs":"yes"}}"#, Some("generationConfig.responseLogprobs")),
        (r#"{"toolConfig":{"functionCallingConfig":[]}}"#, Some("toolConfig.functionCallingConfig")),
    ] {
        let refusal = decode_request("m", false, body.as_bytes()).unwrap_err();
        assert_eq!(refusal.param.as_deref(), param, "{body}: {}", refusal.message);
    }
}

/// litellm#16893, #25322, OpenRouter examples#67, hermes-webui#6333: the thought signature of a call
/// was lost on the way through the client, and Gemini refused the next turn with 400.
#[test]
fn a_thought_signature_comes_back_on_its_part() {
    let seal = |value: &str| Some(Signature { dialect: Dialect::Gemini, value: value.into() });
    let chat = chat(vec![
        says(Role::User, "q"),
        message(
            Role::Assistant,
            vec![
                Part { signature: seal("text-seal"), ..Part::text("a") },
                Part { signature: seal("first-seal"), ..call("1", "f", "{}") },
                call("2", "f", "{}"),
            ],
        ),
        result("1", vec![Part::text("x")]),
        result("2", vec![Part::text("y")]),
    ]);
    for target in [gemini_3(), gemini_2()] {
        let parts = &body(&chat, &target)["contents"][1]["parts"];
        assert_eq!(parts[0]["thoughtSignature"], "text-seal");
        assert_eq!(parts[1]["thoughtSignature"], "first-seal");
        assert_eq!(parts[2].get("thoughtSignature"), None);
    }
}

/// The same after a failover: another provider made the calls, so there is no signature of Gemini's,
/// and the other's own would be refused. Google documents what to send instead, and a model that
/// thinks by level asks for it in each step of the conversation.
#[test]
fn history_of_another_model_is_given_the_documented_signature() {
    let foreign = Some(Signature { dialect: Dialect::Anthropic, value: "foreign".into() });
    let thought = Content::Reasoning(Reasoning { text: "hm".into(), redacted: None });
    let step = |id: &str| {
        vec![
            message(
                Role::Assistant,
                vec![
                    Part { signature: foreign.clone(), ..thought.clone().into() },
                    Part { signature: foreign.clone(), ..call(id, "f", "{}") },
                    call(&format!("{id}b"), "f", "{}"),
                ],
            ),
            result(id, vec![Part::text("x")]),
            result(&format!("{id}b"), vec![Part::text("x")]),
        ]
    };
    let chat = chat([vec![says(Role::User, "q")], step("1"), step("2")].concat());
    let by_level = body(&chat, &gemini_3());
    let skip = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";
    for turn in [1, 3] {
        let parts = &by_level["contents"][turn]["parts"];
        assert_eq!(parts[0], json!({ "text": "hm", "thought": true }));
        assert_eq!(parts[1]["thoughtSignature"], skip);
        assert_eq!(parts[2].get("thoughtSignature"), None);
    }
    let by_tokens = body(&chat, &gemini_2()).to_string();
    assert!(!by_tokens.contains("thoughtSignature") && !by_level.to_string().contains("foreign"));
}

/// Several gateways pair results by their order or lose them when clients send them in another one:
/// Gemini pairs by place, so a result in the wrong place answers the wrong call.
#[test]
fn results_stand_in_the_order_of_their_calls() {
    let chat = chat(vec![
        says(Role::User, "q"),
        message(Role::Assistant, vec![call("a", "first", "{}"), call("b", "second", "{}")]),
        result("b", vec![Part::text("2")]),
        result("a", vec![Part::text("1")]),
        says(Role::User, "go on"),
    ]);
    let body = body(&chat, &gemini_2());
    assert_eq!(
        body["contents"][2],
        json!({ "role": "user", "parts": [
            { "functionResponse": { "name": "first", "response": { "output": "1" } } },
            { "functionResponse": { "name": "second", "response": { "output": "2" } } }] })
    );
    assert_eq!(body["contents"][3], json!({ "role": "user", "parts": [{ "text": "go on" }] }));
}

#[test]
fn a_result_without_a_call_is_refused() {
    let chat = chat(vec![says(Role::User, "q"), result("nobody", vec![Part::text("x")])]);
    let refusal = refused(&chat, &gemini_2());
    assert_eq!(refusal.param.as_deref(), Some("messages[1].tool_call_id"));
    assert!(refusal.message.ends_with("nobody"));
}

/// Ids that collide across rounds: a result belongs to the latest call of its id, with that call's name.
#[test]
fn a_result_belongs_to_the_latest_call_of_its_id() {
    let chat = chat(vec![
        says(Role::User, "q"),
        message(Role::Assistant, vec![call("call_0", "one", "{}")]),
        result("call_0", vec![Part::text("x")]),
        message(Role::Assistant, vec![call("call_0", "two", "{}")]),
        result("call_0", vec![Part::text("y")]),
    ]);
    let body = body(&chat, &gemini_2());
    assert_eq!(body["contents"][2]["parts"][0]["functionResponse"]["name"], "one");
    assert_eq!(body["contents"][4]["parts"][0]["functionResponse"]["name"], "two");
}

#[test]
fn results_are_objects_whatever_the_tool_said() {
    let said = |text: &str, is_error: bool| {
        let result =
            ToolResult { call_id: "1".into(), name: None, content: vec![Part::text(text)], is_error };
        let chat = chat(vec![
            says(Role::User, "q"),
            message(Role::Assistant, vec![call("1", "f", "{}")]),
            message(Role::Tool, vec![Content::ToolResult(result).into()]),
        ]);
        body(&chat, &gemini_2())["contents"][2]["parts"][0]["functionResponse"]["response"].clone()
    };
    assert_eq!(said("plain", false), json!({ "output": "plain" }));
    assert_eq!(said("", false), json!({ "output": "" }));
    assert_eq!(said("[1,2]", false), json!({ "output": "[1,2]" }));
    assert_eq!(said(r#"{"a":1}"#, false), json!({ "a": 1 }));
    assert_eq!(said("broke", true), json!({ "error": "broke" }));
    assert_eq!(said(r#"{"a":1}"#, true), json!({ "error": r#"{"a":1}"# }));
    assert_eq!(said(r#"{"error":{"code":5}}"#, true), json!({ "error": { "code": 5 } }));
}

/// Media in results: Gemini 3 takes pictures and PDFs inside the response, older models nowhere but
/// in a turn of the user, and no model takes sound there.
#[test]
fn media_of_results_stand_where_the_model_takes_them() {
    let image = Content::Image(Image {
        source: Source::Base64 { media_type: "image/png".into(), data: "AAAA".into() },
        detail: None,
    });
    let sound = Content::Document(Document {
        source: Source::Base64 { media_type: "audio/wav".into(), data: "BBBB".into() },
        name: None,
    });
    let chat = chat(vec![
        says(Role::User, "q"),
        message(Role::Assistant, vec![call("1", "shot", "{}")]),
        result("1", vec![Part::text("done"), image.into(), sound.into()]),
        says(Role::User, "what is it?"),
    ]);
    let png = json!({ "inlineData": { "mimeType": "image/png", "data": "AAAA" } });
    let wav = json!({ "inlineData": { "mimeType": "audio/wav", "data": "BBBB" } });
    let note = json!({ "text": "From the result of shot:" });
    let question = json!({ "text": "what is it?" });
    let new = body(&chat, &gemini_3());
    assert_eq!(new["contents"][2]["parts"][0]["functionResponse"]["parts"], json!([png]));
    assert_eq!(new["contents"][3], json!({ "role": "user", "parts": [note, wav, question] }));
    let old = body(&chat, &gemini_2());
    assert_eq!(old["contents"][2]["parts"][0]["functionResponse"].get("parts"), None);
    assert_eq!(old["contents"][3]["parts"], json!([note, png, wav, question]));
}

/// Older models refuse an `id` in calls and results; newer ones pair by it.
#[test]
fn ids_go_only_to_models_that_take_them() {
    let chat = chat(vec![
        says(Role::User, "q"),
        message(Role::Assistant, vec![call("1", "f", "{}")]),
        result("1", vec![Part::text("x")]),
    ]);
    assert!(!body(&chat, &gemini_2()).to_string().contains("\"id\""));
    assert_eq!(body(&chat, &gemini_3()).to_string().matches("\"id\":\"1\"").count(), 2);
}

#[test]
fn contents_are_never_empty() {
    let spoken = body(&chat(vec![says(Role::System, "a"), says(Role::Developer, "b")]), &gemini_2());
    assert_eq!(
        spoken,
        json!({ "contents": [{ "role": "user", "parts": [{ "text": "a" }, { "text": "b" }] }] })
    );
    for silent in [vec![], vec![says(Role::User, "")], vec![message(Role::Assistant, vec![])]] {
        assert_eq!(refused(&chat(silent), &gemini_2()).param.as_deref(), Some("messages"));
    }
}

#[test]
fn neighbours_become_one_turn_and_silent_turns_are_left_out() {
    let chat = chat(vec![
        says(Role::User, "a"),
        says(Role::User, "b"),
        says(Role::Assistant, ""),
        says(Role::User, "c"),
        says(Role::Assistant, "d"),
        says(Role::Assistant, "e"),
    ]);
    assert_eq!(
        body(&chat, &gemini_2())["contents"],
        json!([
            { "role": "user", "parts": [{ "text": "a" }, { "text": "b" }, { "text": "c" }] },
            { "role": "model", "parts": [{ "text": "d" }, { "text": "e" }] },
        ])
    );
}

#[test]
fn instructions_in_mid_conversation_keep_their_authority() {
    let chat = chat(vec![
        says(Role::System, "a"),
        says(Role::User, "q"),
        says(Role::Developer, "b"),
        says(Role::User, "r"),
    ]);
    let body = body(&chat, &gemini_2());
    assert_eq!(body["systemInstruction"]["parts"], json!([{ "text": "a" }, { "text": "b" }]));
    assert_eq!(body["contents"].as_array().unwrap().len(), 1);
}

#[test]
fn tool_names_that_gemini_refuses_are_renamed_everywhere_alike() {
    let chat = Chat {
        tools: vec![function("mcp/search docs", None), function("mcp_search_docs", None)],
        tool_choice: Some(ToolChoice::Named("mcp/search docs".into())),
        ..chat(vec![
            says(Role::User, "q"),
            message(Role::Assistant, vec![call("1", "mcp/search docs", "{}")]),
            result("1", vec![Part::text("x")]),
        ])
    };
    let (body, encoded) = encoded(&chat, &gemini_2());
    let new = "mcp_search_docs_2";
    assert_eq!(body["tools"][0]["functionDeclarations"][0]["name"], new);
    assert_eq!(body["tools"][0]["functionDeclarations"][1]["name"], "mcp_search_docs");
    assert_eq!(body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"], json!([new]));
    assert_eq!(body["contents"][1]["parts"][0]["functionCall"]["name"], new);
    assert_eq!(body["contents"][2]["parts"][0]["functionResponse"]["name"], new);
    assert_eq!(encoded.renamed_tools, [(new.to_owned(), "mcp/search docs".to_owned())]);
}

/// bifrost#2347: tools in another order on each request broke the provider's prompt cache.
#[test]
fn tools_keep_their_order_and_requests_their_bytes() {
    let names = ["z", "a", "m", "b", "y"];
    let tools =
        names.map(|name| function(name, Some(json!({ "type": "object", "properties": { "q": {} } }))));
    let chat = Chat { tools: tools.to_vec(), ..asked("q") };
    let first = encode_request(&chat, &gemini_2()).unwrap().body;
    let body: Value = serde_json::from_slice(&first).unwrap();
    let sent = body["tools"][0]["functionDeclarations"].as_array().unwrap();
    assert_eq!(sent.iter().map(|it| it["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
    for _ in 0..5 {
        assert_eq!(encode_request(&chat, &gemini_2()).unwrap().body, first);
    }
}

#[test]
fn tool_choices_are_said_in_geminis_modes() {
    let mode = |choice: ToolChoice, strict: Option<bool>| {
        let mut tools = vec![function("f", None), function("g", None)];
        tools[0].strict = strict;
        let chat = Chat { tools, tool_choice: Some(choice), ..asked("q") };
        body(&chat, &gemini_2())["toolConfig"]["functionCallingConfig"].clone()
    };
    assert_eq!(mode(ToolChoice::Auto, None), json!({ "mode": "AUTO" }));
    assert_eq!(mode(ToolChoice::Auto, Some(true)), json!({ "mode": "VALIDATED" }));
    assert_eq!(mode(ToolChoice::None, Some(true)), json!({ "mode": "NONE" }));
    assert_eq!(mode(ToolChoice::Required, None), json!({ "mode": "ANY" }));
    let named = json!({ "mode": "ANY", "allowedFunctionNames": ["g"] });
    assert_eq!(mode(ToolChoice::Named("g".into()), None), named);
    let some = |required| ToolChoice::Allowed { names: vec!["f".into(), "g".into()], required };
    assert_eq!(mode(some(true), None), json!({ "mode": "ANY", "allowedFunctionNames": ["f", "g"] }));
    assert_eq!(mode(some(false), None), json!({ "mode": "VALIDATED", "allowedFunctionNames": ["f", "g"] }));

    let unknown = Chat { tool_choice: Some(ToolChoice::Named("h".into())), ..asked("q") };
    assert_eq!(refused(&unknown, &gemini_2()).param.as_deref(), Some("tool_choice"));
    let unforced =
        Target { traits: Traits { forced_tool_choice: false, ..Traits::default() }, ..Target::default() };
    let required =
        Chat { tools: vec![function("f", None)], tool_choice: Some(ToolChoice::Required), ..asked("q") };
    assert_eq!(refused(&required, &unforced).param.as_deref(), Some("tool_choice"));
}

#[test]
fn tools_the_provider_runs_are_googles_own() {
    let server = |dialect, value: Value| {
        let kind = ToolKind::Server(Native { dialect, value });
        Tool { name: "t".into(), description: None, kind, strict: None, cache_control: None }
    };
    let with = |tool: Tool| Chat { tools: vec![function("f", None), tool], ..asked("q") };
    let chat = with(server(
        Dialect::Anthropic,
        json!({ "type": "web_search_20250305", "name": "web_search", "max_uses": 3 }),
    ));
    let (new, encoded) = encoded(&chat, &gemini_3());
    assert_eq!(new["tools"][1], json!({ "googleSearch": {} }));
    assert_eq!(new["toolConfig"], json!({ "includeServerSideToolInvocations": true }));
    assert_eq!(encoded.dropped, ["tools[1].max_uses"]);
    assert_eq!(body(&chat, &gemini_2()).get("toolConfig"), None);

    let chat =
        with(server(Dialect::Anthropic, json!({ "type": "web_search_20250305", "allowed_domains": ["a"] })));
    assert_eq!(refused(&chat, &gemini_3()).param.as_deref(), Some("tools[1].allowed_domains"));
    let chat = with(server(Dialect::Anthropic, json!({ "type": "computer_20250124" })));
    assert_eq!(refused(&chat, &gemini_3()).param.as_deref(), Some("tools[1].type"));
    let custom = Tool { kind: ToolKind::Custom { format: None }, ..function("c", None) };
    assert_eq!(refused(&with(custom), &gemini_3()).param.as_deref(), Some("tools[1]"));

    let asked =
        Chat { extra: extra("web_search_options", json!({ "search_context_size": "low" })), ..asked("q") };
    let encoded = encode_request(&asked, &gemini_2()).unwrap();
    assert_eq!(encoded.dropped, ["web_search_options.search_context_size"]);
    assert!(String::from_utf8(encoded.body).unwrap().contains(r#""tools":[{"googleSearch":{}}]"#));
}

#[test]
fn thinking_is_asked_for_in_the_models_own_way() {
    let thinking = |request: ReasoningRequest, traits: Traits| {
        let chat = Chat { reasoning: Some(request), ..asked("q") };
        let (body, encoded) = encoded(&chat, &Target { model: "m".into(), traits });
        (body["generationConfig"]["thinkingConfig"].clone(), encoded.dropped)
    };
    let effort = |effort| ReasoningRequest { effort: Some(effort), ..ReasoningRequest::default() };
    let budget = || Traits { reasoning: ReasoningStyle::Budget, ..Traits::default() };
    assert_eq!(thinking(effort(Effort::High), Traits::default()).0, json!({ "thinkingLevel": "HIGH" }));
    assert_eq!(thinking(effort(Effort::Max), Traits::default()).0, json!({ "thinkingLevel": "HIGH" }));
    // Thinking by level cannot be off: no effort is the least there is.
    assert_eq!(thinking(effort(Effort::None), Traits::default()).0, json!({ "thinkingLevel": "LOW" }));
    let flash = Traits {
        efforts: vec![Effort::Minimal, Effort::Low, Effort::Medium, Effort::High],
        ..Traits::default()
    };
    assert_eq!(thinking(effort(Effort::None), flash).0, json!({ "thinkingLevel": "MINIMAL" }));
    let pro = Traits { efforts: vec![Effort::Low, Effort::High], ..Traits::default() };
    assert_eq!(thinking(effort(Effort::Medium), pro).0, json!({ "thinkingLevel": "LOW" }));
    assert_eq!(thinking(effort(Effort::Medium), budget()).0, json!({ "thinkingBudget": 4096 }));
    assert_eq!(thinking(effort(Effort::None), budget()).0, json!({ "thinkingBudget": 0 }));
    let tokens = ReasoningRequest {
        budget_tokens: Some(777),
        include_thoughts: Some(true),
        ..ReasoningRequest::default()
    };
    assert_eq!(
        thinking(tokens.clone(), budget()).0,
        json!({ "thinkingBudget": 777, "includeThoughts": true })
    );
    assert_eq!(
        thinking(tokens, Traits::default()).0,
        json!({ "thinkingLevel": "MINIMAL", "includeThoughts": true })
    );
    let none = Traits { reasoning: ReasoningStyle::None, ..Traits::default() };
    assert_eq!(thinking(effort(Effort::Low), none).1, ["reasoning_effort"]);
}

/// Gemini refuses a budget beyond the model's, which Claude Code's usual one is.
#[test]
fn a_thinking_budget_stays_within_the_models() {
    let request = ReasoningRequest { budget_tokens: Some(31_999), ..ReasoningRequest::default() };
    let chat = Chat { reasoning: Some(request), ..asked("q") };
    for (most, tokens, lost) in [(Some(24_576), 24_576, 1), (Some(32_768), 31_999, 0), (None, 31_999, 0)] {
        let traits =
            Traits { reasoning: ReasoningStyle::Budget, max_thinking_tokens: most, ..Traits::default() };
        let (body, encoded) = encoded(&chat, &Target { model: "m".into(), traits });
        assert_eq!(
            body["generationConfig"]["thinkingConfig"],
            json!({ "thinkingBudget": tokens }),
            "{most:?}"
        );
        assert_eq!(encoded.dropped, vec!["reasoning.max_tokens"; lost], "{most:?}");
    }
}

#[test]
fn a_service_tier_is_asked_for_in_googles_word() {
    for (tier, word) in [("flex", json!("flex")), ("priority", json!("priority")), ("default", Value::Null)] {
        let chat = Chat { service_tier: Some(tier.into()), ..chat(vec![says(Role::User, "q")]) };
        let (body, encoded) = encoded(&chat, &Target::default());
        assert_eq!((&body["serviceTier"], encoded.dropped), (&word, vec![]), "{tier}");
    }
    let asked = br#"{"contents":[{"parts":[{"text":"q"}]}],"service_tier":"SERVICE_TIER_FLEX"}"#;
    let chat = decode_request("gemini", false, asked).unwrap();
    assert_eq!(encoded(&chat, &Target::default()).0["serviceTier"], "flex");
}

#[test]
fn what_gemini_has_no_word_for_is_listed() {
    let chat = Chat {
        parallel_tool_calls: Some(false),
        sampling: Sampling {
            temperature: Some(1.0),
            frequency_penalty: Some(0.5),
            presence_penalty: Some(0.0),
            logit_bias: Some(Map::from_iter([("5".to_owned(), json!(1))])),
            ..Sampling::default()
        },
        user: Some("u".into()),
        metadata: Some(Map::from_iter([("k".to_owned(), json!("v"))])),
        service_tier: Some("scale".into()),
        extra: Map::from_iter([
            ("verbosity".to_owned(), json!("low")),
            ("safetySettings".to_owned(), json!([])),
        ]),
        ..chat(vec![Message { name: Some("ann".into()), ..says(Role::User, "q") }])
    };
    let unsampled = Target { traits: Traits { sampling: false, ..Traits::default() }, ..Target::default() };
    let (body, encoded) = encoded(&chat, &unsampled);
    let mut dropped = encoded.dropped;
    dropped.sort();
    assert_eq!(
        dropped,
        [
            "frequency_penalty",
            "logit_bias",
            "messages[0].name",
            "metadata",
            "parallel_tool_calls",
            "service_tier",
            "temperature",
            "user",
            "verbosity"
        ]
    );
    assert_eq!(
        body,
        json!({ "contents": [{ "role": "user", "parts": [{ "text": "q" }] }], "safetySettings": [] })
    );
}

#[test]
fn what_would_change_the_answer_is_refused() {
    let web = Content::Image(Image {
        source: Source::Url { url: "https://a.example/a.png".into(), media_type: None },
        detail: None,
    });
    let file = Content::Document(Document { source: Source::File { id: "file-abc".into() }, name: None });
    let schema =
        || ResponseFormat::JsonSchema { name: None, description: None, schema: json!({}), strict: None };
    let unstructured =
        Target { traits: Traits { structured_output: false, ..Traits::default() }, ..Target::default() };
    let unfilled = Target { traits: Traits { prefill: false, ..Traits::default() }, ..Target::default() };
    for (chat, target, param) in [
        (Chat { stop: vec!["x".into(); 6], ..asked("q") }, gemini_2(), "stop"),
        (Chat { n: Some(9), ..asked("q") }, gemini_2(), "n"),
        (
            chat(vec![message(Role::User, vec![web.into()])]),
            gemini_2(),
            "messages[0].content[0].image_url.url",
        ),
        (
            chat(vec![message(Role::User, vec![file.into()])]),
            gemini_2(),
            "messages[0].content[0].file.file_data",
        ),
        (
            chat(vec![message(Role::Assistant, vec![call("1", "f", "[1]")])]),
            gemini_2(),
            "messages[0].tool_calls",
        ),
        (Chat { response_format: Some(schema()), ..asked("q") }, unstructured, "response_format"),
        (chat(vec![says(Role::User, "q"), says(Role::Assistant, "a")]), unfilled, "messages"),
        (Chat { extra: extra("modalities", json!(["audio"])), ..asked("q") }, gemini_2(), "modalities"),
        (Chat { extra: extra("audio", json!({ "voice": "x" })), ..asked("q") }, gemini_2(), "audio"),
        (
            Chat { tools: vec![function("f", Some(json!({ "$ref": "#/x" })))], ..asked("q") },
            gemini_2(),
            "tools[0].function.parameters",
        ),
    ] {
        assert_eq!(refused(&chat, &target).param.as_deref(), Some(param));
    }
}

/// The arguments a model wrote are sent back to the digit: parsed into floats and written again, an
/// id of twenty digits becomes another one.
#[test]
fn arguments_keep_their_digits() {
    let arguments = r#"{"id":12345678901234567890123,"x":1.10}"#;
    let chat = chat(vec![says(Role::User, "q"), message(Role::Assistant, vec![call("1", "f", arguments)])]);
    let sent = String::from_utf8(encode_request(&chat, &gemini_2()).unwrap().body).unwrap();
    assert!(sent.contains(arguments), "{sent}");
    let again = decode_request("m", false, sent.as_bytes()).unwrap();
    let Content::ToolCall(call) = &again.messages[1].content[0].content else { panic!("no call: {again:?}") };
    assert_eq!(call.arguments, arguments);
}

/// Calls without ids, as older models and SDKs send them: each is told apart, and each result finds
/// its own call, also when the same function is called twice in two rounds.
#[test]
fn calls_without_ids_are_told_apart() {
    let round = json!([
        { "role": "model", "parts": [{ "functionCall": { "name": "f", "args": {} } }, { "functionCall": { "name": "f", "args": {} } }] },
        { "role": "user", "parts": [{ "functionResponse": { "name": "f", "response": {} } }, { "functionResponse": { "name": "f", "response": {} } }] },
    ]);
    let turns: Vec<Value> =
        [round.clone(), round].into_iter().flat_map(|round| round.as_array().unwrap().clone()).collect();
    let chat = decode_request("m", false, json!({ "contents": turns }).to_string().as_bytes()).unwrap();
    let mut calls = Vec::new();
    let mut results = Vec::new();
    for part in chat.messages.iter().flat_map(|message| &message.content) {
        match &part.content {
            Content::ToolCall(call) => calls.push(call.id.clone()),
            Content::ToolResult(result) => results.push(result.call_id.clone()),
            other => panic!("neither call nor result: {other:?}"),
        }
    }
    assert_eq!(calls, results);
    calls.sort();
    calls.dedup();
    assert_eq!(calls.len(), 4);
}

/// Gemini's CLI gives the results ids of its own where the calls had none: a conversation that goes from
/// a Gemini model to another provider's.
#[test]
fn results_with_ids_of_no_call_find_theirs_by_name() {
    let response =
        |id: &str, name: &str| json!({ "functionResponse": { "id": id, "name": name, "response": {} } });
    let call = |name: &str| json!({ "functionCall": { "name": name, "args": {} } });
    let named = json!({ "functionCall": { "id": "own", "name": "f", "args": {} } });
    let turns = json!([
        { "role": "model", "parts": [call("f"), call("g"), call("f"), named] },
        { "role": "user", "parts": [response("f-1", "f"), response("own", "f"), response("g-2", "g"), response("f-3", "f")] },
    ]);
    let chat = decode_request("m", false, json!({ "contents": turns }).to_string().as_bytes()).unwrap();
    let calls = chat.messages[0].content.iter().map(|part| match &part.content {
        Content::ToolCall(call) => call.id.as_str(),
        other => panic!("no call: {other:?}"),
    });
    let calls: Vec<&str> = calls.collect();
    let results = chat.messages[1].content.iter().map(|part| match &part.content {
        Content::ToolResult(result) => result.call_id.as_str(),
        other => panic!("no result: {other:?}"),
    });
    assert_eq!(results.collect::<Vec<_>>(), [calls[0], "own", calls[1], calls[2]]);
}

#[test]
fn geminis_own_fields_survive() {
    let request = json!({
        "contents": [{ "role": "user", "parts": [{ "text": "q" },
            { "fileData": { "fileUri": "https://youtu.be/x" }, "videoMetadata": { "fps": 2.0 } }] }],
        "safetySettings": [{ "category": "A", "threshold": "BLOCK_NONE" }],
        "cachedContent": "cachedContents/x",
        "labels": { "a": "b" },
        "generationConfig": { "responseModalities": ["TEXT"], "thinkingConfig": { "thinkingBudget": -1 } },
        "toolConfig": { "functionCallingConfig": { "mode": "VALIDATED" }, "retrievalConfig": { "languageCode": "de" } },
        "tools": [{ "functionDeclarations": [{ "name": "f" }] }, { "urlContext": {} }],
    });
    let chat = decode_request("m", true, request.to_string().as_bytes()).unwrap();
    let (body, encoded) = encoded(&chat, &gemini_2());
    assert_eq!(body, request);
    assert_eq!(encoded.dropped, Vec::<String>::new());
}

/// Clients cut old turns off a long conversation. Gemini refuses what is left when it begins with a
/// call: "ensure that function call turn comes immediately after a user turn".
#[test]
fn a_conversation_that_begins_with_a_call_gets_a_user_before_it() {
    let calls = message(Role::Assistant, vec![call("1", "f", "{}")]);
    let turns = |messages| body(&chat(messages), &gemini_2())["contents"].take();
    let contents = turns(vec![calls.clone(), result("1", vec![Part::text("a")])]);
    assert_eq!(contents[0], json!({ "role": "user", "parts": [{ "text": "" }] }));
    assert_eq!(contents[1]["parts"][0]["functionCall"]["name"], "f");
    let contents = turns(vec![says(Role::Assistant, "a"), says(Role::User, "b")]);
    assert_eq!(contents[0]["role"], "model");
}
