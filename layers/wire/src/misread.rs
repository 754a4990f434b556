//! What in a JSON text could not be read, by its path.

use std::fmt::{self, Display, Formatter, Write};

use crate::Refusal;

/// A value that is not as it must be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misread {
    /// Where it stands, from the text's own root: `.content[1].text`, or nothing for the root.
    path: String,
    /// What is wrong.
    why: String,
}

impl Misread {
    /// What `error` says of `text`. `serde_json` tells where it stopped, not in which field.
    pub(crate) fn new(text: &str, error: &serde_json::Error) -> Self {
        let said = error.to_string();
        let why = said.rsplit_once(" at line ").map_or(said.as_str(), |(why, _)| why);
        let mut path = path_at(text, offset(text, error.line(), error.column()));
        if let Some(name) = why.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            path.push('.');
            path.push_str(name);
            return Self { path, why: "field is required".to_owned() };
        }
        Self { path, why: why.to_owned() }
    }

    /// A field that must be there.
    pub(crate) fn missing(path: &str) -> Self {
        Self { path: path.to_owned(), why: "field is required".to_owned() }
    }

    /// The same, where the text stands at `prefix` of another.
    #[must_use]
    pub(crate) fn within(self, prefix: &str) -> Self {
        Self { path: format!("{prefix}{}", self.path), ..self }
    }

    /// A refusal of the field, where the text stands at `root` of the client's request.
    pub(crate) fn refusal(self, root: &str) -> Refusal {
        Refusal::at(format!("{root}{}", self.path), self.why)
    }
}

impl Display for Misread {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { path, why } = self;
        if path.is_empty() { f.write_str(why) } else { write!(f, "{}: {why}", path.trim_start_matches('.')) }
    }
}

impl From<Misread> for String {
    fn from(misread: Misread) -> Self {
        misread.to_string()
    }
}

/// The place in bytes of a line and a column, both from one.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let mut lines = memchr::memchr_iter(b'\n', text.as_bytes());
    let before =
        line.checked_sub(2).and_then(|newlines| lines.nth(newlines)).map_or(0, |newline| newline + 1);
    before.saturating_add(column)
}

/// A container on the way to a value.
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// The path of the value that stands at `end` or ends there. The text is good JSON at least so far.
fn path_at(text: &str, end: usize) -> String {
    let bytes = text.as_bytes();
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut awaits_key = false;
    let mut at = 0;
    while at < end {
        let Some(byte) = bytes.get(at) else { break };
        at += 1;
        match byte {
            b'{' => {
                steps.push(Step::Key(""));
                awaits_key = true;
            }
            b'[' => {
                steps.push(Step::Index(0));
                awaits_key = false;
            }
            b'}' | b']' => {
                steps.pop();
                awaits_key = false;
            }
            b',' => match steps.last_mut() {
                Some(Step::Index(index)) => *index += 1,
                Some(Step::Key(_)) => awaits_key = true,
                None => {}
            },
            b'"' => {
                let begin = at;
                at = string_end(bytes, at);
                if let (true, Some(Step::Key(key))) = (awaits_key, steps.last_mut()) {
                    *key = text.get(begin..at.saturating_sub(1)).unwrap_or_default();
                    awaits_key = false;
                }
            }
            _ => {}
        }
    }
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Key("") => {}
            Step::Key(key) => {
                path.push('.');
                path.push_str(key);
            }
            Step::Index(index) => _ = write!(path, "[{index}]"),
        }
    }
    path
}

/// Where a string ends whose first byte behind the quote is `at`, its closing quote included.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be read is of interest")]
    struct Shape {
        name: String,
        #[serde(default)]
        list: Vec<BTreeMap<String, u8>>,
        #[serde(default)]
        inner: Option<Box<Self>>,
    }

    #[test]
    fn the_field_at_fault_is_named() {
        for (text, path) in [
            (r#"{"name":5}"#, ".name"),
            (r#"{"name":[5]}"#, ".name"),
            (r#"{"name":{"a":5}}"#, ".name"),
            (r#"{"name" : null , "list":[]}"#, ".name"),
            (r#"{"list":5,"name":"a"}"#, ".list"),
            (r#"{"name":"a,]}\"","list":[{},{"a":1,"b":"x"}]}"#, ".list[1].b"),
            (r#"{"name":"a","list":[{"a":[1]}]}"#, ".list[0].a"),
            (r#"{"name":"a","list":[{}, 7]}"#, ".list[1]"),
            (r#"{"name":"a","inner":{"list":[]}}"#, ".inner.name"),
            ("{\n  \"name\": \"é\",\n  \"inner\": {\n    \"name\": true\n  }\n}", ".inner.name"),
            ("7", ""),
            ("{}", ".name"),
        ] {
            let error = serde_json::from_str::<Shape>(text).unwrap_err();
            assert_eq!(Misread::new(text, &error).path, path, "{text}: {error}");
        }
    }

    #[test]
    fn no_offset_is_a_panic() {
        for text in ["", "\"", "\"\\", "[{\"é\\", "]]", "{\"a\":1}"] {
            for end in 0..12 {
                path_at(text, end);
            }
        }
        assert_eq!(offset("a\nb", usize::MAX, usize::MAX), usize::MAX);
    }
}
