//! Gemini `generateContent`.

use super::super::answer::{Answer, Finish, Reply, log_probability};
use super::super::hash::identifier;
use super::super::models;
use super::super::prompt::Prompt;
use super::super::signature::{Of, sign};
use super::super::tokens::tokens;
use super::{Rendered, data, json, stream};
use bytes::Bytes;
use serde_json::{Value, json};

/// Writes an answer; a stream as events with `alt=sse`, else as a JSON array.
pub(crate) fn gemini(prompt: &Prompt, answer: &Answer, sse: bool) -> Rendered {
    let id = identifier("", answer.seed, 22);
    let envelope = |candidates: Value, usage: Value| {
        json!({
            "candidates": candidates, "usageMetadata": usage, "modelVersion": prompt.model, "responseId": id,
        })
    };
    let usage = usage(answer);
    let whole = if answer.blocked {
        let mut body = json!({
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": usage,
            "modelVersion": prompt.model, "responseId": id,
        });
        if let Some(usage) = body["usageMetadata"].as_object_mut() {
            usage.remove("candidatesTokenCount");
        }
        body
    } else {
        let replies = answer.choices.iter().enumerate();
        envelope(replies.map(|(i, reply)| candidate(prompt, i, reply)).collect(), usage.clone())
    };
    if !prompt.stream {
        return Rendered { content_type: "application/json; charset=UTF-8", ..json(&whole) };
    }
    let events = if answer.blocked { vec![whole] } else { events(prompt, answer, &envelope, &usage) };
    if sse {
        return Rendered { content_type: "text/event-stream", ..stream(events.iter().map(data).collect()) };
    }
    let mut frames: Vec<Bytes> = events
        .iter()
        .enumerate()
        .map(|(i, event)| Bytes::from(format!("{}{event}", if i == 0 { "[" } else { ",\n" })))
        .collect();
    frames.push(Bytes::from_static(b"\n]\n"));
    Rendered { content_type: "application/json; charset=UTF-8", frames }
}

/// Each event is a whole response with some more of the text; usage grows and the last is the truth.
fn events(
    prompt: &Prompt,
    answer: &Answer,
    envelope: &dyn Fn(Value, Value) -> Value,
    usage: &Value,
) -> Vec<Value> {
    let mut events = Vec::new();
    let mut running = usage.clone();
    for (i, reply) in answer.choices.iter().enumerate() {
        let last_reply = i + 1 == answer.choices.len();
        let pieces = streamed(prompt, reply);
        let count = pieces.len();
        for (at, parts) in pieces.into_iter().enumerate() {
            let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": i});
            let last = at + 1 == count;
            if last {
                candidate["finishReason"] = json!(finish(reply));
            }
            let said = (at as u64 + 1).min(answer.usage.output - answer.usage.reasoning);
            running["candidatesTokenCount"] = json!(said);
            running["totalTokenCount"] = json!(answer.usage.input + answer.usage.reasoning + said);
            let usage = if last && last_reply { usage.clone() } else { running.clone() };
            events.push(envelope(json!([candidate]), usage));
        }
    }
    events
}

/// The parts of each event: text token by token, calls whole.
fn streamed(prompt: &Prompt, reply: &Reply) -> Vec<Vec<Value>> {
    let mut pieces = Vec::new();
    for part in parts(prompt, reply) {
        match part["text"].as_str() {
            Some(text) => {
                pieces.extend(tokens(text).map(|token| {
                    let mut piece = json!({"text": token});
                    if part["thought"] == true {
                        piece["thought"] = json!(true);
                    }
                    vec![piece]
                }));
                // The seal of a text comes behind it, on a part that says nothing.
                if !part["thoughtSignature"].is_null() {
                    pieces.push(vec![json!({"text": "", "thoughtSignature": part["thoughtSignature"]})]);
                }
            }
            None => pieces.push(vec![part]),
        }
    }
    if pieces.is_empty() {
        pieces.push(vec![json!({"text": ""})]);
    }
    pieces
}

fn candidate(prompt: &Prompt, i: usize, reply: &Reply) -> Value {
    let parts = parts(prompt, reply);
    // What says nothing has no parts.
    let content =
        if parts.is_empty() { json!({"role": "model"}) } else { json!({"parts": parts, "role": "model"}) };
    let mut candidate = json!({"content": content, "finishReason": finish(reply), "index": i});
    match reply.finish {
        Finish::Calls => candidate["finishMessage"] = json!("Model generated function call(s)."),
        Finish::Filter => {
            candidate["safetyRatings"] = json!([
                {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": true},
            ]);
        }
        _ => {}
    }
    if let Some(top) = prompt.logprobs {
        let entry = |token: &str| json!({"token": token, "tokenId": token.len(), "logProbability": log_probability(token)});
        let chosen: Vec<Value> = tokens(&reply.text).map(entry).collect();
        let mut result = json!({"chosenCandidates": chosen});
        if top > 0 {
            let tops = tokens(&reply.text).map(|token| json!({"candidates": [entry(token)]}));
            result["topCandidates"] = tops.collect();
        }
        candidate["logprobsResult"] = result;
    }
    candidate
}

fn parts(prompt: &Prompt, reply: &Reply) -> Vec<Value> {
    let version = models::gemini(&prompt.model).version;
    let mut parts = Vec::new();
    if let Some(reasoning) = reply.reasoning.as_deref().filter(|_| prompt.shows_reasoning && !reply.redacted)
    {
        parts.push(json!({"text": reasoning, "thought": true}));
    }
    if !reply.text.is_empty() {
        let mut part = json!({"text": reply.text});
        if version >= 3.0 && reply.reasoning.is_some() && reply.calls.is_empty() {
            part["thoughtSignature"] = json!(sign(Of::Part, ""));
        }
        parts.push(part);
    }
    for (i, call) in reply.calls.iter().enumerate() {
        let mut made = json!({"name": call.name, "args": call.arguments});
        if version >= 3.0 {
            made["id"] = json!(identifier("", call.seed, 8));
        }
        let mut part = json!({"functionCall": made});
        // Of parallel calls the first carries the signature.
        if i == 0 && reply.reasoning.is_some() {
            part["thoughtSignature"] = json!(sign(Of::Call, &call.name));
        }
        parts.push(part);
    }
    parts
}

fn finish(reply: &Reply) -> &'static str {
    match reply.finish {
        Finish::Length => "MAX_TOKENS",
        Finish::Filter => "SAFETY",
        Finish::Refusal => "PROHIBITED_CONTENT",
        Finish::Stop | Finish::Sequence(_) | Finish::Calls => "STOP",
    }
}

/// Output stands apart from thoughts here; the prompt includes what was cached.
fn usage(answer: &Answer) -> Value {
    let usage = answer.usage;
    let mut value = json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "totalTokenCount": usage.input + usage.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.input}],
    });
    if usage.reasoning > 0 {
        value["thoughtsTokenCount"] = json!(usage.reasoning);
    }
    if usage.cached > 0 {
        value["cachedContentTokenCount"] = json!(usage.cached);
        value["cacheTokensDetails"] = json!([{"modality": "TEXT", "tokenCount": usage.cached}]);
    }
    value
}
