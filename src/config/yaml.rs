use serde_json::{Map, Value};

use super::{ConfigError, Path};

/// Reads a YAML document as a tree. An empty one is an empty mapping.
pub(super) fn parse(text: &str, place: &str) -> Result<Value, ConfigError> {
    let document = read(text).map_err(|fault| ConfigError {
        place: place.to_owned(),
        position: fault.location().map(|at| (at.line(), at.column())),
        path: Path::default(),
        what: message(&fault),
        hint: None,
    })?;
    match document {
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Object(_) => Ok(document),
        _ => Err(ConfigError {
            place: place.to_owned(),
            position: Some((1, 1)),
            path: Path::default(),
            what: "the top of the file is not a mapping".to_owned(),
            hint: Some("begin with a section, such as `server:`".to_owned()),
        }),
    }
}

/// Reads the text of an override as a value: a flow mapping or sequence, a quoted string, `null`;
/// anything else stays the text it is, to be read as what its field wants.
pub(super) fn parse_value(text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    // Both ends count: `[::1]:8080` is an address.
    let marked = [('[', ']'), ('{', '}'), ('"', '"'), ('\'', '\'')]
        .iter()
        .any(|(open, close)| trimmed.len() > 1 && trimmed.starts_with(*open) && trimmed.ends_with(*close));
    match trimmed {
        _ if marked => read(trimmed).map_err(|fault| message(&fault)),
        "" | "~" | "null" => Ok(Value::Null),
        _ => Ok(Value::from(text)),
    }
}

fn read(text: &str) -> Result<Value, serde_saphyr::Error> {
    // A snippet of the text would show the keys that stand in it.
    serde_saphyr::from_str_with_options(text, serde_saphyr::options! { with_snippet: false })
}

/// The parser's words without the position, which stands elsewhere.
fn message(fault: &serde_saphyr::Error) -> String {
    let words = fault.without_snippet().to_string();
    let words = words.lines().next().unwrap_or_default();
    let words = words.strip_prefix("error: ").unwrap_or(words);
    let words = words.rfind(" at line ").and_then(|end| words.get(..end)).unwrap_or(words);
    // What the parser's caller could do about duplicates is nothing its user can.
    let words = words.split_once(", set DuplicateKeyPolicy").map_or(words, |(words, _)| words);
    words.trim_end_matches([':', ',', ' ']).to_owned()
}
