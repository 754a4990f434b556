//! The responses that OpenAI keeps for later turns, and what it holds those turns to.

use super::fault::{Fault, Provider};
use super::hash::hexadecimal;
use super::validate::items;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Stored responses, the oldest forgotten first.
#[derive(Debug, Default)]
pub(super) struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    responses: HashMap<String, Arc<Remembered>>,
    order: VecDeque<String>,
}

/// A stored response and all that led to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Remembered {
    pub(super) response: Value,
    /// The items before the response's own, those of earlier responses included.
    pub(super) input: Vec<Value>,
}

/// Responses kept at most.
const KEPT: usize = 1_024;

impl Memory {
    /// Stores a response under its id.
    pub(super) fn keep(&self, remembered: Arc<Remembered>) {
        let id = text(&remembered.response, "id").to_owned();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.responses.insert(id.clone(), remembered).is_none() {
            kept.order.push_back(id);
        }
        while kept.order.len() > KEPT {
            if let Some(oldest) = kept.order.pop_front() {
                kept.responses.remove(&oldest);
            }
        }
    }

    /// Forgets a response; tells whether it was there.
    pub(super) fn forget(&self, id: &str) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.order.retain(|known| known != id);
        kept.responses.remove(id).is_some()
    }

    /// Finds a response by its id.
    pub(super) fn find(&self, id: &str) -> Result<Arc<Remembered>, Fault> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.responses
            .get(id)
            .cloned()
            .ok_or_else(|| Fault::new(Provider::OpenAi, 404, format!("Response with id '{id}' not found.")))
    }

    /// The whole input of a request: the items of the response it continues, and its own with
    /// references resolved.
    pub(super) fn input(&self, body: &Value) -> Result<Vec<Value>, Fault> {
        let mut input = match body["previous_response_id"].as_str() {
            Some(id) => self.continued(id)?,
            None => Vec::new(),
        };
        match &body["input"] {
            Value::String(text) => input.push(json!({"type": "message", "role": "user", "content": text})),
            own => {
                for item in own.as_array().into_iter().flatten() {
                    input.push(self.resolved(item)?);
                }
            }
        }
        self.check_calls(&input)?;
        Ok(input)
    }

    fn continued(&self, id: &str) -> Result<Vec<Value>, Fault> {
        let previous = self.find(id).map_err(|_| {
            Fault::new(Provider::OpenAi, 400, format!("Previous response with id '{id}' not found."))
                .param("previous_response_id")
                .code("previous_response_not_found")
        })?;
        Ok([previous.input.as_slice(), items(&previous.response, "output")].concat())
    }

    /// An item with what it refers to. Reasoning that does not carry its own content is a reference.
    fn resolved(&self, item: &Value) -> Result<Value, Fault> {
        let refers = match item["type"].as_str() {
            Some("item_reference") => true,
            Some("reasoning") => item["encrypted_content"].is_null() && item["id"].is_string(),
            _ => false,
        };
        if !refers {
            return Ok(item.clone());
        }
        let id = text(item, "id");
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let made = kept.responses.values().flat_map(|known| items(&known.response, "output"));
        made.into_iter().find(|made| made["id"] == id).cloned().ok_or_else(|| {
            let message = format!(
                "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input."
            );
            Fault::new(Provider::OpenAi, 404, message).param("input")
        })
    }

    /// A stored call that was thought about comes back with the thought.
    fn check_calls(&self, input: &[Value]) -> Result<(), Fault> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for call in input.iter().filter(|item| item["type"] == "function_call" && item["id"].is_string()) {
            let id = &call["id"];
            let output = kept
                .responses
                .values()
                .map(|known| items(&known.response, "output"))
                .find(|output| output.iter().any(|made| made["id"] == *id));
            let thought = output.into_iter().flatten().find(|made| made["type"] == "reasoning");
            let Some(thought) = thought.map(|thought| &thought["id"]) else { continue };
            if input.iter().all(|item| item["id"] != *thought) {
                let (call, thought) = (text(call, "id"), thought.as_str().unwrap_or_default());
                let message = format!(
                    "Item '{call}' of type 'function_call' was provided without its required 'reasoning' item: '{thought}'."
                );
                return Err(Fault::new(Provider::OpenAi, 400, message).param("input"));
            }
        }
        Ok(())
    }
}

