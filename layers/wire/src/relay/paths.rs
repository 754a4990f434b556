//! Finds members of a JSON object by their paths as it passes in pieces, without keeping it.

use memchr::memchr2;

use crate::scan::unquote;

/// The most bytes kept of a member's value. Usage is a tenth of this.
const MAX_VALUE: usize = 16 * 1024;

/// The most bytes kept of a key; a longer one is of no interest.
const MAX_KEY: usize = 64;

/// The most bytes kept of a value of which only matters whether it is empty.
const MAX_SIGN: usize = 8;

/// A member that is looked for, with those within it. An array's elements have the array's.
#[derive(Debug)]
pub(super) struct Member<T: 'static> {
    pub(super) key: &'static str,
    pub(super) take: Take<T>,
    pub(super) within: &'static [Self],
}

/// What is wanted of a member.
#[derive(Clone, Copy, Debug)]
pub(super) enum Take<T> {
    /// Only what stands within it.
    Within,
    /// The same, and of an array where each element that is an object ends.
    Elements(T),
    /// Its raw value.
    Value(T),
    /// Whether it is neither empty nor null.
    Sign(T),
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a, T> {
    Value(T, &'a [u8]),
    Sign(T),
    ElementEnd(T),
}

impl<T> Member<T> {
    pub(super) const fn value(key: &'static str, tag: T) -> Self {
        Self { key, take: Take::Value(tag), within: &[] }
    }

    pub(super) const fn sign(key: &'static str, tag: T) -> Self {
        Self { key, take: Take::Sign(tag), within: &[] }
    }

    pub(super) const fn within(key: &'static str, within: &'static [Self]) -> Self {
        Self { key, take: Take::Within, within }
    }

    pub(super) const fn elements(key: &'static str, tag: T, within: &'static [Self]) -> Self {
        Self { key, take: Take::Elements(tag), within }
    }
}

/// A place in a JSON object that comes in pieces. It does not judge validity, only structure. What
/// stands before the object is passed over.
#[derive(Debug)]
pub(super) struct Paths<T: 'static> {
    root: &'static [Member<T>],
    /// The containers open that hold something looked for, innermost last.
    open: Vec<Level<T>>,
    /// How many containers are open within the last one, and hold nothing looked for.
    skipped: usize,
    in_string: bool,
    escaped: bool,
    started: bool,
    closed: bool,
    /// Whether the next string is a key.
    key_next: bool,
    /// What the last key announced.
    ahead: Option<&'static Member<T>>,
    keep: Keep,
    text: Vec<u8>,
}

#[derive(Debug)]
struct Level<T: 'static> {
    members: &'static [Member<T>],
    kind: LevelKind<T>,
}

#[derive(Clone, Copy, Debug)]
enum LevelKind<T> {
    Object,
    Array(Option<T>),
    Element(T),
}

/// What the text kept belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Nothing,
    Key,
    Value,
    Sign,
}

impl<T: Copy> Paths<T> {
    pub(super) const fn new(root: &'static [Member<T>]) -> Self {
        Self {
            root,
            open: Vec::new(),
            skipped: 0,
            in_string: false,
            escaped: false,
            started: false,
            closed: false,
            key_next: false,
            ahead: None,
            keep: Keep::Nothing,
            text: Vec::new(),
        }
    }

    /// Begins the next object. What was allocated is used again.
    pub(super) fn reset(&mut self) {
        let Self { root, open, text, .. } = self;
        let (mut open, text) = (std::mem::take(open), std::mem::take(text));
        open.clear();
        *self = Self { open, text, ..Self::new(root) };
    }

    /// Whether the object has ended, and nothing has come after it.
    pub(super) const fn is_whole(&self) -> bool {
        self.closed
    }

