//! Same dialect in and out: the client's bytes go to the server and the server's to the client.
//!
//! [`Request`] changes in a request what must change. On the way back a [`UsageTap`] reads usage and
//! wholeness from the bytes as they pass, and where usage in the stream was our idea, a
//! [`UsageStrip`] takes the extra chunk out again.

mod body;
mod chunk;
mod events;
mod reading;
mod request;
mod strip;
mod tail;
mod tap;
pub(crate) mod usage;

pub use self::{
    events::MAX_HELD,
    reading::Reading,
    request::{Relayed, Request},
    strip::{Ending, UsageStrip},
    tap::UsageTap,
};

#[cfg(test)]
mod recordings;
#[cfg(test)]
mod stream_text;
