//! The fields that policy reads, from the members of a request.

use tollway_core::{Dialect, Endpoint, Operation};

use super::{fault::Words, foreign, read::Read};
use crate::{Refusal, scan::Member};

#[derive(Default)]
pub(super) struct Fields {
    /// The place of `model` among the members, where the body names it.
    pub(super) model: Option<usize>,
    pub(super) stream: bool,
    pub(super) include_usage: Option<bool>,
    pub(super) n: Option<u64>,
}

impl Fields {
    pub(super) fn read(operation: &Operation, body: &[u8], members: &[Member]) -> Result<Self, Refusal> {
        let read = Read { body, members, words: Words(operation.dialect) };
        match operation.dialect {
            Dialect::Anthropic => foreign::anthropic(&read, operation.endpoint),
            Dialect::Responses => foreign::responses(&read, operation.endpoint),
            Dialect::Gemini => foreign::gemini(&read, operation),
            _ => Self::of_openai(&read, operation.endpoint),
        }
    }

    /// The hot path: one walk over the members.
    fn of_openai(read: &Read<'_>, endpoint: Endpoint) -> Result<Self, Refusal> {
        let mut model = None;
        let [mut stream, mut options, mut n, mut input] = [None; 4];
        let required = required(endpoint);
        for (place, member) in read.members.iter().enumerate() {
            let raw = read.body.get(member.key.start + 1..member.key.end - 1).unwrap_or_default();
            let escaped = if member.escaped { member.name(read.body) } else { None };
            // A later duplicate takes the place of an earlier one.
            match escaped.as_deref().map_or(raw, str::as_bytes) {
                b"model" => model = Some((place, member)),
                b"stream" => stream = Some(member),
                b"stream_options" => options = Some(member),
                b"n" => n = Some(member),
                name if name == required.name.as_bytes() => input = Some(member),
                _ => {}
            }
        }
        let model = Some(read.model(model)?);
        let stream = read.bool("stream", stream)?.unwrap_or(false);
        let include_usage = read.include_usage(options)?;
        let n = read.n(n)?;
        if required.arrays_only {
            read.messages(required.name, input)?;
        } else {
            read.text_or_array(required.name, input)?;
        }
        Ok(Self { model, stream, include_usage, n })
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
