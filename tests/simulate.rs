//! The simulated provider keeps its promises: shapes, counts, pace, faults.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::needless_pass_by_value,
    reason = "tests fail by panicking, say what they found, and take JSON as it is written"
)]

#[path = "simulate/client.rs"]
mod client;
#[path = "simulate/dialects.rs"]
mod dialects;
#[path = "simulate/faults.rs"]
mod faults;
#[path = "simulate/ledger.rs"]
mod ledger;
#[path = "simulate/slots.rs"]
mod slots;
#[path = "simulate/specification.rs"]
mod specification;
