use std::borrow::Cow;

use super::{
    body::{Block, Item, Turn},
    draft::{Draft, Speaker, check_results, lacks_thinking, trim_end},
    losses::Losses,
    names::{Ids, Names},
    parts::Parts,
};
use crate::{
    Refusal, Traits,
    chat::{Chat, Content, Message, Role},
};

/// What stands in the user turn that Anthropic wants before a conversation that the assistant opens.
const OPENING: &str = "(start of the conversation)";

/// The conversation as Anthropic takes it.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    /// The leading instructions.
    pub(super) system: Vec<Item<'a>>,
    /// The turns: the first is the user's, and no two neighbours have the same role.
    pub(super) turns: Vec<Turn<'a>>,
    /// Whether it ends in a turn of the assistant, which the model is to go on with.
    pub(super) is_prefilled: bool,
    /// Whether the model is in the middle of a tool loop whose thinking is lost.
    pub(super) lacks_thinking: bool,
}

/// Lays the messages out as turns.
pub(super) fn encode_messages<'a>(
    chat: &'a Chat,
    traits: &Traits,
    names: &Names<'a>,
    losses: &mut Losses,
) -> Result<Conversation<'a>, Refusal> {
    let mut builder = Builder {
        system: Vec::new(),
        turns: Vec::new(),
        held: Vec::new(),
        inline_system: traits.mid_conversation_system,
        parts: Parts { names, ids: Ids::default(), losses },
    };
    for (at, message) in chat.messages.iter().enumerate() {
        builder.message(at, message)?;
    }
    builder.finish(&chat.messages)
}

struct Builder<'a, 'l> {
    system: Vec<Item<'a>>,
    turns: Vec<Draft<'a>>,
    /// Instructions that wait for the user turn they may follow.
    held: Vec<Item<'a>>,
    inline_system: bool,
    parts: Parts<'a, 'l>,
}

