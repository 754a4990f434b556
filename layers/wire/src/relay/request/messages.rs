//! Quirks of messages, each a patch of the smallest range that holds the change.
//!
//! Lists are walked, not collected: a body of a million elements costs no more memory than one of
//! three.

use std::{ops::Range, sync::LazyLock};

use memchr::memmem::{self, Finder};

use super::{Edit, turns::Turns};
use crate::{
    Quirks,
    scan::{Kind, Member, Scanner, unquote},
    splice::{Cutter, Splice},
};

/// How deep in a message nulls are looked for. No field of a message stands deeper.
const DEPTH: u32 = 8;

/// Members by which a message says or calls something.
const SAYING: [&str; 7] =
    ["content", "tool_calls", "function_call", "refusal", "audio", "reasoning", "reasoning_content"];

static NULL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"null"));

/// Where the fields of a message's tool calls stand among [`Quirks::drop_in_messages`].
const IN_CALLS: &str = "tool_calls.";

/// Whether any quirk looks into the messages of this body.
pub(super) fn concerned(quirks: &Quirks, body: &[u8]) -> bool {
    quirks.drop_nulls
        || quirks.developer_as_system
        || quirks.name_on_tool_messages_only
        || quirks.drop_empty_assistant
        || quirks.short_call_ids
        || quirks.turn_order
        || named(&quirks.drop_in_messages, body)
}

/// Whether a body may hold one of these names. Most hold none, and a search is cheaper than a walk: what
/// only answers have is not looked for where there are none, and what begins with another name needs no
/// search of its own (`reasoning`, `reasoning_content`, …).
fn named(names: &[String], body: &[u8]) -> bool {
    let names = || names.iter().map(|name| name.strip_prefix(IN_CALLS).unwrap_or(name)).enumerate();
    let mut answered = None;
    names().any(|(at, name)| {
        if is_of_answers(name) && !*answered.get_or_insert_with(|| ASSISTANT.find(body).is_some()) {
            return false;
        }
        let is_covered = names()
            .any(|(other_at, other)| name.starts_with(other) && (other.len() < name.len() || other_at < at));
        if is_covered {
            return false;
        }
        match FINDERS.iter().find(|(known, _)| *known == name) {
            Some((_, finder)) => finder.find(body).is_some(),
            None => memmem::find(body, name.as_bytes()).is_some(),
        }
    })
}

/// Whether only answers have a member of this name.
fn is_of_answers(name: &str) -> bool {
    matches!(
        name,
        "annotations" | "extra_content" | "images" | "reasoning" | "reasoning_content" | "reasoning_details"
    )
}

/// Those that are looked for most, made ready once.
static FINDERS: LazyLock<[(&str, Finder<'static>); 4]> = LazyLock::new(|| {
    ["reasoning", "extra_content", "images", "annotations"].map(|name| (name, Finder::new(name)))
});

static ASSISTANT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"assistant"));

impl Edit<'_> {
    pub(super) fn messages(&mut self, quirks: &Quirks) {
        let peek = self.peek;
        for place in self.live("messages").collect::<Vec<_>>() {
            let Some(list) = peek.parts().get(place).filter(|list| list.kind == Kind::Array) else {
                continue;
            };
            let mut cutter = Cutter::default();
            let mut turns = Turns::default();
            let mut index = 0;
            elements(peek.body(), &list.value, |at, kind| {
                let gone = kind == Kind::Object && self.message(quirks, index, &at);
                self.splice.cut(cutter.item(&at, gone));
                if quirks.turn_order && kind == Kind::Object && !gone {
                    turns.message(&mut self.splice, peek.body(), &at);
                }
                index += 1;
            });
            self.splice.cut(cutter.end());
            turns.end(&mut self.splice, peek.body());
        }
    }

    /// Changes one message; tells whether it is to be taken out as a whole.
    fn message(&mut self, quirks: &Quirks, index: usize, at: &Range<usize>) -> bool {
        let body: &[u8] = self.peek.body();
        let message = Message::read(body, at);
        if quirks.drop_empty_assistant && message.is_empty_assistant(quirks) {
            self.list(format!("messages[{index}]"));
            return true;
        }
        if quirks.developer_as_system
            && let Some(role) = message.role.as_ref().filter(|_| message.role_is("developer"))
        {
            self.splice.patch(role.value.clone(), &b"\"system\""[..]);
        }
        if quirks.short_call_ids {
            self.call_ids(at);
        }
        let nameless = quirks.name_on_tool_messages_only && message.named && !message.role_is("tool");
        // Most messages hold no null, and a search is cheaper than a walk.
        let text = body.get(at.clone()).unwrap_or_default();
        let drop_nulls = quirks.drop_nulls && NULL.find(text).is_some();
        if !nameless && !drop_nulls && quirks.drop_in_messages.is_empty() {
            return false;
        }
        let mut gone = Vec::new();
        let mut cutter = Cutter::default();
        members(body, at, |member| {
            let mut refused = quirks.drop_in_messages.iter().map(String::as_str);
            let name = if nameless && member.is(body, "name") {
                Some("name")
            } else {
                refused.find(|name| member.is(body, name))
            };
            // An empty list, such as the `annotations` of most answers, says nothing.
            let says =
                member.kind != Kind::Null && !(member.kind == Kind::Array && says_nothing(body, &member));
            gone.extend(name.filter(|_| says));
            let null = drop_nulls && member.kind == Kind::Null;
            self.splice.cut(cutter.item(&member.bounds(), name.is_some() || null));
            if name.is_none() && member.kind == Kind::Array && member.is(body, "tool_calls") {
                let dropped = calls(&mut self.splice, body, &member.value, quirks, drop_nulls);
                gone.extend(dropped);
            } else if drop_nulls && name.is_none() {
                nulls(&mut self.splice, body, &member.value, member.kind, DEPTH);
            }
        });
        self.splice.cut(cutter.end());
        for name in gone {
            self.list(format!("messages[{index}].{name}"));
        }
        false
    }
}

