//! What an answer says, boiled down to what can be compared.

use std::collections::BTreeMap;

use serde_json::Value;
use tollway_core::Usage;
use tollway_wire::chat::{Content, Delta, Event, FinishReason, Reply};

/// What one candidate says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) thoughts: String,
    pub(crate) calls: Vec<(String, Value)>,
    pub(crate) signatures: Vec<String>,
    pub(crate) natives: usize,
    pub(crate) finish: String,
}

/// What an answer says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) said: BTreeMap<u64, Said>,
    /// Input, cached, output, reasoning.
    pub(crate) usage: [u64; 4],
}

/// Reads the JSON of the frames, knowing nothing of the crate.
pub(crate) fn of_json(frames: &[Value]) -> Reading {
    let mut reading = Reading::default();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut searched = false;
    for frame in frames {
        reading.id = reading.id.or_else(|| frame["responseId"].as_str().map(str::to_owned));
        reading.model = reading.model.or_else(|| frame["modelVersion"].as_str().map(str::to_owned));
        for key in [
            "promptTokenCount",
            "cachedContentTokenCount",
            "candidatesTokenCount",
            "thoughtsTokenCount",
            "toolUsePromptTokenCount",
            "totalTokenCount",
        ] {
            if let Some(count) = frame["usageMetadata"][key].as_u64() {
                counts.insert(key, count);
            }
        }
        for candidate in frame["candidates"].as_array().into_iter().flatten() {
            let said = reading.said.entry(candidate["index"].as_u64().unwrap_or(0)).or_default();
            for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
                let text = part["text"].as_str().unwrap_or_default();
                if part["thought"] == true {
                    said.thoughts.push_str(text);
                } else {
                    said.text.push_str(text);
                }
                if let Some(call) = part.get("functionCall") {
                    said.calls.push((call["name"].as_str().unwrap().to_owned(), call["args"].clone()));
                }
                let known = ["text", "functionCall", "inlineData"].iter().any(|key| part.get(key).is_some());
                if !known && part.as_object().unwrap().keys().any(|key| key != "thoughtSignature") {
                    said.natives += 1;
                } else if let Some(signature) = part["thoughtSignature"].as_str() {
                    said.signatures.push(signature.to_owned());
                }
            }
            let queries = candidate["groundingMetadata"]["webSearchQueries"].as_array();
            searched |= queries.is_some_and(|queries| queries.iter().any(|query| query != ""));
            match &candidate["finishReason"] {
                Value::Null => {}
                Value::String(word) => said.finish.clone_from(word),
                number => said.finish = number.to_string(),
            }
        }
    }
    for said in reading.said.values_mut() {
        let word = match said.finish.as_str() {
            "MAX_TOKENS" | "2" => "Length",
            "SAFETY" | "MODEL_ARMOR" => "ContentFilter",
            "STOP" | "1" | "UNEXPECTED_TOOL_CALL" if said.calls.is_empty() => "Stop",
            "STOP" | "1" | "UNEXPECTED_TOOL_CALL" => "ToolCalls",
            other => panic!("a finish reason the test does not know: {other}"),
        };
        word.clone_into(&mut said.finish);
    }
    let count = |key| counts.get(key).copied().unwrap_or(0);
    let tool_use = if searched { 0 } else { count("toolUsePromptTokenCount") };
    let (thoughts, candidates) = (count("thoughtsTokenCount"), count("candidatesTokenCount"));
    let input = count("promptTokenCount") + tool_use;
    if !searched {
        assert_eq!(input + candidates + thoughts, count("totalTokenCount"), "the recording's own sum");
    }
    reading.usage = [input, count("cachedContentTokenCount"), candidates + thoughts, thoughts];
    reading
}

/// Boils down a decoded answer.
pub(crate) fn of_reply(reply: &Reply) -> Reading {
    let mut reading = Reading { id: reply.id.clone(), model: reply.model.clone(), ..Reading::default() };
    for choice in &reply.choices {
        let said = reading.said.entry(u64::from(choice.index)).or_default();
        for part in &choice.content {
            match &part.content {
                Content::Text(text) => said.text.push_str(&text.text),
                Content::Reasoning(thought) => said.thoughts.push_str(&thought.text),
                Content::ToolCall(call) => {
                    said.calls.push((call.name.clone(), serde_json::from_str(&call.arguments).unwrap()));
                }
                Content::Native(_) => said.natives += 1,
                other => panic!("not in any recording: {other:?}"),
            }
            said.signatures.extend(part.signature.iter().map(|signature| signature.value.clone()));
        }
        said.finish = word(choice.finish.reason);
    }
    reading.usage = counts(reply.usage);
    reading
}

/// Boils down a decoded stream.
pub(crate) fn of_events(events: &[Event]) -> Reading {
    let mut reading = Reading::default();
    let mut usage = None;
    let mut arguments: BTreeMap<(u32, u32), String> = BTreeMap::new();
    for event in events {
        match event {
            Event::Start(start) => {
                reading.id.clone_from(&start.id);
                reading.model.clone_from(&start.model);
            }
            Event::Delta { choice, delta } => {
                let said = reading.said.entry(u64::from(*choice)).or_default();
                match delta {
                    Delta::Text(text) => said.text.push_str(text),
                    Delta::Reasoning(text) => said.thoughts.push_str(text),
                    Delta::ToolCall { index, name, signature, .. } => {
                        assert_eq!(usize::try_from(*index).unwrap(), said.calls.len());
                        said.calls.push((name.clone(), Value::Null));
                        said.signatures.extend(signature.iter().map(|signature| signature.value.clone()));
                    }
                    Delta::ToolArguments { index, fragment } => {
                        arguments.entry((*choice, *index)).or_default().push_str(fragment);
                    }
                    Delta::Signature(signature) => said.signatures.push(signature.value.clone()),
                    Delta::Native(_) => said.natives += 1,
                    Delta::Annotations(_) | Delta::Logprobs(_) => {}
                    other => panic!("not in any recording: {other:?}"),
                }
            }
            Event::Finish { choice, finish } => {
                reading.said.entry(u64::from(*choice)).or_default().finish = word(finish.reason);
            }
            Event::Usage(told) => usage = Some(*told),
            other => panic!("not in any recording: {other:?}"),
        }
    }
    for ((choice, index), text) in arguments {
        let said = reading.said.get_mut(&u64::from(choice)).unwrap();
        said.calls[usize::try_from(index).unwrap()].1 = serde_json::from_str(&text).unwrap();
    }
    reading.usage = counts(usage);
    reading
}

fn word(reason: FinishReason) -> String {
    format!("{reason:?}")
}

fn counts(usage: Option<Usage>) -> [u64; 4] {
    let usage = usage.unwrap_or_default();
    [usage.input, usage.cached_input, usage.output, usage.reasoning]
}
