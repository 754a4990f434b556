//! OpenAI's Responses format: recorded exchanges, golden encodings, streams, and properties.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]
#![expect(clippy::indexing_slicing, reason = "tests")]

mod answers;
mod crossing;
mod properties;
mod reading;
mod recorded_answers;
mod recorded_requests;
mod requests;
mod seals;
mod sent;
mod streams;
mod support;
