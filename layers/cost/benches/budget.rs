//! What five budgets cost one thread for each request: `cargo bench -p tollway-cost --bench budget`.
#![expect(clippy::unwrap_used, reason = "a program that stops where it cannot go on")]

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::Arc,
    time::{Duration, SystemTime},
};

use criterion::{Criterion, criterion_group, criterion_main};
use tollway_core::Money;
use tollway_cost::budget::{Budget, Budgets, Payer, Per, Period, Settings, Verdict, Zone};

fn five(criterion: &mut Criterion) {
    let budget = |name: &str, per, period| Budget::new(name, Money::MAX, period).per(per);
    let zone: Zone = "Europe/Berlin".parse().unwrap();
    let budgets = Budgets::new(
        [
            budget("all", Per::Global, Period::month(zone.clone())),
            budget("teams", Per::Team, Period::month(zone.clone())),
            budget("users", Per::User, Period::week(zone.clone())),
            budget("keys", Per::Key, Period::day(zone)),
            budget("projects", Per::Tag("project".into()), Period::Rolling(Duration::from_hours(24))),
        ],
        Settings::default(),
    )
    .unwrap();
    let tags: BTreeMap<Arc<str>, Arc<str>> = [("project".into(), "apollo".into())].into();
    let payer = Payer {
        key: Some("key-1234567890"),
        user: Some("ada@example.org"),
        team: Some("research"),
        tags: Some(&tags),
        model: Some("gpt-6"),
        upstream: Some(("openai", "gpt-6")),
    };
    let now = SystemTime::now();
    criterion.bench_function("reserve and settle five budgets", |bencher| {
        bencher.iter(|| {
            let verdict = budgets.reserve(black_box(now), &payer, Money::from_nanos(1000));
            if let Verdict::Reserved(reservation) = verdict {
                reservation.settle(now, black_box(Money::from_nanos(10)));
            }
        });
    });
}

criterion_group!(benches, five);
criterion_main!(benches);
