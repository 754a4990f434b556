//! The events of a streamed OpenAI response.

use super::super::tokens::tokens;
use serde_json::{Value, json};

/// The events that build `response` with its `output`, numbered.
pub(super) fn events(response: &Value, output: &[Value]) -> Vec<Value> {
    let mut events = Events(Vec::new());
    let mut begun = response.clone();
    begun["status"] = json!("in_progress");
    for field in ["completed_at", "usage", "incomplete_details"] {
        begun[field] = Value::Null;
    }
    begun["output"] = json!([]);
    events.push(json!({"type": "response.created", "response": begun}));
    events.push(json!({"type": "response.in_progress", "response": begun}));
    for (index, item) in output.iter().enumerate() {
        match item["type"].as_str() {
            Some("message") => events.message(index, item),
            Some("function_call") => events.call(index, item),
            _ => events.reasoning(index, item),
        }
    }
    let end = if response["status"] == "incomplete" { "response.incomplete" } else { "response.completed" };
    events.push(json!({"type": end, "response": response}));
    events.0
}

struct Events(Vec<Value>);

impl Events {
    fn push(&mut self, mut event: Value) {
        event["sequence_number"] = json!(self.0.len());
        self.0.push(event);
    }

    fn added(&mut self, index: usize, item: &Value, emptied: &str, empty: Value) {
        let mut begun = item.clone();
        if !begun["status"].is_null() {
            begun["status"] = json!("in_progress");
        }
        begun[emptied] = empty;
        self.push(json!({"type": "response.output_item.added", "output_index": index, "item": begun}));
    }

    fn done(&mut self, index: usize, item: &Value) {
        self.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
    }

    fn message(&mut self, index: usize, item: &Value) {
        self.added(index, item, "content", json!([]));
        let part = &item["content"][0];
        let (field, kind) = match part["type"].as_str() {
            Some("refusal") => ("refusal", "refusal"),
            _ => ("text", "output_text"),
        };
        let text = part[field].as_str().unwrap_or_default();
        let mut begun = part.clone();
        begun[field] = json!("");
        self.part("response.content_part.added", index, item, &begun);
        let at = |kind: String| json!({"type": kind, "item_id": item["id"], "output_index": index, "content_index": 0});
        for token in tokens(text) {
            let mut event = at(format!("response.{kind}.delta"));
            event["delta"] = json!(token);
            if kind == "output_text" {
                event["logprobs"] = json!([]);
            }
            self.push(event);
        }
        let mut event = at(format!("response.{kind}.done"));
        event[field] = json!(text);
        if kind == "output_text" {
            event["logprobs"] = json!([]);
        }
        self.push(event);
        self.part("response.content_part.done", index, item, part);
        self.done(index, item);
    }

    fn part(&mut self, kind: &str, index: usize, item: &Value, part: &Value) {
        self.push(json!({
            "type": kind, "item_id": item["id"], "output_index": index, "content_index": 0, "part": part,
        }));
    }

    fn call(&mut self, index: usize, item: &Value) {
        self.added(index, item, "arguments", json!(""));
        let arguments = item["arguments"].as_str().unwrap_or_default();
        for piece in tokens(arguments) {
            self.push(json!({
                "type": "response.function_call_arguments.delta", "item_id": item["id"],
                "output_index": index, "delta": piece,
            }));
        }
        self.push(json!({
            "type": "response.function_call_arguments.done", "item_id": item["id"],
            "output_index": index, "name": item["name"], "arguments": arguments,
        }));
        self.done(index, item);
    }

    fn reasoning(&mut self, index: usize, item: &Value) {
        self.added(index, item, "summary", json!([]));
        for (at, part) in item["summary"].as_array().into_iter().flatten().enumerate() {
            let text = part["text"].as_str().unwrap_or_default();
            let place = |kind: &str| json!({"type": kind, "item_id": item["id"], "output_index": index, "summary_index": at});
            let mut event = place("response.reasoning_summary_part.added");
            event["part"] = json!({"type": "summary_text", "text": ""});
            self.push(event);
            for token in tokens(text) {
                let mut event = place("response.reasoning_summary_text.delta");
                event["delta"] = json!(token);
                self.push(event);
            }
            let mut event = place("response.reasoning_summary_text.done");
            event["text"] = json!(text);
            self.push(event);
            let mut event = place("response.reasoning_summary_part.done");
            event["part"] = part.clone();
            self.push(event);
        }
        self.done(index, item);
    }
}
