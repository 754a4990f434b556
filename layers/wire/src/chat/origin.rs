//! Where things stand in the client's own request.

use super::Message;

/// Where messages and their parts stand in the client's request. Empty in `OpenAI`'s dialect, where the
/// places are the same.
///
/// Every request pays for it and few are told of it, so that one entry stands for all parts that follow
/// each other both here and there. Says nothing of what a chat means: all are equal.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Where the first message begins, if it stands in the client's field of instructions.
    instructions: Option<Place>,
    /// In the order of the messages, from the first behind the instructions.
    runs: Vec<Run>,
}

/// A place in the client's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The turn, such as an element of `messages`; none in the field of instructions.
    pub(super) turn: Option<usize>,
    /// The element of the turn's list, if it holds one whose elements are known one by one.
    pub(super) block: Option<usize>,
}

/// Parts of a message that follow each other in a turn, up to where the next begin.
#[derive(Clone, Copy, Debug)]
struct Run {
    message: usize,
    part: usize,
    place: Place,
}

/// How far a conversation is read: its messages, and the parts of the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    messages: usize,
    parts: usize,
}

impl Mark {
    /// As far as this.
    pub(crate) fn at(messages: &[Message]) -> Self {
        Self { messages: messages.len(), parts: messages.last().map_or(0, |last| last.content.len()) }
    }
}

impl Origins {
    /// Says that what was read since the mark stands in a turn: in so many blocks, if in blocks. Where
    /// there are more or fewer of them than parts, none is known by its place.
    pub(crate) fn turn(&mut self, messages: &[Message], since: Mark, turn: usize, blocks: Option<usize>) {
        let before = since.messages.saturating_sub(1);
        let last = messages.get(before).filter(|_| since.messages > 0);
        let grown = last.map_or(0, |last| last.content.len().saturating_sub(since.parts));
        let new = messages.get(since.messages..).unwrap_or_default();
        let parts = grown + new.iter().map(|message| message.content.len()).sum::<usize>();
        let mut place = Place { turn: Some(turn), block: (blocks == Some(parts)).then_some(0) };
        if grown > 0 {
            self.begin(before, since.parts, place);
            place = place.behind(grown);
        }
        for (message, read) in (since.messages..).zip(new) {
            self.begin(message, 0, place);
            place = place.behind(read.content.len());
        }
    }

    /// Says that the part that was read last stands in a turn.
    pub(crate) fn part(&mut self, messages: &[Message], turn: usize, block: usize) {
        let Mark { messages, parts } = Mark::at(messages);
        let place = Place { turn: Some(turn), block: Some(block) };
        self.begin(messages.saturating_sub(1), parts.saturating_sub(1), place);
    }

    /// Says that the first message stands in the field of instructions: in blocks, or as a text.
    pub(crate) fn instructed(&mut self, in_blocks: bool) {
        self.instructions = Some(Place { turn: None, block: in_blocks.then_some(0) });
    }

    /// What begins here takes the place of all that was there: a seal takes back what it is on.
    fn begin(&mut self, message: usize, part: usize, place: Place) {
        let message = message.saturating_sub(usize::from(self.instructions.is_some()));
        while let Some(last) = self.runs.last() {
            if (last.message, last.part) < (message, part) {
                if last.message == message && last.of(part) == place {
                    return;
                }
                break;
            }
            self.runs.pop();
        }
        self.runs.push(Run { message, part, place });
    }

    /// The place of a part of a message.
    pub(super) fn of(&self, message: usize, part: usize) -> Option<Place> {
        let message = match (self.instructions, message.checked_sub(1)) {
            (Some(first), None) => return Some(first.behind(part)),
            (Some(_), Some(message)) => message,
            (None, _) => message,
        };
        let end = self.runs.partition_point(|run| (run.message, run.part) <= (message, part));
        let run = self.runs.get(end.checked_sub(1)?)?;
        (run.message == message).then(|| run.of(part))
    }
}

impl Run {
    fn of(&self, part: usize) -> Place {
        self.place.behind(part.saturating_sub(self.part))
    }
}

impl Place {
    fn behind(self, count: usize) -> Self {
        Self { block: self.block.map(|block| block + count), ..self }
    }
}

impl PartialEq for Origins {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Part, Role};

    fn message(parts: usize) -> Message {
        Message { role: Role::User, name: None, content: vec![Part::text("t"); parts] }
    }

    fn place(turn: usize, block: impl Into<Option<usize>>) -> Place {
        Place { turn: Some(turn), block: block.into() }
    }

    #[test]
    fn one_entry_stands_for_parts_that_follow_each_other() {
        let mut messages = Vec::new();
        let mut origins = Origins::default();
        for block in 0..3 {
            messages.truncate(0);
            messages.push(message(block + 1));
            origins.part(&messages, 0, block);
        }
        assert_eq!(origins.runs.len(), 1);
        assert_eq!(
            (origins.of(0, 0), origins.of(0, 2), origins.of(1, 0)),
            (Some(place(0, 0)), Some(place(0, 2)), None)
        );
        // The fourth block said nothing.
        messages[0] = message(4);
        origins.part(&messages, 0, 4);
        assert_eq!((origins.runs.len(), origins.of(0, 3)), (2, Some(place(0, 4))));
    }

    #[test]
    fn a_turn_goes_on_with_a_message_and_through_several() {
        let mut origins = Origins::default();
        let mut messages = vec![message(2)];
        origins.turn(&messages, Mark::at(&[]), 0, Some(2));
        let mark = Mark::at(&messages);
        messages[0] = message(3);
        messages.extend([message(0), message(2)]);
        origins.turn(&messages, mark, 1, Some(3));
        let mark = Mark::at(&messages);
        origins.turn(&messages, mark, 2, Some(1));
        messages[2] = message(3);
        origins.turn(&messages, mark, 3, Some(2));
        origins.instructed(true);
        for (part, told) in [
            ((0, 4), Some(Place { turn: None, block: Some(4) })),
            ((1, 1), Some(place(0, 1))),
            ((1, 2), Some(place(1, 0))),
            ((2, 0), Some(place(1, 1))),
            ((3, 1), Some(place(1, 2))),
            // Of two blocks one came through: which is not known.
            ((3, 2), Some(place(3, None))),
            ((4, 0), None),
        ] {
            assert_eq!(origins.of(part.0, part.1), told, "{part:?}");
        }
    }

    #[test]
    fn what_is_taken_back_is_forgotten() {
        let mut origins = Origins::default();
        for (parts, turn) in [(1, 0), (2, 1), (3, 2), (2, 3)] {
            origins.part(&[message(parts)], turn, 0);
        }
        assert_eq!(
            (origins.of(0, 0), origins.of(0, 1), origins.runs.len()),
            (Some(place(0, 0)), Some(place(3, 0)), 2)
        );
    }
}
