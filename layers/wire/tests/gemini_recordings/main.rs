//! What Gemini and Vertex really sent and took, read by this crate and by a second, independent
//! reading of the JSON. The recordings are not part of the project: where they are absent, the tests
//! say so and pass.
#![expect(clippy::unwrap_used, clippy::print_stderr, clippy::panic, reason = "tests")]

mod answers;
mod others;
mod reading;
mod recording;
mod requests;
