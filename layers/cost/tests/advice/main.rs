//! Advice: each kind against numbers worked out by hand, and what holds for any traffic.
#![expect(clippy::unwrap_used, reason = "a test")]

mod kinds;
mod market;
mod properties;

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod support;
