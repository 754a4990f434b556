//! x
mod fault;
mod models;
pub mod validate;
pub use fault::{Fault, Provider};
