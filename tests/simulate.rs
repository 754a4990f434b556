//! The simulated provider keeps its promises: shapes, counts, pace, faults.

#[path = "simulate/client.rs"]
mod client;
#[path = "simulate/dialects.rs"]
mod dialects;
#[path = "simulate/faults.rs"]
mod faults;
#[path = "simulate/specification.rs"]
mod specification;
