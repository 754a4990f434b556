//! Cuts a stream of any chunking into its raw events, so that each can be passed on or left out
//! byte for byte.
//!
//! [`sse`](crate::sse) gives what events say; this gives where they stand.

use memchr::memchr2;

/// The most bytes held of an event that has not ended. A longer one is read in passing: no chunk
/// that is to be taken out is a hundredth of this.
pub const MAX_HELD: usize = 256 * 1024;

/// A step through the stream.
#[derive(Debug)]
pub(super) enum Cut<'a> {
    /// A whole event with its closing blank line, of which the first `held` bytes came with earlier
    /// frames, and which ends at `end` of this one.
    Event { bytes: &'a [u8], held: usize, end: usize },
    /// The next bytes of an event too large to hold. The first such piece is what was held.
    Part { bytes: &'a [u8], held: bool },
    /// That event ends here.
    PartEnd,
    /// The frame's first byte is the `\n` to the `\r` that ended the last event.
    Newline,
}

#[derive(Debug)]
pub(super) struct Events {
    held: Vec<u8>,
    /// Whether the event under way was too large to hold.
    over: bool,
    /// Whether the next byte is a line's first.
    line_start: bool,
    after_cr: bool,
    ended_by_cr: bool,
}

impl Default for Events {
    fn default() -> Self {
        Self { held: Vec::new(), over: false, line_start: true, after_cr: false, ended_by_cr: false }
    }
}

impl Events {
    /// Takes the stream's next bytes.
    pub(super) fn feed(&mut self, frame: &[u8], mut on: impl FnMut(Cut<'_>)) {
        let mut from = 0;
        if self.ended_by_cr && !frame.is_empty() {
            self.ended_by_cr = false;
            if frame.starts_with(b"\n") {
                from = 1;
                on(Cut::Newline);
            }
        }
        while let Some(end) = self.event_end(frame, from) {
            let bytes = frame.get(from..end).unwrap_or_default();
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
        if !self.over && self.held.len() + rest.len() > MAX_HELD {
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

    /// What is held of an event that has not ended.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// Whether the stream stands between two events.
    pub(super) const fn at_boundary(&self) -> bool {
        self.held.is_empty() && !self.over
    }

    /// Whether an event too large to hold is under way.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    /// Where the event under way ends: behind the first blank line from `at` on.
    fn event_end(&mut self, frame: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let rest = frame.get(at..).unwrap_or_default();
            let Some(found) = memchr2(b'\n', b'\r', rest) else {
                if !rest.is_empty() {
                    self.line_start = false;
                    self.after_cr = false;
                }
                return None;
            };
            let cr = rest.get(found) == Some(&b'\r');
            at += found + 1;
            if found == 0 && !cr && std::mem::take(&mut self.after_cr) {
                continue;
            }
            let blank = found == 0 && self.line_start;
            self.line_start = true;
            self.after_cr = cr;
            if blank {
                self.after_cr = false;
                if cr {
                    match frame.get(at) {
                        Some(b'\n') => at += 1,
                        Some(_) => {}
                        None => self.ended_by_cr = true,
                    }
                }
                return Some(at);
            }
        }
    }
}

/// What an event says: whether its name is `error`, and its data.
pub(super) struct Said<'a> {
    pub(super) is_error: bool,
    pub(super) data: Option<&'a [u8]>,
}

/// Reads an event. Data over several lines is joined in `scratch`.
pub(super) fn read<'a>(event: &'a [u8], scratch: &'a mut Vec<u8>) -> Said<'a> {
    if let Some(line) = event.strip_prefix(b"data:") {
        let end = memchr2(b'\n', b'\r', line).unwrap_or(line.len());
        if line
            .get(end..)
            .is_some_and(|rest| rest.len() <= 4 && rest.iter().all(|byte| matches!(byte, b'\n' | b'\r')))
        {
            return Said { is_error: false, data: line.get(..end).map(without_space) };
        }
    }
    read_lines(event, scratch)
}

fn read_lines<'a>(event: &'a [u8], scratch: &'a mut Vec<u8>) -> Said<'a> {
    let mut is_error = false;
    let mut lines = 0;
    scratch.clear();
    let event = event.strip_prefix(b"\xef\xbb\xbf").unwrap_or(event);
    for line in event.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if let Some(name) = line.strip_prefix(b"event:") {
            is_error = without_space(name) == b"error";
        } else if let Some(data) = line.strip_prefix(b"data:") {
            if lines > 0 {
                scratch.push(b'\n');
            }
            scratch.extend_from_slice(without_space(data));
            lines += 1;
        }
    }
    Said { is_error, data: (lines > 0).then_some(scratch.as_slice()) }
}

fn without_space(value: &[u8]) -> &[u8] {
    value.strip_prefix(b" ").unwrap_or(value)
}