impl Remembered {
    /// The list of what led to the response, the newest first, as the API fills it in.
    pub(super) fn items(&self) -> Value {
        let filled = |(place, item): (usize, &Value)| {
            let mut item = item.clone();
            if item["id"].is_null() {
                item["id"] = json!(hexadecimal("msg_", place as u64, 48));
            }
            if item["type"].is_null() {
                item["type"] = json!("message");
            }
            if item["type"] == "message" {
                item["status"] = json!("completed");
                if let Some(text) = item["content"].as_str() {
                    let kind = if item["role"] == "assistant" { "output_text" } else { "input_text" };
                    item["content"] = json!([{"type": kind, "text": text}]);
                }
            }
            item
        };
        let items: Vec<Value> = self.input.iter().enumerate().rev().map(filled).collect();
        let id = |item: Option<&Value>| item.map(|item| item["id"].clone());
        json!({
            "object": "list", "first_id": id(items.first()), "last_id": id(items.last()), "has_more": false,
            "data": items,
        })
    }

    /// The response once it was cancelled: all are made at once, so that those in the background are whole.
    pub(super) fn cancelled(&self) -> Result<Value, Fault> {
        if self.response["background"] == true {
            return Ok(self.response.clone());
        }
        let message = "Only responses created with background=true can be cancelled.";
        Err(Fault::new(Provider::OpenAi, 400, message))
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Memory {
        let memory = Memory::default();
        let output = json!([
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "look", "arguments": "{}"},
        ]);
        memory.keep(Arc::new(Remembered {
            response: json!({"id": "resp_1", "output": output}),
            input: vec![json!({"role": "user", "content": "look"})],
        }));
        memory
    }

    #[test]
    fn a_response_is_gone_on_with() {
        let memory = stored();
        let next = json!({"previous_response_id": "resp_1", "input": "and?"});
        assert_eq!(memory.input(&next).unwrap().len(), 4);
        let unknown = memory.input(&json!({"previous_response_id": "resp_2", "input": "and?"})).unwrap_err();
        assert_eq!(unknown.code.as_deref(), Some("previous_response_not_found"));
        assert!(memory.forget("resp_1") && !memory.forget("resp_1"));
        memory.input(&next).unwrap_err();
    }

    #[test]
    fn items_are_found_or_refused() {
        let memory = stored();
        let input = |items: Value| memory.input(&json!({"input": items}));
        let thought = json!({"type": "item_reference", "id": "rs_1"});
        let call =
            json!({"type": "function_call", "id": "fc_1", "call_id": "c", "name": "look", "arguments": "{}"});
        assert_eq!(input(json!([thought, call])).unwrap()[0]["type"], "reasoning");
        let alone = input(json!([call])).unwrap_err();
        assert!(alone.message.contains("without its required 'reasoning' item: 'rs_1'"), "{alone}");
        let foreign = input(json!([{"type": "reasoning", "id": "rs_9", "summary": []}])).unwrap_err();
        assert_eq!(foreign.status, 404);
        input(json!([{"type": "reasoning", "id": "rs_9", "summary": [], "encrypted_content": "x"}])).unwrap();
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let memory = Memory::default();
        for i in 0..=KEPT {
            let response = json!({"id": format!("resp_{i}"), "output": []});
            memory.keep(Arc::new(Remembered { response, input: Vec::new() }));
        }
        memory.find("resp_0").unwrap_err();
        memory.find("resp_1").unwrap();
    }
}
