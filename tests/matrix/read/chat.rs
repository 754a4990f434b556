//! OpenAI Chat Completions.

use serde_json::{Map, Value, json};

use super::{Event, failure};
use crate::answer::{Answer, Call, Usage, count, list, text};
use crate::dialect::Dialect;

pub(super) fn whole(body: &Value, answer: &mut Answer) {
    answer.must(body["object"] == "chat.completion", "not a chat.completion");
    identity(body, answer);
    let choices = body["choices"].as_array().map(Vec::len);
    answer.must(choices == Some(1), format!("{choices:?} choices"));
    let choice = &body["choices"][0];
    let message = &choice["message"];
    answer.must(message["role"] == "assistant", "a message of another role");
    answer.text = text(&message["content"]);
    answer.refusal = text(&message["refusal"]);
    answer.thinking = text(&message["reasoning_content"]);
    for call in list(&message["tool_calls"]) {
        answer.must(call["type"] == "function", "a call that is no function");
        made(call, text(&call["function"]["arguments"]).as_str(), answer);
    }
    finished(choice, answer);
    answer.usage = usage(&body["usage"], answer);
    answer.complete = true;
    answer.turn = vec![message.clone()];
}

pub(super) fn stream(events: &[Event<'_>], answer: &mut Answer) {
    let mut parts = Parts::default();
    let mut first: Option<Value> = None;
    for event in events {
        if answer.complete || answer.error.is_some() {
            answer.fault(format!("an event behind the last: {:.80}", event.data));
        }
        if event.data == "[DONE]" {
            answer.complete = true;
            continue;
        }
        let chunk = event.json(answer);
        if chunk.get("error").is_some() {
            failure(Dialect::Chat, 200, &chunk, answer);
            continue;
        }
        answer.must(chunk["object"] == "chat.completion.chunk", format!("not a chunk: {chunk}"));
        identity(&chunk, answer);
        let same = |field: &str| first.as_ref().is_none_or(|first| first[field] == chunk[field]);
        answer.must(same("id") && same("created") && same("model"), "an answer of several identities");
        for choice in list(&chunk["choices"]) {
            answer.must(answer.stop.is_empty(), "a choice that goes on behind its finish reason");
            parts.add(&choice["delta"], answer);
            if !choice["finish_reason"].is_null() {
                finished(choice, answer);
            }
        }
        if !chunk["usage"].is_null() {
            answer.must(answer.usage.is_none(), "usage twice");
            answer.usage = usage(&chunk["usage"], answer);
        }
        first.get_or_insert(chunk);
    }
    answer.must(!answer.complete || !answer.stop.is_empty(), "[DONE] without a finish reason");
    parts.end(answer);
}

fn identity(body: &Value, answer: &mut Answer) {
    let named = body["id"].as_str().is_some_and(|id| !id.is_empty())
        && body["model"].as_str().is_some_and(|model| !model.is_empty())
        && body["created"].is_u64();
    answer.must(named, format!("no id, created or model: {body:.120}"));
}

fn finished(choice: &Value, answer: &mut Answer) {
    answer.stop = text(&choice["finish_reason"]);
    let known = ["stop", "length", "tool_calls", "content_filter"];
    answer.must(known.contains(&answer.stop.as_str()), format!("finish_reason {}", choice["finish_reason"]));
}

fn made(call: &Value, arguments: &str, answer: &mut Answer) {
    let id = text(&call["id"]);
    answer.must(!id.is_empty(), "a call without an id");
    let arguments = serde_json::from_str(arguments).unwrap_or_else(|_| {
        answer.fault(format!("arguments that are no JSON: {arguments}"));
        Value::Null
    });
    answer.calls.push(Call { id: Some(id), name: text(&call["function"]["name"]), arguments });
}

fn usage(usage: &Value, answer: &mut Answer) -> Option<Usage> {
    usage.is_object().then(|| {
        let read = Usage {
            input: count(&usage["prompt_tokens"]),
            cached: count(&usage["prompt_tokens_details"]["cached_tokens"]),
            written: count(&usage["prompt_tokens_details"]["cache_write_tokens"]),
            output: count(&usage["completion_tokens"]),
        };
        let total = count(&usage["total_tokens"]);
        answer.must(total == read.input + read.output, format!("a total of {total}: {usage}"));
        read
    })
}

/// What the deltas of a stream add up to, as a client adds them.
#[derive(Default)]
struct Parts {
    message: Map<String, Value>,
    details: Vec<Value>,
    calls: Vec<Value>,
}

impl Parts {
    fn add(&mut self, delta: &Value, answer: &mut Answer) {
        if let Some(role) = delta["role"].as_str() {
            answer.must(role == "assistant", format!("a delta of role {role}"));
            self.message.insert("role".into(), json!(role));
        }
        answer.must(self.message.contains_key("role"), "a delta before the role");
        for field in ["content", "refusal", "reasoning_content"] {
            if let Some(more) = delta[field].as_str() {
                let known = self.message.entry(field).or_insert_with(|| json!(""));
                *known = json!(format!("{}{more}", known.as_str().unwrap_or_default()));
            }
        }
        self.details.extend(list(&delta["reasoning_details"]).cloned());
        if delta["extra_content"].is_object() {
            self.message.insert("extra_content".into(), delta["extra_content"].clone());
        }
        for piece in list(&delta["tool_calls"]) {
            self.call(piece, answer);
        }
    }

    fn call(&mut self, piece: &Value, answer: &mut Answer) {
        let index = piece["index"].as_u64().and_then(|index| usize::try_from(index).ok());
        if index == Some(self.calls.len()) {
            answer.must(
                piece["id"].is_string()
                    && piece["function"]["name"].is_string()
                    && piece["type"] == "function",
                format!("a call that does not begin with what it is: {piece}"),
            );
            let mut call = piece.clone();
            if let Some(call) = call.as_object_mut() {
                call.remove("index");
            }
            self.calls.push(call);
            return;
        }
        let last = self.calls.len().checked_sub(1);
        answer.must(index.is_some() && index == last, format!("a piece of call {index:?} after {last:?}"));
        if let Some(call) = self.calls.last_mut() {
            let more = text(&piece["function"]["arguments"]);
            let known = text(&call["function"]["arguments"]);
            call["function"]["arguments"] = json!(known + &more);
            if piece["extra_content"].is_object() {
                call["extra_content"] = piece["extra_content"].clone();
            }
        }
    }

    fn end(self, answer: &mut Answer) {
        let mut message = Value::Object(self.message);
        answer.text = text(&message["content"]);
        answer.refusal = text(&message["refusal"]);
        answer.thinking = text(&message["reasoning_content"]);
        if answer.complete {
            for call in &self.calls {
                made(call, &text(&call["function"]["arguments"]), answer);
            }
        }
        if !self.calls.is_empty() {
            message["tool_calls"] = json!(self.calls);
        }
        if !self.details.is_empty() {
            message["reasoning_details"] = json!(self.details);
        }
        answer.turn = vec![message];
    }
}
