//! Gemini's `generateContent`.

use serde_json::{Map, Value};

use super::{Call, Reading, Tokens, count, list, text};
use crate::support::events::Event;

/// Reads the first candidate of a whole answer.
pub(crate) fn whole(answer: &Value) -> Reading {
    frames(std::slice::from_ref(answer))
}

/// Reads the first candidate of a stream.
pub(crate) fn stream(events: &[Event]) -> Reading {
    frames(&events.iter().map(Event::json).collect::<Vec<_>>())
}

fn frames(frames: &[Value]) -> Reading {
    let mut reading = Reading::default();
    let mut reason = Value::Null;
    let mut counts = Map::new();
    let mut searched = false;
    for frame in frames {
        let candidate = &frame["candidates"][0];
        for part in list(&candidate["content"], "parts") {
            let shown = if part["thought"] == true { &mut reading.reasoning } else { &mut reading.text };
            shown.push_str(text(part, "text"));
            let call = &part["functionCall"];
            if call.is_object() {
                let arguments = call.get("args").cloned().unwrap_or_else(|| Map::new().into());
                reading.calls.push(Call { name: text(call, "name").into(), arguments });
            }
        }
        if !candidate["finishReason"].is_null() {
            reason = candidate["finishReason"].clone();
        }
        searched |= !list(&candidate["groundingMetadata"], "webSearchQueries").is_empty();
        // Each frame tells all so far.
        counts.extend(frame["usageMetadata"].as_object().cloned().unwrap_or_default());
    }
    reading.finish = finish(&reason, !reading.calls.is_empty());
    reading.usage = Some(tokens(&counts.into(), searched));
    reading
}

/// Vertex answered some clients with the numbers of its enum.
fn finish(reason: &Value, called: bool) -> Option<String> {
    let word = match (reason.as_str(), reason.as_u64()) {
        (Some("MAX_TOKENS"), _) | (_, Some(2)) => "length",
        (Some("STOP" | "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL"), _) | (_, Some(1)) => {
            if called { "tool_calls" } else { "stop" }
        }
        (None, None) => return None,
        _ => "content_filter",
    };
    Some(word.to_owned())
}

/// Thoughts are counted beside the candidates. What a tool put into the prompt is input, but for
/// what a web search did, which is not billed as tokens.
fn tokens(usage: &Value, searched: bool) -> Tokens {
    let tools = if searched { 0 } else { count(usage, "/toolUsePromptTokenCount") };
    let reasoning = count(usage, "/thoughtsTokenCount");
    let input = count(usage, "/promptTokenCount") + tools;
    let output = count(usage, "/candidatesTokenCount") + reasoning;
    Tokens { input, output, total: input + output, cached: count(usage, "/cachedContentTokenCount"), reasoning }
}

/// The byte at which the part of a stream begins without which it is not whole.
pub(crate) fn completing_event(events: &[Event]) -> Option<usize> {
    let last = |event: &&Event| !event.json()["candidates"][0]["finishReason"].is_null();
    Some(events.iter().find(last)?.place.start)
}

#[test]
fn a_stream_is_read() {
    let stream = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm\",\"thought\":true},{\"text\":\"a\"}]}}],\
        \"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":1}}\r\n\r\n\
        data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"x\":1}}}]},\
        \"finishReason\":\"STOP\"}],\
        \"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":3,\"thoughtsTokenCount\":4,\"cachedContentTokenCount\":8}}\r\n\r\n";
    let events = crate::support::events::events(stream);
    let expected = Reading {
        text: "a".into(),
        reasoning: "hm".into(),
        refusal: String::new(),
        calls: vec![Call::written("f", r#"{"x":1}"#)],
        finish: Some("tool_calls".into()),
        usage: Some(Tokens { input: 9, output: 7, total: 16, cached: 8, reasoning: 4 }),
    };
    assert_eq!(self::stream(&events), expected);
    assert_eq!(completing_event(&events), Some(events[1].place.start));
}
