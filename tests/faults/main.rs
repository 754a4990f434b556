//! When things go wrong on the road: providers that refuse, stall, break off and talk nonsense,
//! clients that go away, networks in between, and headers that must not travel.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "tests fail by panicking, and take JSON as it is written"
)]

mod bytes;
mod cancel;
mod collected;
mod counts;
mod drain;
mod headers;
mod http2;
mod keep_alive;
mod kinds;
mod media;
mod panic;
mod proxy;
mod road;
mod shapes;
mod timeouts;
mod unread;

#[path = "../support/events.rs"]
mod events;
#[path = "../support/http.rs"]
mod http_client;
#[path = "../support/pieces.rs"]
mod pieces;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/upstream.rs"]
mod upstream;

/// What the test files share, by the names they know it by.
mod support {
    pub(crate) use crate::{events, http_client as http, process, upstream};
}
