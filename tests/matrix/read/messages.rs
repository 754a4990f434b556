//! Anthropic Messages.

use serde_json::{Value, json};

use super::{Event, failure};
use crate::answer::{Answer, Call, Usage, count, list, text};
use crate::dialect::Dialect;

pub(super) fn whole(body: &Value, answer: &mut Answer) {
    envelope(body, answer);
    for block in list(&body["content"]) {
        read_block(block, answer);
    }
    stopped(body, answer);
    answer.usage = usage(&body["usage"]);
    answer.must(answer.usage.is_some(), "no usage");
    answer.complete = true;
    answer.turn = vec![json!({"role": "assistant", "content": body["content"]})];
}

pub(super) fn stream(events: &[Event<'_>], answer: &mut Answer) {
    let mut state = State::default();
    for event in events {
        let data = event.json(answer);
        answer
            .must(data["type"] == event.name, format!("an event {} that says {}", event.name, data["type"]));
        if answer.complete || answer.error.is_some() {
            answer.fault(format!("an event behind the last: {}", event.name));
        }
        if event.name == "error" {
            failure(Dialect::Messages, 200, &data, answer);
        } else {
            state.take(event.name, &data, answer);
        }
    }
    if let Some(start) = &state.usage {
        answer.usage = usage(start);
    }
    for block in &state.blocks {
        read_block(block, answer);
    }
    if let Some((block, _)) = state.open {
        answer.must(!answer.complete, "an end inside of a block");
        // A call that was cut is none; text and thinking stand as far as they came.
        if block["type"] != "tool_use" {
            read_block(&block, answer);
        }
    }
    answer.turn = vec![json!({"role": "assistant", "content": state.blocks})];
}

#[derive(Default)]
struct State {
    begun: bool,
    ended: bool,
    blocks: Vec<Value>,
    /// The block that is open, and the JSON of its input so far.
    open: Option<(Value, String)>,
    usage: Option<Value>,
}

impl State {
    fn take(&mut self, name: &str, data: &Value, answer: &mut Answer) {
        answer
            .must(self.begun || matches!(name, "message_start" | "ping"), format!("{name} before the start"));
        match name {
            "message_start" => {
                answer.must(!self.begun, "two starts");
                self.begun = true;
                envelope(&data["message"], answer);
                answer.must(data["message"]["stop_reason"].is_null(), "a start that has stopped");
                self.usage = Some(data["message"]["usage"].clone());
            }
            "content_block_start" => {
                answer
                    .must(self.open.is_none() && !self.ended, "a block inside of a block, or behind the end");
                let index = data["index"].as_u64();
                answer.must(index == Some(self.blocks.len() as u64), format!("block {index:?}"));
                self.open = Some((data["content_block"].clone(), String::new()));
            }
            "content_block_delta" => self.delta(data, answer),
            "content_block_stop" => self.stop(answer),
            "message_delta" => {
                answer.must(self.open.is_none(), "an end inside of a block");
                self.ended = true;
                stopped(&data["delta"], answer);
                // What the end counts is the truth, field by field.
                if let (Some(known), Some(last)) =
                    (self.usage.as_mut().and_then(Value::as_object_mut), data["usage"].as_object())
                {
                    known.extend(
                        last.iter()
                            .filter(|(_, value)| !value.is_null())
                            .map(|(k, v)| (k.clone(), v.clone())),
                    );
                }
            }
            "message_stop" => {
                answer.must(self.ended, "a stop without a reason");
                answer.complete = true;
            }
            "ping" => {}
            other => answer.fault(format!("an event {other}")),
        }
    }

    fn delta(&mut self, data: &Value, answer: &mut Answer) {
        let Some((block, input)) = &mut self.open else {
            answer.fault("a delta outside of a block");
            return;
        };
        answer.must(data["index"] == self.blocks.len(), "a delta of another block");
        let delta = &data["delta"];
        let (kind, field) = match delta["type"].as_str().unwrap_or_default() {
            "text_delta" => ("text", "text"),
            "thinking_delta" => ("thinking", "thinking"),
            "signature_delta" => ("thinking", "signature"),
            "input_json_delta" => {
                answer.must(block["type"] == "tool_use", "input outside of a call");
                input.push_str(delta["partial_json"].as_str().unwrap_or_default());
                return;
            }
            other => {
                answer.fault(format!("a delta {other}"));
                return;
            }
        };
        answer.must(block["type"] == kind, format!("{field} in a block {}", block["type"]));
        block[field] = json!(text(&block[field]) + &text(&delta[field]));
    }

    fn stop(&mut self, answer: &mut Answer) {
        let Some((mut block, input)) = self.open.take() else {
            answer.fault("a stop outside of a block");
            return;
        };
        if block["type"] == "tool_use" {
            let input = if input.is_empty() { "{}" } else { &input };
            block["input"] = serde_json::from_str(input).unwrap_or_else(|_| {
                answer.fault(format!("an input that is no JSON: {input}"));
                Value::Null
            });
        }
        self.blocks.push(block);
    }
}

fn envelope(message: &Value, answer: &mut Answer) {
    let good = message["type"] == "message"
        && message["role"] == "assistant"
        && message["id"].as_str().is_some_and(|id| id.starts_with("msg_"))
        && message["model"].as_str().is_some_and(|model| !model.is_empty())
        && message["content"].is_array()
        && message["usage"]["input_tokens"].is_u64()
        && message["usage"]["output_tokens"].is_u64();
    answer.must(good, format!("not a message: {message:.160}"));
}

fn stopped(message: &Value, answer: &mut Answer) {
    answer.stop = text(&message["stop_reason"]);
    let known = ["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"];
    answer.must(known.contains(&answer.stop.as_str()), format!("stop_reason {}", message["stop_reason"]));
    let sequence = message["stop_sequence"].is_string();
    answer.must(
        sequence == (answer.stop == "stop_sequence"),
        format!("stop_sequence {}", message["stop_sequence"]),
    );
}

fn read_block(block: &Value, answer: &mut Answer) {
    match block["type"].as_str().unwrap_or_default() {
        "text" => answer.text += &text(&block["text"]),
        "thinking" => {
            answer.thinking += &text(&block["thinking"]);
            answer.must(block["signature"].is_string(), format!("thinking without a signature: {block}"));
        }
        "redacted_thinking" => answer.must(block["data"].is_string(), "redacted thinking without data"),
        "tool_use" => {
            let id = text(&block["id"]);
            let good =
                !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            answer.must(good, format!("a call of id {id:?}"));
            answer.must(block["input"].is_object(), format!("an input that is no object: {block}"));
            answer.calls.push(Call {
                id: Some(id),
                name: text(&block["name"]),
                arguments: block["input"].clone(),
            });
        }
        other => answer.fault(format!("a block {other}")),
    }
}

/// Input tokens stand apart from the cached ones.
fn usage(usage: &Value) -> Option<Usage> {
    usage.is_object().then(|| {
        let (cached, written) =
            (count(&usage["cache_read_input_tokens"]), count(&usage["cache_creation_input_tokens"]));
        Usage {
            input: count(&usage["input_tokens"]) + cached + written,
            cached,
            written,
            output: count(&usage["output_tokens"]),
        }
    })
}
