//! What every store promises. Each check is given two handles to one empty store, as two replicas have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::collection::vec;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use tollway_core::Money;
use tollway_usage::store::Written;
use tollway_usage::{
    Batch, Day, Dimension, Export, Filter, Fingerprint, Format, Order, Record, Retention, StoreError, Swept,
    UsageQuery, UsageStore,
};

use crate::records::{DAYS, FIRST_DAY, record};
use crate::reference;

/// How many promises there are.
pub(crate) const COUNT: usize = 6;

pub(crate) async fn check(promise: usize, one: Arc<dyn UsageStore>, two: Arc<dyn UsageStore>) {
    one.prepare().await.unwrap();
    two.prepare().await.unwrap();
    match promise {
        0 => sums_are_those_of_the_records(&*one, &*two).await,
        1 => a_batch_is_written_once(&*one, &*two).await,
        2 => writers_follow_one_another(one, two).await,
        3 => what_is_old_goes_and_sums_stay(&*one).await,
        4 => every_attempt_is_exported(one).await,
        _ => facts_are_those_of_the_records(&*one).await,
    }
}

/// For random records in random batches, written by two in turn, some of them again.
async fn sums_are_those_of_the_records(one: &dyn UsageStore, two: &dyn UsageStore) {
    let mut runner = TestRunner::default();
    refuses(one).await;
    let mut all = Vec::new();
    for round in 0..12_usize {
        let records = sample(&mut runner, 1, 90);
        let (writer, other) = if round.is_multiple_of(2) { (one, two) } else { (two, one) };
        let batch = Batch::new(&records, None);
        assert_eq!(writer.write(&batch).await.unwrap(), Written::New);
        assert_eq!(other.write(&batch).await.unwrap(), Written::Before);
        all.extend(records);
        if round == 6 {
            // February is over, and what comes late belongs to it all the same.
            assert_eq!(one.sweep(KEEP, at(7)).await.unwrap(), Swept::default());
        }
    }
    for query in queries() {
        let mut expected = reference::report(&all, &query);
        let rows = two.query(&query).await.unwrap();
        let is_sorted = rows.is_sorted_by(|before, after| match query.order {
            Order::Cost => before.sums.cost >= after.sums.cost,
            Order::Dimensions => before.dimensions <= after.dimensions,
        });
        assert!(is_sorted, "{query:?}");
        if let Some(top) = query.top {
            let mut costs: Vec<_> = expected.values().map(|sums| sums.cost).collect();
            costs.sort_unstable_by(|one, other| other.cmp(one));
            costs.truncate(top as usize);
            assert!(rows.iter().map(|row| row.sums.cost).eq(costs), "{query:?}");
            continue;
        }
        for row in rows {
            let sums = expected.remove(&row.dimensions);
            assert_eq!(sums, Some(row.sums), "{query:?} {:?}", row.dimensions);
        }
        assert!(expected.is_empty(), "{query:?} lacks {expected:?}");
    }
    the_days_and_hours_agree(one, &all).await;
}

async fn the_days_and_hours_agree(store: &dyn UsageStore, records: &[Record]) {
    let filters = [filter(Dimension::Team, &["team-0", ""])];
    let (from, to) = (Day::from_number(FIRST_DAY - 2), Day::from_number(FIRST_DAY + DAYS + 2));
    let costs = store.daily_costs(&filters, from, to).await.unwrap();
    assert_eq!(costs.len(), DAYS as usize + 5);
    for (day, cost) in costs {
        let query = UsageQuery { filters: filters.to_vec(), ..UsageQuery::new(day, day) };
        let expected = reference::report(records, &query);
        assert_eq!(cost, expected.values().map(|sums| sums.cost).sum(), "{day}");
    }
    let since = UNIX_EPOCH + Duration::from_secs(u64::from(FIRST_DAY + 3) * 86_400 + 5_000);
    for kind in ["global", "key", "user", "team", "tag:tag-0", "tag:none"] {
        let spent = store.spent_since(kind, since).await.unwrap();
        let spent: BTreeMap<String, Money> = spent.into_iter().collect();
        assert_eq!(spent, reference::spent(records, kind, since), "{kind}");
    }
}

const KEEP: Retention = Retention { records: None, sums: None, hours: None };

/// Noon of a day after the first.
fn at(days: u32) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::from(FIRST_DAY + days) * 86_400 + 43_200)
}

