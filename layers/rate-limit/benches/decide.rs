//! What a decision costs one thread: `cargo bench -p tollway-rate-limit --bench decide`.
#![expect(clippy::unwrap_used, reason = "a program that stops where it cannot go on")]

mod rules;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tollway_rate_limit::{Actual, Estimate, Limiter, Settings};

use self::rules::{caller, rules};

fn decide(criterion: &mut Criterion) {
    let estimate = Estimate { input: 1_000, output: 500, stream: true };
    for count in [1, 3, 10] {
        let limiter = Arc::new(Limiter::new(rules(count), Settings::default()).unwrap());
        let callers: Vec<_> = (0..1_000).map(caller).collect();
        let mut callers = callers.iter().cycle();
        criterion.bench_function(&format!("reserve and settle, {count} rules"), |bencher| {
            bencher.iter(|| {
                let Some(caller) = callers.next() else { return };
                let now = Instant::now();
                let reservation = limiter.reserve(now, black_box(caller), &estimate).unwrap();
                reservation.settle(now, Actual::tokens(900, 200));
            });
        });
    }
}

fn refuse(criterion: &mut Criterion) {
    let mut rules = rules(10);
    rules[0].limit = 0;
    let limiter = Arc::new(Limiter::new(rules, Settings::default()).unwrap());
    let caller = caller(1);
    criterion.bench_function("refuse, 10 rules", |bencher| {
        bencher.iter_batched(
            Instant::now,
            |now| limiter.reserve(now, black_box(&caller), &Estimate::default()).unwrap_err(),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, decide, refuse);
criterion_main!(benches);
