//! Clients of every dialect, and how they keep an answer: as their SDKs do, by nothing of the gateway's.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use serde_json::{Map, Value, json};
use tollway_core::{Dialect, Framing};
use tollway_wire::{DecodeContext, EncodeContext, chat::Event, format};

use crate::makers::Maker;

#[path = "../support/events.rs"]
mod events;

/// A client's dialect.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) name: &'static str,
    pub(crate) dialect: Dialect,
    /// A request of these turns, of tools and a conversation.
    request: fn(Vec<Value>) -> Value,
    /// The user says something.
    says: fn(&str) -> Value,
    /// The turns that a whole answer and the results of its calls make.
    whole: fn(&Value) -> Vec<Value>,
    /// A streamed answer put together to the whole one.
    streamed: fn(&[Value]) -> Value,
}

pub(crate) const CLIENTS: &[Client] = &[
    Client {
        name: "chat",
        dialect: Dialect::OpenAi,
        request: |turns| json!({"model": "m", "messages": turns, "tools": [chat_tool("get_weather"), chat_tool("get_time")]}),
        says: |text| json!({"role": "user", "content": text}),
        whole: chat_turns,
        streamed: chat_streamed,
    },
    Client {
        name: "messages",
        dialect: Dialect::Anthropic,
        request: |turns| {
            json!({
                "model": "m", "max_tokens": 4000, "messages": turns,
                "tools": [{"name": "get_weather", "input_schema": schema()}, {"name": "get_time", "input_schema": schema()}],
            })
        },
        says: |text| json!({"role": "user", "content": text}),
        whole: messages_turns,
        streamed: messages_streamed,
    },
    Client {
        name: "gemini",
        dialect: Dialect::Gemini,
        request: |turns| {
            json!({
                "contents": turns,
                "tools": [{"functionDeclarations": [
                    {"name": "get_weather", "parameters": schema()}, {"name": "get_time", "parameters": schema()}]}],
            })
        },
        says: |text| json!({"role": "user", "parts": [{"text": text}]}),
        whole: |answer| gemini_turns(&[answer["candidates"][0]["content"].clone()]),
        streamed: |frames| json!({"frames": frames}),
    },
    Client {
        name: "responses",
        dialect: Dialect::Responses,
        request: |turns| {
            json!({
                "model": "m", "input": turns, "store": false, "include": ["reasoning.encrypted_content"],
                "tools": [response_tool("get_weather"), response_tool("get_time")],
            })
        },
        says: |text| json!({"type": "message", "role": "user", "content": text}),
        whole: responses_turns,
        streamed: |events| events.last().map(|event| event["response"].clone()).unwrap_or_default(),
    },
];

/// How a conversation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Question,
    Results,
}

impl Client {
    /// A request whose history holds an answer of each maker in turn. It ends with a question of the user's
    /// or, in the middle of the last one's calls, with their results.
    pub(crate) fn conversation(&self, streamed: bool, makers: &[&Maker], ends: End) -> Value {
        let mut turns = vec![(self.says)("What is the weather?")];
        for (round, maker) in makers.iter().enumerate() {
            turns.extend(self.kept(streamed, maker, round));
            if ends == End::Question || round + 1 < makers.len() {
                turns.push((self.says)("Go on."));
            }
        }
        (self.request)(turns)
    }

    /// The request, with the wish that the model think.
    pub(crate) fn thinking(&self, mut request: Value) -> Value {
        match self.dialect {
            Dialect::Anthropic => request["thinking"] = json!({"type": "enabled", "budget_tokens": 2000}),
            Dialect::Gemini => {
                request["generationConfig"] = json!({"thinkingConfig": {"thinkingBudget": 2000}});
            }
            Dialect::Responses => request["reasoning"] = json!({"effort": "low"}),
            _ => request["reasoning_effort"] = json!("low"),
        }
        request
    }

    fn kept(&self, streamed: bool, maker: &Maker, round: usize) -> Vec<Value> {
        let decode = DecodeContext { seed: format!("round-{round}"), ..DecodeContext::default() };
        let reply = format::decode_response(maker.dialect, &maker.answer(), &decode).expect("an answer");
        let foreign = self.dialect != maker.dialect;
        let cx = EncodeContext { id: "a1".into(), model: "m".into(), foreign, ..EncodeContext::default() };
        if !streamed {
            let body = format::encode_response(self.dialect, &reply, &cx);
            return (self.whole)(&serde_json::from_slice(&body).expect("JSON"));
        }
        let mut encoder = format::StreamEncoder::new(self.dialect, Framing::Events, cx);
        let mut out = Vec::new();
        let steps: Vec<Event> = reply.into_events();
        for step in &steps {
            encoder.encode(step, &mut out);
        }
        encoder.finish(&mut out);
        let text = String::from_utf8(out).expect("UTF-8");
        let frames: Vec<Value> =
            events::events(&text).iter().map(events::Event::json).filter(|frame| !frame.is_null()).collect();
        let answer = (self.streamed)(&frames);
        if self.dialect == Dialect::Gemini {
            // google-genai's chats keep the content of every chunk as a turn of its own.
            let contents: Vec<Value> = frames
                .iter()
                .map(|frame| frame["candidates"][0]["content"].clone())
                .filter(Value::is_object)
                .collect();
            return gemini_turns(&contents);
        }
        (self.whole)(&answer)
    }
}

fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}})
}

fn chat_tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": schema()}})
}

fn response_tool(name: &str) -> Value {
    json!({"type": "function", "name": name, "parameters": schema(), "strict": false})
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn chat_turns(answer: &Value) -> Vec<Value> {
    let message = &answer["choices"][0]["message"];
    let mut turns = vec![message.clone()];
    turns.extend(
        list(&message["tool_calls"])
            .iter()
            .map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "{\"ok\":true}"})),
    );
    turns
}

