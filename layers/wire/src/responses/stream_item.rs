//! What is known of an item of a streamed answer.

use std::collections::VecDeque;

use super::decode_input::BETWEEN;
use crate::chat::{Delta, Event};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message.
    Message,
    /// Thinking.
    Reasoning,
    /// A call, and its place among the calls.
    Call(u32),
    /// One that is told when it is done.
    Whole,
}

/// An item on its way.
#[derive(Clone, Debug)]
pub(super) struct Growing {
    pub(super) kind: Kind,
    pub(super) done: bool,
    /// Bytes of the current text told: a part of the message, the arguments.
    told: usize,
    /// Annotations of the current part told.
    pub(super) annotated: usize,
    /// How many characters of the answer's text stand before the current part.
    pub(super) offset: u64,
    /// Whether another part of thinking began.
    gap: bool,
    /// Whether something was told at all.
    spoken: bool,
}

impl Growing {
    /// An item that begins.
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, done: false, told: 0, annotated: 0, offset: 0, gap: false, spoken: false }
    }

    /// Begins another part of the item, which so many characters of text stand before.
    pub(super) const fn next_part(&mut self, offset: u64) {
        self.offset = offset;
        self.told = 0;
        self.annotated = 0;
    }

    /// Whether anything of the item was told.
    pub(super) const fn is_spoken(&self) -> bool {
        self.spoken
    }

    /// Tells the next piece of the current text.
    pub(super) fn grow(&mut self, piece: &str, delta: impl Fn(String) -> Delta, queue: &mut VecDeque<Event>) {
        if !piece.is_empty() {
            self.told = self.told.saturating_add(piece.len());
            self.spoken = true;
            let piece = format!("{}{piece}", self.before());
            queue.push_back(Event::Delta { choice: 0, delta: delta(piece) });
        }
    }

    /// Tells what of the whole current text was not told yet: some servers send it only at its end.
    pub(super) fn complete(
        &mut self,
        whole: &str,
        delta: impl Fn(String) -> Delta,
        queue: &mut VecDeque<Event>,
    ) {
        if let Some(rest) = whole.get(self.told..) {
            self.grow(rest, delta, queue);
        }
    }

    /// Begins another part of thinking, set apart from the one before.
    pub(super) const fn next_thought(&mut self) {
        self.next_part(0);
        self.gap = self.spoken;
    }

    /// What stands before the next piece.
    fn before(&mut self) -> &'static str {
        if std::mem::take(&mut self.gap) { BETWEEN } else { "" }
    }
}
