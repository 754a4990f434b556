//! JSON that does not fit what it is read as: where, and what should have stood there.

use std::fmt;

use serde::Deserialize;
use serde_path_to_error::Segment;

use crate::Refusal;

/// Why JSON does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// The place below where reading began: empty, or as in `.source.data` and `[3].text`.
    path: String,
    what: String,
}

impl Unfit {
    /// Something is wrong with a field.
    pub(crate) fn at(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { path: path.into(), what: what.into() }
    }

    /// A field is missing.
    pub(crate) fn missing(field: &str) -> Self {
        Self::at(format!(".{field}"), "field is required")
    }

    /// The same, as it is seen from a place further up.
    #[must_use]
    pub(crate) fn below(self, place: impl fmt::Display) -> Self {
        Self { path: format!("{place}{}", self.path), ..self }
    }

    /// Refuses the request for it.
    pub(crate) fn refusal(self, place: impl fmt::Display) -> Refusal {
        let Self { path, what } = self.below(place);
        Refusal::at(path, what)
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.trim_start_matches('.') {
            "" => f.write_str(&self.what),
            path => write!(f, "{path}: {}", self.what),
        }
    }
}

impl From<Unfit> for String {
    fn from(unfit: Unfit) -> Self {
        unfit.to_string()
    }
}

/// Reads JSON. Only what does not fit is read a second time, to tell where.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Unfit> {
    serde_json::from_str(json).map_err(|error| {
        let again = &mut serde_json::Deserializer::from_str(json);
        match serde_path_to_error::deserialize::<_, T>(again) {
            Err(error) => told(error.path(), &error.inner().to_string()),
            Ok(_) => Unfit::at("", plain(&error.to_string())),
        }
    })
}

/// Where reading a document fails, as in `messages[1].content`; none where that is not within it.
pub(crate) fn place<'a, T: Deserialize<'a>>(json: &'a str) -> Option<String> {
    let again = &mut serde_json::Deserializer::from_str(json);
    let error = serde_path_to_error::deserialize::<_, T>(again).err()?;
    let place = written(error.path());
    (!place.is_empty()).then(|| place.trim_start_matches('.').to_owned())
}

fn told(path: &serde_path_to_error::Path, error: &str) -> Unfit {
    let at = written(path);
    match error.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        Some(field) => Unfit::missing(field).below(at),
        None => Unfit::at(at, plain(error)),
    }
}

/// The path as a client writes it, down to where it grows beyond measure.
fn written(path: &serde_path_to_error::Path) -> String {
    let mut at = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => at.extend(["[", &index.to_string(), "]"]),
            Segment::Map { key } if at.len() + key.len() < LONGEST => at.extend([".", key]),
            Segment::Map { .. } => break,
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    at
}

/// How long a path may be, in bytes: names in a request may be as long as the request.
const LONGEST: usize = 512;

/// serde's words without line and column, which count from where we began to read, and without the
/// names of our types.
fn plain(error: &str) -> String {
    let error = error.rsplit_once(" at line ").map_or(error, |(error, _)| error);
    let Some((found, expected)) =
        error.strip_prefix("invalid ").and_then(|rest| rest.split_once(", expected "))
    else {
        return error.to_owned();
    };
    let expected = match expected {
        "a sequence" => "a list",
        "a map" => "an object",
        "a boolean" => "true or false",
        "f64" => "a number",
        "u64" | "u32" | "usize" => "a count",
        "i64" | "i32" => "an integer",
        _ if expected.starts_with("struct ") => "an object",
        other => other,
    };
    let found = found.split_once(": ").map_or(found, |(_, found)| found);
    format!("expected {expected}, got {found}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only what does not fit is of interest")]
    struct Outer<'a> {
        #[serde(borrow)]
        raw: Option<&'a RawValue>,
        many: Vec<BTreeMap<String, u64>>,
        word: String,
    }

    #[test]
    fn the_place_and_what_belongs_there_are_told() {
        for (json, told) in [
            (r#"{"many":[{"a":1},{"b":"x"}],"word":"w"}"#, r#"many[1].b: expected a count, got string "x""#),
            (r#"{"many":{},"word":"w"}"#, "many: expected a list, got map"),
            (r#"{"raw":[1],"many":[]}"#, "word: field is required"),
            (r#"{"raw":{"a":[1]},"many":[7],"word":""}"#, "many[0]: expected an object, got integer `7`"),
            ("5", "expected an object, got integer `5`"),
        ] {
            assert_eq!(read::<Outer<'_>>(json).unwrap_err().to_string(), told, "{json}");
        }
    }

    /// JavaScript cuts texts within an emoji, and sends half of it.
    #[test]
    fn what_is_no_json_is_told_by_its_place() {
        let long = "n".repeat(600);
        for (json, told) in [
            (
                r#"{"a":1,"messages":[{"x":"]"},{"content":[{"text":"a\ud83d"}]}]}"#,
                Some("messages[1].content[0].text"),
            ),
            ("{\n \"a\": {\"b\": [1,\n 2, nope]}}", Some("a.b[2]")),
            (r#"{"a":"#, Some("a")),
            (&format!(r#"{{"a":{{"{long}":x}}}}"#), Some("a")),
            ("", None),
            ("nope", None),
            (r#"{"\ud800":1}"#, None),
            (r#"{"a":1}}"#, None),
        ] {
            assert_eq!(place::<serde_json::Value>(json).as_deref(), told, "{json}");
            assert_eq!(place::<crate::openai::json::Node<'_>>(json).as_deref(), told, "{json}");
        }
    }

    #[test]
    fn places_are_seen_from_further_up() {
        let unfit = Unfit::missing("data").below(".source").below("[2]");
        let refusal = unfit.refusal("messages[1].content");
        assert_eq!(refusal.param.as_deref(), Some("messages[1].content[2].source.data"));
    }
}
