//! Vertex AI through the real stack: two publishers behind access tokens that come, end and are
//! refused.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "tests fail by panicking, and take JSON as it is written"
)]

mod models;
mod tokens;
mod world;

#[path = "../support/events.rs"]
mod events;
#[path = "../support/upstream.rs"]
mod upstream;