/// The members of a message that quirks ask for; the last one of duplicates.
struct Message<'a> {
    body: &'a [u8],
    role: Option<Member>,
    named: bool,
    saying: [Option<Member>; SAYING.len()],
}

impl<'a> Message<'a> {
    fn read(body: &'a [u8], at: &Range<usize>) -> Self {
        let mut message = Self { body, role: None, named: false, saying: Default::default() };
        members(body, at, |member| {
            if member.is(body, "role") {
                message.role = Some(member);
            } else if member.is(body, "name") {
                message.named = true;
            } else if let Some(at) = SAYING.iter().position(|name| member.is(body, name)) {
                message.saying[at] = Some(member);
            }
        });
        message
    }

    fn role_is(&self, role: &str) -> bool {
        self.role.as_ref().is_some_and(|member| is_text(self.body, member, role))
    }

    /// Whether it is the assistant's, says nothing and calls nothing that the server takes.
    fn is_empty_assistant(&self, quirks: &Quirks) -> bool {
        self.role_is("assistant")
            && SAYING.iter().zip(&self.saying).all(|(name, member)| {
                let dropped = quirks.drop_in_messages.iter().any(|refused| refused == name);
                dropped || member.as_ref().is_none_or(|member| says_nothing(self.body, member))
            })
    }
}

pub(super) fn says_nothing(body: &[u8], member: &Member) -> bool {
    match member.kind {
        Kind::Null => true,
        Kind::String => member.value.len() == 2,
        Kind::Array => {
            let mut nothing = true;
            elements(body, &member.value, |at, kind| {
                nothing = nothing && kind == Kind::Object && is_empty_text_part(body, &at);
            });
            nothing
        }
        _ => false,
    }
}

fn is_empty_text_part(body: &[u8], at: &Range<usize>) -> bool {
    let mut typed = false;
    let mut empty = true;
    members(body, at, |member| {
        if member.is(body, "type") {
            typed = is_text(body, &member, "text");
        } else if member.is(body, "text") {
            empty = says_nothing(body, &member);
        }
    });
    typed && empty
}

/// Takes refused and null members out of tool calls; gives the refused ones that said something.
fn calls<'q>(
    splice: &mut Splice<'_>,
    body: &[u8],
    at: &Range<usize>,
    quirks: &'q Quirks,
    drop_nulls: bool,
) -> Vec<&'q str> {
    let mut gone = Vec::new();
    elements(body, at, |at, kind| {
        if kind != Kind::Object {
            return;
        }
        let mut cutter = Cutter::default();
        members(body, &at, |member| {
            let mut refused = quirks.drop_in_messages.iter().map(String::as_str);
            let name =
                refused.find(|name| name.strip_prefix(IN_CALLS).is_some_and(|name| member.is(body, name)));
            let null = member.kind == Kind::Null;
            gone.extend(name.filter(|name| !null && !gone.contains(name)));
            splice.cut(cutter.item(&member.bounds(), name.is_some() || (drop_nulls && null)));
            if drop_nulls && name.is_none() {
                nulls(splice, body, &member.value, member.kind, DEPTH);
            }
        });
        splice.cut(cutter.end());
    });
    gone
}

/// Takes null members out of a value's objects.
fn nulls(splice: &mut Splice<'_>, body: &[u8], at: &Range<usize>, kind: Kind, depth: u32) {
    if depth == 0 {
        return;
    }
    match kind {
        Kind::Object => {
            let mut cutter = Cutter::default();
            members(body, at, |member| {
                splice.cut(cutter.item(&member.bounds(), member.kind == Kind::Null));
                nulls(splice, body, &member.value, member.kind, depth - 1);
            });
            splice.cut(cutter.end());
        }
        Kind::Array => elements(body, at, |at, kind| nulls(splice, body, &at, kind, depth - 1)),
        _ => {}
    }
}

fn is_text(body: &[u8], member: &Member, wanted: &str) -> bool {
    body.get(member.value.clone()).and_then(unquote).is_some_and(|text| text == wanted)
}

// The body was found valid, so these walks cannot fail.

pub(super) fn members(body: &[u8], at: &Range<usize>, each: impl FnMut(Member)) {
    let _ = Scanner::new(body, at.start).object(each);
}

pub(super) fn elements(body: &[u8], at: &Range<usize>, each: impl FnMut(Range<usize>, Kind)) {
    let _ = Scanner::new(body, at.start).array(each);
}
