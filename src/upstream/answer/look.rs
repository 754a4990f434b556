//! What an answer is: by its own word, or by its first bytes.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// How a body looks by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Json,
    /// JSON whose outermost value is an array.
    Array,
    Events,
    /// White space alone, as some providers send while they work on a plain answer.
    Blank,
    Neither,
}

/// Whether an answer says that it is an event stream.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().starts_with("text/event-stream"))
}

/// Tells what a body is that does not say so itself, or says it wrongly.
pub(super) fn look(first: &[u8]) -> Look {
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    let begins = |words: &[&[u8]]| words.iter().any(|word| text.starts_with(word) || word.starts_with(text));
    match text.first() {
        None => Look::Blank,
        Some(b'[') => Look::Array,
        Some(b'{' | b'"' | b'-' | b'0'..=b'9') => Look::Json,
        Some(_) if begins(&[b"data:", b"event:", b"id:", b"retry:", b":"]) => Look::Events,
        Some(_) if begins(&[b"null", b"true", b"false"]) => Look::Json,
        Some(_) => Look::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_told_by_their_first_bytes() {
        for (first, looks) in [
            (" {\"id\"", Look::Json),
            ("[", Look::Array),
            ("null", Look::Json),
            ("nul", Look::Json),
            ("-1", Look::Json),
            ("data: {", Look::Events),
            ("da", Look::Events),
            (": ping", Look::Events),
            ("\u{feff}event: x", Look::Events),
            ("\n\n", Look::Blank),
            ("<!DOCTYPE html>", Look::Neither),
            ("not found", Look::Neither),
            ("upstream connect error", Look::Neither),
        ] {
            assert_eq!(look(first.as_bytes()), looks, "{first:?}");
        }
    }
}
