use super::super::*;
use super::Good;
use serde_json::{Value, json};

fn chat(model: &'static str) -> Good {
    Good::new(openai_chat, model, json!({"model": model, "messages": [{"role": "user", "content": "hi"}]}))
}

fn tool() -> Value {
    json!({"type": "function", "function": {"name": "look", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": false,
    }}})
}

fn call(id: &str) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": id, "type": "function", "function": {"name": "look", "arguments": "{}"}},
    ]})
}

#[test]
fn shapes_are_openais() {
    let fault = chat("gpt-4o").refuses(json!({"colour": 1}), "Unknown parameter: 'colour'.");
    assert_eq!(
        fault.body(),
        json!({"error": {
            "message": "Unknown parameter: 'colour'.", "type": "invalid_request_error",
            "param": "colour", "code": "unknown_parameter",
        }})
    );
    assert_eq!(fault.status, 400);
}

#[test]
fn types_and_ranges() {
    let good = chat("gpt-4o");
    good.takes(json!({"temperature": 0, "n": 2, "stop": ["a", "b"], "logprobs": true, "top_logprobs": 2}));
    let with = |field: &str, value: Value, words: &str| {
        let mut body = good.body.clone();
        body[field] = value;
        let fault = openai_chat("gpt-4o", &body).unwrap_err();
        assert!(fault.to_string().contains(words), "{field}: {fault}");
    };
    with("model", Value::Null, "Invalid type for 'model': expected a string, but got null instead.");
    with("messages", json!([]), "Invalid 'messages': empty array.");
    with("messages", json!("hi"), "expected an array, but got a string");
    with("temperature", json!("1"), "expected a decimal, but got a string instead.");
    with("temperature", json!(-1), "decimal below minimum value. Expected a value >= 0, but got -1 instead.");
    with(
        "temperature",
        json!(2.5),
        "decimal above maximum value. Expected a value <= 2, but got 2.5 instead.",
    );
    with("n", json!(0), "integer below minimum value");
    with("n", json!(129), "integer above maximum value");
    with("n", json!(1.5), "expected an integer, but got a decimal instead.");
    with("stop", json!(["a", "b", "c", "d", "e"]), "array too long");
    with("stream", json!("yes"), "expected a boolean");
    with("tools", Value::Null, "Invalid type for 'tools'");
    with("reasoning_effort", json!("much"), "Invalid value: 'much'. Supported values are: 'none'");
    with("seed", json!("x"), "expected an integer");
    with("stream_options", json!({"include_usage": true}), "only allowed when 'stream' is enabled");
    with("top_logprobs", json!(3), "only allowed when 'logprobs' is enabled");
    with("tool_choice", json!("auto"), "'tool_choice' is only allowed when 'tools' are specified");
    with("parallel_tool_calls", json!(true), "only allowed when 'tools' are specified");
    with("response_format", json!({"type": "json_object"}), "must contain the word 'json' in some form");
    with("response_format", json!({"type": "xml"}), "Invalid value: 'xml'");
    with("metadata", json!({"a": 1}), "Invalid type for 'metadata.a': expected a string");
    let missing = openai_chat("", &json!({"messages": []})).unwrap_err();
    assert_eq!(missing.message, "you must provide a model parameter");
    let missing = openai_chat("gpt-4o", &json!({"model": "gpt-4o"})).unwrap_err();
    assert_eq!(missing.message, "Missing required parameter: 'messages'.");
    openai_chat("gpt-4o", &json!([1])).unwrap_err();
}

