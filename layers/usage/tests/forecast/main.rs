//! Forecasts: what they promise of any series, what they say of known ones, and how wrong they are.
#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test"
)]

mod backtest;
mod cases;
mod properties;
mod series;
