//! Anthropic's messages.

use serde_json::{Map, Value};

use super::{Call, Reading, Tokens, count, list, text};
use crate::support::events::Event;

/// Reads a whole answer.
pub(crate) fn whole(answer: &Value) -> Reading {
    let mut reading = Reading::default();
    for block in list(answer, "content") {
        match text(block, "type") {
            "text" => reading.text.push_str(text(block, "text")),
            "thinking" => reading.reasoning.push_str(text(block, "thinking")),
            "tool_use" => {
                reading.calls.push(Call { name: text(block, "name").into(), arguments: block["input"].clone() });
            }
            // What the provider's own tools did is no call for the client to answer.
            _ => {}
        }
    }
    reading.finish = finish(&answer["stop_reason"]);
    reading.usage = Some(tokens(&answer["usage"]));
    reading
}

/// Reads a stream by putting the message together as Anthropic's SDK does, and reading that.
pub(crate) fn stream(events: &[Event]) -> Reading {
    let mut message = Value::Null;
    let mut inputs: Vec<String> = Vec::new();
    for event in events.iter().map(Event::json) {
        let index = usize::try_from(count(&event, "/index")).unwrap_or(usize::MAX);
        match text(&event, "type") {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                if let Some(content) = message["content"].as_array_mut() {
                    content.push(event["content_block"].clone());
                    inputs.push(String::new());
                }
            }
            "content_block_delta" => {
                let delta = &event["delta"];
                let block = &mut message["content"][index];
                match text(delta, "type") {
                    "text_delta" => grow(&mut block["text"], text(delta, "text")),
                    "thinking_delta" => grow(&mut block["thinking"], text(delta, "thinking")),
                    "input_json_delta" => inputs[index].push_str(text(delta, "partial_json")),
                    _ => {}
                }
            }
            "content_block_stop" => {
                if let Ok(input) = serde_json::from_str(&inputs[index]) {
                    message["content"][index]["input"] = input;
                }
            }
            "message_delta" => {
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                // Cumulative: a field told again replaces the earlier count.
                let told: Map<String, Value> = event["usage"].as_object().cloned().unwrap_or_default();
                for (name, value) in told.into_iter().filter(|(_, value)| !value.is_null()) {
                    message["usage"][name] = value;
                }
            }
            _ => {}
        }
    }
    whole(&message)
}

fn grow(value: &mut Value, by: &str) {
    let grown = value.as_str().unwrap_or_default().to_owned() + by;
    *value = grown.into();
}

fn finish(reason: &Value) -> Option<String> {
    let word = match reason.as_str()? {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        _ => "stop",
    };
    Some(word.to_owned())
}

/// Anthropic counts cache reads and writes apart from input. `iterations`, where there are any, name
/// every pass that is billed; the top level leaves some out.
fn tokens(usage: &Value) -> Tokens {
    let passes = list(usage, "iterations");
    let passes = if passes.is_empty() { std::slice::from_ref(usage) } else { passes };
    let sum = |pointers: &[&str]| -> u64 {
        passes.iter().flat_map(|pass| pointers.iter().map(|pointer| count(pass, pointer))).sum()
    };
    let cached = sum(&["/cache_read_input_tokens"]);
    let input = sum(&["/input_tokens", "/cache_creation_input_tokens"]) + cached;
    let output = sum(&["/output_tokens"]);
    let reasoning = count(usage, "/output_tokens_details/thinking_tokens");
    Tokens { input, output, total: input + output, cached, reasoning }
}

/// The byte at which the part of a stream begins without which it is not whole.
pub(crate) fn completing_event(events: &[Event]) -> Option<usize> {
    Some(events.iter().find(|event| event.json()["type"] == "message_stop")?.place.start)
}

#[test]
fn a_stream_is_read() {
    let stream = r#"
data: {"type":"message_start","message":{"content":[],"usage":{"input_tokens":10,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}

data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":"a"}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}}

data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","name":"f","input":{}}}

data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"x\":"}}

data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"1}"}}

data: {"type":"content_block_stop","index":2}

data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":7}}

data: {"type":"message_stop"}

"#;
    let events = crate::support::events::events(stream);
    let expected = Reading {
        text: "ab".into(),
        reasoning: "hm".into(),
        refusal: String::new(),
        calls: vec![Call::written("f", r#"{"x":1}"#)],
        finish: Some("tool_calls".into()),
        usage: Some(Tokens { input: 17, output: 7, total: 24, cached: 5, reasoning: 0 }),
    };
    assert_eq!(self::stream(&events), expected);
    assert_eq!(completing_event(&events), stream.find(r#"data: {"type":"message_stop"#));
}
