//! Gemini `generateContent`.

use serde_json::{Value, json};

use super::{Event, failure};
use crate::answer::{Answer, Call, Usage, count, list, text};
use crate::dialect::Dialect;

pub(super) fn whole(body: &Value, answer: &mut Answer) {
    let mut parts = Vec::new();
    take(body, &mut parts, answer);
    answer.must(answer.complete, "no finish reason");
    answer.turn = turn(&parts);
}

pub(super) fn stream(events: &[Event<'_>], answer: &mut Answer) {
    let bodies: Vec<Value> = events.iter().map(|event| event.json(answer)).collect();
    chunks(&bodies, answer);
}

/// The same without events: an array, which a cut answer does not close.
pub(super) fn array(body: &str, answer: &mut Answer) {
    let closed: Result<Vec<Value>, _> = serde_json::from_str(body);
    let is_closed = closed.is_ok();
    let bodies = closed.unwrap_or_else(|_| {
        let elements = body.trim_start().strip_prefix('[').unwrap_or_default();
        let mut found = Vec::new();
        let mut rest = elements;
        loop {
            let mut reading = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            let Some(Ok(element)) = reading.next() else { break };
            found.push(element);
            let end = reading.byte_offset();
            rest = rest.get(end..).unwrap_or_default().trim_start().trim_start_matches(',');
        }
        found
    });
    chunks(&bodies, answer);
    answer.complete &= is_closed;
}

fn chunks(bodies: &[Value], answer: &mut Answer) {
    let mut parts = Vec::new();
    for body in bodies {
        answer
            .must(!answer.complete && answer.error.is_none(), format!("a chunk behind the last: {body:.80}"));
        if body.get("error").is_some() {
            failure(Dialect::Gemini, 200, body, answer);
        } else {
            take(body, &mut parts, answer);
        }
    }
    answer.turn = turn(&parts);
}

fn take(body: &Value, parts: &mut Vec<Value>, answer: &mut Answer) {
    let candidates = body["candidates"].as_array().map_or(0, Vec::len);
    let blocked = body["promptFeedback"]["blockReason"].is_string();
    answer.must(candidates == 1 || blocked, format!("{candidates} candidates: {body:.160}"));
    answer.must(body["modelVersion"].is_string(), "no modelVersion");
    let candidate = &body["candidates"][0];
    for part in list(&candidate["content"]["parts"]) {
        answer.must(candidate["content"]["role"] == "model", "content of another role");
        read_part(part, answer);
        parts.push(part.clone());
    }
    if let Some(usage) = usage(&body["usageMetadata"], answer) {
        answer.usage = Some(usage);
    }
    let reason = candidate["finishReason"].as_str().or(body["promptFeedback"]["blockReason"].as_str());
    if let Some(reason) = reason {
        reason.clone_into(&mut answer.stop);
        answer.complete = true;
    }
}

fn read_part(part: &Value, answer: &mut Answer) {
    if let Some(words) = part["text"].as_str() {
        if part["thought"] == true {
            answer.thinking += words;
        } else {
            answer.text += words;
        }
    } else if part["functionCall"].is_object() {
        let call = &part["functionCall"];
        answer.must(call["args"].is_object(), format!("args that are no object: {part}"));
        answer.calls.push(Call {
            id: call["id"].as_str().map(str::to_owned),
            name: text(&call["name"]),
            arguments: call["args"].clone(),
        });
    } else {
        answer.must(part["thoughtSignature"].is_string(), format!("a part {part}"));
    }
}

fn turn(parts: &[Value]) -> Vec<Value> {
    vec![json!({"role": "model", "parts": parts})]
}

/// Thoughts stand apart from the output; the prompt includes what was cached.
fn usage(usage: &Value, answer: &mut Answer) -> Option<Usage> {
    usage.is_object().then(|| {
        let read = Usage {
            input: count(&usage["promptTokenCount"]),
            cached: count(&usage["cachedContentTokenCount"]),
            written: 0,
            output: count(&usage["candidatesTokenCount"]) + count(&usage["thoughtsTokenCount"]),
        };
        let total = count(&usage["totalTokenCount"]);
        answer.must(total == read.input + read.output, format!("a total of {total}: {usage}"));
        read
    })
}
