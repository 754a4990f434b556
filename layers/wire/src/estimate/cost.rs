//! What text costs, by its bytes.

use crate::scan::plain;

/// What the values of some JSON cost.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// In thousandths of a token.
    pub(super) cost: u64,
    /// Bytes of data, as base64.
    pub(super) data: u64,
    /// How many objects name a role.
    pub(super) messages: u64,
}

/// Walks over valid JSON and sums what its string values say. Keys, and values that no model reads as
/// text, cost nothing.
pub(super) fn of_values(raw: &[u8]) -> Words {
    let mut words = Words::default();
    let mut at = 0;
    // The last key, to know the value that follows it.
    let mut key: &[u8] = b"";
    while let Some(opening) = memchr::memchr(b'"', raw.get(at..).unwrap_or_default()) {
        let start = at + opening + 1;
        let end = string_end(raw, start);
        let inner = raw.get(start..end).unwrap_or_default();
        at = end + 1;
        let after = raw.get(at..).unwrap_or_default();
        if after.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':') {
            key = inner;
            words.messages += u64::from(key == b"role");
            continue;
        }
        if !is_text(key) {
            continue;
        }
        if is_data(inner) {
            words.data = words.data.saturating_add(inner.len() as u64);
        } else {
            words.cost = words.cost.saturating_add(of_text(inner));
        }
    }
    words
}

/// What all of some JSON costs, keys and signs too, as of a schema.
pub(super) fn of_all(raw: &[u8]) -> u64 {
    of_text(raw)
}

/// Where a string ends that begins at `start`: the place of its closing quote.
fn string_end(raw: &[u8], start: usize) -> usize {
    let mut at = start;
    loop {
        at += plain(raw.get(at..).unwrap_or_default());
        match raw.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') | None => return at.min(raw.len()),
            Some(_) => at += 1,
        }
    }
}

/// Whether a model reads the values of a key as text. The names of roles and types stand for signs of
/// their own; ids and seals do not reach it.
fn is_text(key: &[u8]) -> bool {
    !matches!(
        key,
        b"role"
            | b"type"
            | b"id"
            | b"call_id"
            | b"tool_call_id"
            | b"tool_use_id"
            | b"signature"
            | b"thoughtSignature"
            | b"thought_signature"
            | b"encrypted_content"
            | b"media_type"
            | b"mimeType"
            | b"mime_type"
            | b"detail"
            | b"status"
            | b"ttl"
    )
}

/// Whether a string is data and no text: long, and without a space where any text would have one.
fn is_data(inner: &[u8]) -> bool {
    const LOOKED_AT: usize = 512;
    let Some(head) = inner.get(..LOOKED_AT) else { return false };
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    // `data:image/png;base64,…` begins otherwise.
    head.iter().skip(LOOKED_AT / 4).all(is_base64)
}

/// What text costs in thousandths of a token: a sum over its words and signs.
fn of_text(text: &[u8]) -> u64 {
    let first = text.first().map_or(0, |byte| u64::from(byte.is_ascii_alphabetic()) * WORD);
    let before = text.chunks(CHUNK);
    let after = text.get(1..).unwrap_or_default().chunks(CHUNK);
    let words: u64 = before.zip(after).map(|(before, after)| words(before, after)).sum();
    text.chunks(CHUNK).map(signs).sum::<u64>() + first + words * WORD
}

/// What a word costs beside its letters.
const WORD: u64 = 850;

/// As many bytes as can be counted in one, so that the compiler counts sixteen at once.
const CHUNK: usize = 240;

/// How many words begin, each byte standing after the one of the same place before.
fn words(before: &[u8], after: &[u8]) -> u64 {
    let begins = before.iter().zip(after).map(|(before, after)| is_letter(*after) & !is_letter(*before) & 1);
    u64::from(begins.fold(0, u8::wrapping_add))
}

/// What the bytes cost but for the beginnings of words.
fn signs(chunk: &[u8]) -> u64 {
    let count = |is: fn(u8) -> bool| {
        u64::from(chunk.iter().fold(0_u8, |count, byte| count.wrapping_add(u8::from(is(*byte)))))
    };
    let letters = count(|byte| is_letter(byte) == 1);
    let digits = count(|byte| byte.wrapping_sub(b'0') < 10);
    let blank = count(|byte| byte <= b' ');
    if chunk.is_ascii() {
        return letters * 30 + digits * 450 + (chunk.len() as u64 - letters - digits - blank) * 750;
    }
    // The beginning of a character: of two bytes (Latin, Greek, Cyrillic, Arabic), three (Chinese,
    // Japanese, Korean, Indian scripts), four (pictures). What follows it costs nothing.
    let beyond = count(|byte| byte >= 0x80);
    let (two, three, four) =
        (count(|byte| byte >= 0xc0), count(|byte| byte >= 0xe0), count(|byte| byte >= 0xf0));
    let others = chunk.len() as u64 - letters - digits - blank - beyond;
    letters * 30 + digits * 450 + others * 750 + two * 500 + three * 400 + four * 1100
}

/// One for a letter, else nothing.
fn is_letter(byte: u8) -> u8 {
    u8::from((byte | 0x20).wrapping_sub(b'a') < 26)
}
