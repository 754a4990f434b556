//! Finds the usage of a JSON answer that is there in one piece, from its end.
//!
//! Usage is the last member of an answer, or nearly. Looking for it from the end costs a tenth of
//! walking the whole answer to it.

use std::sync::LazyLock;

use memchr::{
    memchr2,
    memmem::{Finder, FinderRev},
};

use tollway_core::Usage;

use super::{chunk::keep, reading::Reading, usage};
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

/// What the top-level `usage` member of a whole answer counts, if it is an object and the last thing
/// of that name. `None` says nothing: the answer must be read from its start then.
pub(crate) fn usage(answer: &[u8]) -> Option<Usage> {
    let value = value(answer)?;
    if let Some((usage, rest)) = usage::decode_first(value) {
        return usage.filter(|_| depth(rest) == 1);
    }
    let mut scanner = Scanner::new(value, 0);
    if !matches!(scanner.value(), Ok(Kind::Object)) {
        return None;
    }
    let (object, rest) = value.split_at_checked(scanner.at())?;
    usage::decode(object).filter(|_| depth(rest) == 1)
}

/// What a whole answer of Chat Completions tells of how it was served, found by the keys alone: a text that
/// holds them has its quotes escaped.
pub(super) fn told(answer: &[u8], reading: &mut Reading) {
    let value = |finder: &Finder<'_>| {
        let at = finder.find(answer)? + finder.needle().len();
        let text = answer.get(at..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let end = memchr::memchr(b'"', text.get(1..)?)?;
        text.get(..end + 2).filter(|text| text.first() == Some(&b'"'))
    };
    keep(&mut reading.told.model, value(&MODEL).unwrap_or_default());
    keep(&mut reading.told.tier, value(&TIER).unwrap_or_default());
    keep(&mut reading.told.finish, value(&FINISH).unwrap_or_default());
}

static MODEL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"model\""));
static TIER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"service_tier\""));
static FINISH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"finish_reason\""));

/// The answer from the value on that follows the key.
fn value(answer: &[u8]) -> Option<&[u8]> {
    let key = last_key(answer)?;
    // A quote within a string is escaped, so this can be no text, unless one ends in it.
    if answer.get(key.wrapping_sub(1)) == Some(&b'\\') {
        return None;
    }
    let rest = answer.get(key + KEY.len()..)?.trim_ascii_start();
    Some(rest.strip_prefix(b":")?.trim_ascii_start())
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

    /// How many tokens of input were found.
    fn found(answer: &str) -> Option<u64> {
        usage(&answer.replace('N', r#""prompt_tokens":7"#).into_bytes()).map(|usage| usage.input)
    }

    #[test]
    fn the_last_member_and_one_before_others_are_found() {
        assert_eq!(found(r#"{"choices":[{}],"usage":{N}}"#), Some(7));
        // Not plain: read the longer way.
        let answer = "{\"usage\" : {N,\"a\":{\"b\":[1]}} ,\"x\":\"a}\\\"}\",\"y\":[{}]}\n";
        assert_eq!(found(answer), Some(7));
    }

    #[test]
    fn one_far_from_the_end_and_one_across_the_border_are_found() {
        let (usage, rest) = (r#"{"usage":{N},"x":""#, r#"y"}"#);
        for length in NEAR - 60..NEAR + 8 {
            let answer = [usage, &"z".repeat(length), rest].concat();
            assert_eq!(found(&answer), Some(7), "{length}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not_taken() {
        for answer in [
            r#"{"choices":[{"message":{"content":"\"usage\":{N}"}}]}"#,
            r#"{"x":{"usage":{N}}}"#,
            r#"{"x":[{"usage":{N}}],"y":1}"#,
            r#"{"x":"usage","y":{N}}"#,
            r#"{"say \"usage":{N}}"#,
            r#"{"usage":null}"#,
            r#"{"usage":{"a":1}}"#,
            r#"{"usage":{N}"#,
            "",
        ] {
            assert_eq!(found(answer), None, "{answer}");
        }
    }
}
