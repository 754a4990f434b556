//! Writing JSON into memory.

use serde::Serialize;
use serde_json::{Map, Value};

/// Appends `value` as JSON.
pub(super) fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Memory takes every byte, and no map here has keys that are not strings: this cannot fail.
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "a value could not be written as JSON");
}

/// `value` as JSON.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    json(&mut out, value);
    out
}

/// The members of `extra` that belong into the object itself: a name written already, or a path
/// further down, has no place there.
pub(super) struct Extra<'a> {
    pub(super) members: &'a Map<String, Value>,
    pub(super) taken: &'static [&'static str],
}

impl Extra<'_> {
    fn is_written(&self, name: &str) -> bool {
        !is_path(name) && !self.taken.contains(&name)
    }
}

impl Serialize for Extra<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.members.iter().filter(|(name, _)| self.is_written(name)))
    }
}

/// Whether the name of an extra field is the path of a field further down.
pub(super) fn is_path(name: &str) -> bool {
    const ROOTS: [&str; 9] = [
        "messages[",
        "tools[",
        "functions[",
        "tool_choice.",
        "response_format.",
        "reasoning.",
        "stream_options.",
        "message.",
        "choices[",
    ];
    ROOTS.iter().any(|root| name.starts_with(root))
}
