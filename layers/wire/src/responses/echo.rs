//! What an answer repeats of its request.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::peek::Peek;

/// The settings that an answer repeats of its request, and what goes without saying: the members of
/// its JSON object, as they are written. By default, those of a request that sets nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Echo(Option<Arc<str>>);

impl Echo {
    /// The settings of a request, as the client sent them.
    pub fn of(request: &Peek) -> Self {
        let mut set = [None; SETTINGS.len()];
        for (key, value) in request.members() {
            // One with an escape in it is no setting that any client would send.
            let Some(name) = request.body().get(key.start + 1..key.end - 1) else { continue };
            let place = SETTINGS.iter().position(|(setting, _)| setting.as_bytes() == name);
            if let Some(slot) = place.and_then(|place| set.get_mut(place)) {
                *slot = request.body().get(value).filter(|raw| *raw != b"null");
            }
        }
        Self(set.iter().any(Option::is_some).then(|| written(&set).into()))
    }

    /// The settings of the request that a body holds; of what is none, nothing.
    pub fn read(body: &Bytes) -> Self {
        Peek::of_members(body.clone()).map(|request| Self::of(&request)).unwrap_or_default()
    }

    /// The members, a comma between them.
    pub(super) fn members(&self) -> &str {
        static UNSET: LazyLock<String> = LazyLock::new(|| written(&[None; SETTINGS.len()]));
        self.0.as_deref().unwrap_or(&UNSET)
    }
}

/// The fields that are repeated, and what an answer says of those that its request left out.
const SETTINGS: [(&str, Option<&str>); 18] = [
    ("instructions", Some("null")),
    ("max_output_tokens", Some("null")),
    ("max_tool_calls", Some("null")),
    ("metadata", Some("{}")),
    ("parallel_tool_calls", Some("true")),
    ("previous_response_id", Some("null")),
    ("prompt_cache_key", Some("null")),
    ("prompt_cache_retention", None),
    ("reasoning", Some(r#"{"effort":null,"summary":null}"#)),
    ("safety_identifier", Some("null")),
    ("temperature", Some("1.0")),
    ("text", Some(r#"{"format":{"type":"text"}}"#)),
    ("tool_choice", Some(r#""auto""#)),
    ("tools", Some("[]")),
    ("top_logprobs", Some("0")),
    ("top_p", Some("1.0")),
    ("truncation", Some(r#""disabled""#)),
    ("user", Some("null")),
];

/// Writes all settings, those that are set in their places. Nothing is kept here and nothing goes on in
/// the background, whatever was asked.
fn written(set: &[Option<&[u8]>; SETTINGS.len()]) -> String {
    let size = set.iter().flatten().map(|raw| raw.len()).sum::<usize>();
    let mut out = String::with_capacity(size + 640);
    out.push_str(r#""background":false,"store":false"#);
    for ((name, unset), raw) in SETTINGS.into_iter().zip(set) {
        let value = raw.and_then(|raw| repeated(name, std::str::from_utf8(raw).ok()?));
        let Some(value) = value.or(unset.map(Cow::Borrowed)) else { continue };
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        out.push_str(&value);
    }
    out
}

/// A setting as the answer repeats it, on one line.
fn repeated<'a>(name: &str, raw: &'a str) -> Option<Cow<'a, str>> {
    let is_one_line = memchr::memchr2(b'\n', b'\r', raw.as_bytes()).is_none();
    if is_one_line && !matches!(name, "tools" | "text") {
        return Some(Cow::Borrowed(raw));
    }
    let mut value: Value = serde_json::from_str(raw).ok()?;
    match (name, &mut value) {
        ("tools", Value::Array(tools)) => tools.iter_mut().for_each(complete),
        ("text", Value::Object(text)) => {
            text.entry("format").or_insert_with(|| json!({ "type": "text" }));
        }
        _ => {}
    }
    Some(Cow::Owned(value.to_string()))
}

/// Adds to a function what clients expect of it, told or not.
fn complete(tool: &mut Value) {
    let is_function =
        |tool: &&mut serde_json::Map<String, Value>| tool.get("type") == Some(&json!("function"));
    if let Some(function) = tool.as_object_mut().filter(is_function) {
        for name in ["parameters", "strict"] {
            function.entry(name).or_insert(Value::Null);
        }
    }
}
