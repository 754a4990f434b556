//! Shared limits on real servers: alone, in a cluster, behind sentinels, over TLS; restarted, killed,
//! frozen and slow.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod cluster;
mod faults;
mod login;
mod processes;
mod sentinel;
mod server;
mod sharing;
mod store;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tollway_rate_limit::store::redis::{RedisSettings, RedisStore};
use tollway_rate_limit::store::{Ask, Grant, Held, Pulse, Shortage, Taken};
use tollway_rate_limit::{
    Dimension, Dimensions, Estimate, Lease, Limiter, Measure, OnFailure, Refused, Reservation, Rule,
    Settings, Store as _, StoreError, Verdict,
};

use self::server::Server;

const MINUTE: Duration = Duration::from_mins(1);

fn store(url: &str) -> RedisStore {
    RedisStore::new(&RedisSettings::new(url)).unwrap()
}

fn ask(rule: &Arc<Rule>, subject: &str, need: u64) -> Ask {
    Ask { rule: Arc::clone(rule), subject: subject.into(), need, want: need }
}

fn held(rule: &Arc<Rule>, subject: &str, permits: u64) -> Held {
    Held { rule: Arc::clone(rule), subject: subject.into(), permits, asked: 0 }
}

async fn beat(store: &RedisStore, held: Vec<Held>) -> Result<Pulse, StoreError> {
    store.beat(&mut || held.clone()).await
}

async fn granted(store: &RedisStore, asks: Vec<Ask>) -> Vec<Grant> {
    match store.take(asks).await.unwrap() {
        Taken::Granted(grants) => grants,
        Taken::Refused(shortages) => panic!("refused: {shortages:?}"),
    }
}

async fn refused(store: &RedisStore, asks: Vec<Ask>) -> Vec<Shortage> {
    match store.take(asks).await.unwrap() {
        Taken::Granted(grants) => panic!("granted: {grants:?}"),
        Taken::Refused(shortages) => shortages,
    }
}

/// What is left of a rule.
async fn remaining(store: &RedisStore, rule: &Arc<Rule>, subject: &str) -> u64 {
    match store.take(vec![ask(rule, subject, 0)]).await.unwrap() {
        Taken::Granted(grants) => grants[0].remaining,
        Taken::Refused(shortages) => shortages[0].remaining,
    }
}

/// Sends a command of the test's own, as `redis-cli` would.
async fn send<T: redis::FromRedisValue>(server: &Server, command: &[&str]) -> T {
    let client = redis::Client::open(server.url()).unwrap();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(MINUTE));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    let (name, arguments) = command.split_first().unwrap();
    redis::cmd(name).arg(arguments).query_async(&mut connection).await.unwrap()
}

/// Waits until something holds, which it must before long.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !holds().await {
        assert!(since.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn requests(limit: u64, window: Duration, lease: u64, on_failure: OnFailure) -> Rule {
    let lease = match lease {
        0 => Lease::NONE,
        amount => Lease { amount, lifetime: Duration::from_millis(500) },
    };
    Rule::new("requests", Measure::Requests, limit, window).per(Dimension::Key).shared(lease, on_failure)
}

/// A replica of a gateway.
fn replica(url: &str, rules: impl IntoIterator<Item = Rule>, settings: Settings) -> Arc<Limiter> {
    Arc::new(Limiter::with_store(rules, settings, Arc::new(store(url))).unwrap())
}

/// More time than the default: that a loaded machine is slow is not what is tested.
fn patient() -> Settings {
    Settings { store_timeout: Duration::from_secs(5), ..Settings::default() }
}

/// Decides as the layer does.
async fn reserve(limiter: &Arc<Limiter>, now: Instant, key: &str) -> Result<Reservation, Refused> {
    let of = Dimensions::new().with(Dimension::Key, key);
    match limiter.decide(now, &of, &Estimate::default()) {
        Verdict::Granted(reservation) => Ok(reservation),
        Verdict::Refused(refused) => Err(refused),
        Verdict::Asking(asking) => asking.await,
    }
}
