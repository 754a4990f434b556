use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use serde_json::value::RawValue;
use tollway_core::Dialect;

use super::{
    body::{Block, Item, Turn},
    citation,
    losses::Losses,
    media::{encode_document, encode_image},
    names::{Ids, Names},
};
use crate::{
    Refusal, Traits,
    chat::{Chat, Content, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult},
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
        names,
        ids: Ids::default(),
        losses,
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
    names: &'l Names<'a>,
    ids: Ids<'a>,
    losses: &'l mut Losses,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaker {
    User,
    Assistant,
    System,
}

/// A turn being made. Anthropic wants results of tools before all else in it.
struct Draft<'a> {
    speaker: Speaker,
    /// The first canonical message of it.
    from: usize,
    results: Vec<Item<'a>>,
    items: Vec<Item<'a>>,
    /// Ids of the calls made, or of the calls answered.
    calls: Vec<Cow<'a, str>>,
}

impl<'a> Builder<'a, '_> {
    fn message(&mut self, at: usize, message: &'a Message) -> Result<(), Refusal> {
        if message.name.is_some() && message.role != Role::Tool {
            self.losses.add(format!("messages[{at}].name"));
        }
        match message.role {
            Role::System | Role::Developer => self.instructions(at, message),
            Role::User | Role::Tool => self.user(at, message),
            Role::Assistant => self.assistant(at, message),
        }
    }

    fn instructions(&mut self, at: usize, message: &'a Message) -> Result<(), Refusal> {
        let items = self.items(at, message)?;
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
                let item = self.result(at, part, result)?;
                if let Item::Block(Block::ToolResult { tool_use_id, .. }) = &item {
                    calls.push(tool_use_id.clone());
                }
                results.push(item);
            } else if let Some(item) = self.item(part, || format!("messages[{at}].content[{part_at}]"))? {
                items.push(item);
            }
        }
        if results.is_empty() && items.is_empty() {
            self.losses.add(format!("messages[{at}]"));
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
        let items = self.items(at, message)?;
        if items.is_empty() {
            return Ok(());
        }
        self.settle_held(at);
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

    fn items(&mut self, at: usize, message: &'a Message) -> Result<Vec<Item<'a>>, Refusal> {
        let mut items = Vec::with_capacity(message.content.len());
        let mut calls = 0;
        for (part_at, part) in message.content.iter().enumerate() {
            let item = if let Content::ToolCall(call) = &part.content {
                calls += 1;
                Some(self.call(at, calls - 1, part, call)?)
            } else if let Content::Reasoning(reasoning) = &part.content {
                self.reasoning(at, part, reasoning)
            } else {
                self.item(part, || format!("messages[{at}].content[{part_at}]"))?
            };
            items.extend(item);
        }
        Ok(items)
    }

    /// A part of content; `None` when it holds nothing to send.
    fn item(&mut self, part: &'a Part, path: impl Fn() -> String) -> Result<Option<Item<'a>>, Refusal> {
        let cache_control = part.cache_control.as_ref();
        let block = match &part.content {
            Content::Text(text) => return Ok(self.text(text, part, path)),
            Content::Refusal(text) if text.trim().is_empty() => return Ok(None),
            Content::Refusal(text) => Block::text(text.as_str()),
            Content::Image(image) => encode_image(image, cache_control, path, self.losses)?,
            Content::Document(document) => encode_document(document, cache_control, path)?,
            Content::Audio(_) => {
                return Err(Refusal::at(
                    format!("{}.input_audio", path()),
                    "Anthropic takes no audio; send a transcript as text",
                ));
            }
            Content::Native(native) if native.dialect == Dialect::Anthropic => {
                return Ok(Some(Item::Native(&native.value)));
            }
            Content::Native(native) => {
                return Err(Refusal::at(
                    path(),
                    format!("Anthropic has no equivalent for this block of {}", native.dialect.as_str()),
                ));
            }
            Content::Reasoning(_) => return Ok(None),
            Content::ToolCall(_) | Content::ToolResult(_) => {
                return Err(Refusal::at(path(), "a tool call or its result cannot stand here"));
            }
        };
        Ok(Some(block.into()))
    }

    /// Text, unless it is empty: Anthropic refuses empty and blank text.
    fn text(&mut self, text: &'a Text, part: &'a Part, path: impl Fn() -> String) -> Option<Item<'a>> {
        if text.text.trim().is_empty() {
            if part.cache_control.is_some() {
                self.losses.add(format!("{}.cache_control", path()));
            }
            return None;
        }
        let citations: Vec<_> = text.annotations.iter().filter_map(citation::native).collect();
        if citations.len() < text.annotations.len() {
            self.losses.add(format!("{}.annotations", path()));
        }
        let block = Block::Text {
            text: Cow::Borrowed(&text.text),
            citations,
            cache_control: part.cache_control.as_ref(),
        };
        Some(block.into())
    }

    /// Thinking goes back as it came when Anthropic sealed it. Anthropic refuses thinking without
    /// its own seal, so that the thoughts of other models are left out.
    fn reasoning(&mut self, at: usize, part: &'a Part, reasoning: &'a Reasoning) -> Option<Item<'a>> {
        let seal = part.signature.as_ref();
        let is_ours = seal.is_none_or(|seal| seal.dialect == Dialect::Anthropic);
        match (&reasoning.redacted, seal) {
            (Some(data), _) if is_ours && !data.is_empty() => Some(Block::RedactedThinking { data }.into()),
            (None, Some(seal)) if is_ours && !seal.value.is_empty() => {
                Some(Block::Thinking { thinking: &reasoning.text, signature: &seal.value }.into())
            }
            _ => {
                self.losses.add(format!("messages[{at}].reasoning_content"));
                None
            }
        }
    }

    fn call(
        &mut self,
        at: usize,
        index: usize,
        part: &'a Part,
        call: &'a ToolCall,
    ) -> Result<Item<'a>, Refusal> {
        let path = format!("messages[{at}].tool_calls[{index}]");
        if call.custom {
            return Err(Refusal::at(path, "Anthropic has no custom tools; use a function"));
        }
        let input = object(&call.arguments).ok_or_else(|| {
            Refusal::at(format!("{path}.function.arguments"), "arguments are not a JSON object")
        })?;
        let block = Block::ToolUse {
            id: self.ids.call(&call.id),
            name: self.names.sent(&call.name),
            input,
            cache_control: part.cache_control.as_ref(),
        };
        Ok(block.into())
    }

    fn result(&mut self, at: usize, part: &'a Part, result: &'a ToolResult) -> Result<Item<'a>, Refusal> {
        let tool_use_id = self.ids.result(&result.call_id).ok_or_else(|| {
            Refusal::at(
                format!("messages[{at}].tool_call_id"),
                format!("result answers no tool call before it: {}", result.call_id),
            )
        })?;
        let mut content = Vec::with_capacity(result.content.len());
        for (part_at, part) in result.content.iter().enumerate() {
            content.extend(self.item(part, || format!("messages[{at}].content[{part_at}]"))?);
        }
        let block = Block::ToolResult {
            tool_use_id,
            content,
            is_error: result.is_error,
            cache_control: part.cache_control.as_ref(),
        };
        Ok(block.into())
    }
}

