//! Passes over JSON text and tells where its parts stand, without building values.
//!
//! Validity is RFC 8259's, exactly: what [`Scanner::value`] accepts, `serde_json` accepts as a
//! `RawValue`, and the other way round (a property test holds it). Nesting is kept in a bit set, not
//! on the call stack, so depth costs one bit a level. Bytes above ASCII are passed over; a caller
//! that must have UTF-8 checks it for the whole text at once.

mod number;
mod string;

use std::{borrow::Cow, ops::Range};

pub(crate) use self::string::plain;

/// Where text stops being JSON, and what should have stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) expected: &'static str,
}

/// What a value is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// A member of an object, by its bounds in the text. The key's bounds include its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) key: Range<usize>,
    pub(crate) escaped: bool,
    pub(crate) value: Range<usize>,
    pub(crate) kind: Kind,
}

impl Member {
    /// The bounds of key and value together.
    pub(crate) const fn bounds(&self) -> Range<usize> {
        self.key.start..self.value.end
    }

    /// Whether the key reads as `name`, escapes resolved.
    pub(crate) fn is(&self, text: &[u8], name: &str) -> bool {
        let Some(raw) = text.get(self.key.start + 1..self.key.end - 1) else { return false };
        if self.escaped { self.name(text).is_some_and(|key| key == name) } else { raw == name.as_bytes() }
    }

    /// The key with its escapes resolved; `None` where they name no character (a lone surrogate).
    pub(crate) fn name<'a>(&self, text: &'a [u8]) -> Option<Cow<'a, str>> {
        unquote(text.get(self.key.clone())?)
    }
}

/// The text a JSON string stands for; `None` where it is no string of characters.
pub(crate) fn unquote(raw: &[u8]) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice::<String>(raw).ok().map(Cow::Owned)
}

/// A place in JSON text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Starts at `at`.
    pub(crate) const fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// Where it stands.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// Passes over white space and fails unless the text ends there.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        self.space();
        if self.at < self.text.len() { self.fault("the end of the text") } else { Ok(()) }
    }

    /// Passes over white space and one object, and hands out its members in order, duplicates too.
    pub(crate) fn object(&mut self, mut each: impl FnMut(Member)) -> Result<(), Fault> {
        self.space();
        self.expect(b'{', "'{'")?;
        self.space();
        if self.next_is(b'}') {
            return Ok(());
        }
        loop {
            let from = self.at;
            let escaped = self.key()?;
            let key = from..self.at;
            self.colon()?;
            let start = self.at;
            let kind = self.value()?;
            each(Member { key, escaped, value: start..self.at, kind });
            self.space();
            if self.next_is(b'}') {
                return Ok(());
            }
            self.expect(b',', "',' or '}'")?;
            self.space();
        }
    }

    /// Passes over white space and one array, and hands out its elements in order.
    pub(crate) fn array(&mut self, mut each: impl FnMut(Range<usize>, Kind)) -> Result<(), Fault> {
        self.space();
        self.expect(b'[', "'['")?;
        self.space();
        if self.next_is(b']') {
            return Ok(());
        }
        loop {
            self.space();
            let start = self.at;
            let kind = self.value()?;
            each(start..self.at, kind);
            self.space();
            if self.next_is(b']') {
                return Ok(());
            }
            self.expect(b',', "',' or ']'")?;
        }
    }

    /// Passes over one value, which begins where the scanner stands.
    pub(crate) fn value(&mut self) -> Result<Kind, Fault> {
        let kind = match self.text.get(self.at) {
            Some(b'"') => Kind::String,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            _ => return self.fault("a value"),
        };
        match kind {
            Kind::Object | Kind::Array => self.nested()?,
            _ => self.scalar()?,
        }
        Ok(kind)
    }

    /// Passes over an object or array and all that it holds.
    fn nested(&mut self) -> Result<(), Fault> {
        let mut open = Nesting::default();
        loop {
            match self.text.get(self.at) {
                Some(b'{') => {
                    self.at += 1;
                    self.space();
                    if !self.next_is(b'}') {
                        open.push(true);
                        self.key()?;
                        self.colon()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.space();
                    if !self.next_is(b']') {
                        open.push(false);
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // A value stands complete: close what it ends, or go on to the next beside it.
            loop {
                let Some(object) = open.top() else { return Ok(()) };
                self.space();
                match (self.text.get(self.at), object) {
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        open.pop();
                    }
                    (Some(b','), _) => {
                        self.at += 1;
                        self.space();
                        if object {
                            self.key()?;
                            self.colon()?;
                        }
                        break;
                    }
                    (_, true) => return self.fault("',' or '}'"),
                    (_, false) => return self.fault("',' or ']'"),
                }
            }
        }
    }

    fn scalar(&mut self) -> Result<(), Fault> {
        match self.text.get(self.at) {
            Some(b'"') => {
                self.at += 1;
                self.string_rest().map(drop)
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.fault("a value"),
        }
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Fault> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return self.fault("a value");
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes over a key; tells whether it holds escapes.
    fn key(&mut self) -> Result<bool, Fault> {
        self.expect(b'"', "a key in double quotes")?;
        self.string_rest()
    }

    fn colon(&mut self) -> Result<(), Fault> {
        self.space();
        self.expect(b':', "':'")?;
        self.space();
        Ok(())
    }

    pub(crate) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn next_is(&mut self, byte: u8) -> bool {
        let is = self.text.get(self.at) == Some(&byte);
        if is {
            self.at += 1;
        }
        is
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Fault> {
        if self.next_is(byte) { Ok(()) } else { self.fault(expected) }
    }

    const fn fault<T>(&self, expected: &'static str) -> Result<T, Fault> {
        Err(Fault { at: self.at, expected })
    }
}

/// The containers open around a place, innermost last: one bit each, set for an object.
#[derive(Default)]
struct Nesting {
    word: u64,
    used: u32,
    full: Vec<u64>,
}

impl Nesting {
    fn push(&mut self, object: bool) {
        if self.used == u64::BITS {
            self.full.push(self.word);
            self.used = 0;
        }
        self.word = self.word << 1 | u64::from(object);
        self.used += 1;
    }

    const fn top(&self) -> Option<bool> {
        if self.used == 0 { None } else { Some(self.word & 1 == 1) }
    }

    fn pop(&mut self) {
        self.word >>= 1;
        self.used -= 1;
        if self.used == 0
            && let Some(word) = self.full.pop()
        {
            self.word = word;
            self.used = u64::BITS;
        }
    }
}

#[cfg(test)]
mod tests;
