//! The fields that policy reads, from the members of a request.

use tollway_core::Endpoint;

use super::fault::{missing, wrong_type};
use crate::{
    Refusal,
    scan::{Kind, Member, Scanner, unquote},
};

pub(super) struct Fields {
    /// The place of `model` among the members.
    pub(super) model: usize,
    pub(super) stream: bool,
    pub(super) include_usage: Option<bool>,
    pub(super) n: Option<u64>,
}

impl Fields {
    pub(super) fn read(endpoint: Endpoint, body: &[u8], members: &[Member]) -> Result<Self, Refusal> {
        let mut model = None;
        let [mut stream, mut options, mut n, mut input] = [None; 4];
        let required = required(endpoint);
        for (place, member) in members.iter().enumerate() {
            let raw = body.get(member.key.start + 1..member.key.end - 1).unwrap_or_default();
            let escaped = if member.escaped { member.name(body) } else { None };
            // A later duplicate takes the place of an earlier one.
            match escaped.as_deref().map_or(raw, str::as_bytes) {
                b"model" => model = Some(place),
                b"stream" => stream = Some(member),
                b"stream_options" => options = Some(member),
                b"n" => n = Some(member),
                name if name == required.name.as_bytes() => input = Some(member),
                _ => {}
            }
        }
        let model = read_model(body, members, model)?;
        let stream = read_bool("stream", body, stream)?.unwrap_or(false);
        let include_usage = read_options(body, options)?;
        let n = read_n(body, n)?;
        required.check(body, input)?;
        Ok(Self { model, stream, include_usage, n })
    }
}

fn read_model(body: &[u8], members: &[Member], place: Option<usize>) -> Result<usize, Refusal> {
    let (place, member) =
        place.and_then(|place| Some((place, members.get(place)?))).ok_or_else(|| missing("model"))?;
    let raw = raw(body, member);
    if member.kind != Kind::String {
        return Err(wrong_type("model", "a string", member.kind, raw));
    }
    match unquote(raw) {
        Some(name) if name.is_empty() => Err(Refusal::at("model", "invalid 'model': empty string")),
        Some(_) => Ok(place),
        None => Err(Refusal::at("model", "invalid 'model': an escape that names no character")),
    }
}

fn read_options(body: &[u8], member: Option<&Member>) -> Result<Option<bool>, Refusal> {
    let Some(member) = member else { return Ok(None) };
    match member.kind {
        Kind::Null => Ok(None),
        Kind::Object => {
            let mut wanted = None;
            // The body was found valid, so the walk cannot fail.
            let _ = Scanner::new(body, member.value.start).object(|inner| {
                if inner.is(body, "include_usage") {
                    wanted = Some(inner);
                }
            });
            read_bool("stream_options.include_usage", body, wanted.as_ref())
        }
        kind => Err(wrong_type("stream_options", "an object", kind, raw(body, member))),
    }
}

fn read_bool(param: &str, body: &[u8], member: Option<&Member>) -> Result<Option<bool>, Refusal> {
    let Some(member) = member else { return Ok(None) };
    let raw = raw(body, member);
    match member.kind {
        Kind::Bool => Ok(Some(raw == b"true")),
        Kind::Null => Ok(None),
        kind => Err(wrong_type(param, "a boolean", kind, raw)),
    }
}

fn read_n(body: &[u8], member: Option<&Member>) -> Result<Option<u64>, Refusal> {
    let Some(member) = member else { return Ok(None) };
    let raw = raw(body, member);
    if member.kind == Kind::Null {
        return Ok(None);
    }
    let text = std::str::from_utf8(raw).unwrap_or_default();
    if member.kind != Kind::Number || text.contains(['.', 'e', 'E']) {
        return Err(wrong_type("n", "an integer", member.kind, raw));
    }
    match text.parse() {
        Ok(n) if n > 0 => Ok(Some(n)),
        Err(_) if !text.starts_with('-') => Err(Refusal::at("n", "invalid 'n': integer too large")),
        // The text is as long as the client made it.
        _ => Err(Refusal::at("n", "invalid 'n': integer below minimum value, expected a value >= 1")),
    }
}

/// The field that holds what the model is asked, by endpoint.
struct Required {
    name: &'static str,
    arrays_only: bool,
}

const fn required(endpoint: Endpoint) -> Required {
    match endpoint {
        Endpoint::TextCompletion => Required { name: "prompt", arrays_only: false },
        Endpoint::Embeddings => Required { name: "input", arrays_only: false },
        _ => Required { name: "messages", arrays_only: true },
    }
}

impl Required {
    fn check(&self, body: &[u8], member: Option<&Member>) -> Result<(), Refusal> {
        let name = self.name;
        let member = member.ok_or_else(|| missing(name))?;
        let raw = raw(body, member);
        match member.kind {
            Kind::Array if is_empty_array(raw) => Err(Refusal::at(
                name,
                format!("invalid '{name}': empty array, expected at least one element"),
            )),
            Kind::Array => Ok(()),
            Kind::String if !self.arrays_only => Ok(()),
            kind if self.arrays_only => Err(wrong_type(name, "an array of objects", kind, raw)),
            kind => Err(wrong_type(name, "a string or an array", kind, raw)),
        }
    }
}

fn is_empty_array(raw: &[u8]) -> bool {
    raw.get(1..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b"]"))
}

fn raw<'a>(body: &'a [u8], member: &Member) -> &'a [u8] {
    body.get(member.value.clone()).unwrap_or_default()
}
