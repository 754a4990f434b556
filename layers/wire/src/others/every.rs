use std::borrow::Cow;

use crate::scan::{Kind, Member, Scanner, unquote};

/// Every name by which some server may take a model from a JSON body, in order.
///
/// Of members of the same name some servers read the first and others the last; those written in Go read
/// `MODEL` as `model`; `OpenRouter` goes on to those of `models`; a realtime session has one of its own.
/// Nothing of a body that is no JSON object: no server reads a model from it.
pub fn every_model(body: &[u8]) -> Vec<Cow<'_, str>> {
    let mut found = Vec::new();
    let mut sessions = Vec::new();
    let whole = Scanner::new(body, 0).object(|member| {
        look(body, &member, &mut found);
        if member.kind == Kind::Object && is(body, &member, "session") {
            sessions.push(member.value.start);
        }
    });
    for session in sessions {
        // It was scanned as a part of the whole.
        let _ = Scanner::new(body, session).object(|member| look(body, &member, &mut found));
    }
    if whole.is_ok() { found } else { Vec::new() }
}

fn look<'b>(body: &'b [u8], member: &Member, found: &mut Vec<Cow<'b, str>>) {
    if member.kind == Kind::String && is(body, member, "model") {
        found.extend(body.get(member.value.clone()).and_then(unquote));
    } else if member.kind == Kind::Array && is(body, member, "models") {
        let each = |value: std::ops::Range<usize>, kind| {
            if kind == Kind::String {
                found.extend(body.get(value).and_then(unquote));
            }
        };
        let _ = Scanner::new(body, member.value.start).array(each);
    }
}

/// Whether some server takes the member for that of a name.
fn is(body: &[u8], member: &Member, name: &str) -> bool {
    member.name(body).is_some_and(|key| key.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_server_may_read_is_found() {
        for (body, expected) in [
            (r#"{"model":"a","n":1}"#, &["a"][..]),
            (r#"{"model":"a","model":"b"}"#, &["a", "b"]),
            (r#"{"model":"a","MODEL":"b","mod\u0065l":"c"}"#, &["a", "b", "c"]),
            (r#" {"model":"a","models":["b",1,"c\/d"]}"#, &["a", "b", "c/d"]),
            (r#"{"session":{"type":"realtime","model":"r"},"model":"a"}"#, &["a", "r"]),
            (r#"{"a":{"model":"x"},"model":null,"models":"y"}"#, &[]),
            (r#"{"model":"a""#, &[]),
            ("[]", &[]),
            ("", &[]),
        ] {
            assert_eq!(every_model(body.as_bytes()), expected, "{body}");
        }
    }
}