impl<'a> Draft<'a> {
    const fn new(speaker: Speaker, from: usize) -> Self {
        Self { speaker, from, results: Vec::new(), items: Vec::new(), calls: Vec::new() }
    }

    fn into_turn(self) -> Turn<'a> {
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

/// The arguments as the model wrote them, if they are an object: no number or order is changed.
pub(super) fn object(arguments: &str) -> Option<&RawValue> {
    let arguments = arguments.trim();
    let arguments = if arguments.is_empty() { "{}" } else { arguments };
    if !arguments.starts_with('{') {
        return None;
    }
    serde_json::from_str(arguments).ok()
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

/// Anthropic refuses a call without its result in the next turn, and a result without its call in
/// the turn before. Said here, the error names the client's own field.
fn check_results(turns: &[Draft<'_>]) -> Result<(), Refusal> {
    let mut open: HashMap<&str, usize> = HashMap::new();
    for turn in turns {
        match turn.speaker {
            Speaker::System => {}
            Speaker::User => {
                let answered: HashSet<&str> = turn.calls.iter().map(|id| &**id).collect();
                if let Some(stray) = turn.calls.iter().find(|id| !open.contains_key(&***id)) {
                    return Err(Refusal::at(
                        format!("messages[{}].tool_call_id", turn.from),
                        format!("result does not follow the message that made the call: {stray}"),
                    ));
                }
                open.retain(|id, _| !answered.contains(id));
                unanswered(&open)?;
            }
            Speaker::Assistant => {
                unanswered(&open)?;
                open.extend(turn.calls.iter().map(|id| (&**id, turn.from)));
            }
        }
    }
    unanswered(&open)
}

fn unanswered(open: &HashMap<&str, usize>) -> Result<(), Refusal> {
    match open.iter().min() {
        None => Ok(()),
        Some((id, from)) => Err(Refusal::at(
            format!("messages[{from}].tool_calls"),
            format!("tool call has no result in the messages that follow: {id}"),
        )),
    }
}

/// Anthropic refuses a conversation that ends in white space of the assistant.
fn trim_end(turn: &mut Draft<'_>) {
    if let Some(Item::Block(Block::Text { text, .. })) = turn.items.last_mut()
        && text.ends_with(char::is_whitespace)
    {
        *text = Cow::Owned(text.trim_end().to_owned());
    }
}

/// Whether the conversation ends in results of calls that were made without thinking.
fn lacks_thinking(turns: &[Draft<'_>]) -> bool {
    let mut turns = turns.iter().rev().filter(|turn| turn.speaker != Speaker::System);
    let (Some(last), Some(before)) = (turns.next(), turns.next()) else { return false };
    let starts_with_thinking = matches!(
        before.items.first(),
        Some(Item::Block(Block::Thinking { .. } | Block::RedactedThinking { .. }))
    );
    last.speaker == Speaker::User && !last.calls.is_empty() && !starts_with_thinking
}