impl<'a> Builder<'a, '_> {
    fn message(&mut self, at: usize, message: &'a Message) -> Result<(), Refusal> {
        if message.name.is_some() && message.role != Role::Tool {
            self.parts.losses.add(format!("messages[{at}].name"));
        }
        match message.role {
            Role::System | Role::Developer => self.instructions(at, message),
            Role::User | Role::Tool => self.user(at, message),
            Role::Assistant => self.assistant(at, message),
        }
    }

    fn instructions(&mut self, at: usize, message: &'a Message) -> Result<(), Refusal> {
        let items = self.parts.items(at, message)?;
        if items.is_empty() {
            return Ok(());
        }
        if self.turns.is_empty() {
            self.system.extend(items);
        } else if self.inline_system {
            self.held.extend(items);
            self.release();
        } else {
            self.turn(Speaker::User, at).items.extend(items.into_iter().map(marked_as_instruction));
        }
        Ok(())
    }

    fn user(&mut self, at: usize, message: &'a Message) -> Result<(), Refusal> {
        let mut results = Vec::new();
        let mut calls = Vec::new();
        let mut items = Vec::new();
        for (part_at, part) in message.content.iter().enumerate() {
            if let Content::ToolResult(result) = &part.content {
                let item = self.parts.result(at, part, result)?;
                if let Item::Block(Block::ToolResult { tool_use_id, .. }) = &item {
                    calls.push(tool_use_id.clone());
                }
                results.push(item);
            } else if let Some(item) =
                self.parts.item(part, || format!("messages[{at}].content[{part_at}]"))?
            {
                items.push(item);
            }
        }
        if results.is_empty() && items.is_empty() {
            self.parts.losses.add(format!("messages[{at}]"));
            return Ok(());
        }
        let turn = self.user_turn(at);
        turn.results.extend(results);
        turn.items.extend(items);
        turn.calls.extend(calls);
        self.release();
        Ok(())
    }

    fn assistant(&mut self, at: usize, message: &'a Message) -> Result<(), Refusal> {
        self.settle_held(at);
        if self.turns.last().is_none_or(|turn| turn.speaker != Speaker::Assistant) {
            self.parts.ids.turn();
        }
        let items = self.parts.items(at, message)?;
        if items.is_empty() {
            return Ok(());
        }
        if self.turns.is_empty() {
            self.turn(Speaker::User, at).items.push(Block::text(OPENING).into());
        }
        let turn = self.turn(Speaker::Assistant, at);
        for item in &items {
            if let Item::Block(Block::ToolUse { id, .. }) = item {
                turn.calls.push(id.clone());
            }
        }
        turn.items.extend(items);
        Ok(())
    }

    fn finish(mut self, messages: &[Message]) -> Result<Conversation<'a>, Refusal> {
        self.settle_held(messages.len());
        if self.turns.is_empty() {
            // Instructions alone: they are what the model is to answer.
            let items = std::mem::take(&mut self.system);
            if items.is_empty() {
                return Err(Refusal::at("messages", "messages hold nothing that Anthropic could answer"));
            }
            self.turn(Speaker::User, 0).items.extend(items);
        }
        check_results(&self.turns)?;
        let is_prefilled = self.turns.last().is_some_and(|turn| turn.speaker == Speaker::Assistant);
        // An empty message of the user, left out, must not make the answer before it a prefill.
        if is_prefilled && messages.last().is_some_and(|message| message.role != Role::Assistant) {
            let path = format!("messages[{}].content", messages.len().saturating_sub(1));
            return Err(Refusal::at(path, "the last message is empty, which Anthropic does not take"));
        }
        if is_prefilled && let Some(turn) = self.turns.last_mut() {
            trim_end(turn);
        }
        let lacks_thinking = lacks_thinking(&self.turns);
        let turns = self.turns.into_iter().map(Draft::into_turn).collect();
        Ok(Conversation { system: self.system, turns, is_prefilled, lacks_thinking })
    }

    /// The last turn if it is of this speaker, else a new one.
    fn turn(&mut self, speaker: Speaker, at: usize) -> &mut Draft<'a> {
        let index = match self.turns.last() {
            Some(turn) if turn.speaker == speaker => self.turns.len() - 1,
            _ => {
                self.turns.push(Draft::new(speaker, at));
                self.turns.len() - 1
            }
        };
        &mut self.turns[index]
    }

    /// The user turn to add to. Instructions stand after it: they may only follow a user's turn and
    /// precede an assistant's, so that what the user says after them goes before.
    fn user_turn(&mut self, at: usize) -> &mut Draft<'a> {
        if let [.., user, system] = self.turns.as_slice()
            && (user.speaker, system.speaker) == (Speaker::User, Speaker::System)
        {
            let index = self.turns.len() - 2;
            return &mut self.turns[index];
        }
        self.turn(Speaker::User, at)
    }

    /// Puts held instructions after the user turn that has come.
    fn release(&mut self) {
        let after_user = self.turns.last().is_some_and(|turn| turn.speaker != Speaker::Assistant);
        if after_user && !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            self.turn(Speaker::System, 0).items.extend(held);
        }
    }

    /// Puts instructions that no user turn follows into one of their own, marked.
    fn settle_held(&mut self, at: usize) {
        if !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            self.turn(Speaker::User, at).items.extend(held.into_iter().map(marked_as_instruction));
        }
    }
}

/// An instruction in a user's turn, for models that take none elsewhere. It keeps its place, which
/// says from when on it holds, and the mark keeps it from being read as the user's words.
fn marked_as_instruction(item: Item<'_>) -> Item<'_> {
    match item {
        Item::Block(Block::Text { text, citations, cache_control }) => Item::Block(Block::Text {
            text: Cow::Owned(format!("<system>\n{text}\n</system>")),
            citations,
            cache_control,
        }),
        other => other,
    }
}
