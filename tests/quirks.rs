//! Servers that speak OpenAI's format in their own way are spoken to in it, and their answers are read
//! so that clients need not know.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "support/events.rs"]
mod events;
#[path = "support/gateway.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod gateway;
#[path = "support/upstream.rs"]
mod upstream;

use serde_json::{Value, json};
use tollway::{BoxError, simulate::validate};

use self::{
    gateway::{Answer, Gateway},
    upstream::Script,
};

const CONFIGURATION: &str = "
providers:
  openai: { base_url: '{upstream}/v1', api_key: test-key }
  mistral: { base_url: '{upstream}/v1', api_key: test-key }
  groq: { base_url: '{upstream}/openai/v1', api_key: test-key }
log: { access: 'off' }
";

type Judge = fn(&str, &Value) -> Result<(), tollway::simulate::Fault>;

const CHAT: &str = "/v1/chat/completions";

fn whole(message: &Value, finish: &str) -> Script {
    let body = json!({"id": "a", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
    Script::new(200, Some("application/json"), body.to_string())
}

fn stream(deltas: &[Value], finish: &str) -> Script {
    let chunk = |delta: &Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        let chunk = json!({"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [choice]});
        format!("data: {chunk}\n\n")
    };
    let mut body: String = deltas.iter().map(|delta| chunk(delta, Value::Null)).collect();
    body.push_str(&chunk(&json!({}), finish.into()));
    body.push_str("data: [DONE]\n\n");
    Script::new(200, Some("text/event-stream"), body)
}

fn sent(answer: &Answer) -> Value {
    let sent = answer.sent.as_ref().unwrap();
    serde_json::from_slice(&sent.body).unwrap()
}

/// What a stream's choice grows by, in a member.
fn grown(answer: &Answer, pointer: &str) -> String {
    let chunks = events::events(answer.text());
    let deltas = chunks.iter().map(events::Event::json);
    deltas
        .filter_map(|chunk| chunk.pointer(&format!("/choices/0/delta{pointer}"))?.as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn mistrals_thinking_is_shown_and_goes_back() -> Result<(), BoxError> {
    let gateway = Gateway::start(CONFIGURATION).await?;
    let thought = |text: &str| json!({"type": "thinking", "thinking": [{"type": "text", "text": text}]});
    let said = |text: &str| json!({"type": "text", "text": text});
    let mut request = json!({"model": "mistral/magistral-medium-latest",
        "messages": [{"role": "user", "content": "u"}]});

    let message = json!({"role": "assistant", "content": [thought("hm, "), said("a")]});
    let answer = gateway.post(CHAT, &request, whole(&message, "stop")).await;
    assert_eq!((answer.status.as_u16(), answer.is_whole), (200, true));
    let mut message = answer.json()["choices"][0]["message"].take();
    assert_eq!((&message["reasoning_content"], &message["content"]), (&json!("hm, "), &json!("a")));

    // As a client sends it back, all of it.
    message["annotations"] = json!([]);
    request["messages"].as_array_mut().unwrap().extend([message, json!({"role": "user", "content": "u"})]);
    let answer = gateway.post(CHAT, &request, whole(&json!({"content": "b"}), "stop")).await;
    let sent = sent(&answer);
    assert_eq!(sent["messages"][1]["content"][0]["thinking"][0]["text"], "hm, ");
    assert_eq!(sent["messages"][1]["content"][1], said("a"));
    assert_eq!(validate::mistral_chat("m", &sent), Ok(()));
    assert_eq!(answer.headers.get("x-tollway-dropped"), None);

    request["stream"] = true.into();
    let deltas = [
        json!({"role": "assistant", "content": ""}),
        json!({"content": [thought("h")]}),
        json!({"content": [thought("m")]}),
        json!({"content": "a"}),
        json!({"content": [said("b")]}),
    ];
    let answer = gateway.post(CHAT, &request, stream(&deltas, "stop")).await;
    assert_eq!(grown(&answer, "/reasoning_content"), "hm");
    assert_eq!(grown(&answer, "/content"), "ab");
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
    Ok(())
}

#[tokio::test]
async fn legacy_functions_are_called_where_only_tools_are_known() -> Result<(), BoxError> {
    let gateway = Gateway::start(CONFIGURATION).await?;
    let providers: [(&str, Judge); 2] = [
        ("mistral/mistral-large-latest", validate::mistral_chat),
        ("groq/openai/gpt-oss-120b", validate::groq_chat),
    ];
    for (model, judge) in providers {
        let mut request = json!({"model": model, "function_call": {"name": "look"},
        "functions": [{"name": "look"}, {"name": "other", "parameters": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": "u"},
            {"role": "assistant", "content": null, "function_call": {"name": "look", "arguments": "{}"}},
            {"role": "function", "name": "look", "content": "seen"},
            {"role": "user", "content": "again"},
        ]});
        let call = json!({"id": "D681PevKs", "type": "function", "index": 0,
            "function": {"name": "look", "arguments": "{\"a\":1}"}});
        let message = json!({"role": "assistant", "content": "", "tool_calls": [call]});
        let answer = gateway.post(CHAT, &request, whole(&message, "tool_calls")).await;
        let sent = sent(&answer);
        assert_eq!(judge("m", &sent), Ok(()), "{sent}");
        assert_eq!(sent["tools"][0]["function"]["name"], "look");
        assert_eq!(sent["messages"][2]["tool_call_id"], sent["messages"][1]["tool_calls"][0]["id"]);
        let choice = &answer.json()["choices"][0];
        assert_eq!(choice["message"]["function_call"], json!({"name": "look", "arguments": "{\"a\":1}"}));
        assert_eq!(choice["finish_reason"], "function_call");

        request["stream"] = true.into();
        let answer =
            gateway.post(CHAT, &request, stream(&[json!({"tool_calls": [call]})], "tool_calls")).await;
        assert_eq!(grown(&answer, "/function_call/name"), "look", "{}", answer.text());
        assert_eq!(grown(&answer, "/function_call/arguments"), "{\"a\":1}");
    }
    Ok(())
}

/// What the gateway itself shows of an answer, a client sends back, also to another model.
#[tokio::test]
async fn an_answer_of_any_model_may_be_sent_to_any_other() -> Result<(), BoxError> {
    let gateway = Gateway::start(CONFIGURATION).await?;
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}});
    let seal = json!({"google": {"thought_signature": "c2VhbA=="}});
    let call = json!({"id": "D681PevKs", "type": "function", "extra_content": seal,
        "function": {"name": "look", "arguments": "{}"}});
    let user = json!({"role": "user", "content": "u"});
    let messages = json!([
        user,
        {"role": "assistant", "content": "a", "refusal": null, "reasoning_content": "hm", "images": [picture],
            "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}],
            "extra_content": seal},
        user,
        {"role": "assistant", "content": null, "refusal": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "D681PevKs", "content": "seen"},
        user,
    ]);
    for (model, judge) in [
        ("openai/gpt-4o", validate::openai_chat as Judge),
        ("groq/openai/gpt-oss-120b", validate::groq_chat),
        ("mistral/mistral-large-latest", validate::mistral_chat),
    ] {
        let request = json!({"model": model, "messages": messages,
            "tools": [{"type": "function", "function": {"name": "look"}}]});
        let answer = gateway.post(CHAT, &request, whole(&json!({"content": "b"}), "stop")).await;
        assert_eq!(judge("gpt-4o", &sent(&answer)), Ok(()), "{model}: {}", sent(&answer));
        let dropped = answer.headers["x-tollway-dropped"].to_str()?;
        for name in
            ["messages[1].extra_content", "messages[1].images", "messages[3].tool_calls.extra_content"]
        {
            assert!(dropped.contains(name), "{model}: {dropped}");
        }
    }
    Ok(())
}

/// Clients of every dialect reach servers with quirks: what is spliced for them is the request as it was
/// written for them, and never the client's own.
#[tokio::test]
async fn clients_of_every_dialect_reach_servers_with_quirks() -> Result<(), BoxError> {
    let gateway = Gateway::start(CONFIGURATION).await?;
    let schema = json!({"type": "object", "properties": {"p": {"type": "string"}}});
    for (model, judge) in [
        ("mistral/mistral-large-latest", validate::mistral_chat as Judge),
        ("groq/openai/gpt-oss-120b", validate::groq_chat),
    ] {
        for streamed in [false, true] {
            let messages = json!({"model": model, "max_tokens": 9, "stream": streamed,
                "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
                "tools": [{"name": "look", "input_schema": schema}],
                "messages": [{"role": "user", "content": "u"}]});
            // As Codex asks.
            let responses = json!({"model": model, "stream": streamed, "instructions": "s", "store": false,
                "include": ["reasoning.encrypted_content"], "prompt_cache_key": "k",
                "parallel_tool_calls": false, "text": {"verbosity": "low"},
                "tools": [{"type": "function", "name": "look", "strict": false, "parameters": schema}],
                "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "u"}]}]});
            let gemini = json!({"systemInstruction": {"parts": [{"text": "s"}]},
                "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
                "tools": [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": schema}]}],
                "contents": [{"role": "user", "parts": [{"text": "u"}]}]});
            let method = if streamed { "streamGenerateContent?alt=sse" } else { "generateContent" };
            for (path, request) in [
                ("/v1/messages", messages),
                ("/v1/responses", responses),
                (&format!("/v1beta/models/{model}:{method}"), gemini),
            ] {
                let message = json!({"role": "assistant", "content": "b"});
                let script = if streamed { stream(&[message], "stop") } else { whole(&message, "stop") };
                let answer = gateway.post(path, &request, script).await;
                let sent = sent(&answer);
                assert_eq!(judge(model, &sent), Ok(()), "{path} → {model}: {sent}");
                assert_eq!(sent["messages"][0], json!({"role": "system", "content": "s"}));
                assert_eq!(sent["tools"][0]["function"]["name"], "look");
                assert!(
                    answer.status.is_success() && answer.text().contains("\"text\":\"b\""),
                    "{}",
                    answer.text()
                );
            }
        }
    }
    Ok(())
}

/// OpenAI's models search the web by Responses; Chat refuses `web_search_options` but for models that are
/// made for it. What only sounds like a search changes nothing.
#[tokio::test]
async fn a_web_search_is_asked_where_the_model_has_one() -> Result<(), BoxError> {
    let gateway = Gateway::start(CONFIGURATION).await?;
    let search =
        json!({"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a.example"]});
    let function = json!({"name": "web_search", "input_schema": {"type": "object"}});
    for (model, tool, path) in [
        ("gpt-5.5", &search, "/v1/responses"),
        ("gpt-5.5", &function, CHAT),
        ("groq/openai/gpt-oss-120b", &function, "/openai/v1/chat/completions"),
    ] {
        let request = json!({"model": model, "max_tokens": 99, "tools": [tool],
            "messages": [{"role": "user", "content": "u"}]});
        let refusal = Script::new(500, Some("application/json"), "{}");
        let answer = gateway.post("/v1/messages", &request, refusal).await;
        assert_eq!(answer.sent.as_ref().unwrap().uri.path(), path, "{tool}");
    }
    let search = json!({"google_search": {}});
    for (model, tools, path) in [
        ("gpt-5.5", json!([search]), "/v1/responses"),
        ("gpt-5.5", search.clone(), "/v1/responses"),
        ("gpt-5-search-api", json!([search]), CHAT),
    ] {
        let request = json!({"tools": tools, "contents": [{"parts": [{"text": "u"}]}]});
        let refusal = Script::new(500, Some("application/json"), "{}");
        let answer =
            gateway.post(&format!("/v1beta/models/openai/{model}:generateContent"), &request, refusal).await;
        let sent = answer.sent.as_ref().unwrap();
        assert_eq!(sent.uri.path(), path, "{model}");
        let sent: Value = serde_json::from_slice(&sent.body)?;
        assert_eq!(sent.get("web_search_options").is_some(), path == CHAT, "{sent}");
    }
    Ok(())
}

/// Codex edits files by a custom tool, which OpenAI's models alone have: for others it is a function, and
/// the client sees the tool it knows, whole and streamed.
#[tokio::test]
async fn custom_tools_are_functions_where_there_are_none() -> Result<(), BoxError> {
    let gateway = Gateway::start(
        "
providers:
  anthropic: { base_url: '{upstream}', api_key: test-key }
  groq: { base_url: '{upstream}/openai/v1', api_key: test-key }
log: { access: 'off' }
",
    )
    .await?;
    let tool = json!({"type": "custom", "name": "apply_patch", "description": "Edits.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: patch"}});
    let call =
        json!({"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "*** \"x\""});
    let result = json!({"type": "custom_tool_call_output", "call_id": "c", "output": "done"});
    let user = json!({"role": "user", "content": "u"});
    let arguments = "{\"input\":\"*** Begin\\n\"}";
    let called = json!({"role": "assistant", "content": null, "tool_calls": [{"index": 0, "id": "d", "type": "function",
        "function": {"name": "apply_patch", "arguments": arguments}}]});
    for streamed in [false, true] {
        let request = json!({"model": "groq/openai/gpt-oss-120b", "stream": streamed, "store": false,
            "tools": [tool], "input": [user, call, result, user]});
        let script = if streamed {
            stream(std::slice::from_ref(&called), "tool_calls")
        } else {
            whole(&called, "tool_calls")
        };
        let answer = gateway.post("/v1/responses", &request, script).await;
        let sent = sent(&answer);
        assert_eq!(validate::groq_chat("m", &sent), Ok(()), "{sent}");
        assert_eq!(
            sent["messages"][1]["tool_calls"][0]["function"],
            json!({"name": "apply_patch", "arguments": "{\"input\":\"*** \\\"x\\\"\"}"})
        );
        let told = sent["tools"][0]["function"]["description"].as_str().unwrap();
        assert!(told.contains("start: patch"), "{told}");
        assert!(answer.headers["x-tollway-dropped"].to_str()?.contains("tools[0].format"));
        let output = if streamed {
            let events = events::events(answer.text());
            events
                .iter()
                .map(events::Event::json)
                .find(|event| event["type"] == "response.completed")
                .unwrap()["response"]["output"][0]
                .clone()
        } else {
            answer.json()["output"][0].clone()
        };
        assert_eq!(output["type"], "custom_tool_call", "{}", answer.text());
        assert_eq!(output["input"], "*** Begin\n");
    }
    let request = json!({"model": "claude-haiku-4-5", "tools": [tool], "input": [user, call, result, user]});
    let answer =
        gateway.post("/v1/responses", &request, Script::new(500, Some("application/json"), "{}")).await;
    let sent = sent(&answer);
    assert_eq!(validate::anthropic_messages("claude-haiku-4-5", &sent), Ok(()), "{sent}");
    assert_eq!(sent["messages"][1]["content"][0]["input"], json!({"input": "*** \"x\""}));
    Ok(())
}

/// Elsewhere a host of one's own switched the translation off.
#[tokio::test]
async fn a_provider_at_another_place_is_spoken_to_in_its_own_format() -> Result<(), BoxError> {
    let gateway = Gateway::start(
        "
providers:
  mine: { kind: anthropic, base_url: '{upstream}/behind/a/proxy', api_key: test-key }
  google: { kind: gemini, base_url: '{upstream}/behind/v1beta', api_key: test-key }
log: { access: 'off' }
",
    )
    .await?;
    for (model, path, judge) in [
        ("mine/claude-sonnet-4-5", "/behind/a/proxy/v1/messages", validate::anthropic_messages as Judge),
        (
            "google/gemini-2.5-flash",
            "/behind/v1beta/models/gemini-2.5-flash:generateContent",
            validate::gemini_generate,
        ),
    ] {
        let request = json!({"model": model, "messages": [{"role": "user", "content": "u"}]});
        let refusal = Script::new(500, Some("application/json"), "{}");
        let answer = gateway.post(CHAT, &request, refusal).await;
        assert_eq!(answer.sent.as_ref().unwrap().uri.path(), path);
        assert_eq!(judge(model.split('/').nth(1).unwrap(), &sent(&answer)), Ok(()));
    }
    Ok(())
}