fn queries() -> Vec<UsageQuery> {
    let whole = UsageQuery::new(Day::from_number(FIRST_DAY), Day::from_number(FIRST_DAY + DAYS));
    let part = UsageQuery::new(Day::from_number(FIRST_DAY + 2), Day::from_number(FIRST_DAY + 4));
    let mut queries = vec![
        UsageQuery { filters: vec![filter(Dimension::Provider, &["provider-0"])], ..whole.clone() },
        UsageQuery { filters: vec![filter(Dimension::Team, &[])], ..whole.clone() },
        UsageQuery { top: Some(5), ..by(&whole, "model team day") },
        // February is whole in it, January too, and March is not.
        by(
            &UsageQuery::new(Day::from_date(2026, 1, 1).unwrap(), Day::from_number(FIRST_DAY + 5)),
            "team month",
        ),
        UsageQuery {
            top: Some(3),
            ..by(&UsageQuery::new(Day::from_date(2026, 1, 15).unwrap(), whole.to), "user")
        },
        UsageQuery {
            order: Order::Dimensions,
            ..by(&UsageQuery::new(Day::from_date(2026, 2, 1).unwrap(), whole.to), "tag:tag-0")
        },
        UsageQuery {
            filters: vec![filter(Dimension::User, &["user-1", "user'\"\\ö"])], ..by(&part, "team")
        },
        UsageQuery { filters: vec![filter(tag("tag-1"), &["value-0"])], ..by(&whole, "model") },
    ];
    for text in [
        "day",
        "week",
        "month team",
        "model team day",
        "key user",
        "key day",
        "user team week",
        "provider model_served route dialect",
        "key model day",
        "tag:tag-0 month",
        "tag:tag'\"\\ö provider",
    ] {
        queries.push(by(&whole, text));
        queries.push(UsageQuery { order: Order::Dimensions, ..by(&part, text) });
    }
    queries
}

fn by(query: &UsageQuery, text: &str) -> UsageQuery {
    UsageQuery { by: text.split(' ').map(|name| name.parse().unwrap()).collect(), ..query.clone() }
}

fn tag(name: &str) -> Dimension {
    Dimension::Tag(name.into())
}

fn filter(dimension: Dimension, values: &[&str]) -> Filter {
    Filter { dimension, values: values.iter().map(|value| (*value).into()).collect() }
}

async fn a_batch_is_written_once(one: &dyn UsageStore, two: &dyn UsageStore) {
    let records = sample(&mut TestRunner::default(), 20, 21);
    let batch = Batch::new(&records, None);
    // Both at the same time: one of them comes first.
    let (first, second) = tokio::join!(one.write(&batch), two.write(&batch));
    let mut both = [first.unwrap(), second.unwrap()];
    both.sort_by_key(|written| *written == Written::Before);
    assert_eq!(both, [Written::New, Written::Before]);
    assert_eq!(requests(one).await, 20);
    // Another batch of the same records is another one.
    assert_eq!(one.write(&Batch::new(&records, None)).await.unwrap(), Written::New);
    assert_eq!(requests(two).await, 40);
    let empty = Batch::new(&[], None);
    assert_eq!(one.write(&empty).await.unwrap(), Written::New);
}

