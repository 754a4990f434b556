//! Shared rules on several replicas, with a store that is slow, fails, hangs and comes back. All in
//! virtual time.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod failure;
mod leases;
mod permits;
mod store;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tollway_rate_limit::{
    Actual, Dimension, Dimensions, Estimate, Limiter, Refused, Reservation, Rule, Settings, Verdict,
};

use self::store::Fake;

const MINUTE: Duration = Duration::from_mins(1);

fn of(key: &str) -> Dimensions {
    Dimensions::new().with(Dimension::Key, key)
}

const fn input(input: u64) -> Estimate {
    Estimate { input, output: 0, stream: false }
}

/// A replica of a gateway.
fn replica(rules: impl IntoIterator<Item = Rule>, store: &Fake) -> Arc<Limiter> {
    let store = Arc::new(store.replica());
    Arc::new(Limiter::with_store(rules, Settings::default(), store).unwrap())
}

/// Decides, and waits for the store if it must.
async fn reserve(
    limiter: &Arc<Limiter>,
    of: &Dimensions,
    estimate: Estimate,
) -> Result<Reservation, Refused> {
    match limiter.decide(Instant::now().into_std(), of, &estimate) {
        Verdict::Granted(reservation) => Ok(reservation),
        Verdict::Refused(refused) => Err(refused),
        Verdict::Asking(asking) => asking.await,
    }
}

fn settle(reservation: Reservation, input: u64) {
    reservation.settle(Instant::now().into_std(), Actual::tokens(input, 0));
}

fn health(limiter: &Limiter) -> tollway_rate_limit::Health {
    limiter.shared().unwrap().health()
}
