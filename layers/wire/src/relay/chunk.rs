//! Reads the chunks of a stream that have something to tell.

use std::ops::Range;

use tollway_core::Usage;

use super::{reading::Reading, usage};
use crate::scan::{Kind, Member, Scanner, unquote};

/// The longest id, model or tier that is kept.
const MAX_NAME: usize = 256;

/// What a chunk holds.
#[derive(Default)]
struct Chunk {
    choices: Option<Choices>,
    usage: Option<Member>,
    groq: Option<Member>,
    error: bool,
    /// Whether another member holds more than a scalar.
    payload: bool,
}

#[derive(Default)]
struct Choices {
    /// Where the first reason to end stands.
    reason: Option<Range<usize>>,
    any: bool,
    content: bool,
    finished: u128,
    failed: bool,
}

/// Reads a chunk; tells whether it carries usage and nothing else.
///
/// Azure's first chunk has no choices but filter results, OpenAI's moderation chunk likewise: an
/// array or object beside usage is taken for content of that kind and the chunk left where it is.
/// What is no JSON tells nothing.
pub(super) fn read(reading: &mut Reading, data: &[u8]) -> bool {
    let mut chunk = Chunk::default();
    let [mut id, mut model, mut tier] = [const { None }; 3];
    let mut scanner = Scanner::new(data, 0);
    let walk = scanner.object(|member| match key(data, &member) {
        b"choices" => chunk.choices = (member.kind == Kind::Array).then(|| choices(data, member.value.start)),
        b"usage" => chunk.usage = Some(member),
        b"x_groq" => chunk.groq = Some(member),
        b"error" => chunk.error = member.kind != Kind::Null,
        b"object" => chunk.error |= value(data, &member) == b"\"error\"",
        b"id" => id = Some(member.value),
        b"model" => model = Some(member.value),
        b"service_tier" => tier = Some(member.value),
        _ => chunk.payload |= member.kind != Kind::String && is_full(&member),
    });
    if walk.and_then(|()| scanner.end()).is_err() || std::str::from_utf8(data).is_err() {
        return false;
    }
    for (slot, at) in
        [(&mut reading.id, id), (&mut reading.told.model, model), (&mut reading.told.tier, tier)]
    {
        keep(slot, at.and_then(|at| data.get(at)).unwrap_or_default());
    }
    let groq = chunk
        .groq
        .filter(|member| member.kind == Kind::Object)
        .map(|member| Groq::read(value(data, &member)));
    let own = chunk.usage.as_ref().filter(|usage| usage.kind == Kind::Object);
    let counted = own.and_then(|usage| usage::decode(value(data, usage)));
    reading.count(counted.or_else(|| groq.as_ref().and_then(|groq| groq.usage)));
    reading.error |= chunk.error || groq.is_some_and(|groq| groq.error);
    let Some(choices) = chunk.choices else { return false };
    keep(&mut reading.told.finish, choices.reason.and_then(|at| data.get(at)).unwrap_or_default());
    reading.content |= choices.content;
    reading.finished |= choices.finished;
    reading.error |= choices.failed;
    !choices.any && own.is_some() && !chunk.payload && !chunk.error
}

fn choices(data: &[u8], at: usize) -> Choices {
    let mut choices = Choices::default();
    // A fault shows in the walk around this one.
    let _ = Scanner::new(data, at).array(|at, kind| {
        choices.any = true;
        if kind == Kind::Object {
            choice(data, &at, &mut choices);
        }
    });
    choices
}

fn choice(data: &[u8], at: &Range<usize>, choices: &mut Choices) {
    let mut index = Some(0);
    let mut finished = false;
    let _ = Scanner::new(data, at.start).object(|member| match key(data, &member) {
        b"index" => {
            let text = std::str::from_utf8(value(data, &member)).unwrap_or_default();
            index = text.parse::<u32>().ok();
        }
        b"finish_reason" => {
            finished = member.kind == Kind::String;
            if finished {
                choices.reason.get_or_insert(member.value.clone());
            }
            // OpenRouter ends so a choice that broke off.
            choices.failed |= value(data, &member) == b"\"error\"";
        }
        b"text" => choices.content |= is_full(&member),
        b"delta" | b"message" if member.kind == Kind::Object => {
            let _ = Scanner::new(data, member.value.start)
                .object(|said| choices.content |= key(data, &said) != b"role" && is_full(&said));
        }
        _ => {}
    });
    if finished {
        choices.finished |= index.and_then(|index| 1_u128.checked_shl(index)).unwrap_or(0);
    }
}

/// Groq's own member, which has usage and errors where others have them at the top.
struct Groq {
    usage: Option<Usage>,
    error: bool,
}

impl Groq {
    fn read(text: &[u8]) -> Self {
        let mut groq = Self { usage: None, error: false };
        let _ = Scanner::new(text, 0).object(|member| match key(text, &member) {
            b"usage" => groq.usage = usage::decode(value(text, &member)),
            b"error" => groq.error = member.kind != Kind::Null,
            _ => {}
        });
        groq
    }
}

/// Usage in Groq's own member.
pub(super) fn groq_usage(text: &[u8]) -> Option<Usage> {
    Groq::read(text).usage
}

/// Keeps a name that is given, and keeps the old one if none is.
pub(super) fn keep(slot: &mut Option<Box<str>>, raw: &[u8]) {
    if (3..=MAX_NAME).contains(&raw.len())
        && let Some(name) = unquote(raw)
        && slot.as_deref() != Some(&*name)
    {
        *slot = Some(name.into());
    }
}

/// Whether a member's value is a text, list or object that is not empty.
fn is_full(member: &Member) -> bool {
    match member.kind {
        Kind::String | Kind::Array | Kind::Object => member.value.len() > 2,
        _ => false,
    }
}

fn key<'a>(data: &'a [u8], member: &Member) -> &'a [u8] {
    data.get(member.key.start + 1..member.key.end - 1).unwrap_or_default()
}

fn value<'a>(data: &'a [u8], member: &Member) -> &'a [u8] {
    data.get(member.value.clone()).unwrap_or_default()
}
