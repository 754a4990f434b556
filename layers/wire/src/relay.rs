//! Same dialect in and out: the client's bytes go to the server and the server's to the client.
//!
//! [`Request`] changes in a request what must change. On the way back a [`UsageTap`] reads usage and
//! wholeness from the bytes as they pass, in any of the four dialects. A [`UsageStrip`] does the same
//! to a stream and hands it on event by event, so that it can end in an error of its own dialect; where
//! usage in the stream was our idea, it takes the extra chunk out again.

mod body;
mod chunk;
mod cutter;
mod elements;
mod end;
mod events;
mod foreign;
mod machine;
mod paths;
mod reading;
mod request;
mod strip;
pub(crate) mod tail;
mod tap;
pub(crate) mod usage;

pub use self::{
    events::MAX_HELD,
    reading::Reading,
    request::{Relayed, Request, version_for_model},
    strip::{Ending, UsageStrip},
    tap::UsageTap,
};

#[cfg(test)]
mod recordings;
#[cfg(test)]
mod stream_text;
