//! Four gateways that share limits through a real Redis, and two thousand clients: what may pass passes
//! and no more, and whatever becomes of Redis, nobody waits for it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests, which say what they saw"
)]

mod budgets;
mod clients;
mod faults;
#[path = "../support/http.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod http_client;
mod limits;
#[path = "../support/process.rs"]
mod process;
mod provider;
mod proxy;
#[path = "../../layers/rate-limit/tests/redis/server.rs"]
#[expect(dead_code, reason = "shared with the tests of the crate, which ask more of it")]
mod redis;
mod replicas;
