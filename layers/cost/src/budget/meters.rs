//! What budgets tell the recorder of metrics, by name.

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

/// Requests refused, by `budget`.
pub const REFUSALS: &str = "tollway_budget_refusals_total";
/// Requests to be served by a cheaper model, by `budget`.
pub const DEGRADED: &str = "tollway_budget_degraded_total";
/// Requests that passed though they might cost more than was left, by `budget`.
pub const OVER: &str = "tollway_budget_over_total";
/// Thresholds crossed, by `budget`.
pub const CROSSED: &str = "tollway_budget_crossed_total";
/// Requests without a price that passed, by `budget`.
pub const UNPRICED: &str = "tollway_budget_unpriced_total";
/// Decisions on a shared budget made without its store, by `budget`.
pub const WITHOUT_STORE: &str = "tollway_budget_without_store_total";
/// Whether decisions ask the store: 1, or 0 while the breaker is open.
pub const STORE_UP: &str = "tollway_budget_store_up";
/// How often the breaker has opened.
pub const STORE_FAILURES: &str = "tollway_budget_store_failures_total";
/// Decisions that have asked the store.
pub const STORE_ASKED: &str = "tollway_budget_store_asked_total";
/// Amounts that could not be given back: they count as spent until their period ends.
pub const STORE_LOST: &str = "tollway_budget_store_lost_total";

/// Tells the recorder what the names mean.
pub fn describe() {
    describe_counter!(REFUSALS, Unit::Count, "Requests refused, by budget");
    describe_counter!(DEGRADED, Unit::Count, "Requests to be served by a cheaper model, by budget");
    describe_counter!(OVER, Unit::Count, "Requests that passed beyond what was left, by budget");
    describe_counter!(CROSSED, Unit::Count, "Thresholds crossed, by budget");
    describe_counter!(UNPRICED, Unit::Count, "Requests without a price that passed, by budget");
    describe_counter!(WITHOUT_STORE, Unit::Count, "Decisions on a shared budget made without the store");
    describe_gauge!(STORE_UP, Unit::Count, "Whether decisions ask the store of the budgets (0: they do not)");
    describe_counter!(STORE_FAILURES, Unit::Count, "How often the store of the budgets stopped to answer");
    describe_counter!(STORE_ASKED, Unit::Count, "Decisions that asked the store of the budgets");
    describe_counter!(STORE_LOST, Unit::Count, "Amounts that could not be given back to the store");
}

/// What is told of a budget.
#[derive(Debug)]
pub(super) struct PurseMeters {
    pub(super) refusals: Counter,
    pub(super) degraded: Counter,
    pub(super) over: Counter,
    pub(super) crossed: Counter,
    pub(super) unpriced: Counter,
    pub(super) without_store: Counter,
}

impl PurseMeters {
    pub(super) fn new(budget: &str) -> Self {
        let of = |name: &'static str| counter!(name, "budget" => budget.to_owned());
        Self {
            refusals: of(REFUSALS),
            degraded: of(DEGRADED),
            over: of(OVER),
            crossed: of(CROSSED),
            unpriced: of(UNPRICED),
            without_store: of(WITHOUT_STORE),
        }
    }
}

/// What is told of a store.
#[derive(Debug)]
pub(super) struct StoreMeters {
    pub(super) up: Gauge,
    pub(super) failures: Counter,
    pub(super) asked: Counter,
    pub(super) lost: Counter,
}

impl StoreMeters {
    pub(super) fn new() -> Self {
        let meters = Self {
            up: gauge!(STORE_UP),
            failures: counter!(STORE_FAILURES),
            asked: counter!(STORE_ASKED),
            lost: counter!(STORE_LOST),
        };
        meters.up.set(1);
        meters
    }
}
