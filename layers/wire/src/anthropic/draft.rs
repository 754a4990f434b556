use std::{borrow::Cow, collections::HashSet};

use super::body::{Block, Item, Turn};
use crate::Refusal;

/// Who speaks in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    User,
    Assistant,
    System,
}

/// A turn being made. Anthropic wants results of tools before all else in it.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) speaker: Speaker,
    /// The first canonical message of it.
    pub(super) from: usize,
    pub(super) results: Vec<Item<'a>>,
    pub(super) items: Vec<Item<'a>>,
    /// Ids of the calls made, or of the calls answered.
    pub(super) calls: Vec<Cow<'a, str>>,
}

impl<'a> Draft<'a> {
    pub(super) const fn new(speaker: Speaker, from: usize) -> Self {
        Self { speaker, from, results: Vec::new(), items: Vec::new(), calls: Vec::new() }
    }

    pub(super) fn into_turn(self) -> Turn<'a> {
        let role = match self.speaker {
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
            Speaker::System => "system",
        };
        let mut content = self.results;
        content.extend(self.items);
        Turn { role, content }
    }
}

/// Checks that every call has its result in the turn that follows, as Anthropic demands. Said here,
/// the error names the client's own field.
///
/// That a result belongs to a call of the turn before it is seen to where its id is looked up.
pub(super) fn check_results(turns: &[Draft<'_>]) -> Result<(), Refusal> {
    let mut turns = turns.iter().filter(|turn| turn.speaker != Speaker::System).peekable();
    while let Some(turn) = turns.next() {
        if turn.speaker != Speaker::Assistant || turn.calls.is_empty() {
            continue;
        }
        let answered = turns.peek().map(|next| next.calls.as_slice()).unwrap_or_default();
        if answered.len() < turn.calls.len() {
            let answered: HashSet<&str> = answered.iter().map(|id| &**id).collect();
            let missing = turn.calls.iter().find(|id| !answered.contains(&***id));
            return Err(Refusal::at(
                format!("messages[{}].tool_calls", turn.from),
                format!(
                    "tool call has no result in the messages that follow: {}",
                    missing.map(|id| &**id).unwrap_or_default()
                ),
            ));
        }
    }
    Ok(())
}

/// Anthropic refuses a conversation that ends in white space of the assistant.
pub(super) fn trim_end(turn: &mut Draft<'_>) {
    if let Some(Item::Block(Block::Text { text, .. })) = turn.items.last_mut()
        && text.ends_with(char::is_whitespace)
    {
        *text = Cow::Owned(text.trim_end().to_owned());
    }
}

/// Whether the conversation ends in results of calls that were made without thinking.
pub(super) fn lacks_thinking(turns: &[Draft<'_>]) -> bool {
    let mut turns = turns.iter().rev().filter(|turn| turn.speaker != Speaker::System);
    let (Some(last), Some(before)) = (turns.next(), turns.next()) else { return false };
    let starts_with_thinking = matches!(
        before.items.first(),
        Some(Item::Block(Block::Thinking { .. } | Block::RedactedThinking { .. }))
    );
    last.speaker == Speaker::User && !last.calls.is_empty() && !starts_with_thinking
}
