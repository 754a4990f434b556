//! Formats of language-model APIs, sans-io: bytes in, values and events out. Not a layer.
//!
//! Every format is an adapter to one canonical [`chat`]: N adapters, not N². A format module has
//! the same parts, so that the next one joins without touching the others:
//!
//! | part | what it does |
//! |---|---|
//! | `decode_request`, `encode_request` | a request body ⇄ [`Chat`](chat::Chat) |
//! | `decode_response`, `encode_response` | an answer ⇄ [`Reply`](chat::Reply) |
//! | `StreamDecoder`, `StreamEncoder` | an event stream ⇄ [`Event`](chat::Event)s |
//! | `decode_error`, `encode_error` | an error body ⇄ [`ApiError`] |
//!
//! Same dialect in and out needs none of that: [`splice`] and [`relay`] change what must change in
//! the bytes and read usage as they pass. [`others`] reads what little is needed of endpoints that
//! are no chat.

pub mod anthropic;
pub mod chat;
pub mod count_tokens;
pub mod embeddings;
pub mod estimate;
pub mod format;
pub mod gemini;
pub mod openai;
pub mod others;
pub mod peek;
pub mod relay;
pub mod responses;
pub mod splice;
pub mod sse;

mod call_ids;
mod context;
mod error;
mod loss;
mod portable;
mod quirks;
mod scan;
mod seal;
mod target;
mod unfit;
mod whole;

#[cfg(test)]
mod json_text;

pub use self::{
    context::{DecodeContext, EncodeContext},
    error::{ApiError, ErrorKind, Refusal, StreamEnd, Truncated},
    loss::Encoded,
    portable::{CustomTools, custom_tools_as_functions, offers_web_search},
    quirks::Quirks,
    seal::holds_foreign,
    target::{Effort, ReasoningStyle, Target, Traits},
};