async fn writers_follow_one_another(one: Arc<dyn UsageStore>, two: Arc<dyn UsageStore>) {
    let mut runner = TestRunner::default();
    let writers = [one.clone(), two.clone(), one.clone(), two].map(|store| {
        let records: Vec<_> = (0..10).map(|_| sample(&mut runner, 10, 11)).collect();
        tokio::spawn(async move {
            for records in records {
                assert_eq!(store.write(&Batch::new(&records, None)).await.unwrap(), Written::New);
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(requests(&*one).await, 400);
}

async fn what_is_old_goes_and_sums_stay(store: &dyn UsageStore) {
    let mut runner = TestRunner::default();
    let mut all = Vec::new();
    for _ in 0..3 {
        let records = sample(&mut runner, 800, 801);
        store.write(&Batch::new(&records, None)).await.unwrap();
        all.extend(records);
    }
    let now = at(7);
    let old = |days: u64| {
        let before = now - Duration::from_secs(days * 86_400);
        all.iter().filter(|record| record.time < before).count() as u64
    };
    let keep = Retention { records: Some(1), sums: None, hours: None };
    let (mut swept, mut rounds) = (0, 0);
    loop {
        let piece = store.sweep(keep, now).await.unwrap();
        assert!(piece.requests <= 1000 && piece.sums == 0);
        (swept, rounds) = (swept + piece.requests, rounds + 1);
        if !piece.more {
            break;
        }
    }
    assert_eq!((swept, rounds), (old(1), 2));
    assert_eq!(requests(store).await, 2400, "sums outlive records");

    // The fourth of the days is the first of March: until it is over too, February stays.
    let keep = Retention { records: None, sums: Some(3), hours: Some(2) };
    assert!(store.sweep(keep, now).await.unwrap().sums > 0);
    let kept = all.iter().filter(|record| Day::of(record.time).number() >= FIRST_DAY + 3).count();
    assert_eq!(requests(store).await, kept as u64);
    let spent = store.spent_since("team", at(0)).await.unwrap();
    let march = UNIX_EPOCH + Duration::from_secs(u64::from(FIRST_DAY + 3) * 86_400);
    assert_eq!(spent.into_iter().collect::<BTreeMap<_, _>>(), reference::spent(&all, "team", march));
}

/// In both formats, by pages, and with whatever has to be quoted.
async fn every_attempt_is_exported(store: Arc<dyn UsageStore>) {
    let records = sample(&mut TestRunner::default(), 700, 701);
    for records in records.chunks(100) {
        store.write(&Batch::new(records, None)).await.unwrap();
    }
    let (from, to) = (Day::from_number(FIRST_DAY + 1), Day::from_number(FIRST_DAY + 6));
    let csv = exported(Export::new(store.clone(), Format::Csv, from, to)).await;
    let json = exported(Export::new(store, Format::JsonLines, from, to)).await;
    let mut expected: Vec<_> = records
        .iter()
        .filter(|record| (from..=to).contains(&Day::of(record.time)))
        .flat_map(|record| record.attempts.iter().map(move |attempt| reference::exported(record, attempt)))
        .collect();
    let mut reader = csv::Reader::from_reader(&*csv);
    let names = reader.headers().unwrap().clone();
    let mut found = Vec::new();
    let mut lines = json.split(|byte| *byte == b'\n');
    for row in reader.records() {
        let row = row.unwrap();
        let object: serde_json::Map<_, _> = serde_json::from_slice(lines.next().unwrap()).unwrap();
        assert!(object.keys().eq(names.iter()));
        for ((name, value), cell) in object.iter().zip(&row) {
            let shown = match value {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text.clone(),
                // As exact as the text is, a number of JSON is when it is read.
                serde_json::Value::Number(number) if name.ends_with("Cost") => {
                    assert!((number.as_f64().unwrap() - cell.parse::<f64>().unwrap()).abs() < 1e-12);
                    continue;
                }
                other => other.to_string(),
            };
            assert_eq!(shown, cell, "{name}");
        }
        let cell = |name: &str| row.get(names.iter().position(|other| other == name).unwrap()).unwrap();
        found.push(reference::EXPORTED.map(|name| cell(name).to_owned()));
    }
    assert_eq!(lines.next(), Some(&b""[..]));
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}

async fn exported(mut export: Export) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some(piece) = export.next().await.unwrap() {
        assert!(piece.len() < 500_000, "a piece is no more than some hundred rows");
        text.extend(piece);
    }
    text
}

async fn facts_are_those_of_the_records(store: &dyn UsageStore) {
    let mut records = sample(&mut TestRunner::default(), 500, 501);
    for (number, record) in records.iter_mut().enumerate() {
        // Few enough to meet.
        let print = |fingerprint: Fingerprint| Fingerprint {
            prompt: u64::MAX - number as u64 % 30,
            prefix: number as u64 % 7,
            prefix_tokens: fingerprint.prefix_tokens % 5_000,
        };
        record.fingerprint = record.fingerprint.map(print);
        if number.is_multiple_of(2) {
            record.time = at(3) + Duration::from_secs(number as u64 * 7);
            record.fingerprint = Some(print(Fingerprint { prompt: 0, prefix: 0, prefix_tokens: 1_000 }));
            for attempt in &mut record.attempts {
                (attempt.outcome, attempt.told) = ("complete", Arc::default());
            }
        }
    }
    store.write(&Batch::new(&records, None)).await.unwrap();
    let (from, to) = (at(1), at(8));
    let facts = store.facts(from, to).await.unwrap();
    assert_eq!(facts, reference::facts(&records, from, to));
    assert!(!facts.prompts.is_empty() && !facts.prefixes.is_empty() && !facts.hours.is_empty());
    let last = store.last_use(Day::from_number(FIRST_DAY + 2)).await.unwrap();
    assert_eq!(last, reference::last_use(&records, Day::from_number(FIRST_DAY + 2)));
}

pub(crate) async fn requests(store: &dyn UsageStore) -> u64 {
    let query = UsageQuery::new(Day::from_number(0), Day::from_number(100_000));
    store.query(&query).await.unwrap().iter().map(|row| row.sums.requests).sum()
}

pub(crate) fn sample(runner: &mut TestRunner, least: usize, less_than: usize) -> Vec<Record> {
    vec(record(), least..less_than).new_tree(runner).unwrap().current()
}

/// What cannot be asked is said, by any store.
async fn refuses(store: &dyn UsageStore) {
    let query = UsageQuery {
        by: vec![tag("a"), Dimension::Key],
        ..UsageQuery::new(Day::from_number(0), Day::from_number(1))
    };
    assert!(matches!(store.query(&query).await, Err(StoreError::Query(_))));
}
