//! OpenAI's chat completions and legacy completions, and what compatible servers put beside them.

use serde_json::Value;

use super::{Call, Reading, Tokens, count, list, text};
use crate::support::events::Event;

/// Reads the first choice of a whole answer.
pub(crate) fn whole(answer: &Value) -> Reading {
    let choice = &answer["choices"][0];
    let mut reading = Reading { usage: usage(&answer["usage"]), ..Reading::default() };
    let mut calls = Calls::default();
    said(&choice["message"], &mut reading, &mut calls);
    reading.text.push_str(text(choice, "text"));
    reading.calls = calls.finish();
    reading.finish = choice["finish_reason"].as_str().map(str::to_owned);
    reading
}

/// Reads the first choice of a stream.
pub(crate) fn stream(events: &[Event]) -> Reading {
    let mut reading = Reading::default();
    let mut calls = Calls::default();
    for chunk in events.iter().map(Event::json) {
        let told = [&chunk["usage"], &chunk["x_groq"]["usage"]].into_iter().find_map(usage);
        reading.usage = told.or(reading.usage);
        for choice in list(&chunk, "choices") {
            if choice["index"] != 0 {
                continue;
            }
            said(&choice["delta"], &mut reading, &mut calls);
            reading.text.push_str(text(choice, "text"));
            if let Some(finish) = choice["finish_reason"].as_str() {
                reading.finish = Some(finish.to_owned());
            }
        }
    }
    reading.calls = calls.finish();
    reading
}

/// What a message or a delta of one adds.
fn said(message: &Value, reading: &mut Reading, calls: &mut Calls) {
    match &message["content"] {
        Value::String(words) => reading.text.push_str(words),
        // Mistral's reasoning models answer in parts.
        Value::Array(parts) => {
            for part in parts {
                reading.text.push_str(text(part, "text"));
                for thought in list(part, "thinking") {
                    reading.reasoning.push_str(text(thought, "text"));
                }
            }
        }
        _ => {}
    }
    // DeepSeek and others say `reasoning_content`, Groq and OpenRouter `reasoning`.
    let thoughts = ["reasoning_content", "reasoning"].into_iter().find_map(|name| message[name].as_str());
    reading.reasoning.push_str(thoughts.unwrap_or_default());
    reading.refusal.push_str(text(message, "refusal"));
    for (place, call) in list(message, "tool_calls").iter().enumerate() {
        let index = call["index"].as_u64().unwrap_or(place as u64);
        calls.add(index, &call["function"]);
    }
    if message["function_call"].is_object() {
        calls.add(0, &message["function_call"]);
    }
}

/// Calls as they grow: index, name, arguments.
#[derive(Default)]
struct Calls(Vec<(u64, String, String)>);

impl Calls {
    fn add(&mut self, index: u64, function: &Value) {
        let known = self.0.iter().position(|(known, ..)| *known == index);
        let place = known.unwrap_or_else(|| {
            self.0.push((index, String::new(), String::new()));
            self.0.len() - 1
        });
        let (_, name, arguments) = &mut self.0[place];
        name.push_str(text(function, "name"));
        arguments.push_str(text(function, "arguments"));
    }

    fn finish(self) -> Vec<Call> {
        self.0.into_iter().map(|(_, name, arguments)| Call::written(&name, &arguments)).collect()
    }
}

fn usage(usage: &Value) -> Option<Tokens> {
    usage.is_object().then(|| Tokens {
        input: count(usage, "/prompt_tokens"),
        output: count(usage, "/completion_tokens"),
        total: count(usage, "/total_tokens"),
        // Mistral says `num_cached_tokens`, DeepSeek `prompt_cache_hit_tokens`, at times alone.
        cached: ["/prompt_tokens_details/cached_tokens", "/num_cached_tokens", "/prompt_cache_hit_tokens"]
            .into_iter()
            .map(|pointer| count(usage, pointer))
            .max()
            .unwrap_or(0),
        reasoning: count(usage, "/completion_tokens_details/reasoning_tokens"),
    })
}

/// The byte at which the part of a stream begins without which it is not whole: the choice's end, as
/// there are compatible servers that send no `[DONE]`.
pub(crate) fn completing_event(events: &[Event]) -> Option<usize> {
    let ends = |event: &&Event| {
        event.data == "[DONE]" || list(&event.json(), "choices").iter().any(|choice| choice["finish_reason"].is_string())
    };
    Some(events.iter().find(ends)?.place.start)
}

#[test]
fn a_whole_answer_is_read() {
    let answer = serde_json::json!({
        "choices": [{"message": {"content": "a", "reasoning": "b", "refusal": null,
            "tool_calls": [{"function": {"name": "f", "arguments": "{\"x\": 1}"}},
                           {"function": {"name": "g", "arguments": ""}}]},
            "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 2}},
    });
    let reading = whole(&answer);
    assert_eq!((reading.text.as_str(), reading.reasoning.as_str()), ("a", "b"));
    assert_eq!(reading.calls, [Call::written("f", r#"{"x":1}"#), Call::written("g", "{}")]);
    assert_eq!(reading.finish.as_deref(), Some("tool_calls"));
    let tokens = Tokens { input: 3, output: 4, total: 7, cached: 1, reasoning: 2 };
    assert_eq!(reading.usage, Some(tokens));
}

#[test]
fn a_stream_is_read() {
    let stream = r#"
data: {"choices":[{"index":0,"delta":{"content":"","tool_calls":[{"index":1,"function":{"name":"g","arguments":"{"}}]}}]}

data: {"choices":[{"index":0,"delta":{"content":"a","tool_calls":[{"index":1,"function":{"arguments":"}"}}]}}]}

data: {"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"text":"b"}]}]},"finish_reason":"stop"}],"usage":{"num_cached_tokens":5}}

data: [DONE]

"#;
    let events = crate::support::events::events(stream);
    let reading = self::stream(&events);
    assert_eq!((reading.text.as_str(), reading.reasoning.as_str()), ("a", "b"));
    assert_eq!(reading.calls, [Call::written("g", "{}")]);
    assert_eq!(reading.usage.map(|usage| usage.cached), Some(5));
    assert_eq!(completing_event(&events), Some(events[2].place.start));
}
