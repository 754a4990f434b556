//! Finds the usage of a JSON answer that is there in one piece, from its end.
//!
//! Usage is the last member of an answer, or nearly. Looking for it from the end costs a tenth of
//! walking the whole answer to it.

use std::sync::LazyLock;

use memchr::{
    memchr2,
    memmem::{Finder, FinderRev},
};

use crate::scan::{Kind, Scanner};

const KEY: &[u8] = b"\"usage\"";

/// Where the key stands nearly always: so many bytes from the end. Searching them forwards, many at
/// once, is quicker than searching backwards byte by byte.
const NEAR: usize = 1024;

static FORWARDS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(KEY));
static BACKWARDS: LazyLock<FinderRev<'static>> = LazyLock::new(|| FinderRev::new(KEY));

/// Where the key stands last.
fn last_key(answer: &[u8]) -> Option<usize> {
    let near = answer.len().saturating_sub(NEAR);
    let found = FORWARDS.find_iter(answer.get(near..)?).last();
    found.map(|at| near + at).or_else(|| BACKWARDS.rfind(answer))
}

/// The value of the top-level `usage` member of a whole answer, if it is an object and the last
/// thing of that name. `None` says nothing: the answer must be read from its start then.
pub(super) fn usage(answer: &[u8]) -> Option<&[u8]> {
    let key = last_key(answer)?;
    // A quote within a string is escaped, so this can be no text, unless one ends in it.
    if answer.get(key.wrapping_sub(1)) == Some(&b'\\') {
        return None;
    }
    let mut scanner = Scanner::new(answer, key + KEY.len());
    scanner.space();
    if answer.get(scanner.at()) != Some(&b':') {
        return None;
    }
    let mut scanner = Scanner::new(answer, scanner.at() + 1);
    scanner.space();
    let start = scanner.at();
    if !matches!(scanner.value(), Ok(Kind::Object)) {
        return None;
    }
    let end = scanner.at();
    (depth(answer.get(end..)?) == 1).then(|| answer.get(start..end)).flatten()
}

/// How many objects and arrays are closed at the end of a text that opens none of them.
fn depth(mut tail: &[u8]) -> i64 {
    let mut depth = 0;
    while let Some((byte, rest)) = tail.split_first() {
        tail = rest;
        match byte {
            b'}' | b']' => depth += 1,
            b'{' | b'[' => depth -= 1,
            b'"' => tail = after_string(tail),
            _ => {}
        }
    }
    depth
}

/// What follows the string whose inside begins here.
fn after_string(mut text: &[u8]) -> &[u8] {
    loop {
        let Some(at) = memchr2(b'"', b'\\', text) else { return &[] };
        let escape = text.get(at) == Some(&b'\\');
        text = text.get(at + 1 + usize::from(escape)..).unwrap_or_default();
        if !escape {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(answer: &str) -> Option<&str> {
        usage(answer.as_bytes()).map(|found| std::str::from_utf8(found).unwrap())
    }

    #[test]
    fn the_last_member_and_one_before_others_are_found() {
        assert_eq!(found(r#"{"choices":[{}],"usage":{"a":1}}"#), Some(r#"{"a":1}"#));
        let answer = "{\"usage\" : {\"a\":{\"b\":1}} ,\"x\":\"a}\\\"}\",\"y\":[{}]}\n";
        assert_eq!(found(answer), Some(r#"{"a":{"b":1}}"#));
    }

    #[test]
    fn one_far_from_the_end_and_one_across_the_border_are_found() {
        let (usage, rest) = (r#"{"usage":{"a":1},"x":""#, r#"y"}"#);
        for length in NEAR - 40..NEAR + 8 {
            let answer = [usage, &"z".repeat(length), rest].concat();
            assert_eq!(found(&answer), Some(r#"{"a":1}"#), "{length}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not_taken() {
        for answer in [
            r#"{"choices":[{"message":{"content":"\"usage\":{\"a\":1}"}}]}"#,
            r#"{"x":{"usage":{"a":1}}}"#,
            r#"{"x":[{"usage":{"a":1}}],"y":1}"#,
            r#"{"x":"usage","y":{}}"#,
            r#"{"say \"usage":{"a":1}}"#,
            r#"{"usage":null}"#,
            r#"{"usage":{"a":1}"#,
            "",
        ] {
            assert_eq!(found(answer), None, "{answer}");
        }
    }
}
