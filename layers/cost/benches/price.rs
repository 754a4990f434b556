//! What a price costs one thread: `cargo bench -p tollway-cost`.
#![expect(clippy::unwrap_used, reason = "a program that stops where it cannot go on")]

use std::{fs, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use tollway_core::Usage;
use tollway_cost::{PriceBook, PriceFile, Served};

fn price(criterion: &mut Criterion) {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/pricing.yaml")).unwrap();
    let book = PriceBook::try_from(serde_saphyr::from_str::<PriceFile>(&text).unwrap()).unwrap();
    let day = book.as_of();
    let usage = Usage {
        input: 300_000,
        cached_input: 100_000,
        cache_write_5m: 5_000,
        output: 2_000,
        reasoning: 500,
        web_searches: 2,
        ..Usage::default()
    };
    let plain = Usage { input: 1_000, output: 200, ..Usage::default() };
    let bare = Served::new("openai", "gpt-6-sol", day);
    let cases = [
        ("plain request", bare, plain),
        ("dated name", Served { model: "gpt-4o-2024-08-06", tier: Some("default"), ..bare }, plain),
        (
            "long, cached, priority, in a region",
            Served { tier: Some("priority"), region: Some("eu"), ..bare },
            usage,
        ),
    ];
    for (name, served, usage) in cases {
        book.price(&usage, &served).unwrap();
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| book.price(black_box(&usage), black_box(&served)));
        });
    }
    let unknown = Served { model: "nobody-has-this-2025-01-01", ..bare };
    criterion.bench_function("no price", |bencher| bencher.iter(|| book.price(&plain, black_box(&unknown))));
    criterion.bench_function("read the list", |bencher| {
        bencher.iter(|| PriceBook::try_from(serde_saphyr::from_str::<PriceFile>(black_box(&text)).unwrap()));
    });
}

criterion_group!(benches, price);
criterion_main!(benches);
