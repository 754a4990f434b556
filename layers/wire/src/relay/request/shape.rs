//! What stands within a request's members in another shape than the server's, brought into it.
//!
//! This goes before all other edits, in bytes of its own, since those look at whole members. Most
//! requests need none of it and are not copied.

use std::ops::Range;

use tollway_core::{Dialect, Endpoint, Operation};

use super::messages::{elements, members};
use super::parts::Message;
use crate::{
    Quirks, ReasoningStyle, Traits,
    peek::Peek,
    scan::{Kind, Member},
    splice::{Cutter, Splice},
};

/// The schema of a function that takes nothing.
const NO_PARAMETERS: &str = r#""parameters":{"type":"object","properties":{}}"#;

/// The request in the server's shape. None where it has it.
pub(super) fn shaped(peek: &Peek, quirks: &Quirks, traits: &Traits) -> Option<Peek> {
    let of_parts = quirks.document_url || quirks.thinking_parts || quirks.refusal_as_text;
    if !(quirks.drop_nulls || quirks.require_parameters || of_parts) {
        return None;
    }
    let body: &[u8] = peek.body();
    let mut splice = Splice::new(peek);
    for member in peek.parts() {
        if member.kind == Kind::Array && member.is(body, "tools") {
            elements(body, &member.value, |at, kind| {
                if kind == Kind::Object {
                    tool(&mut splice, body, &at, quirks);
                }
            });
        } else if of_parts && member.kind == Kind::Array && member.is(body, "messages") {
            let thinks = traits.reasoning != ReasoningStyle::None;
            elements(body, &member.value, |at, kind| {
                if kind == Kind::Object {
                    Message::read(body, &at).shape(&mut splice, quirks, thinks);
                }
            });
        } else if quirks.drop_nulls && member.kind == Kind::Object && member.is(body, "response_format") {
            without_nulls(&mut splice, body, &member.value, "json_schema");
        }
    }
    if splice.is_empty() {
        return None;
    }
    // Only chat has such members, and the bytes are JSON as before.
    Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), splice.finish().into_bytes()).ok()
}

fn tool(splice: &mut Splice<'_>, body: &[u8], at: &Range<usize>, quirks: &Quirks) {
    if quirks.drop_nulls {
        without_nulls(splice, body, at, "function");
    }
    if !quirks.require_parameters {
        return;
    }
    members(body, at, |function| {
        if function.kind != Kind::Object || !function.is(body, "function") {
            return;
        }
        let (mut has, mut others) = (false, false);
        members(body, &function.value, |member| {
            if member.is(body, "parameters") {
                has |= member.kind != Kind::Null;
                if member.kind == Kind::Null && !quirks.drop_nulls {
                    has = true;
                    splice.patch(member.value, &br#"{"type":"object","properties":{}}"#[..]);
                }
            } else {
                others |= member.kind != Kind::Null || !quirks.drop_nulls;
            }
        });
        if !has {
            let inside = function.value.start + 1;
            let comma = if others { "," } else { "" };
            splice.patch(inside..inside, [NO_PARAMETERS, comma].concat());
        }
    });
}

/// Takes null members out of an object, and of the one it holds under `inner`. What stands deeper is a
/// schema, in which a null may have a meaning.
fn without_nulls(splice: &mut Splice<'_>, body: &[u8], at: &Range<usize>, inner: &str) {
    let mut cutter = Cutter::default();
    members(body, at, |member: Member| {
        splice.cut(cutter.item(&member.bounds(), member.kind == Kind::Null));
        if member.kind == Kind::Object && member.is(body, inner) {
            let mut cutter = Cutter::default();
            members(body, &member.value, |member| {
                splice.cut(cutter.item(&member.bounds(), member.kind == Kind::Null));
            });
            splice.cut(cutter.end());
        }
    });
    splice.cut(cutter.end());
}
