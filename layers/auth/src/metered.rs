//! What the layer tells of itself through the facade of the `metrics` crate.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use crate::Error;

/// Requests refused for who asked, by `reason`: the [code](Error::code) of the error.
pub const REFUSALS: &str = "tollway_auth_refusals_total";
/// Whether the store of keys answers: 1 or 0. Known keys go on either way.
pub const STORE_UP: &str = "tollway_auth_store_up";
/// Whether the keys of an issuer of tokens could be fetched when last tried, by `issuer`: 1 or 0.
pub const ISSUER_UP: &str = "tollway_auth_issuer_up";

/// Tells the recorder what the names mean.
pub fn describe() {
    describe_counter!(REFUSALS, Unit::Count, "Requests refused for who asked, by the code of the error");
    describe_gauge!(STORE_UP, Unit::Count, "Whether the store of keys answers; known keys go on either way");
    describe_gauge!(ISSUER_UP, Unit::Count, "Whether the keys of an issuer could be fetched when last tried");
}

/// Counts a refusal. The layer does so itself for those it makes.
pub fn refused(error: &Error) {
    counter!(REFUSALS, "reason" => error.code()).increment(1);
}

pub(crate) fn store_is_up(up: bool) {
    gauge!(STORE_UP).set(f64::from(u8::from(up)));
}

#[cfg(feature = "jwt")]
pub(crate) fn issuer_is_up(issuer: &str, up: bool) {
    gauge!(ISSUER_UP, "issuer" => issuer.to_owned()).set(f64::from(u8::from(up)));
}
