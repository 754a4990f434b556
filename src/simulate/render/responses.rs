//! OpenAI Responses.

use super::super::answer::{Answer, Finish, Reply};
use super::super::hash::{hash, hexadecimal, identifier};
use super::super::prompt::Prompt;
use super::super::signature::{Of, sign};
use super::responses_stream::events;
use super::{CREATED, Rendered, json, named, stream};
use serde_json::{Value, json};

/// Writes a response to `body`, streamed when the prompt asks for it; also returns it as it is stored.
pub(crate) fn responses(prompt: &Prompt, answer: &Answer, body: &Value) -> (Rendered, Value) {
    let output = answer.choices.first().map(|reply| items(prompt, answer, reply, body)).unwrap_or_default();
    let response = whole(prompt, answer, body, &output);
    let rendered = if prompt.stream {
        stream(events(&response, &output).iter().map(named).collect())
    } else {
        json(&response)
    };
    (rendered, response)
}

/// Fields that were not asked for are null, as the API fills them in.
fn whole(prompt: &Prompt, answer: &Answer, body: &Value, output: &[Value]) -> Value {
    let usage = answer.usage;
    let incomplete = answer.choices.first().map_or(Some("content_filter"), |reply| match reply.finish {
        Finish::Length => Some("max_output_tokens"),
        Finish::Filter => Some("content_filter"),
        _ => None,
    });
    let asked = |field: &str, default: Value| match &body[field] {
        Value::Null => default,
        given => given.clone(),
    };
    json!({
        "id": hexadecimal("resp_", answer.seed, 48),
        "object": "response",
        "created_at": CREATED,
        "completed_at": CREATED,
        "status": if incomplete.is_some() { "incomplete" } else { "completed" },
        "background": body["background"] == true,
        "error": null,
        "incomplete_details": incomplete.map(|reason| json!({"reason": reason})),
        "instructions": body["instructions"],
        "max_output_tokens": body["max_output_tokens"],
        "max_tool_calls": body["max_tool_calls"],
        "model": prompt.model,
        "output": output,
        "parallel_tool_calls": prompt.parallel,
        "previous_response_id": body["previous_response_id"],
        "prompt_cache_key": body["prompt_cache_key"],
        "reasoning": {"effort": body["reasoning"]["effort"], "summary": body["reasoning"]["summary"]},
        "safety_identifier": body["safety_identifier"],
        "service_tier": "default",
        "store": asked("store", json!(true)),
        "temperature": asked("temperature", json!(1.0)),
        "text": {"format": asked_format(body), "verbosity": "medium"},
        "tool_choice": asked("tool_choice", json!("auto")),
        "tools": tools(body),
        "top_logprobs": asked("top_logprobs", json!(0)),
        "top_p": asked("top_p", json!(1.0)),
        "truncation": asked("truncation", json!("disabled")),
        "usage": {
            "input_tokens": usage.input,
            "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.input + usage.output,
        },
        "metadata": asked("metadata", json!({})),
    })
}

fn asked_format(body: &Value) -> Value {
    let mut format = body["text"]["format"].clone();
    if format.is_null() {
        return json!({"type": "text"});
    }
    if format["type"] == "json_schema" {
        for field in ["description", "strict"] {
            if format[field].is_null() {
                format[field] = Value::Null;
            }
        }
    }
    format
}

/// The tools of the request with what the API fills in.
fn tools(body: &Value) -> Value {
    let filled = |tool: &Value| {
        let mut tool = tool.clone();
        if tool["type"] == "function" {
            for (field, default) in
                [("strict", json!(true)), ("description", Value::Null), ("parameters", Value::Null)]
            {
                if tool[field].is_null() {
                    tool[field] = default;
                }
            }
        }
        tool
    };
    body["tools"].as_array().into_iter().flatten().map(filled).collect()
}

fn items(prompt: &Prompt, answer: &Answer, reply: &Reply, body: &Value) -> Vec<Value> {
    let id = |prefix: &str, seed: u64| hexadecimal(prefix, hash(answer.seed, &seed.to_be_bytes()), 48);
    let mut items = Vec::new();
    let shares = |what: &str| {
        body["include"].as_array().is_some_and(|include| include.iter().any(|included| included == what))
    };
    if let Some(reasoning) = &reply.reasoning {
        let shown = prompt.shows_reasoning && !reply.redacted;
        let summary = if shown { json!([{"type": "summary_text", "text": reasoning}]) } else { json!([]) };
        let id = id("rs_", 1);
        let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
        if shares("reasoning.encrypted_content") {
            item["encrypted_content"] = json!(sign(Of::Reasoning, &id));
        }
        items.push(item);
    }
    if !reply.text.is_empty() || reply.calls.is_empty() {
        let part = if reply.refusal {
            json!({"type": "refusal", "refusal": reply.text})
        } else {
            json!({"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []})
        };
        let status =
            if matches!(reply.finish, Finish::Length | Finish::Filter) { "incomplete" } else { "completed" };
        items.push(json!({
            "id": id("msg_", 2), "type": "message", "status": status, "role": "assistant", "content": [part],
        }));
    }
    for call in &reply.calls {
        items.push(json!({
            "id": id("fc_", call.seed), "type": "function_call", "status": "completed",
            "call_id": identifier("call_", call.seed, 24), "name": call.name,
            "arguments": call.arguments.to_string(),
        }));
    }
    items
}
