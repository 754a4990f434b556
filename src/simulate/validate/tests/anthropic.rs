use super::super::*;
use super::Good;
use serde_json::{Value, json};

fn good(model: &'static str) -> Good {
    Good::new(
        anthropic_messages,
        model,
        json!({"model": model, "max_tokens": 4096, "messages": [{"role": "user", "content": "hi"}]}),
    )
}

fn tool(name: &str) -> Value {
    json!({"name": name, "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}})
}

fn uses(ids: &[&str]) -> Value {
    let blocks: Vec<Value> =
        ids.iter().map(|id| json!({"type": "tool_use", "id": id, "name": "look", "input": {}})).collect();
    json!({"role": "assistant", "content": blocks})
}

fn results(ids: &[&str]) -> Vec<Value> {
    ids.iter().map(|id| json!({"type": "tool_result", "tool_use_id": id, "content": "sunny"})).collect()
}

#[test]
fn shapes_are_anthropics() {
    let fault = good("claude-sonnet-4-5").refuses(json!({"n": 1}), "n: Extra inputs are not permitted");
    let body = fault.body();
    assert_eq!((&body["type"], &body["error"]["type"]), (&json!("error"), &json!("invalid_request_error")));
    assert_eq!(body["error"]["message"], "n: Extra inputs are not permitted");
}

#[test]
fn fields() {
    let good = good("claude-sonnet-4-5");
    good.takes(json!({"temperature": 1.0, "stop_sequences": ["END"], "system": "be good", "top_k": 5}));
    good.refuses(json!({"max_tokens": null}), "max_tokens: Field required");
    good.refuses(json!({"max_tokens": 0}), "max_tokens: Input should be greater than or equal to 1");
    good.refuses(json!({"max_tokens": "9"}), "max_tokens: Input should be a valid integer");
    good.refuses(json!({"messages": null}), "messages: Field required");
    good.refuses(json!({"messages": []}), "at least one message is required");
    good.refuses(json!({"temperature": 1.5}), "temperature: Input should be less than or equal to 1");
    good.refuses(json!({"stop_sequences": [" "]}), "must contain non-whitespace");
    good.refuses(json!({"frequency_penalty": 0.1}), "Extra inputs are not permitted");
    good.refuses(
        json!({"system": [{"type": "text", "text": ""}]}),
        "system: text content blocks must be non-empty",
    );
    good.refuses(json!({"system": [{"text": "x"}]}), "system.0.type: Field required");
    good.refuses(json!({"metadata": {"user": "x"}}), "metadata.user: Extra inputs are not permitted");
    good.refuses(json!({"tool_choice": "auto"}), "tool_choice: Input should be a valid object");
}

#[test]
fn turns_and_blocks() {
    let good = good("claude-sonnet-4-5");
    let refuses = |messages: Value, words: &str| {
        good.refuses(json!({"messages": messages}), words);
    };
    let user = json!({"role": "user", "content": "hi"});
    good.takes(json!({"messages": [user, user, {"role": "assistant", "content": "so"}]}));
    refuses(
        json!([{"role": "assistant", "content": "hi"}, user]),
        "first message must use the \"user\" role",
    );
    refuses(
        json!([{"role": "tool", "content": "hi"}]),
        "messages.0.role: Input should be 'user', 'assistant' or 'system'",
    );
    refuses(json!([{"role": "system", "content": "hi"}, user]), "first message must use the \"user\" role");
    refuses(json!([user, {"role": "system", "content": "hi"}, user]), "not supported on this model");
    refuses(json!([{"role": "user", "content": ""}]), "user messages must have non-empty content");
    refuses(json!([{"role": "user", "content": null}]), "messages.0.content: Input should be a valid list");
    refuses(json!([user, {"role": "assistant", "content": []}, user]), "must have non-empty content");
    refuses(
        json!([{"role": "user", "content": [{"type": "text", "text": ""}]}]),
        "text content blocks must be non-empty",
    );
    refuses(
        json!([{"role": "user", "content": [{"type": "text", "text": " "}]}]),
        "must contain non-whitespace text",
    );
    refuses(json!([user, {"role": "assistant", "content": "so "}]), "cannot end with trailing whitespace");
    refuses(
        json!([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
        "does not match any of the expected tags",
    );
    let block = |block: Value| json!([{"role": "user", "content": [block]}]);
    let image = |media: &str, data: &str| {
        block(json!({"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}))
    };
    good.takes(json!({"messages": image("image/png", "AAAA")}));
    refuses(
        image("image/tiff", "AAAA"),
        "Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
    );
    refuses(image("image/png", "data:image/png;base64,AAAA"), "invalid base64 data");
    refuses(
        block(json!({"type": "image", "source": {"type": "url", "url": "http://x"}})),
        "Only HTTPS URLs are supported.",
    );
    refuses(
        block(json!({"type": "text", "text": "x", "name": "y"})),
        "messages.0.content.0.text.name: Extra inputs",
    );
    refuses(
        block(json!({"type": "tool_use", "id": "a", "name": "b", "input": {}})),
        "can only be in `assistant` messages",
    );
}

#[test]
fn calls_and_results() {
    let good = good("claude-sonnet-4-5");
    let with = |content: Vec<Value>| json!({"messages": [{"role": "user", "content": "hi"}, uses(&["a", "b"]), {"role": "user", "content": content}]});
    let text = json!({"type": "text", "text": "and?"});
    let both = results(&["b", "a"]);
    good.takes(with(both.clone()));
    good.takes(with([both.clone(), vec![text.clone()]].concat()));
    // Results may be spread over neighbouring user messages, which are one turn.
    good.takes(json!({"messages": [{"role": "user", "content": "hi"}, uses(&["a", "b"]),
        {"role": "user", "content": results(&["a"])}, {"role": "user", "content": results(&["b"])}]}));
    let unanswered = "`tool_use` ids were found without `tool_result` blocks immediately after: b";
    good.refuses(with(results(&["a"])), unanswered);
    good.refuses(
        with([vec![text.clone()], both.clone()].concat()),
        "without `tool_result` blocks immediately after: a, b",
    );
    good.refuses(with([results(&["a"]), vec![text], results(&["b"])].concat()), unanswered);
    good.refuses(
        with(results(&["a", "b", "c"])),
        "unexpected `tool_use_id` found in `tool_result` blocks: c",
    );
    good.refuses(with(results(&["a", "a"])), "each tool_use must have a single result");
    good.refuses(
        json!({"messages": [{"role": "user", "content": results(&["a"])}]}),
        "unexpected `tool_use_id`",
    );
    good.refuses(
        json!({"messages": [{"role": "user", "content": "hi"}, uses(&["a"])]}),
        "immediately after: a",
    );
    good.refuses(
        json!({"messages": [{"role": "user", "content": "hi"}, uses(&["call.1"])]}),
        "String should match pattern",
    );
    good.refuses(
        json!({"messages": [{"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": "{}"}]}]}),
        "tool_use.input: Input should be a valid dictionary",
    );
}

#[test]
fn tools() {
    let good = good("claude-sonnet-4-5");
    good.takes(json!({"tools": [tool("look")], "tool_choice": {"type": "tool", "name": "look", "disable_parallel_tool_use": true}}));
    good.refuses(
        json!({"tools": [tool("look at")]}),
        "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
    );
    good.refuses(json!({"tools": [tool("a"), tool("a")]}), "Tool names must be unique");
    good.refuses(json!({"tools": [{"name": "a"}]}), "tools.0.custom.input_schema: Field required");
    good.refuses(json!({"tools": [{"name": "a", "input_schema": {}}]}), "input_schema.type: Field required");
    good.refuses(
        json!({"tools": [{"type": "function", "function": {}}]}),
        "does not match any of the expected tags",
    );
    good.refuses(
        json!({"tools": [tool("a")], "tool_choice": {"type": "tool", "name": "b"}}),
        "Tool 'b' not found in provided tools",
    );
    good.refuses(json!({"tool_choice": {"type": "any"}}), "may only be specified while providing tools");
    good.refuses(
        json!({"tools": [tool("a")], "tool_choice": {"type": "none", "disable_parallel_tool_use": true}}),
        "Extra inputs are not permitted",
    );
}

#[test]
fn thinking() {
    let old = good("claude-sonnet-4-5");
    let on = json!({"type": "enabled", "budget_tokens": 1024});
    old.takes(json!({"thinking": on, "temperature": 1}));
    old.refuses(
        json!({"thinking": {"type": "enabled", "budget_tokens": 1000}}),
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    );
    old.refuses(
        json!({"thinking": {"type": "enabled", "budget_tokens": 4096}}),
        "`max_tokens` must be greater than `thinking.budget_tokens`",
    );
    old.refuses(
        json!({"thinking": on, "temperature": 0.5}),
        "`temperature` may only be set to 1 when thinking is enabled",
    );
    old.refuses(json!({"thinking": on, "top_k": 5}), "`top_k` must be unset");
    old.refuses(
        json!({"thinking": on, "tools": [tool("a")], "tool_choice": {"type": "any"}}),
        "Thinking may not be enabled when tool_choice forces tool use.",
    );
    old.refuses(json!({"thinking": {"type": "adaptive"}}), "adaptive thinking is not supported");
    old.refuses(json!({"thinking": {"type": "enabled"}}), "budget_tokens: Field required");
    let tail = |head: Option<Value>| {
        let mut turn = uses(&["a"]);
        if let Some(head) = head {
            turn["content"].as_array_mut().unwrap().insert(0, head);
        }
        json!({"thinking": on, "messages": [{"role": "user", "content": "hi"}, turn, {"role": "user", "content": results(&["a"])}]})
    };
    old.takes(tail(Some(json!({"type": "thinking", "thinking": "so", "signature": "AAAA"}))));
    old.takes(tail(Some(json!({"type": "redacted_thinking", "data": "AAAA"}))));
    old.refuses(tail(None), "Expected `thinking` or `redacted_thinking`, but found `tool_use`");
    old.refuses(
        tail(Some(json!({"type": "thinking", "thinking": "so"}))),
        "thinking.signature: Field required",
    );
    old.refuses(
        tail(Some(json!({"type": "thinking", "thinking": "so", "signature": ""}))),
        "Invalid `signature` in `thinking` block",
    );
}

#[test]
fn newer_models() {
    let newest = good("claude-opus-5-5");
    newest.takes(json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}));
    newest.refuses(json!({"temperature": 1}), "`temperature` is deprecated for this model.");
    newest.refuses(
        json!({"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        "is not supported for this model",
    );
    newest.refuses(json!({"thinking": {"type": "disabled"}}), "\"thinking.type.disabled\" is not supported");
    newest.refuses(
        json!({"tools": [tool("a")], "tool_choice": {"type": "any"}}),
        "forcing tool use is not supported",
    );
    newest.refuses(
        json!({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "so"}]}),
        "does not support assistant message prefill",
    );
    newest.takes(
        json!({"messages": [{"role": "user", "content": "hi"}, {"role": "system", "content": "be good"}]}),
    );
    good("claude-opus-4-6").refuses(
        json!({"output_config": {"effort": "xhigh"}}),
        "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium.",
    );
    good("claude-haiku-4-5")
        .refuses(json!({"output_config": {"effort": "low"}}), "does not support the effort parameter");
}

#[test]
fn structured_outputs() {
    let good = good("claude-sonnet-4-5");
    let format =
        |schema: Value| json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}});
    let object = |property: Value| json!({"type": "object", "properties": {"a": property}, "required": ["a"], "additionalProperties": false});
    good.takes(format(object(json!({"anyOf": [{"type": "string"}, {"type": "null"}]}))));
    good.refuses(
        format(json!({"type": "object", "properties": {}})),
        "'additionalProperties' must be explicitly set to false",
    );
    good.refuses(
        format(object(json!({"type": "integer", "minimum": 1}))),
        "For 'integer' type, property 'minimum' is not supported",
    );
    good.refuses(
        format(object(json!({"type": "array", "items": {"type": "string"}, "minItems": 2}))),
        "'minItems' values other than 0 or 1",
    );
    good.refuses(format(object(json!({"oneOf": []}))), "'oneOf' is not supported");
    good.refuses(
        json!({"output_config": {"format": {"type": "json_schema", "name": "x", "schema": {}}}}),
        "name: Extra inputs",
    );
    let count = json!({"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(anthropic_count_tokens("claude-sonnet-4-5", &count), Ok(()));
}
