//! What the adaptive decision costs: `cargo bench -p tollway-rate-limit --bench adaptive`.
#![expect(clippy::unwrap_used, reason = "a program that stops where it cannot go on")]

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use tollway_rate_limit::Estimate;
use tollway_rate_limit::adaptive::{
    Adaptive, AdaptiveLayer, Arrival, Demand, Entry, Gate, Settings, Signal, Told,
};
use tower::{Layer, Service};

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("x-ratelimit-limit-requests", "100000000"),
        ("x-ratelimit-remaining-requests", "99999999"),
        ("x-ratelimit-reset-requests", "12ms"),
        ("x-ratelimit-limit-tokens", "15000000000"),
        ("x-ratelimit-remaining-tokens", "14999999000"),
        ("x-ratelimit-reset-tokens", "6ms"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

fn demand() -> Demand {
    Demand::new("gpt-5").estimate(Estimate { input: 1_000, output: 500, stream: true })
}

/// A request from its arrival to its end, of which the decision is the first part.
fn adaptive(criterion: &mut Criterion) {
    let demand = demand();
    criterion.bench_function("adaptive: enter and leave", |bencher| {
        let adaptive = Arc::new(Adaptive::default());
        bencher.iter(|| {
            let Entry::Enter(mut flight) = adaptive.enter(black_box(&demand)) else { return };
            flight.first_byte();
        });
    });
    criterion.bench_function("adaptive: enter and leave, 500 in flight, limits told", |bencher| {
        let adaptive = Arc::new(Adaptive::default());
        let told = Told::read(&headers(), SystemTime::now());
        let others: Vec<_> = (0..500).map(|_| adaptive.enter(&demand)).collect();
        bencher.iter(|| {
            let Entry::Enter(mut flight) = adaptive.enter(black_box(&demand)) else { return };
            flight.head(&told, Signal::Fine);
            flight.first_byte();
        });
        drop(others);
    });
    criterion.bench_function("adaptive: refuse, 100 wait", |bencher| {
        let now = Instant::now();
        let mut gate = Gate::new(Settings { ceiling: 1, ..Settings::default() }, now);
        let all: Vec<_> = (0..101).map(|_| gate.arrive(now, &demand)).collect();
        let later = now + Duration::from_millis(1);
        bencher.iter(|| assert!(matches!(gate.arrive(later, black_box(&demand)), Arrival::Refuse(_))));
        drop(all);
    });
    criterion.bench_function("adaptive: read what is told", |bencher| {
        let (headers, now) = (headers(), SystemTime::now());
        bencher.iter(|| Told::read(black_box(&headers), now));
    });
    criterion.bench_function("adaptive: read that nothing is told", |bencher| {
        let (headers, now) = (HeaderMap::new(), SystemTime::now());
        bencher.iter(|| Told::read(black_box(&headers), now));
    });
}

/// What the layer adds to a call and its body.
fn layer(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let service = tower::service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
    });
    let request = || {
        let mut request = Request::new(());
        request.extensions_mut().insert(demand());
        request
    };
    let mut bare = service;
    criterion.bench_function("adaptive: a call without the layer", |bencher| {
        bencher.iter(|| runtime.block_on(async { bare.call(request()).await.unwrap().collect().await }));
    });
    let mut limited = AdaptiveLayer::new(Arc::new(Adaptive::default())).layer(service);
    criterion.bench_function("adaptive: a call with it", |bencher| {
        bencher.iter(|| runtime.block_on(async { limited.call(request()).await.unwrap().collect().await }));
    });
}

criterion_group!(benches, adaptive, layer);
criterion_main!(benches);