#[test]
fn messages() {
    let good = chat("gpt-4o");
    let user = json!({"role": "user", "content": "hi"});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "sunny"});
    good.takes(json!({"messages": [user, call("call_1"), result("call_1"), user]}));
    let refuses = |messages: Value, words: &str| {
        good.refuses(json!({"messages": messages}), words);
    };
    refuses(json!([{"role": "robot", "content": "hi"}]), "Invalid value: 'robot'");
    refuses(json!([{"content": "hi"}]), "Missing required parameter: 'messages[0].role'.");
    refuses(json!([{"role": "user", "content": null}]), "expected a string, got null");
    refuses(json!([{"role": "user"}]), "expected a string, got null");
    refuses(json!([{"role": "assistant", "content": null}]), "expected a string, got null");
    refuses(json!([user, result("call_1")]), "must be a response to a preceeding message with 'tool_calls'");
    refuses(json!([user, call("call_1"), user]), "did not have response messages: call_1");
    refuses(json!([user, call("call_1")]), "did not have response messages: call_1");
    refuses(json!([user, call("call_1"), result("call_2")]), "'tool_call_id' of 'call_2' not found");
    refuses(json!([user, call("call_1"), {"role": "tool", "content": "x"}]), "messages[2].tool_call_id");
    refuses(json!([user, call(&"x".repeat(65))]), "string too long");
    refuses(json!([{"role": "user", "content": [{"type": "picture"}]}]), "Invalid value: 'picture'");
    refuses(json!([{"role": "user", "content": []}]), "empty array");
    let part = |part: Value| json!([{"role": "user", "content": [part]}]);
    refuses(part(json!({"type": "text"})), "Missing required parameter: 'messages[0].content[0].text'.");
    refuses(part(json!({"type": "image_url", "image_url": "https://x"})), "expected an object");
    refuses(part(json!({"type": "image_url", "image_url": {"url": "x.png"}})), "Invalid image URL");
    refuses(
        part(json!({"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AAAA"}})),
        "unsupported image",
    );
    refuses(part(json!({"type": "file", "file": {}})), "file.file_id");
    refuses(
        part(json!({"type": "file", "file": {"file_data": "AAAA", "filename": "a"}})),
        "Invalid file data",
    );
    refuses(
        json!([user, call("c"), {"role": "tool", "tool_call_id": "c", "content": [{"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}}]}]),
        "Content blocks are expected to be either text or image_url type.",
    );
}

#[test]
fn tools_and_schemas() {
    let good = chat("gpt-4o");
    good.takes(json!({"tools": [tool()], "tool_choice": {"type": "function", "function": {"name": "look"}}}));
    let named = |name: &str| {
        let mut tool = tool();
        tool["function"]["name"] = json!(name);
        json!({"tools": [tool]})
    };
    good.refuses(named("look at"), "^[a-zA-Z0-9_-]+$");
    good.refuses(named(&"x".repeat(65)), "string too long");
    good.refuses(json!({"tools": []}), "empty array");
    good.refuses(
        json!({"tools": [tool()], "tool_choice": {"type": "function", "function": {"name": "walk"}}}),
        "no function named 'walk'",
    );
    let strict = |parameters: Value| {
        let mut tool = tool();
        tool["function"]["strict"] = json!(true);
        tool["function"]["parameters"] = parameters;
        json!({"tools": [tool]})
    };
    let object = |rest: Value| {
        let mut schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
        for (key, value) in rest.as_object().unwrap() {
            schema[key] = value.clone();
        }
        schema
    };
    good.takes(strict(object(json!({}))));
    good.refuses(strict(object(json!({"additionalProperties": true}))), "'additionalProperties' is required");
    good.refuses(strict(object(json!({"required": []}))), "Missing 'a'.");
    good.refuses(strict(object(json!({"required": ["a", "b"]}))), "Extra required key 'b'");
    good.refuses(
        strict(object(json!({"properties": {"a": {}}}))),
        "In context=('properties', 'a'), schema must have a 'type' key.",
    );
    good.refuses(strict(object(json!({"properties": {"a": {"oneOf": []}}}))), "'oneOf' is not permitted");
    good.refuses(
        strict(object(json!({"properties": {"a": {"type": "array"}}}))),
        "array schema missing items",
    );
    good.refuses(
        strict(object(json!({"properties": {"a": {"$ref": "#", "description": "x"}}}))),
        "$ref cannot have keywords {'description'}",
    );
    good.refuses(strict(json!({"type": "string"})), "got 'type: 'string''");
    let format = |schema: Value| json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": schema}}});
    good.takes(format(object(json!({}))));
    let fault =
        good.refuses(format(object(json!({"required": []}))), "Invalid schema for response_format 'x'");
    assert_eq!(fault.param.as_deref(), Some("response_format"));
}

#[test]
fn reasoning_models() {
    let good = chat("gpt-5");
    good.takes(json!({"max_completion_tokens": 9, "temperature": 1, "reasoning_effort": "minimal"}));
    good.refuses(json!({"max_tokens": 9}), "Use 'max_completion_tokens' instead.");
    good.refuses(json!({"temperature": 0.5}), "Only the default (1) value is supported.");
    good.refuses(json!({"top_p": 0.5}), "'top_p' does not support 0.5");
    good.refuses(json!({"logprobs": true}), "'logprobs' is not supported");
    good.refuses(
        json!({"reasoning_effort": "none"}),
        "Supported values are: 'minimal', 'low', 'medium', and 'high'.",
    );
    chat("gpt-5.6").takes(json!({"temperature": 0.5, "reasoning_effort": "none"}));
    chat("gpt-5.4-mini").takes(json!({"temperature": 0.5}));
    chat("gpt-4o").refuses(
        json!({"reasoning_effort": "low"}),
        "Unrecognized request argument supplied: reasoning_effort",
    );
}

#[test]
fn embeddings_and_completions() {
    let good = Good::new(
        openai_embeddings,
        "text-embedding-3-small",
        json!({"model": "text-embedding-3-small", "input": "a"}),
    );
    good.takes(json!({"input": ["a", "b"], "dimensions": 8, "encoding_format": "base64"}));
    good.takes(json!({"input": [[1, 2], [3]]}));
    good.refuses(json!({"input": ""}), "empty string");
    good.refuses(json!({"input": []}), "empty array");
    good.refuses(json!({"dimensions": 2000}), "less than or equal to 1536");
    good.refuses(json!({"encoding_format": "hex"}), "Invalid value: 'hex'");
    let good = Good::new(
        openai_completions,
        "gpt-3.5-turbo-instruct",
        json!({"model": "gpt-3.5-turbo-instruct", "prompt": "a"}),
    );
    good.refuses(json!({"messages": []}), "Unknown parameter: 'messages'.");
    good.refuses(json!({"n": 3, "best_of": 2}), "'best_of'");
    assert_eq!(openai_completions("gpt-4o", &good.body).unwrap_err().status, 404);
}

#[test]
fn responses() {
    let good = Good::new(openai_responses, "gpt-4o", json!({"model": "gpt-4o", "input": "hi"}));
    good.takes(json!({"input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}]}));
    good.refuses(json!({"input": null}), "must be provided");
    good.refuses(json!({"messages": []}), "Unknown parameter: 'messages'.");
    good.refuses(
        json!({"input": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}),
        "Invalid value: 'text'",
    );
    good.refuses(
        json!({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}),
        "Supported values are: 'output_text' and 'refusal'",
    );
    let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "c", "output": "1"});
    good.takes(json!({"input": [call, output]}));
    good.refuses(json!({"input": [call]}), "No tool output found for function call c.");
    good.refuses(json!({"input": [output]}), "No tool call found for function call output");
    good.refuses(
        json!({"tools": [{"type": "function", "function": {"name": "f"}}]}),
        "Missing required parameter: 'tools[0].name'.",
    );
    good.refuses(json!({"reasoning": {"effort": "low"}}), "'reasoning.effort' is not supported");
    good.refuses(json!({"max_output_tokens": 3}), "integer below minimum value");
}
