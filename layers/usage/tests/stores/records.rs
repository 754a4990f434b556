//! Random records: few names, so that they meet, and many ways to end.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use tollway_core::{Charge, Dialect, Money, Told, Upstream, Usage};
use tollway_usage::{AttemptRecord, Fingerprint, Record};

/// 2026-02-26, so that a few days reach into the next month.
pub(crate) const FIRST_DAY: u32 = 20_510;
pub(crate) const DAYS: u32 = 10;

pub(crate) fn record() -> impl Strategy<Value = Record> {
    let caller = (name("key"), name("user"), name("team"), btree_map(text("tag"), text("value"), 0..3));
    let asked = (
        select(vec!["/v1/chat/completions", "/v1/messages"]),
        select(vec!["openai", "anthropic"]),
        name("model"),
        any::<bool>(),
    );
    let ended = (
        option::of(select(vec![200_u16, 200, 400, 502])),
        outcome(),
        select(vec!["off", "miss", "hit-exact", "hit-similar"]),
        0_i64..1_000_000,
    );
    let rest = (moment(), option::of(1_u64..5_000), option::of(any::<(u64, u64, u32)>()));
    (caller, asked, ended, rest, vec(attempt(), 0..3)).prop_map(|(caller, asked, ended, rest, attempts)| {
        Record {
            time: rest.0,
            request_id: "req-1".into(),
            key: caller.0,
            user: caller.1,
            team: caller.2,
            tags: Arc::new(caller.3),
            route: asked.0.into(),
            dialect: asked.1,
            operation: Some("chat"),
            model: asked.2,
            stream: asked.3,
            status: ended.0,
            outcome: ended.1,
            cache: ended.2,
            saved: Money::from_nanos(ended.3),
            latency: Duration::from_millis(70),
            first_token: Some(Duration::from_micros(1_234)),
            max_output: rest.1,
            fingerprint: rest.2.map(|(prompt, prefix, prefix_tokens)| Fingerprint {
                prompt,
                prefix,
                prefix_tokens,
            }),
            attempts,
        }
    })
}

fn attempt() -> impl Strategy<Value = AttemptRecord> {
    let charge = prop_oneof![
        (0_i64..9_000_000).prop_map(|nanos| Charge::Known(Money::from_nanos(nanos))),
        (0_i64..9_000_000).prop_map(|nanos| Charge::Estimated(Money::from_nanos(nanos))),
        Just(Charge::Unpriced("model")),
    ];
    let usage = (0_u64..9_000, 0_u64..100, 0_u64..100, 0_u64..900, 0_u64..100, 0_u64..3);
    (moment(), text("provider"), text("model"), option::of(text("served")), outcome(), charge, usage)
        .prop_map(|(time, provider, model, served, outcome, charge, usage)| AttemptRecord {
            time,
            upstream: Arc::new(Upstream { provider, dialect: Dialect::OpenAi, model }),
            told: Told { model: served.map(|served| (&*served).into()), ..Told::default() }.into(),
            status: Some(200),
            outcome,
            usage: Usage {
                input: usage.0,
                cached_input: usage.1,
                cache_write_1h: usage.2,
                output: usage.3,
                reasoning: usage.4,
                web_searches: usage.5,
                ..Usage::default()
            },
            charge,
            latency: Duration::from_millis(60),
            first_token: None,
        })
}

fn outcome() -> impl Strategy<Value = &'static str> {
    select(vec!["complete", "complete", "refused", "broken", "timed_out", "cancelled"])
}

fn moment() -> impl Strategy<Value = SystemTime> {
    let first = u64::from(FIRST_DAY) * 86_400_000;
    (0..u64::from(DAYS) * 86_400_000)
        .prop_map(move |millis| UNIX_EPOCH + Duration::from_millis(first + millis))
}

fn name(kind: &'static str) -> impl Strategy<Value = Option<Arc<str>>> {
    option::weighted(0.8, text(kind))
}

fn text(kind: &'static str) -> impl Strategy<Value = Arc<str>> {
    // One of them with what SQL and JSON have to quote.
    (0..3).prop_map(move |number| match number {
        2 => format!("{kind}'\"\\ö").into(),
        _ => format!("{kind}-{number}").into(),
    })
}
