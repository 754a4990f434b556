//! What it costs to know a caller: the lookup alone, and a request through the layer.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::convert::Infallible;
use std::future::ready;
use std::hint::black_box;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, Response};
use tollway_auth::keys::{Grant, Key, KeyId, KeyTable, Pepper};
use tollway_auth::{Auth, AuthLayer, Keys, Method, Mode, Settings};
use tower_layer::Layer;
use tower_service::Service;

fn keys(criterion: &mut Criterion) {
    let table = KeyTable::new(Pepper::new(&[7; 32]).unwrap());
    table.apply((0..10_000).map(|number| {
        let digest = table.pepper().hash(token(number).as_bytes());
        Key::new(KeyId::of_name(&number.to_string()), digest, Grant::default(), UNIX_EPOCH)
    }));
    let table = Arc::new(table);
    let (known, unknown) = (token(77), token(10_077));
    criterion.bench_function("hash", |bench| bench.iter(|| table.pepper().hash(black_box(known.as_bytes()))));
    criterion.bench_function("find a known key", |bench| {
        bench.iter(|| table.find(black_box(known.as_bytes()), UNIX_EPOCH));
    });
    // How wrong a key is must not show in how long it takes.
    let almost = format!("{}x", &known[..known.len() - 1]);
    for (how, wrong) in [("wholly", &unknown), ("in the last character", &almost)] {
        criterion.bench_function(&format!("find a key that is wrong {how}"), |bench| {
            bench.iter(|| table.find(black_box(wrong.as_bytes()), UNIX_EPOCH));
        });
    }

    let method: Arc<dyn Method> = Arc::new(Keys::new(table));
    let auth = Auth::new(Settings { mode: Mode::Required, ..Settings::default() }, vec![method]);
    let inner = |_: Request<()>| ready(Ok::<_, Infallible>(Response::new(())));
    let mut bare = tower::service_fn(inner);
    let mut service = AuthLayer::new(Arc::new(auth)).layer(tower::service_fn(inner));
    let bearer: http::HeaderValue = format!("Bearer {known}").parse().unwrap();
    let request = move || {
        let mut request = Request::new(());
        request.headers_mut().insert(http::header::AUTHORIZATION, bearer.clone());
        request
    };
    criterion.bench_function("a request without the layer", |bench| {
        bench.iter_batched(&request, |request| bare.call(request), criterion::BatchSize::SmallInput);
    });
    criterion.bench_function("a request through the layer", |bench| {
        bench.iter_batched(&request, |request| service.call(request), criterion::BatchSize::SmallInput);
    });
}

fn token(number: u64) -> String {
    format!("tw-{number:043}")
}

criterion_group!(benches, keys);
criterion_main!(benches);
