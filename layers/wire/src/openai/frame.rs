//! The frame around every chunk of a stream: written once, copied ever after.

use serde::Serialize;
use serde_json::Map;

use super::encode_response::{is_tier, own_extra};
use super::out::{Extra, json};
use crate::EncodeContext;
use crate::chat::Start;

/// What stands before and behind the `choices` of every chunk.
#[derive(Debug)]
pub(super) struct Frame {
    /// `data: {"id":…,"choices":[`
    head: Vec<u8>,
    /// The same, and the beginning of choice 0: `{"index":0,"delta":{`.
    head_of_first: Vec<u8>,
    /// `]` and the end, with `usage` where the client asked for it.
    tail: &'static str,
    /// The end of a chunk that only grows a choice.
    tail_of_growth: &'static str,
}

impl Frame {
    /// The frame of a chat's chunks.
    pub(super) fn chat(start: &Start, cx: &EncodeContext) -> Self {
        Self::new("chat.completion.chunk", start, cx)
    }

    /// The frame for chunks of another object.
    pub(super) fn new(object: &'static str, start: &Start, cx: &EncodeContext) -> Self {
        let none = Map::new();
        let known = Head {
            id: start.id.as_deref().unwrap_or(&cx.id),
            object,
            created: start.created.unwrap_or(cx.created),
            model: start.model.as_deref().unwrap_or(&cx.model),
            service_tier: start.service_tier.as_deref().filter(|tier| is_tier(tier)),
            system_fingerprint: start.system_fingerprint.as_deref(),
            extra: Extra { members: own_extra(&start.extra).unwrap_or(&none), taken: TAKEN },
        };
        let mut head = b"data: ".to_vec();
        json(&mut head, &known);
        // The closing brace.
        head.pop();
        head.extend_from_slice(b",\"choices\":[");
        let head_of_first = [&head, b"{\"index\":0,\"delta\":{".as_slice()].concat();
        let (tail, tail_of_growth) = if cx.include_usage {
            ("],\"usage\":null}\n\n", "},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n")
        } else {
            ("]}\n\n", "},\"logprobs\":null,\"finish_reason\":null}]}\n\n")
        };
        Self { head, head_of_first, tail, tail_of_growth }
    }

    /// Writes a chunk in which a choice grows by the members that `body` writes.
    pub(super) fn growth(&self, choice: u32, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
        if choice == 0 {
            out.extend_from_slice(&self.head_of_first);
        } else {
            out.extend_from_slice(&self.head);
            out.extend_from_slice(format!("{{\"index\":{choice},\"delta\":{{").as_bytes());
        }
        body(out);
        out.extend_from_slice(self.tail_of_growth.as_bytes());
    }

    /// Writes a chunk with one choice as it is.
    pub(super) fn choice<T: Serialize>(&self, choice: &T, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        json(out, choice);
        out.extend_from_slice(self.tail.as_bytes());
    }

    /// Writes a chunk without choices, with the usage.
    pub(super) fn usage<T: Serialize>(&self, usage: &T, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"],\"usage\":");
        json(out, usage);
        out.extend_from_slice(b"}\n\n");
    }
}

/// The names the frame writes itself.
const TAKEN: &[&str] =
    &["id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint"];

#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_fingerprint: Option<&'a str>,
    #[serde(flatten)]
    extra: Extra<'a>,
}

/// `"name":` and a value.
pub(super) fn member<T: Serialize + ?Sized>(out: &mut Vec<u8>, name: &str, value: &T) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    json(out, value);
}
