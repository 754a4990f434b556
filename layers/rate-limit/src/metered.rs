//! What limiters tell of themselves through the facade of the `metrics` crate. Where no recorder is
//! installed before a [`Limiter`](crate::Limiter) is made, nothing is kept.

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

use crate::{OnFailure, Place, Rule};

/// Requests refused, by `limit`.
pub const REFUSALS: &str = "tollway_rate_limit_refusals_total";
/// Decisions on a shared rule made without its store, by `limit` and `on_failure`.
pub const WITHOUT_STORE: &str = "tollway_rate_limit_without_store_total";
/// Whether decisions ask the store: 1, or 0 while the breaker is open.
pub const STORE_UP: &str = "tollway_rate_limit_store_up";
/// How often the breaker has opened.
pub const STORE_FAILURES: &str = "tollway_rate_limit_store_failures_total";
/// Decisions that have asked the store.
pub const STORE_ASKED: &str = "tollway_rate_limit_store_asked_total";
/// Corrections given up, as too many waited to be sent: what they would have given back counts until
/// it leaves its window.
pub const STORE_LOST: &str = "tollway_rate_limit_store_lost_total";
/// How many replicas the store knows.
pub const REPLICAS: &str = "tollway_rate_limit_replicas";

/// Tells the recorder what the names mean.
pub fn describe() {
    describe_counter!(REFUSALS, Unit::Count, "Requests refused, by limit");
    describe_counter!(
        WITHOUT_STORE,
        Unit::Count,
        "Decisions on a shared limit made without the store, by limit and its on_failure"
    );
    describe_gauge!(STORE_UP, Unit::Count, "Whether decisions ask the store of the limits (0: they do not)");
    describe_counter!(STORE_FAILURES, Unit::Count, "How often the store of the limits stopped to answer");
    describe_counter!(STORE_ASKED, Unit::Count, "Decisions that asked the store of the limits");
    describe_counter!(STORE_LOST, Unit::Count, "Corrections to the store of the limits that were given up");
    describe_gauge!(REPLICAS, Unit::Count, "Replicas that share the store of the limits");
}

/// What is told of a rule.
#[derive(Debug)]
pub(crate) struct RuleMeters {
    pub(crate) refusals: Counter,
    pub(crate) without_store: Counter,
}

impl RuleMeters {
    pub(crate) fn new(rule: &Rule) -> Self {
        let limit = rule.name.to_string();
        let without_store = match rule.place {
            Place::Local => Counter::noop(),
            Place::Shared { on_failure, .. } => {
                let on_failure = match on_failure {
                    OnFailure::Local => "local",
                    OnFailure::Open => "open",
                    OnFailure::Closed => "closed",
                };
                counter!(WITHOUT_STORE, "limit" => limit.clone(), "on_failure" => on_failure)
            }
        };
        Self { refusals: counter!(REFUSALS, "limit" => limit), without_store }
    }
}

/// What is told of a store. Limiters of one process that share a store tell it together.
#[derive(Debug)]
pub(crate) struct StoreMeters {
    pub(crate) up: Gauge,
    pub(crate) failures: Counter,
    pub(crate) asked: Counter,
    pub(crate) lost: Counter,
    pub(crate) replicas: Gauge,
}

impl StoreMeters {
    pub(crate) fn new(replicas: u32) -> Self {
        let meters = Self {
            up: gauge!(STORE_UP),
            failures: counter!(STORE_FAILURES),
            asked: counter!(STORE_ASKED),
            lost: counter!(STORE_LOST),
            replicas: gauge!(REPLICAS),
        };
        meters.replicas.set(replicas);
        meters
    }
}
