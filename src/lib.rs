//! Tollway: an AI gateway.

pub mod cli;
pub mod simulate;