    /// Takes the object's next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8], mut on: impl FnMut(Found<'_, T>)) {
        let mut at = 0;
        let mut from = 0;
        while let Some(byte) = bytes.get(at) {
            if self.in_string {
                at = self.string(bytes, at, &mut from);
                continue;
            }
            match byte {
                b'"' if self.started => {
                    self.in_string = true;
                    self.closed = false;
                    if std::mem::take(&mut self.key_next) {
                        self.keep = Keep::Key;
                        self.text.clear();
                        from = at;
                    }
                }
                b'{' => self.open_object(),
                b'[' if self.started => self.open_array(),
                b'}' | b']' if self.started => self.close(bytes.get(from..at), &mut on),
                b':' if self.skipped == 0 => {
                    self.keep = match self.ahead.map(|member| member.take) {
                        Some(Take::Value(_)) => Keep::Value,
                        Some(Take::Sign(_)) => Keep::Sign,
                        _ => Keep::Nothing,
                    };
                    self.text.clear();
                    from = at + 1;
                }
                b',' if self.skipped == 0 => {
                    self.closed = false;
                    self.end_value(bytes.get(from..at), &mut on);
                    self.key_next = self.in_object();
                }
                b' ' | b'\n' | b'\r' | b'\t' => {}
                _ => self.closed = false,
            }
            at += 1;
        }
        self.collect(bytes.get(from..));
    }

    /// Goes on in a string; gives where it stops.
    fn string(&mut self, bytes: &[u8], at: usize, from: &mut usize) -> usize {
        if std::mem::take(&mut self.escaped) {
            return at + 1;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(found) = memchr2(b'"', b'\\', rest) else { return bytes.len() };
        let next = at + found + 1;
        if rest.get(found) == Some(&b'\\') {
            self.escaped = true;
            return next;
        }
        self.in_string = false;
        if self.keep == Keep::Key {
            self.collect(bytes.get(*from..next));
            self.keep = Keep::Nothing;
            self.ahead = self.announced();
        }
        next
    }

    /// The member that the key kept announces.
    fn announced(&self) -> Option<&'static Member<T>> {
        let members = self.open.last()?.members;
        let raw = self.text.get(1..self.text.len().checked_sub(1)?)?;
        let plain = members.iter().find(|member| member.key.as_bytes() == raw);
        if plain.is_some() || memchr::memchr(b'\\', raw).is_none() {
            return plain;
        }
        let key = unquote(&self.text)?;
        members.iter().find(|member| member.key == key)
    }

    fn open_object(&mut self) {
        self.closed = false;
        if !std::mem::replace(&mut self.started, true) {
            self.open.push(Level { members: self.root, kind: LevelKind::Object });
            self.key_next = true;
            return;
        }
        let Some(level) = self.level(|tag| tag.map_or(LevelKind::Object, LevelKind::Element)) else { return };
        self.open.push(level);
        self.ahead = None;
        self.key_next = true;
    }

    fn open_array(&mut self) {
        self.closed = false;
        let Some(level) = self.level(LevelKind::Array) else { return };
        // An array in an array has no members of its own.
        if matches!(self.open.last(), Some(Level { kind: LevelKind::Array(_), .. })) {
            self.skipped += 1;
        } else {
            self.open.push(level);
        }
        self.ahead = None;
    }

    /// The level that the container beginning here makes; `None` where it holds nothing looked for.
    fn level(&mut self, kind: impl FnOnce(Option<T>) -> LevelKind<T>) -> Option<Level<T>> {
        let within = |member: &'static Member<T>| match member.take {
            Take::Elements(tag) => (member.within, Some(tag)),
            _ => (member.within, None),
        };
        let (members, tag) = match self.open.last() {
            Some(Level { members, kind: LevelKind::Array(tag) }) if self.skipped == 0 => (*members, *tag),
            Some(_) if self.skipped == 0 => self.ahead.map_or((&[][..], None), within),
            _ => (&[][..], None),
        };
        if members.is_empty() {
            self.skipped += 1;
            return None;
        }
        Some(Level { members, kind: kind(tag) })
    }

    fn close(&mut self, last: Option<&[u8]>, on: &mut impl FnMut(Found<'_, T>)) {
        self.key_next = false;
        if self.skipped > 0 {
            self.skipped -= 1;
        } else if self.open.is_empty() {
            self.closed = false;
            return;
        } else {
            self.end_value(last, on);
            if let Some(Level { kind: LevelKind::Element(tag), .. }) = self.open.pop() {
                on(Found::ElementEnd(tag));
            }
        }
        self.closed = self.open.is_empty() && self.skipped == 0;
    }

    /// A value ends that stands in a level looked at.
    fn end_value(&mut self, last: Option<&[u8]>, on: &mut impl FnMut(Found<'_, T>)) {
        let keep = self.keep;
        if matches!(keep, Keep::Value | Keep::Sign) {
            self.collect(last);
            let text = self.text.trim_ascii();
            match self.ahead.map(|member| member.take) {
                Some(Take::Value(tag)) => on(Found::Value(tag, text)),
                Some(Take::Sign(tag)) if !is_empty(text) => on(Found::Sign(tag)),
                _ => {}
            }
        }
        self.keep = Keep::Nothing;
        self.ahead = None;
    }

    fn in_object(&self) -> bool {
        let level = self.open.last();
        level.is_some_and(|level| !matches!(level.kind, LevelKind::Array(_)))
    }

    fn collect(&mut self, bytes: Option<&[u8]>) {
        let most = match self.keep {
            Keep::Nothing => return,
            Keep::Key => MAX_KEY,
            Keep::Value => MAX_VALUE,
            Keep::Sign => MAX_SIGN,
        };
        let bytes = bytes.unwrap_or_default();
        let room = most.saturating_sub(self.text.len());
        self.text.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }
}

/// Whether a value says nothing.
fn is_empty(value: &[u8]) -> bool {
    matches!(value, b"" | b"\"\"" | b"[]" | b"{}" | b"null")
}

#[cfg(test)]
mod tests;
