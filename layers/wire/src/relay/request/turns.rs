//! The order of turns that Mistral wants.
//!
//! Its validator (`mistral-common`, `_validate_message_order`) lets only the assistant speak after a
//! tool, and instructions stand only at the start or after the user; the last message is the user's, a
//! tool's, or an assistant's with `prefix`. OpenAI's format has none of these rules.

use std::ops::Range;

use super::messages::{elements, members};
use crate::{
    scan::{Kind, Member, unquote},
    splice::Splice,
};

/// What the assistant says between a tool's result and the user. Other clients of Mistral say so too
/// (`pydantic-ai`).
const BETWEEN: &[u8] = br#"{"role":"assistant","content":"OK"},"#;

const USER: &[u8] = br#""user""#;

/// Who spoke, message by message.
#[derive(Debug, Default)]
pub(super) struct Turns {
    before: Role,
    /// Whether anybody but instructions spoke.
    spoken: bool,
    last: Last,
}

/// What must be changed in a message if it is the last.
#[derive(Debug, Default)]
enum Last {
    #[default]
    Nothing,
    /// The assistant's, from here on: it is to be gone on with.
    Prefix(usize),
    /// Instructions, by their role and content: they are what is to be answered.
    Asked(Member, Option<Member>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    #[default]
    Other,
    System,
    User,
    Assistant,
    Tool,
}

impl Turns {
    /// The next message that is sent.
    pub(super) fn message(&mut self, splice: &mut Splice<'_>, body: &[u8], at: &Range<usize>) {
        let (mut role, mut content, mut prefix) = (None, None, false);
        members(body, at, |member| {
            if member.is(body, "role") {
                role = Some(member);
            } else if member.is(body, "content") {
                content = Some(member);
            } else if member.is(body, "prefix") {
                prefix = true;
            }
        });
        let mut speaker = role.as_ref().map_or(Role::Other, |role| role_of(body, role));
        if speaker == Role::System && matches!(self.before, Role::Assistant | Role::Tool) {
            if let Some(role) = &role {
                splice.patch(role.value.clone(), USER);
            }
            mark(splice, body, content.as_ref());
            speaker = Role::User;
        }
        if speaker == Role::User && self.before == Role::Tool {
            splice.patch(at.start..at.start, BETWEEN);
        }
        self.last = match (speaker, role) {
            (Role::Assistant, _) if !prefix => Last::Prefix(at.start + 1),
            (Role::System, Some(role)) => Last::Asked(role, content),
            _ => Last::Nothing,
        };
        self.spoken |= speaker != Role::System;
        self.before = speaker;
    }

    /// The list ends.
    pub(super) fn end(self, splice: &mut Splice<'_>, body: &[u8]) {
        match self.last {
            Last::Nothing => {}
            Last::Prefix(inside) => splice.patch(inside..inside, &br#""prefix":true,"#[..]),
            Last::Asked(role, content) => {
                splice.patch(role.value, USER);
                if self.spoken {
                    mark(splice, body, content.as_ref());
                }
            }
        }
    }
}

fn role_of(body: &[u8], member: &Member) -> Role {
    let word = body.get(member.value.clone()).and_then(unquote);
    match word.as_deref() {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool") => Role::Tool,
        _ => Role::Other,
    }
}

/// Marks instructions, so that they are not read as the user's own words.
fn mark(splice: &mut Splice<'_>, body: &[u8], content: Option<&Member>) {
    let Some(content) = content else { return };
    let (start, end) = (content.value.start + 1, content.value.end - 1);
    match content.kind {
        Kind::String => {
            splice.patch(start..start, &br"<system>\n"[..]);
            splice.patch(end..end, &br"\n</system>"[..]);
        }
        Kind::Array => {
            let mut says = false;
            elements(body, &content.value, |_, _| says = true);
            if says {
                splice.patch(start..start, &br#"{"type":"text","text":"<system>\n"},"#[..]);
                splice.patch(end..end, &br#",{"type":"text","text":"\n</system>"}"#[..]);
            }
        }
        _ => {}
    }
}
