//! Tollway is an AI gateway: a stack of tower layers around a hyper service, between applications
//! and the providers of language models.
//!
//! ```text
//! accept ── server ── one clone of the stack a request
//!   open           request id, dialect, exchange
//!   access_log     one line when the answer's body has ended
//!   rescue         any error or panic → a response in the client's dialect
//!   health         for everybody
//!   auth           credentials → Caller
//!   switch ─────────── side: list of models, keys; forwarding: what is relayed and no call
//!   ingest         body → Call, within limits
//!   permit         may the caller ask that model?
//!   limits         reserve by estimate, settle by what it took
//!   cost           reserve what it may cost; price each attempt, settle, hand over the record
//!   resolve        model name → provider
//!   ═══ one stack per provider ═══
//!   pressure       where asked for: no more than it can take, the rest waits or is shed
//!   translate      same dialect: splice and relay; else decode, convert, encode
//!   timeouts       head, silence, total
//!   credentials    the provider's key
//!   forward        pooled connections
//! ```
//!
//! In reading order: [`stack`] builds it, [`server`] serves it, and each module above is a room.
//! The formats of providers live in `tollway_wire`, the layers' contract in `tollway_core`.

pub mod access_log;
pub mod admin;
pub mod advice;
pub mod auth;
pub mod body;
pub mod cli;
pub mod config;
pub mod cost;
pub mod forwarding;
pub mod ingest;
pub mod limits;
pub mod metrics;
pub mod open;
pub mod pressure;
pub mod report;
pub mod rescue;
pub mod respond;
pub mod server;
pub mod side;
pub mod simulate;
pub mod stack;

mod error;
mod operation;
mod resolve;
mod switch;
mod tokens;
mod tunnel;
mod upstream;

pub use self::error::{BoxError, Error};
