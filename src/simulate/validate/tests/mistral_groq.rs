use super::super::*;
use super::Good;
use serde_json::{Value, json};

fn mistral() -> Good {
    Good::new(
        mistral_chat,
        "mistral-large-4",
        json!({"model": "mistral-large-4", "messages": [{"role": "user", "content": "hi"}]}),
    )
}

fn groq() -> Good {
    Good::new(
        groq_chat,
        "openai/gpt-oss-20b",
        json!({"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "hi"}]}),
    )
}

fn call(id: &str, name: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}})
}

fn tool() -> Value {
    json!({"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}})
}

#[test]
fn shapes_are_mistrals() {
    let fault = mistral().refuses(json!({"seed": 4}), "Extra inputs are not permitted");
    assert_eq!(fault.status, 422);
    assert_eq!(
        fault.body(),
        json!({"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": 4}]})
    );
    let fault = mistral().refuses(
        json!({"messages": [{"role": "assistant", "content": "x"}]}),
        "Expected last role User or Tool",
    );
    assert_eq!((fault.status, &fault.body()["object"]), (400, &json!("error")));
}

#[test]
fn mistral_fields() {
    let good = mistral();
    good.takes(
        json!({"random_seed": 4, "tools": [tool()], "tool_choice": "any", "reasoning_effort": "high"}),
    );
    for (field, value) in [
        ("max_completion_tokens", json!(5)),
        ("logprobs", json!(true)),
        ("user", json!("x")),
        ("stream_options", json!({})),
        ("logit_bias", json!({})),
    ] {
        let mut fields = json!({});
        fields[field] = value;
        good.refuses(fields, "extra_forbidden");
    }
    good.refuses(json!({"reasoning_effort": "low"}), "Input should be 'none' or 'high'");
    let null = |field: &str| {
        let mut body = good.body.clone();
        body[field] = Value::Null;
        mistral_chat("m", &body)
    };
    assert_eq!(null("stop"), Ok(()));
    for field in ["tool_choice", "response_format", "top_p", "stream", "parallel_tool_calls"] {
        assert_eq!(null(field).unwrap_err().status, 422, "{field}");
    }
    good.refuses(json!({"messages": [{"role": "user", "content": "hi", "name": "x"}]}), "extra_forbidden");
    good.refuses(json!({"messages": [{"role": "developer", "content": "hi"}]}), "literal_error");
    good.refuses(json!({"tool_choice": "any"}), "needs tools");
}

#[test]
fn mistral_messages() {
    let good = mistral();
    let refuses = |messages: Value, words: &str| {
        good.refuses(json!({"messages": messages}), words);
    };
    let user = json!({"role": "user", "content": "hi"});
    let asks =
        |id: &str, name: &str| json!({"role": "assistant", "content": "", "tool_calls": [call(id, name)]});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "x"});
    good.takes(json!({"messages": [user, asks("abcdefghi", "look"), result("abcdefghi")]}));
    good.takes(json!({"messages": [user, {"role": "assistant", "content": "so", "prefix": true}]}));
    refuses(
        json!([user, asks("call_1", "look"), result("call_1")]),
        "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.",
    );
    refuses(json!([user, asks("abcdefghi", "look at"), result("abcdefghi")]), "Function name was look at");
    refuses(
        json!([user, asks("abcdefghi", "look"), user]),
        "Not the same number of function calls and responses",
    );
    refuses(json!([user, asks("abcdefghi", "look"), result("ihgfedcba")]), "Unexpected tool call id");
    refuses(
        json!([user, asks("abcdefghi", "look"), result("abcdefghi"), user]),
        "Unexpected role 'user' after role 'tool'",
    );
    let instructs = json!({"role": "system", "content": "s"});
    good.takes(json!({"messages": [user, instructs, user]}));
    refuses(
        json!([user, {"role": "assistant", "content": "so"}, instructs, user]),
        "Unexpected role 'system' after role 'assistant'",
    );
    refuses(json!([user, result("abcdefghi")]), "Unexpected role 'tool' after role 'user'");
    refuses(
        json!([user, {"role": "assistant", "content": ""}, user]),
        "must have either content or tool_calls, but not none",
    );
    refuses(json!([user, {"role": "assistant", "content": "so"}]), "Expected last role User or Tool");
    refuses(json!([user, {"role": "assistant", "content": "so", "refusal": null}, user]), "extra_forbidden");
}

#[test]
fn groq_messages_and_formats() {
    let good = groq();
    let user = json!({"role": "user", "content": "hi"});
    let result = json!({"role": "tool", "tool_call_id": "a", "content": "x"});
    good.takes(json!({"messages": [user, {"role": "assistant", "tool_calls": [call("a", "look")]}, result]}));
    good.refuses(
        json!({"messages": [user, {"role": "assistant", "content": null, "tool_calls": [call("a", "look")]}, result]}),
        "'messages.1.content' : value must be of a supported type",
    );
    good.refuses(
        json!({"messages": [user, {"role": "assistant", "content": "x", "tool_calls": null}]}),
        "'messages.1.tool_calls' : value must be an array",
    );
    good.refuses(
        json!({"messages": [user, {"role": "assistant", "content": "x", "annotations": []}]}),
        "'messages.1' : property 'annotations' is unsupported",
    );
    let schema = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}});
    good.takes(json!({"response_format": schema}));
    good.refuses(
        json!({"response_format": schema, "tools": [tool()]}),
        "cannot be combined with tool/function calling",
    );
    good.refuses(json!({"response_format": schema, "stream": true}), "does not support streaming");
    good.refuses(json!({"n": 2}), "integer above maximum value");
    let fault = good.refuses(json!({"logit_bias": {}}), "property 'logit_bias' is unsupported");
    assert_eq!(fault.body(), json!({"error": {"message": fault.message, "type": "invalid_request_error"}}));
}
