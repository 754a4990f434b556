//! Shared budgets on a real server: by four replicas and four processes; restarted, killed and frozen.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod cluster;
mod faults;
mod processes;
mod server;
mod sharing;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tollway_core::Money;
use tollway_cost::budget::{
    Budget, Budgets, Crossed, Denied, Lease, OnFailure, Payer, Per, Period, Refused, Reservation, Settings,
    Watch, Zone,
    redis::{RedisSettings, RedisStore},
};

use self::server::Server;

/// Noon of a Monday far ahead, so that no midnight comes between.
fn noon() -> SystemTime {
    const SECONDS: u64 = 4_102_444_800 + 12 * 3600;
    UNIX_EPOCH + Duration::from_secs(SECONDS)
}

fn cents(cents: i64) -> Money {
    Money::from_nanos(cents * 10_000_000)
}

/// A hundred cents a day.
fn daily(lease: i64, on_failure: OnFailure) -> Budget {
    let lease = match lease {
        0 => Lease::NONE,
        amount => Lease { amount: cents(amount), idle: Duration::from_millis(300) },
    };
    Budget::new("daily", cents(100), Period::day(Zone::default())).per(Per::Team).shared(lease, on_failure)
}

/// More time than the default: that a loaded machine is slow is not what is tested.
fn patient() -> Settings {
    let mut settings = Settings::default();
    (settings.store_timeout, settings.replicas) = (Duration::from_secs(5), 4);
    settings
}

fn replica(url: &str, budgets: impl IntoIterator<Item = Budget>, settings: Settings) -> Budgets {
    let store = RedisStore::new(&RedisSettings::new(url)).unwrap();
    Budgets::build(budgets, settings, Some(Arc::new(store)), None).unwrap()
}

async fn reserve(budgets: &Budgets, amount: i64) -> Result<Reservation, Denied> {
    let payer = Payer { team: Some("red"), ..Payer::default() };
    budgets.reserve(noon(), &payer, cents(amount)).decided().await
}

/// What is left, as somebody sees who asks the store.
async fn left(url: &str) -> i64 {
    let fresh = replica(url, [daily(0, OnFailure::Closed)], patient());
    match reserve(&fresh, 100).await {
        Ok(whole) => {
            whole.settle(noon(), Money::ZERO);
            fresh.close().await;
            100
        }
        Err(Denied::Refused(Refused::Spent { left, .. })) => left.nanos() / 10_000_000,
        Err(denied) => panic!("{denied}"),
    }
}

/// Waits until something holds, which it must before long.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !holds().await {
        assert!(since.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<u8>>);

impl Watch for Heard {
    fn crossed(&self, crossed: &Crossed) {
        self.0.lock().unwrap().push(crossed.percent);
    }
}
