//! Cuts a JSON array of objects that comes in pieces into its elements, so that each can be passed on
//! byte for byte: the form Gemini gives a stream that was not asked for as server-sent events.
//!
//! What stands before an element, brackets, commas and white space, goes with it; the closing bracket
//! is held back to the end, so that an error can still stand before it.

use memchr::memchr2;

use super::events::{Cut, MAX_HELD};

#[derive(Debug, Default)]
pub(super) struct Elements {
    held: Vec<u8>,
    /// Whether the element under way was too large to hold.
    over: bool,
    place: Place,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Whether an element has passed whole.
    any: bool,
}

/// What may come next, outside an element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    First,
    Next,
    Behind,
    Closed,
    /// Something that no array of objects holds.
    Broken,
}

impl Elements {
    /// Takes the stream's next bytes.
    // Apart, as it is seldom asked for.
    #[inline(never)]
    pub(super) fn feed(&mut self, frame: &[u8], mut on: impl FnMut(Cut<'_>)) {
        let mut from = 0;
        while let Some(end) = self.element_end(frame, from) {
            let bytes = frame.get(from..end).unwrap_or_default();
            self.any = true;
            if self.over {
                self.over = false;
                on(Cut::Part { bytes, held: false });
                on(Cut::PartEnd);
            } else if self.held.is_empty() {
                on(Cut::Event { bytes, held: 0, end });
            } else {
                let held = self.held.len();
                self.held.extend_from_slice(bytes);
                on(Cut::Event { bytes: &self.held, held, end });
                self.held.clear();
            }
            from = end;
        }
        self.hold(frame.get(from..).unwrap_or_default(), on);
    }

    fn hold(&mut self, rest: &[u8], mut on: impl FnMut(Cut<'_>)) {
        if rest.is_empty() {
            return;
        }
        let is_broken = self.place == Place::Broken;
        if !self.over && (is_broken || self.held.len() + rest.len() > MAX_HELD) {
            self.over = true;
            on(Cut::Part { bytes: &self.held, held: true });
            self.held = Vec::new();
        }
        if self.over {
            on(Cut::Part { bytes: rest, held: false });
        } else {
            self.held.extend_from_slice(rest);
        }
    }

    /// Where the element under way ends, or the next one, from `at` on.
    fn element_end(&mut self, frame: &[u8], mut at: usize) -> Option<usize> {
        while let Some(byte) = frame.get(at) {
            if self.in_string {
                at = self.string(frame, at);
                continue;
            }
            at += 1;
            if self.depth > 0 {
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth -= 1;
                        if self.depth == 0 {
                            return Some(at);
                        }
                    }
                    _ => {}
                }
            } else if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                self.outside(*byte);
            }
        }
        None
    }

    fn outside(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::Start, b'[') => Place::First,
            (Place::First | Place::Next, b'{') => {
                self.depth = 1;
                Place::Behind
            }
            (Place::Behind, b',') => Place::Next,
            (Place::First | Place::Behind, b']') => Place::Closed,
            _ => Place::Broken,
        };
    }

    /// Goes on in a string; gives where it stops.
    fn string(&mut self, frame: &[u8], at: usize) -> usize {
        if std::mem::take(&mut self.escaped) {
            return at + 1;
        }
        let rest = frame.get(at..).unwrap_or_default();
        let Some(found) = memchr2(b'"', b'\\', rest) else { return frame.len() };
        self.escaped = rest.get(found) == Some(&b'\\');
        self.in_string = self.escaped;
        at + found + 1
    }

    /// What is held of an element that has not ended, or of the array's end.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// Whether what has passed ends within an element.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    /// Whether an element has passed.
    pub(super) const fn any(&self) -> bool {
        self.any
    }

    /// Whether the array has closed, and nothing has come after it.
    pub(super) fn is_closed(&self) -> bool {
        self.place == Place::Closed
    }
}
