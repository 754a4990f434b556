//! Same dialect in and out: the client's bytes go to the server and the server's to the client.
//!
//! [`Request`] changes in a request what must change. On the way back a [`UsageTap`] reads usage and
//! wholeness from the bytes as they pass, and where usage in the stream was our idea, a
//! [`UsageStrip`] takes the extra chunk out again.

mod request;

pub use self::request::{Relayed, Request};
