//! What is told of costs.

use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use metrics::{Counter, Unit, counter, describe_counter};
use tollway_core::Charge;

const COST: &str = "tollway_cost_nanodollars_total";
const ESTIMATED: &str = "tollway_cost_estimated_total";
const UNPRICED: &str = "tollway_unpriced_attempts_total";

/// Says what the numbers are.
pub(crate) fn describe() {
    describe_counter!(
        COST,
        Unit::Count,
        "What attempts at providers cost, in billionths of a US dollar, by provider and listed model."
    );
    describe_counter!(
        ESTIMATED,
        Unit::Count,
        "Attempts at providers whose cost is estimated, because no usage was told to the end, by provider."
    );
    describe_counter!(
        UNPRICED,
        Unit::Count,
        "Attempts at providers that have no price, by provider and reason."
    );
}

/// What is told, found again without a look into the recorder, which all workers share.
///
/// Models are told by their names in the price list: those that clients send are without number.
#[derive(Default)]
pub(super) struct Meters(Mutex<HashMap<Arc<str>, ByModel>>);

type ByModel = HashMap<Box<str>, Counter>;

impl Meters {
    /// An attempt has come to something.
    pub(super) fn charged(&self, provider: &Arc<str>, model: &str, charge: Charge) {
        match charge {
            Charge::Known(amount) | Charge::Estimated(amount) => {
                let nanos = u64::try_from(amount.nanos()).unwrap_or_default();
                if nanos > 0 {
                    self.cost(provider, model).increment(nanos);
                }
                if charge.is_estimated() {
                    counter!(ESTIMATED, "provider" => provider.clone()).increment(1);
                }
            }
            Charge::Unpriced(reason) => {
                counter!(UNPRICED, "provider" => provider.clone(), "reason" => reason).increment(1);
            }
        }
    }

    fn cost(&self, provider: &Arc<str>, model: &str) -> Counter {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = known.get(provider).and_then(|models| models.get(model)) {
            return counter.clone();
        }
        let counter = counter!(COST, "provider" => provider.clone(), "model" => model.to_owned());
        known.entry(provider.clone()).or_default().insert(model.into(), counter.clone());
        counter
    }
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}
