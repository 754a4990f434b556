//! Finds the top-level members of a JSON answer as it passes in pieces, without keeping it.

use memchr::memchr2;

use super::reading::Reading;
use crate::scan::unquote;

/// The most bytes kept of a member's value. Usage is a tenth of this.
const MAX_VALUE: usize = 16 * 1024;

/// The most bytes kept of a key; a longer one is of no interest.
const MAX_KEY: usize = 64;

/// A top-level member that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Usage,
    Groq,
    Error,
    Id,
    Model,
    ServiceTier,
    /// Of a choice.
    FinishReason,
}

/// What a key announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ahead {
    Nothing,
    Member(Member),
    Choices,
    FinishReason,
}

/// What the text kept belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Nothing,
    Key,
    Value(Member),
}

/// A place in a JSON answer that comes in pieces. It does not judge validity, only structure.
#[derive(Debug)]
pub(super) struct BodyScan {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Whether the outermost value is an object.
    object: bool,
    started: bool,
    closed: bool,
    /// Whether the next string at this depth is a key.
    key_next: bool,
    ahead: Ahead,
    in_choices: bool,
    keep: Keep,
    text: Vec<u8>,
    finished: u32,
}

impl Default for BodyScan {
    fn default() -> Self {
        Self {
            depth: 0,
            in_string: false,
            escaped: false,
            object: false,
            started: false,
            closed: false,
            key_next: false,
            ahead: Ahead::Nothing,
            in_choices: false,
            keep: Keep::Nothing,
            text: Vec::new(),
            finished: 0,
        }
    }
}

impl BodyScan {
    /// Whether the outermost value has ended, and nothing has come after it.
    pub(super) const fn is_whole(&self) -> bool {
        self.closed
    }

    /// Whether the outermost value has begun, and not ended.
    pub(super) const fn is_cut(&self) -> bool {
        self.started && !self.closed
    }

    /// How many choices have told why they end.
    pub(super) const fn finished(&self) -> u32 {
        self.finished
    }

    /// Takes the answer's next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8], reading: &mut Reading) {
        let mut at = 0;
        let mut from = 0;
        while let Some(byte) = bytes.get(at) {
            if self.in_string {
                at = self.string(bytes, at, &mut from);
                continue;
            }
            match byte {
                b'"' => {
                    self.in_string = true;
                    if std::mem::take(&mut self.key_next) {
                        self.keep = Keep::Key;
                        self.text.clear();
                        from = at;
                    } else if self.ahead == Ahead::FinishReason && self.depth == 3 {
                        self.finished += 1;
                        self.keep = Keep::Value(Member::FinishReason);
                        self.text.clear();
                        from = at;
                    }
                }
                b'{' | b'[' => self.open(*byte),
                b'}' | b']' => {
                    self.end_value(bytes.get(from..at), reading);
                    self.depth = self.depth.saturating_sub(1);
                    self.key_next = false;
                    self.closed = self.started && self.depth == 0;
                }
                b':' if self.depth == 1 => match self.ahead {
                    Ahead::Member(member) => {
                        self.keep = Keep::Value(member);
                        self.text.clear();
                        from = at + 1;
                    }
                    Ahead::Choices => {
                        self.in_choices = true;
                        reading.content = true;
                    }
                    _ => {}
                },
                b',' => {
                    self.end_value(bytes.get(from..at), reading);
                    self.key_next = self.is_keyed();
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

    fn open(&mut self, byte: u8) {
        self.object |= !self.started && byte == b'{';
        self.started = true;
        self.closed = false;
        self.depth += 1;
        self.key_next = byte == b'{' && self.is_keyed();
    }

    /// A value ends: at depth 1 a member of the answer, at depth 3 one of a choice.
    fn end_value(&mut self, last: Option<&[u8]>, reading: &mut Reading) {
        match self.depth {
            1 => {
                if let Keep::Value(member) = self.keep {
                    self.collect(last);
                    self.keep = Keep::Nothing;
                    reading.member(member, self.text.trim_ascii());
                }
                self.in_choices = false;
                self.ahead = Ahead::Nothing;
            }
            3 => {
                if self.keep == Keep::Value(Member::FinishReason) {
                    self.collect(last);
                    self.keep = Keep::Nothing;
                    reading.member(Member::FinishReason, self.text.trim_ascii());
                }
                self.ahead = Ahead::Nothing;
            }
            _ => {}
        }
    }

    /// Whether keys at this depth are read.
    const fn is_keyed(&self) -> bool {
        self.object && (self.depth == 1 || self.depth == 3 && self.in_choices)
    }

    fn announced(&self) -> Ahead {
        let Some(key) = unquote(&self.text) else { return Ahead::Nothing };
        match (self.depth, &*key) {
            (1, "usage") => Ahead::Member(Member::Usage),
            (1, "x_groq") => Ahead::Member(Member::Groq),
            (1, "error") => Ahead::Member(Member::Error),
            (1, "id") => Ahead::Member(Member::Id),
            (1, "model") => Ahead::Member(Member::Model),
            (1, "service_tier") => Ahead::Member(Member::ServiceTier),
            (1, "choices") => Ahead::Choices,
            (3, "finish_reason") => Ahead::FinishReason,
            _ => Ahead::Nothing,
        }
    }

    fn collect(&mut self, bytes: Option<&[u8]>) {
        let most = match self.keep {
            Keep::Nothing => return,
            Keep::Key => MAX_KEY,
            Keep::Value(_) => MAX_VALUE,
        };
        let bytes = bytes.unwrap_or_default();
        let room = most.saturating_sub(self.text.len());
        self.text.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }
}
