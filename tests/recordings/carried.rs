//! Nothing of a request is lost on its way without a word.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Fields that every format has a word for; whether it is the right one is for the provider's rules and
/// the unit tests to say.
const UNDERSTOOD: &[&str] = &[
    "model",
    "messages",
    "prompt",
    "input",
    "dimensions",
    "encoding_format",
    "tools",
    "functions",
    "tool_choice",
    "function_call",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "stop",
    "stream",
    "stream_options",
    "response_format",
    "reasoning_effort",
    "reasoning",
    "service_tier",
    "parallel_tool_calls",
];

/// Holds what was sent against the client's request and the fields it was told are dropped.
pub(crate) fn check(request: &Value, sent: &Value, dropped: &str) -> Result<(), String> {
    let (mut said, mut known) = (Said::default(), Said::default());
    said.conversation(request);
    for tool in request["tools"].as_array().into_iter().flatten() {
        // Where a server can only be told to call any tool, a named one is the only one on offer.
        let chosen = &request["tool_choice"]["function"]["name"];
        if sent["tool_choice"] != "any" || chosen.is_null() || *chosen == tool["function"]["name"] {
            said.text(&tool["function"]["name"]);
            said.text(&tool["function"]["description"]);
        }
    }
    known.everything(sent);
    if let Some(lost) = said.missing(&known) {
        return Err(format!("{lost}\n      sent {sent:.1500}"));
    }
    for (name, value) in request.as_object().into_iter().flatten() {
        let is_word = dropped.split(", ").any(|path| path == name || path.starts_with(&format!("{name}.")));
        let is_same = sent.get(name) == Some(value);
        // What everyone does unasked needs no saying.
        let is_idle = is_idle(value) || (name == "n" && value == 1);
        // A value found elsewhere has another name there, as `seed` has in `generationConfig`.
        let is_elsewhere = has(sent, value);
        if !UNDERSTOOD.contains(&name.as_str()) && !is_word && !is_same && !is_idle && !is_elsewhere {
            return Err(format!(
                "this field is lost without a word: {name}\n      dropped {dropped:?}, sent {sent:.1500}"
            ));
        }
    }
    Ok(())
}

/// Texts, and objects such as arguments.
#[derive(Default)]
pub(crate) struct Said {
    texts: BTreeSet<String>,
    pub(crate) objects: Vec<Map<String, Value>>,
}

impl Said {
    /// What is said in a request of OpenAI's dialect.
    fn conversation(&mut self, request: &Value) {
        self.content(&request["prompt"]);
        self.content(&request["input"]);
        for message in request["messages"].as_array().into_iter().flatten() {
            self.content(&message["content"]);
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                self.text(&call["function"]["name"]);
                self.arguments(&call["function"]["arguments"]);
            }
        }
    }

    /// What of it stands nowhere in another.
    pub(crate) fn missing(&self, known: &Self) -> Option<String> {
        let text = self.texts.iter().find(|text| !known.texts.iter().any(|other| other.contains(*text)));
        let object = self.objects.iter().find(|object| !known.objects.contains(object));
        let text = text.map(|text| format!("this text is lost: {text:?}"));
        text.or_else(|| object.map(|object| format!("these arguments are lost: {object:?}")))
    }

    pub(crate) fn content(&mut self, content: &Value) {
        self.text(content);
        for part in content.as_array().into_iter().flatten() {
            self.text(part);
            self.text(&part["text"]);
        }
    }

    pub(crate) fn text(&mut self, value: &Value) {
        self.texts.extend(value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned));
    }

    fn arguments(&mut self, value: &Value) {
        let object = value.as_str().and_then(|text| serde_json::from_str(text).ok());
        self.objects.extend(object.filter(|object: &Map<String, Value>| !object.is_empty()));
    }

    /// Every text and object anywhere, those written as JSON in a text included.
    pub(crate) fn everything(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.texts.insert(text.clone());
                self.arguments(value);
            }
            Value::Array(values) => values.iter().for_each(|value| self.everything(value)),
            Value::Object(fields) => {
                self.objects.push(fields.clone());
                // A tool's result that is an object goes to Gemini as one.
                self.texts.insert(Value::Object(fields.clone()).to_string());
                fields.values().for_each(|value| self.everything(value));
            }
            _ => {}
        }
    }
}

/// Whether a value says what everyone does unasked.
pub(crate) fn is_idle(value: &Value) -> bool {
    value.is_null() || *value == false || is_zero(value) || is_empty(value)
}

fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// Whether a value stands anywhere in another.
pub(crate) fn has(sent: &Value, value: &Value) -> bool {
    sent == value
        || sent.as_f64().is_some_and(|sent| Some(sent) == value.as_f64())
        || match sent {
            Value::Array(values) => values.iter().any(|inner| has(inner, value)),
            Value::Object(fields) => fields.values().any(|inner| has(inner, value)),
            _ => false,
        }
}
