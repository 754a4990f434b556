//! What is relayed without being understood, through the built binary: OpenAI's other endpoints, stored
//! responses, `/passthrough`, uploads of any size, and web sockets.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod endings;
mod groups;
mod passthrough;
#[path = "../support/process.rs"]
mod process;
mod provider;
mod road;
mod socket;
mod uploads;
