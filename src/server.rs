//! Accepts connections and serves the stack on them.
//!
//! One thread accepts and hands each connection to the worker with the fewest. A worker is a
//! runtime: either one that steals work across all cores (`workers: shared`), or one of several
//! that have a core and a pool of provider connections each (`workers: per_core`).

mod accept;
mod connection;
mod control;
mod drive;
mod idle;
mod tls;
mod worker;

pub use self::control::{Load, Reload, ServeError, serve};
