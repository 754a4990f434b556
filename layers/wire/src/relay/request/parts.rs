//! Messages and their parts in Mistral's shape: thinking, refusals and documents.

use std::{borrow::Cow, ops::Range};

use super::messages::{elements, members, says_nothing};
use crate::{
    Quirks,
    scan::{Kind, Member, unquote},
    splice::{Cutter, Splice},
};

/// The members of a message that may have another shape; the last one of duplicates.
#[derive(Debug)]
pub(super) struct Message<'a> {
    body: &'a [u8],
    at: Range<usize>,
    is_assistant: bool,
    content: Option<Member>,
    thinking: Option<Member>,
    refusal: Option<Member>,
    /// Thinking that another provider sealed, which is not this server's.
    is_sealed: bool,
}

impl<'a> Message<'a> {
    pub(super) fn read(body: &'a [u8], at: &Range<usize>) -> Self {
        let mut message = Self {
            body,
            at: at.clone(),
            is_assistant: false,
            content: None,
            thinking: None,
            refusal: None,
            is_sealed: false,
        };
        members(body, at, |member| {
            if member.is(body, "role") {
                let role = body.get(member.value.clone()).and_then(unquote);
                message.is_assistant = role.is_some_and(|role| role == "assistant");
            } else if member.is(body, "content") {
                message.content = Some(member);
            } else if member.is(body, "refusal") && says(body, &member) {
                message.refusal = Some(member);
            } else if is_thinking(body, &member) && says(body, &member) {
                message.thinking = Some(member);
            } else if member.is(body, "reasoning_details") {
                message.is_sealed |= !says_nothing(body, &member);
            }
        });
        message
    }

    /// Brings the message into shape.
    pub(super) fn shape(self, splice: &mut Splice<'_>, quirks: &Quirks, thinks: bool) {
        let body = self.body;
        let carried = quirks.thinking_parts && thinks && self.is_assistant && !self.is_sealed;
        let thinking = self.thinking.as_ref().filter(|_| carried);
        let refusal = self.refusal.as_ref().filter(|_| quirks.refusal_as_text && self.is_assistant);
        if thinking.is_none() && refusal.is_none() {
            if let Some(content) = self.content.filter(|content| content.kind == Kind::Array) {
                elements(body, &content.value, |at, kind| {
                    if let Some(part) = shaped(body, &at, kind, quirks) {
                        splice.patch(at, part);
                    }
                });
            }
            return;
        }

        let mut parts = Vec::new();
        parts.extend(thinking.map(|text| {
            let text = wrap(br#"{"type":"text","text":"#, raw(body, &text.value), b"}");
            wrap(br#"{"type":"thinking","thinking":["#, &text, br#"],"closed":true}"#)
        }));
        let text = |text: &[u8]| wrap(br#"{"type":"text","text":"#, text, b"}");
        match &self.content {
            Some(content) if says_nothing(body, content) => {}
            Some(content) if content.kind == Kind::String => parts.push(text(raw(body, &content.value))),
            Some(content) if content.kind == Kind::Array => {
                elements(body, &content.value, |at, kind| {
                    let part = shaped(body, &at, kind, quirks);
                    parts.push(part.unwrap_or_else(|| raw(body, &at).to_vec()));
                });
            }
            _ => {}
        }
        parts.extend(refusal.map(|refusal| text(raw(body, &refusal.value))));
        let content = wrap(b"[", &parts.join(&b","[..]), b"]");

        let mut cutter = Cutter::default();
        let mut others = false;
        members(body, &self.at, |member| {
            let gone = (thinking.is_some() && is_thinking(body, &member))
                || (refusal.is_some() && member.is(body, "refusal"));
            others |= !gone;
            splice.cut(cutter.item(&member.bounds(), gone));
        });
        splice.cut(cutter.end());
        if let Some(old) = &self.content {
            splice.patch(old.value.clone(), content);
        } else {
            let inside = self.at.start + 1;
            let comma: &[u8] = if others { b"," } else { b"" };
            splice.patch(inside..inside, wrap(br#""content":"#, &content, comma));
        }
    }
}

/// `reasoning` is OpenRouter's and Groq's word for the same.
fn is_thinking(body: &[u8], member: &Member) -> bool {
    member.kind == Kind::String && (member.is(body, "reasoning_content") || member.is(body, "reasoning"))
}

fn says(body: &[u8], member: &Member) -> bool {
    member.kind == Kind::String && !says_nothing(body, member)
}

/// A part in the server's shape. None where it has it, or is none that we know.
fn shaped(body: &[u8], at: &Range<usize>, kind: Kind, quirks: &Quirks) -> Option<Vec<u8>> {
    if kind != Kind::Object {
        return None;
    }
    let (mut type_of, mut file, mut refusal) = (None, None, None);
    members(body, at, |member| {
        if member.is(body, "type") {
            type_of = body.get(member.value).and_then(unquote);
        } else if member.kind == Kind::Object && member.is(body, "file") {
            file = Some(member.value);
        } else if member.kind == Kind::String && member.is(body, "refusal") {
            refusal = Some(member.value);
        }
    });
    match type_of?.as_ref() {
        "file" if quirks.document_url => document(body, &file?),
        "refusal" if quirks.refusal_as_text => {
            Some(wrap(br#"{"type":"text","text":"#, raw(body, &refusal?), b"}"))
        }
        _ => None,
    }
}

/// OpenAI's `file` as a URL, which may hold the data, or as the id of a file at the server.
fn document(body: &[u8], file: &Range<usize>) -> Option<Vec<u8>> {
    let (mut data, mut name, mut id) = (None, None, None);
    members(body, file, |member| {
        if member.kind == Kind::String {
            let place = [("file_data", &mut data), ("filename", &mut name), ("file_id", &mut id)];
            for (key, value) in place {
                if member.is(body, key) {
                    *value = Some(raw(body, &member.value));
                }
            }
        }
    });
    let Some(data) = data else {
        return Some(wrap(br#"{"type":"file","file_id":"#, id?, b"}"));
    };
    // OpenAI's reference calls it base64, its examples are data URLs. PDFs are what it takes.
    let is_url = [br#""data:"#.as_slice(), br#""http:"#, br#""https:"#]
        .iter()
        .any(|scheme| data.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let url = if is_url {
        Cow::Borrowed(data)
    } else {
        Cow::Owned(wrap(br#""data:application/pdf;base64,"#, data.get(1..)?, b""))
    };
    let name = name.map(|name| wrap(br#","document_name":"#, name, b"")).unwrap_or_default();
    Some(wrap(br#"{"type":"document_url","document_url":"#, &url, &wrap(&name, b"}", b"")))
}

fn raw<'b>(body: &'b [u8], at: &Range<usize>) -> &'b [u8] {
    body.get(at.clone()).unwrap_or_default()
}

fn wrap(before: &[u8], text: &[u8], after: &[u8]) -> Vec<u8> {
    [before, text, after].concat()
}
