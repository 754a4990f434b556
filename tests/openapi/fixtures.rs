//! Answers of each format, written by hand after its documentation.

use serde_json::{Value, json};

/// Something an answer may be, in each format's words.
pub(crate) struct Fixture {
    /// What it is.
    pub(crate) name: &'static str,
    /// Fields of the question that ask for it.
    pub(crate) asks: Value,
    /// The provider, and its answer: whole, or the events of a stream.
    pub(crate) answers: Vec<(&'static str, Value)>,
}

/// Whole answers.
pub(crate) fn whole() -> Vec<Fixture> {
    let tools = json!({ "tools": [
        { "type": "function", "function": { "name": "weather", "parameters": { "type": "object" } } },
        { "type": "function", "function": { "name": "time", "parameters": { "type": "object" } } },
    ] });
    vec![
        Fixture {
            name: "text",
            asks: json!({}),
            answers: vec![
                ("openai", openai(&json!({ "role": "assistant", "content": "hello", "refusal": null }), "stop")),
                ("mistral", mistral(&json!({ "role": "assistant", "content": "hello", "tool_calls": null }), "stop")),
                ("anthropic", anthropic(&json!([{ "type": "text", "text": "hello" }]), "end_turn")),
                ("gemini", gemini(&json!([{ "text": "hello" }]), "STOP")),
            ],
        },
        Fixture {
            name: "nothing",
            asks: json!({}),
            answers: vec![
                ("anthropic", anthropic(&json!([]), "end_turn")),
                ("gemini", json!({ "candidates": [{ "finishReason": "STOP" }], "usageMetadata": { "promptTokenCount": 3 } })),
                ("gemini", json!({ "candidates": [{ "content": { "role": "model" }, "finishReason": "MAX_TOKENS" }] })),
            ],
        },
        Fixture {
            name: "tool calls",
            asks: tools,
            answers: vec![
                ("openai", openai(&json!({ "role": "assistant", "content": null, "refusal": null, "tool_calls": [
                    { "id": "call_1", "type": "function", "function": { "name": "weather", "arguments": "{\"city\":\"Ulm\"}" } },
                    { "id": "call_2", "type": "function", "function": { "name": "time", "arguments": "{}" } },
                ] }), "tool_calls")),
                ("mistral", mistral(&json!({ "role": "assistant", "content": "", "tool_calls": [
                    { "id": "D681PevKs", "function": { "name": "weather", "arguments": "{\"city\":\"Ulm\"}" }, "index": 0 },
                    { "id": "9GLvqcDXp", "function": { "name": "time", "arguments": "{}" }, "index": 1 },
                ] }), "tool_calls")),
                ("anthropic", anthropic(&json!([
                    { "type": "text", "text": "let me see" },
                    { "type": "tool_use", "id": "toolu_1", "name": "weather", "input": { "city": "Ulm" } },
                    { "type": "tool_use", "id": "toolu_2", "name": "time", "input": {} },
                ]), "tool_use")),
                ("gemini", gemini(&json!([
                    { "functionCall": { "name": "weather", "args": { "city": "Ulm" } }, "thoughtSignature": "c2VhbA==" },
                    { "functionCall": { "name": "time", "args": {} } },
                ]), "STOP")),
            ],
        },
        Fixture {
            name: "reasoning",
            asks: json!({ "reasoning_effort": "low" }),
            answers: vec![
                ("mistral", mistral(&json!({ "role": "assistant", "content": [
                    { "type": "thinking", "thinking": [{ "type": "text", "text": "hm" }] },
                    { "type": "text", "text": "42" },
                ] }), "stop")),
                ("anthropic", anthropic(&json!([
                    { "type": "thinking", "thinking": "hm", "signature": "c2VhbA==" },
                    { "type": "redacted_thinking", "data": "c2VhbGVk" },
                    { "type": "text", "text": "42" },
                ]), "end_turn")),
                ("gemini", gemini(&json!([{ "text": "hm", "thought": true }, { "text": "42", "thoughtSignature": "c2VhbA==" }]), "STOP")),
            ],
        },
        Fixture {
            name: "refusal",
            asks: json!({}),
            answers: vec![
                ("openai", openai(&json!({ "role": "assistant", "content": null, "refusal": "I cannot" }), "stop")),
                ("anthropic", anthropic(&json!([{ "type": "text", "text": "I will not" }]), "refusal")),
                ("gemini", json!({ "candidates": [{ "content": {}, "finishReason": "SAFETY" }], "usageMetadata": { "promptTokenCount": 4 } })),
                ("gemini", json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" }, "usageMetadata": { "promptTokenCount": 4 } })),
            ],
        },
        Fixture {
            name: "length",
            asks: json!({ "max_tokens": 1 }),
            answers: vec![
                ("openai", openai(&json!({ "role": "assistant", "content": "h", "refusal": null }), "length")),
                ("mistral", mistral(&json!({ "role": "assistant", "content": "h" }), "model_length")),
                ("anthropic", anthropic(&json!([{ "type": "text", "text": "h" }]), "max_tokens")),
                ("gemini", gemini(&json!([{ "text": "h" }]), "MAX_TOKENS")),
            ],
        },
        Fixture {
            name: "citations",
            asks: json!({}),
            answers: vec![
                ("anthropic", anthropic(&json!([{ "type": "text", "text": "It rained.", "citations": [{
                    "type": "web_search_result_location", "url": "https://weather.example/ulm", "title": "Ulm",
                    "cited_text": "rain", "encrypted_index": "c2VhbA==" }] }]), "end_turn")),
                ("gemini", json!({ "candidates": [{
                    "content": { "role": "model", "parts": [{ "text": "It rained." }] }, "finishReason": "STOP",
                    "groundingMetadata": {
                        "webSearchQueries": ["ulm weather"],
                        "groundingChunks": [{ "web": { "uri": "https://weather.example/ulm", "title": "weather.example" } }],
                        "groundingSupports": [{ "segment": { "endIndex": 10, "text": "It rained." }, "groundingChunkIndices": [0] }],
                    } }], "usageMetadata": gemini_usage() })),
            ],
        },
        Fixture {
            name: "several answers",
            asks: json!({ "n": 2 }),
            answers: vec![
                ("openai", {
                    let mut answer = openai(&json!({ "role": "assistant", "content": "a", "refusal": null }), "stop");
                    let mut second = answer["choices"][0].clone();
                    second["index"] = 1.into();
                    answer["choices"] = json!([answer["choices"][0], second]);
                    answer
                }),
                ("gemini", json!({ "candidates": [
                    { "index": 0, "content": { "role": "model", "parts": [{ "text": "a" }] }, "finishReason": "STOP" },
                    { "index": 1, "content": { "role": "model", "parts": [{ "text": "b" }] }, "finishReason": "STOP" },
                ], "usageMetadata": gemini_usage() })),
            ],
        },
        Fixture {
            name: "log probabilities",
            asks: json!({ "logprobs": true, "top_logprobs": 1 }),
            answers: vec![("gemini", json!({ "candidates": [{
                "content": { "role": "model", "parts": [{ "text": "hi" }] }, "finishReason": "STOP",
                "logprobsResult": {
                    "chosenCandidates": [{ "token": "hi", "tokenId": 17, "logProbability": -0.1 }],
                    "topCandidates": [{ "candidates": [{ "token": "hi", "tokenId": 17, "logProbability": -0.1 }] }],
                } }], "usageMetadata": gemini_usage() }))],
        },
    ]
}

/// Streamed answers, as the data of their events.
pub(crate) fn streamed() -> Vec<Fixture> {
    let chunk = |delta: Value, finish: Value| {
        json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-4o",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish, "logprobs": null }], "usage": null })
    };
    let usage = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-4o",
        "choices": [], "usage": { "prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4 } });
    let block = |index: u64, start: Value, deltas: &[Value]| {
        let mut events = vec![json!({ "type": "content_block_start", "index": index, "content_block": start })];
        events.extend(deltas.iter().map(|delta| json!({ "type": "content_block_delta", "index": index, "delta": delta })));
        events.push(json!({ "type": "content_block_stop", "index": index }));
        events
    };
    let thinking = block(0, json!({ "type": "thinking", "thinking": "" }), &[
        json!({ "type": "thinking_delta", "thinking": "hm" }),
        json!({ "type": "signature_delta", "signature": "c2VhbA==" }),
    ]);
    let text = block(1, json!({ "type": "text", "text": "" }), &[json!({ "type": "text_delta", "text": "42" })]);
    let call = |index: u64, name: &str, pieces: &[&str]| {
        let id = format!("toolu_{index}");
        let deltas: Vec<_> =
            pieces.iter().map(|piece| json!({ "type": "input_json_delta", "partial_json": piece })).collect();
        block(index, json!({ "type": "tool_use", "id": id, "name": name, "input": {} }), &deltas)
    };
    let calls = [call(0, "weather", &["", "{\"city\":", "\"Ulm\"}"]), call(1, "time", &[])].concat();
    vec![
        Fixture {
            name: "text",
            asks: json!({}),
            answers: vec![("openai", json!([
                chunk(json!({ "role": "assistant", "content": "", "refusal": null }), Value::Null),
                chunk(json!({ "content": "hello" }), Value::Null),
                chunk(json!({}), "stop".into()),
                usage,
                "[DONE]",
            ]))],
        },
        Fixture {
            name: "reasoning and text",
            asks: json!({}),
            answers: vec![
                ("mistral", json!([
                    chunk(json!({ "role": "assistant", "content": [{ "type": "thinking", "thinking": [{ "type": "text", "text": "hm" }] }] }), Value::Null),
                    { "id": "1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "magistral",
                      "choices": [{ "index": 0, "delta": { "content": "42" }, "finish_reason": "stop" }],
                      "usage": { "prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4 } },
                    "[DONE]",
                ])),
                ("anthropic", anthropic_stream(&[thinking, text].concat(), "end_turn")),
                ("gemini", json!([
                    { "candidates": [{ "content": { "role": "model", "parts": [{ "text": "hm", "thought": true }] } }], "usageMetadata": gemini_usage() },
                    { "candidates": [{ "content": { "role": "model", "parts": [{ "text": "42" }] }, "finishReason": "STOP" }], "usageMetadata": gemini_usage() },
                ])),
            ],
        },
        Fixture {
            name: "tool calls",
            asks: json!({ "tools": [{ "type": "function", "function": { "name": "weather", "parameters": { "type": "object" } } },
                { "type": "function", "function": { "name": "time" } }] }),
            answers: vec![
                ("anthropic", anthropic_stream(&calls, "tool_use")),
                ("gemini", json!([
                    { "candidates": [{ "content": { "role": "model", "parts": [
                        { "functionCall": { "name": "weather", "args": { "city": "Ulm" } } },
                        { "functionCall": { "name": "time", "args": {} } }] }, "finishReason": "STOP" }],
                      "usageMetadata": gemini_usage() },
                ])),
            ],
        },
        Fixture {
            name: "refusal",
            asks: json!({}),
            answers: vec![
                ("anthropic", anthropic_stream(&[], "refusal")),
                ("gemini", json!([{ "promptFeedback": { "blockReason": "SAFETY" }, "usageMetadata": { "promptTokenCount": 4 } }])),
            ],
        },
        Fixture {
            name: "an error in mid-stream",
            asks: json!({}),
            answers: vec![
                ("openai", json!([
                    chunk(json!({ "role": "assistant", "content": "he" }), Value::Null),
                    { "error": { "message": "The server had an error", "type": "server_error", "param": null, "code": null } },
                ])),
                ("anthropic", json!([
                    anthropic_stream(&[], "end_turn")[0],
                    { "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } },
                ])),
                ("gemini", json!([
                    { "candidates": [{ "content": { "role": "model", "parts": [{ "text": "he" }] } }] },
                    { "error": { "code": 503, "status": "UNAVAILABLE", "message": "The model is overloaded." } },
                ])),
            ],
        },
    ]
}

/// Errors: the provider, the status, the body.
pub(crate) fn errors() -> Vec<(&'static str, u16, Value)> {
    let openai = |kind: &str| json!({ "error": { "message": "no", "type": kind, "param": null, "code": null } });
    let anthropic = |kind: &str| json!({ "type": "error", "error": { "type": kind, "message": "no" }, "request_id": "req_1" });
    let gemini = |code: u16, status: &str| json!({ "error": { "code": code, "status": status, "message": "no" } });
    vec![
        ("openai", 400, openai("invalid_request_error")),
        ("openai", 429, openai("rate_limit_error")),
        ("openai", 502, "<html>bad gateway</html>".into()),
        ("mistral", 422, json!({ "object": "error", "message": { "detail": [{ "type": "extra_forbidden", "loc": ["body", "x"],
            "msg": "Extra inputs are not permitted", "input": 1 }] }, "type": "invalid_request_error", "param": null, "code": null })),
        ("mistral", 401, json!({ "detail": "Unauthorized" })),
        ("mistral", 429, json!({ "object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "param": null, "code": "1300" })),
        ("anthropic", 400, anthropic("invalid_request_error")),
        ("anthropic", 401, anthropic("authentication_error")),
        ("anthropic", 403, anthropic("permission_error")),
        ("anthropic", 404, anthropic("not_found_error")),
        ("anthropic", 413, anthropic("request_too_large")),
        ("anthropic", 429, anthropic("rate_limit_error")),
        ("anthropic", 500, anthropic("api_error")),
        ("anthropic", 529, anthropic("overloaded_error")),
        ("anthropic", 503, "upstream connect error".into()),
        ("gemini", 400, gemini(400, "INVALID_ARGUMENT")),
        ("gemini", 403, gemini(403, "PERMISSION_DENIED")),
        ("gemini", 404, gemini(404, "NOT_FOUND")),
        ("gemini", 429, gemini(429, "RESOURCE_EXHAUSTED")),
        ("gemini", 500, json!([gemini(500, "INTERNAL")])),
        ("gemini", 503, gemini(503, "UNAVAILABLE")),
        ("gemini", 504, Value::Null),
    ]
}

fn openai(message: &Value, finish: &str) -> Value {
    json!({ "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "gpt-4o-2024-08-06",
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4 }, "service_tier": "default" })
}

fn mistral(message: &Value, finish: &str) -> Value {
    json!({ "id": "cmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "mistral-large-latest",
        "choices": [{ "index": 0, "message": message, "finish_reason": finish }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4, "num_cached_tokens": 2 } })
}

fn anthropic(content: &Value, stop: &str) -> Value {
    json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "content": content,
        "stop_reason": stop, "stop_sequence": null, "usage": { "input_tokens": 3, "output_tokens": 1,
            "cache_read_input_tokens": 2, "cache_creation_input_tokens": 1, "service_tier": "standard" } })
}

fn anthropic_stream(blocks: &[Value], stop: &str) -> Value {
    let mut message = anthropic(&json!([]), stop);
    message["stop_reason"] = Value::Null;
    let mut events = vec![json!({ "type": "message_start", "message": message }), json!({ "type": "ping" })];
    events.extend_from_slice(blocks);
    events.push(json!({ "type": "message_delta", "delta": { "stop_reason": stop, "stop_sequence": null }, "usage": { "output_tokens": 9 } }));
    events.push(json!({ "type": "message_stop" }));
    events.into()
}

fn gemini(parts: &Value, finish: &str) -> Value {
    json!({ "candidates": [{ "content": { "role": "model", "parts": parts }, "finishReason": finish, "index": 0 }],
        "usageMetadata": gemini_usage(), "modelVersion": "gemini-2.5-flash", "responseId": "abc" })
}

fn gemini_usage() -> Value {
    json!({ "promptTokenCount": 3, "candidatesTokenCount": 1, "thoughtsTokenCount": 2, "totalTokenCount": 6,
        "serviceTier": "standard" })
}
