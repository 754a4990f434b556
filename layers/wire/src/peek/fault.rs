//! What a client is told of a body that cannot be read, after the wording of its dialect's provider.

use tollway_core::Dialect;

use super::MAX_MEMBERS;
use crate::{
    Refusal,
    scan::{Fault, Kind, Scanner},
};

pub(super) fn empty() -> Refusal {
    Refusal::whole("the request body is empty, expected a JSON object")
}

pub(super) fn too_many_members() -> Refusal {
    Refusal::whole(format!("the request has more fields than the {MAX_MEMBERS} allowed"))
}

pub(super) fn not_json(body: &[u8], fault: Fault) -> Refusal {
    let Fault { at, expected } = fault;
    let found = match body.get(at..).map(|rest| rest.utf8_chunks().next().map_or("", |chunk| chunk.valid())) {
        None | Some("") => "the body ends".to_owned(),
        Some(rest) => format!("found {:?}", rest.chars().next().unwrap_or_default()),
    };
    let place = Place::of(body, at);
    Refusal::whole(format!("the request body is not valid JSON: expected {expected}, {found} at {place}"))
}

pub(super) fn not_utf8(body: &[u8], at: usize) -> Refusal {
    Refusal::whole(format!("the request body is not valid UTF-8 at {}", Place::of(body, at)))
}

/// A body that begins as no object: another JSON value, or no JSON at all.
pub(super) fn not_an_object(body: &[u8], at: usize) -> Refusal {
    if let Err(error) = std::str::from_utf8(body) {
        return not_utf8(body, error.valid_up_to());
    }
    let mut scanner = Scanner::new(body, at);
    match scanner.value().and_then(|kind| scanner.end().map(|()| kind)) {
        Ok(kind) => {
            Refusal::whole(format!("the request body must be a JSON object, got {}", name(kind, &body[at..])))
        }
        Err(fault) => not_json(body, fault),
    }
}

/// A dialect's words for fields that are not as they must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words(pub(super) Dialect);

impl Words {
    pub(super) fn missing(self, param: &str) -> Refusal {
        let message = match self.0 {
            Dialect::Anthropic => format!("{param}: field required"),
            Dialect::Gemini => format!("{param} is not specified"),
            _ => format!("missing required parameter: '{param}'"),
        };
        Refusal::at(param, message)
    }

    pub(super) fn wrong_type(self, param: &str, expected: &str, kind: Kind, raw: &[u8]) -> Refusal {
        let got = name(kind, raw);
        let message = match self.0 {
            Dialect::Anthropic => format!("{param}: input should be {expected}, got {got}"),
            Dialect::Gemini => format!("invalid value at '{param}': expected {expected}, got {got}"),
            _ => format!("invalid type for '{param}': expected {expected}, but got {got} instead"),
        };
        Refusal::at(param, message)
    }

    /// What `what` (`empty string`) is no value of a field for.
    pub(super) fn invalid(self, param: &str, what: &str) -> Refusal {
        let message = match self.0 {
            Dialect::Anthropic => format!("{param}: {what}"),
            Dialect::Gemini => format!("invalid value at '{param}': {what}"),
            _ => format!("invalid '{param}': {what}"),
        };
        Refusal::at(param, message)
    }
}

/// A kind with its article, in OpenAI's words.
fn name(kind: Kind, raw: &[u8]) -> &'static str {
    match kind {
        Kind::Object => "an object",
        Kind::Array => "an array",
        Kind::String => "a string",
        Kind::Number if raw.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => "a decimal",
        Kind::Number => "an integer",
        Kind::Bool => "a boolean",
        Kind::Null => "null",
    }
}

/// A line and a column, both from one; the column counts bytes.
struct Place {
    line: usize,
    column: usize,
}

impl Place {
    fn of(body: &[u8], at: usize) -> Self {
        let before = body.get(..at).unwrap_or(body);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1) + 1;
        Self { line, column }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}
