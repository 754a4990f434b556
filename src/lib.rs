//! Tollway.

pub mod cli;
pub mod config;