/// As OpenAI's SDKs and LangChain gather chunks: texts joined, calls by index, lists appended.
fn chat_streamed(chunks: &[Value]) -> Value {
    let mut message = json!({"role": "assistant"});
    let mut calls: Vec<Value> = Vec::new();
    for delta in chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]) {
        for (name, value) in delta.as_object().into_iter().flatten() {
            match (name.as_str(), value) {
                ("tool_calls", calls_told) => {
                    for call in list(calls_told) {
                        let at = usize::try_from(call["index"].as_u64().expect("an index")).expect("small");
                        if calls.len() <= at {
                            let mut begun = call.clone();
                            begun.as_object_mut().expect("a call").remove("index");
                            calls.push(begun);
                        } else {
                            let more = call["function"]["arguments"].as_str().unwrap_or_default();
                            let grown =
                                calls[at]["function"]["arguments"].as_str().unwrap_or_default().to_owned()
                                    + more;
                            calls[at]["function"]["arguments"] = grown.into();
                        }
                    }
                }
                ("role", _) | (_, Value::Null) => {}
                (_, Value::String(more)) => {
                    let grown = message[name].as_str().unwrap_or_default().to_owned() + more;
                    message[name] = grown.into();
                }
                (_, Value::Array(more)) => {
                    let mut all = list(&message[name]).to_vec();
                    all.extend(more.iter().cloned());
                    message[name] = all.into();
                }
                (_, other) => message[name] = other.clone(),
            }
        }
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    json!({"choices": [{"message": message}]})
}

fn messages_turns(answer: &Value) -> Vec<Value> {
    let content = list(&answer["content"]);
    let results: Vec<Value> = content
        .iter()
        .filter(|block| block["type"] == "tool_use")
        .map(|block| json!({"type": "tool_result", "tool_use_id": block["id"], "content": [{"type": "text", "text": "{\"ok\":true}"}]}))
        .collect();
    let mut turns = vec![json!({"role": "assistant", "content": content})];
    if !results.is_empty() {
        turns.push(json!({"role": "user", "content": results}));
    }
    turns
}

fn messages_streamed(events: &[Value]) -> Value {
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    for event in events {
        let at = usize::try_from(event["index"].as_u64().unwrap_or_default()).expect("small");
        match event["type"].as_str() {
            Some("content_block_start") => {
                blocks.push(event["content_block"].clone());
                inputs.push(String::new());
            }
            Some("content_block_delta") => {
                let delta = &event["delta"];
                let mut grow = |name: &str| {
                    let more = delta[name].as_str().unwrap_or_default();
                    let grown = blocks[at][name].as_str().unwrap_or_default().to_owned() + more;
                    blocks[at][name] = grown.into();
                };
                match delta["type"].as_str() {
                    Some("text_delta") => grow("text"),
                    Some("thinking_delta") => grow("thinking"),
                    Some("signature_delta") => blocks[at]["signature"] = delta["signature"].clone(),
                    Some("input_json_delta") => {
                        inputs[at].push_str(delta["partial_json"].as_str().unwrap_or_default());
                    }
                    Some("citations_delta") => {
                        let mut all = list(&blocks[at]["citations"]).to_vec();
                        all.push(delta["citation"].clone());
                        blocks[at]["citations"] = all.into();
                    }
                    other => panic!("a delta that no SDK knows: {other:?}"),
                }
            }
            Some("content_block_stop") if !inputs[at].is_empty() => {
                blocks[at]["input"] = serde_json::from_str(&inputs[at]).expect("JSON");
            }
            _ => {}
        }
    }
    json!({"content": blocks})
}

fn gemini_turns(contents: &[Value]) -> Vec<Value> {
    let mut results = Vec::new();
    let mut turns = Vec::new();
    for content in contents {
        let parts: Vec<Value> = list(&content["parts"]).iter().map(through_the_sdk).collect();
        for call in parts.iter().map(|part| &part["functionCall"]).filter(|call| call.is_object()) {
            let mut response = Map::new();
            for name in ["id", "name"] {
                if let Some(value) = call.get(name) {
                    response.insert(name.to_owned(), value.clone());
                }
            }
            response.insert("response".to_owned(), json!({"ok": true}));
            results.push(json!({"functionResponse": response}));
        }
        turns.push(json!({"role": "model", "parts": parts}));
    }
    if !results.is_empty() {
        turns.push(json!({"role": "user", "parts": results}));
    }
    turns
}

/// Google's SDK for Python reads bytes and writes them in the alphabet for URLs.
fn through_the_sdk(part: &Value) -> Value {
    let mut part = part.clone();
    if let Some(seal) = part["thoughtSignature"].as_str() {
        let bytes = STANDARD.decode(seal).expect("the seal is base64, as the SDK wants it");
        part["thoughtSignature"] = URL_SAFE.encode(bytes).into();
    }
    if part["thoughtSignature"].is_null()
        && let Some(fields) = part.as_object_mut()
    {
        fields.remove("thoughtSignature");
    }
    part
}

fn responses_turns(answer: &Value) -> Vec<Value> {
    let mut turns: Vec<Value> = list(&answer["output"]).to_vec();
    let results: Vec<Value> = turns
        .iter()
        .filter(|item| item["type"] == "function_call")
        .map(|item| json!({"type": "function_call_output", "call_id": item["call_id"], "output": "{\"ok\":true}"}))
        .collect();
    turns.extend(results);
    turns
}
