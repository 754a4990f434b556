//! Decisions over a real server, against a bare round trip to it: `cargo bench --features redis --bench redis`.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use tokio::runtime::Runtime;
use tollway_rate_limit::store::redis::{RedisSettings, RedisStore};
use tollway_rate_limit::{
    Actual, Dimension, Dimensions, Estimate, Lease, Limiter, Measure, OnFailure, Rule, Settings, Verdict,
};

#[path = "../tests/redis/server.rs"]
#[expect(dead_code, reason = "the tests of faults need the rest")]
mod server;

use server::Server;

fn decisions(criterion: &mut Criterion) {
    let Some(server) = Server::start(&[]) else { return };
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("redis");
    group.measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1)).sample_size(30);

    let connection = runtime.block_on(async {
        let client = redis::Client::open(server.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    });
    group.bench_function("ping", |bencher| {
        bencher.iter(|| {
            let mut connection = connection.clone();
            runtime.block_on(async move {
                redis::cmd("PING").query_async::<String>(&mut connection).await.unwrap();
            });
        });
    });
    for (name, rules, lease) in
        [("1 rule", 1, 0), ("10 rules", 10, 0), ("1 rule, leased", 1, 1_000), ("10 rules, leased", 10, 1_000)]
    {
        let limiter = limiter(&server, rules, lease);
        runtime.block_on(decide(&limiter));
        group.bench_function(name, |bencher| bencher.iter(|| runtime.block_on(decide(&limiter))));
    }
    group.finish();
}

/// Of requests, tokens and what goes on, in turn.
fn limiter(server: &Server, rules: usize, lease: u64) -> Arc<Limiter> {
    let measures = [Measure::Requests, Measure::InputTokens, Measure::ConcurrentRequests];
    let rules = measures.into_iter().cycle().take(rules).enumerate().map(|(number, measure)| {
        let lease = Lease { amount: lease, lifetime: Duration::from_secs(1) };
        Rule::new(format!("rule{number}-{}", lease.amount), measure, 1 << 40, Duration::from_mins(1))
            .per(Dimension::Key)
            .shared(lease, OnFailure::Closed)
    });
    let store = RedisStore::new(&RedisSettings::new(server.url())).unwrap();
    let settings = Settings { store_timeout: Duration::from_secs(5), ..Settings::default() };
    Arc::new(Limiter::with_store(rules, settings, Arc::new(store)).unwrap())
}

async fn decide(limiter: &Arc<Limiter>) {
    let of = Dimensions::new().with(Dimension::Key, "key_0123456789abcdef");
    let estimate = Estimate { input: 1, ..Estimate::default() };
    let reservation = match limiter.decide(Instant::now(), black_box(&of), &estimate) {
        Verdict::Granted(reservation) => reservation,
        Verdict::Refused(refused) => panic!("{refused}"),
        Verdict::Asking(asking) => asking.await.unwrap(),
    };
    reservation.settle(Instant::now(), Actual::tokens(1, 0));
}

criterion_group!(benches, decisions);
criterion_main!(benches);
