//! JSON kept as text, so that numbers and keys come through as they were written.

use serde_json::value::RawValue;

/// The text of a JSON value without the whitespace between its tokens.
pub(super) fn compact(raw: &RawValue) -> String {
    let text = raw.get();
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
        } else if byte == b'"' {
            in_string = true;
        } else if byte.is_ascii_whitespace() {
            // Whitespace between tokens is one ASCII byte, so both cuts fall on characters.
            out.push_str(text.get(kept..at).unwrap_or_default());
            kept = at + 1;
        }
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    out
}

/// The text as raw JSON, if it is a JSON object; an empty text is an empty object.
pub(super) fn object(text: &str) -> Option<&RawValue> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    raw.get().starts_with('{').then_some(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_goes_between_tokens_and_stays_in_strings() {
        let text = "{ \"a b\" : [ 1.50,\n\t\"x \\\" y\\\\\" , 12345678901234567890123 ] }";
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        assert_eq!(compact(raw), r#"{"a b":[1.50,"x \" y\\",12345678901234567890123]}"#);
    }

    #[test]
    fn only_objects_are_arguments() {
        assert_eq!(object("").map(RawValue::get), Some("{}"));
        assert_eq!(object(" {\"a\":1}\n").map(RawValue::get), Some("{\"a\":1}"));
        for text in ["[1]", "1", "\"x\"", "null", "{", "{}x"] {
            assert!(object(text).is_none(), "{text}");
        }
    }
}
