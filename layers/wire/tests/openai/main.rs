//! The OpenAI Chat Completions format: recorded exchanges, golden encodings, streams, and properties.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]
#![expect(clippy::indexing_slicing, reason = "tests")]

mod answers;
mod crossing;
mod properties;
mod recordings;
mod requests;
mod streams;
mod support;
