//! Vertex AI through the real stack: two publishers behind access tokens that come, end and are
//! refused.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod models;
mod tokens;
mod world;

#[path = "../support/events.rs"]
mod events;
#[path = "../support/upstream.rs"]
mod upstream;
