//! What an answer says, read from its JSON by hand: the yardstick for what the gateway makes of it.
//!
//! Nothing here is shared with the gateway, and each format is read from its provider's
//! documentation anew.

pub(crate) mod anthropic;
pub(crate) mod gemini;
pub(crate) mod openai;
pub(crate) mod responses;

use serde_json::Value;

/// What an answer says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// The text.
    pub(crate) text: String,
    /// The thoughts shown.
    pub(crate) reasoning: String,
    /// The words of a refusal.
    pub(crate) refusal: String,
    /// The tools called, in order.
    pub(crate) calls: Vec<Call>,
    /// Why the answer ended, in OpenAI's words.
    pub(crate) finish: Option<String>,
    /// The tokens counted.
    pub(crate) usage: Option<Tokens>,
}

/// A tool called.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Call {
    /// The tool's name.
    pub(crate) name: String,
    /// Its arguments: an object, or a string where they are no JSON.
    pub(crate) arguments: Value,
}

impl Call {
    /// A call whose arguments are written as JSON text; no text is no arguments.
    fn written(name: &str, arguments: &str) -> Self {
        let parsed = match arguments.trim() {
            "" => Ok(Value::Object(serde_json::Map::new())),
            text => serde_json::from_str(text),
        };
        Self { name: name.to_owned(), arguments: parsed.unwrap_or_else(|_| arguments.into()) }
    }
}

/// Tokens counted, as OpenAI counts them: input with cached tokens, output with reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) total: u64,
    pub(crate) cached: u64,
    pub(crate) reasoning: u64,
}

/// The number at a path, 0 where there is none.
fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// The text at a name, empty where there is none.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The elements at a name, none where there is no array.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}
