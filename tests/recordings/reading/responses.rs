//! OpenAI's Responses.

use serde_json::Value;

use super::{Call, Reading, Tokens, count, list, text};
use crate::events::Event;

/// Reads a whole answer.
pub(crate) fn whole(answer: &Value) -> Reading {
    let mut reading = Reading::default();
    for item in list(answer, "output") {
        match text(item, "type") {
            "message" => {
                for part in list(item, "content") {
                    reading.text.push_str(text(part, "text"));
                    reading.refusal.push_str(text(part, "refusal"));
                }
            }
            "reasoning" => {
                for thought in list(item, "summary").iter().chain(list(item, "content")) {
                    reading.reasoning.push_str(text(thought, "text"));
                }
            }
            "function_call" => {
                reading.calls.push(Call::written(text(item, "name"), text(item, "arguments")));
            }
            "custom_tool_call" => {
                reading
                    .calls
                    .push(Call { name: text(item, "name").into(), arguments: item["input"].clone() });
            }
            _ => {}
        }
    }
    reading.finish = finish(answer, !reading.calls.is_empty());
    reading.usage = answer["usage"].is_object().then(|| Tokens {
        input: count(answer, "/usage/input_tokens"),
        output: count(answer, "/usage/output_tokens"),
        total: count(answer, "/usage/total_tokens"),
        cached: count(answer, "/usage/input_tokens_details/cached_tokens"),
        reasoning: count(answer, "/usage/output_tokens_details/reasoning_tokens"),
    });
    reading
}

/// Reads a stream by the whole answer that its last event holds; what it told before must be the same.
pub(crate) fn stream(events: &[Event]) -> Reading {
    let mut told = Reading::default();
    for event in events.iter().map(Event::json) {
        match text(&event, "type") {
            "response.output_text.delta" => told.text.push_str(text(&event, "delta")),
            "response.refusal.delta" => told.refusal.push_str(text(&event, "delta")),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                told.reasoning.push_str(text(&event, "delta"));
            }
            "response.completed" | "response.incomplete" => {
                let whole = whole(&event["response"]);
                return Reading {
                    text: told.text,
                    refusal: told.refusal,
                    reasoning: told.reasoning,
                    ..whole
                };
            }
            _ => {}
        }
    }
    told
}

fn finish(answer: &Value, called: bool) -> Option<String> {
    let word = match (text(answer, "status"), answer["incomplete_details"]["reason"].as_str()) {
        ("completed", _) if called => "tool_calls",
        ("completed", _) => "stop",
        ("incomplete", Some("max_output_tokens")) => "length",
        ("incomplete", _) => "content_filter",
        _ => return None,
    };
    Some(word.to_owned())
}

#[test]
fn a_whole_answer_is_read() {
    let answer = serde_json::json!({
        "status": "completed",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": "a"}]},
            {"type": "function_call", "name": "f", "arguments": "{\"x\":1}"},
        ],
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 2}},
    });
    let reading = whole(&answer);
    assert_eq!((reading.text.as_str(), reading.reasoning.as_str()), ("a", "hm"));
    assert_eq!(reading.calls, [Call::written("f", r#"{"x":1}"#)]);
    assert_eq!(reading.finish.as_deref(), Some("tool_calls"));
    assert_eq!(reading.usage.map(|usage| (usage.total, usage.reasoning)), Some((7, 2)));
}
