//! When things go wrong on the road: providers that refuse, stall, break off and talk nonsense,
//! clients that go away, networks in between, and headers that must not travel.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "tests fail by panicking, and take JSON as it is written"
)]

mod faults {
    mod bytes;
    mod cancel;
    mod headers;
    mod http2;
    mod keep_alive;
    mod kinds;
    mod media;
    mod panic;
    mod proxy;
    mod road;
    mod timeouts;
}

mod support {
    pub(crate) mod events;
    pub(crate) mod http;
    #[expect(dead_code, reason = "each test uses its part")]
    pub(crate) mod process;
    #[expect(dead_code, reason = "each test uses its part")]
    pub(crate) mod upstream;
}
