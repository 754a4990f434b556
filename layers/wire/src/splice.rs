//! Edits of a request's bytes that leave every other byte as it came.
//!
//! A [`Splice`] collects edits on the top-level members of a [`Peek`] and renders them at the end:
//! as one allocation, or as slices of the original with small inserts between, so that a large body
//! is not copied. White space, number formats, key order, duplicates and unknown fields survive.

mod render;

use std::ops::Range;

use bytes::Bytes;

pub use self::render::Spliced;
use crate::peek::Peek;

/// Edits to come, on the top-level members of one request.
#[derive(Debug)]
pub struct Splice<'a> {
    peek: &'a Peek,
    patches: Vec<Patch>,
    /// By place, once any member is taken out.
    removed: Vec<bool>,
    inserted: Vec<u8>,
}

/// A range of the original, and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    pub(crate) at: Range<usize>,
    pub(crate) text: Bytes,
}

impl<'a> Splice<'a> {
    /// No edits yet.
    pub const fn new(peek: &'a Peek) -> Self {
        Self { peek, patches: Vec::new(), removed: Vec::new(), inserted: Vec::new() }
    }

    /// Puts `value`, which must be JSON, in the place of a member's value. The place is the
    /// member's among [`Peek::members`]; one that is not there changes nothing.
    pub fn replace(&mut self, place: usize, value: impl Into<Bytes>) {
        if let Some(member) = self.peek.parts().get(place) {
            self.patch(member.value.clone(), value);
        }
    }

    /// Gives a member another key.
    pub fn rename(&mut self, place: usize, name: &str) {
        if let Some(member) = self.peek.parts().get(place) {
            self.patch(member.key.clone(), quote(name));
        }
    }

    /// Takes a member out, with its comma. Other edits of it are void.
    pub fn remove(&mut self, place: usize) {
        self.removed.resize(self.peek.parts().len(), false);
        if let Some(removed) = self.removed.get_mut(place) {
            *removed = true;
        }
    }

    /// Adds a member at the end. `value` must be JSON.
    pub fn insert(&mut self, name: &str, value: &[u8]) {
        self.inserted.push(b',');
        self.inserted.extend_from_slice(&quote(name));
        self.inserted.push(b':');
        self.inserted.extend_from_slice(value);
    }

    /// Whether nothing is to be changed.
    pub const fn is_empty(&self) -> bool {
        self.patches.is_empty() && self.removed.is_empty() && self.inserted.is_empty()
    }

    /// Whether a member is to be taken out.
    pub fn is_removed(&self, place: usize) -> bool {
        self.removed.get(place).copied().unwrap_or(false)
    }

    /// Puts `text` in the place of any range within one value or key; of two for the same range the
    /// later one holds. Ranges must not overlap otherwise.
    pub(crate) fn patch(&mut self, at: Range<usize>, text: impl Into<Bytes>) {
        let text = text.into();
        self.patches.push(Patch { at, text });
    }

    /// Takes a range within one value out.
    pub(crate) fn cut(&mut self, at: Option<Range<usize>>) {
        self.patches.extend(at.map(|at| Patch { at, text: Bytes::new() }));
    }

    /// Renders the edits.
    pub fn finish(self) -> Spliced {
        let Self { peek, mut patches, removed, mut inserted } = self;
        let members = peek.parts();
        let gone = |place: usize| removed.get(place).copied().unwrap_or(false);
        if !removed.is_empty() {
            patches.retain(|patch| {
                let next = members.partition_point(|member| member.key.start <= patch.at.start);
                next.checked_sub(1).is_none_or(|place| !gone(place))
            });
            let mut cutter = Cutter::default();
            for (place, member) in members.iter().enumerate() {
                let cut = cutter.item(&member.bounds(), gone(place));
                patches.extend(cut.map(|at| Patch { at, text: Bytes::new() }));
            }
            patches.extend(cutter.end().map(|at| Patch { at, text: Bytes::new() }));
        }
        let emptied = (0..members.len()).all(gone);
        if !inserted.is_empty() {
            if emptied {
                inserted.remove(0);
            }
            let end = members.last().map_or(peek.inside(), |member| member.value.end);
            patches.push(Patch { at: end..end, text: inserted.into() });
        }
        Spliced::new(peek.body().clone(), patches)
    }
}

/// Finds the ranges that take items of a comma-separated list out of its text, each with one comma.
///
/// A run behind an item that stays goes with the comma before it, a run at the front with the one
/// after it.
#[derive(Debug, Default)]
pub(crate) struct Cutter {
    kept_end: Option<usize>,
    run: Option<Range<usize>>,
}

impl Cutter {
    /// The next item of the list; gives the range to take out once it is known where it ends.
    pub(crate) fn item(&mut self, item: &Range<usize>, removed: bool) -> Option<Range<usize>> {
        if removed {
            let start = self.run.take().map_or_else(|| self.kept_end.unwrap_or(item.start), |run| run.start);
            self.run = Some(start..item.end);
            return None;
        }
        let run = self.run.take();
        let first = self.kept_end.replace(item.end).is_none();
        run.map(|run| if first { run.start..item.start } else { run })
    }

    /// The list ends.
    pub(crate) fn end(self) -> Option<Range<usize>> {
        self.run
    }
}

/// A text as a JSON string, quotes included.
pub(crate) fn quote(text: &str) -> Bytes {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        return [b"\"", text.as_bytes(), b"\""].concat().into();
    }
    serde_json::Value::from(text).to_string().into()
}

#[cfg(test)]
pub(crate) mod tests;
