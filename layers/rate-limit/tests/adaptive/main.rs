//! The gate against simulated upstreams, in virtual time.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    clippy::unchecked_time_subtraction,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests"
)]

mod accounts;
mod limits;
mod overload;
mod priorities;
mod simulated;
