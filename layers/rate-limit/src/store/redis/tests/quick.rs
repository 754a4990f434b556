//! The quick way through the scripts against the whole one, by which alone the tests beside count.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

use super::server::Server;
use super::{RedisStore, set_clock, store, store_with};
use crate::store::{Ask, Correction, Grant, Held, Store as _, Taken};
use crate::{Measure, Rule};

#[derive(Clone, Debug)]
enum Step {
    /// In microseconds, on or back.
    Wait(i64),
    /// Of which of two replicas, of which rules by their bits, how much at least and how much more.
    Take { by: usize, of: u8, need: u64, more: u64 },
    /// Of which grants, how much of each comes back, and how much more is taken.
    Settle { by: usize, from: usize, number: usize, back: u64, more: u64 },
    /// How much each replica holds.
    Beat { by: usize, permits: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![
        4 => 0..400_000i64,
        4 => 0..5_000_000i64,
        1 => 0..40_000_000i64,
        1 => 7_000_000..13_000_000i64,
        1 => -3_000_000..0i64
    ];
    prop_oneof![
        3 => wait.prop_map(Step::Wait),
        6 => (0..2usize, 1..64u8, 0..=30u64, 0..=9u64)
            .prop_map(|(by, of, need, more)| Step::Take { by, of, need, more }),
        3 => (0..2usize, 0..40usize, 1..9usize, 0..=30u64, 0..=5u64)
            .prop_map(|(by, from, number, back, more)| Step::Settle { by, from, number, back, more }),
        1 => (0..2usize, 0..=20u64).prop_map(|(by, permits)| Step::Beat { by, permits }),
    ]
}

#[test]
fn the_quick_way_counts_as_the_whole_one() {
    let Some(server) = Server::start(&[]) else { return };
    let runtime = Runtime::new().unwrap();
    let minute = Duration::from_mins(1);
    let rules = [
        Rule::new("minute", Measure::Requests, 100, minute),
        Rule::new("short", Measure::Requests, 60, Duration::from_millis(1_499)),
        Rule::new("flow", Measure::InputTokens, 77, Duration::from_millis(60_013)).gcra(90),
        Rule::new("fast", Measure::InputTokens, 900, Duration::from_secs(1)).gcra(50),
        Rule::concurrent("at once", Measure::ConcurrentRequests, 100),
        Rule::concurrent("streams", Measure::ConcurrentStreams, 60),
    ]
    .map(Arc::new);
    let (run, granted) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let slow = |code: &str| {
        let slow = code.replace("and not ARGV[3]", "and false");
        assert_eq!(slow != code, code.contains("-- Takes from") || code.contains("-- Corrects"));
        slow
    };
    runner
        .run(&prop::collection::vec(step(), 1..80), |steps| {
            run.set(run.get() + 1);
            let names = ["quick", "whole"].map(|name| format!("{name}{}", run.get()));
            let quick = [0, 1].map(|_| store(&server, &names[0]));
            let whole = [0, 1].map(|_| store_with(&server, &names[1], slow));
            let mut grants = Vec::new();
            let mut now = 1_790_000_000_000_000i64;
            runtime.block_on(async {
                set_clock(&quick[0], now.unsigned_abs()).await;
                for store in quick.iter().chain(&whole) {
                    // It says what it holds by a connection that is there.
                    store.take(Vec::new()).await.unwrap();
                }
                for step in steps {
                    if let Step::Wait(time) = step {
                        now += time;
                        continue;
                    }
                    set_clock(&quick[0], now.unsigned_abs()).await;
                    let ours = apply(&quick, &rules, &step, &grants).await;
                    let theirs = apply(&whole, &rules, &step, &grants).await;
                    prop_assert_eq!(&ours, &theirs, "{:?}", step);
                    granted.set(granted.get() + ours.len());
                    grants.extend(ours);
                }
                Ok(())
            })
        })
        .unwrap();
    assert!(granted.get() > 1_000, "{}", granted.get());
}

/// What was granted of which rule, by both stores where they are in step.
type Grants = Vec<(usize, Grant)>;

async fn apply(stores: &[RedisStore; 2], rules: &[Arc<Rule>], step: &Step, grants: &Grants) -> Grants {
    let subject: Arc<str> = "1:a".into();
    match *step {
        Step::Wait(_) => Vec::new(),
        Step::Take { by, of, need, more } => {
            let of: Vec<_> = (0..rules.len()).filter(|rule| of & (1 << rule) > 0).collect();
            let asks = of.iter().map(|rule| Ask {
                rule: rules[*rule].clone(),
                subject: subject.clone(),
                need,
                want: need + more,
            });
            match stores[by].take(asks.collect()).await.unwrap() {
                Taken::Granted(grants) => of.into_iter().zip(grants).collect(),
                // So that all that is said of it is compared.
                Taken::Refused(shortages) => {
                    let told = |number: u128| u64::try_from(number).unwrap();
                    let shortages = shortages.into_iter().map(|shortage| {
                        let mark = told(shortage.retry_after.as_micros());
                        let (remaining, reset) = (shortage.remaining, shortage.reset);
                        (of[shortage.index], Grant { amount: 0, mark, remaining, reset })
                    });
                    shortages.collect()
                }
            }
        }
        Step::Settle { by, from, number, back, more } => {
            let corrections = grants.iter().rev().skip(from).take(number).map(|(rule, grant)| {
                let back = back.min(grant.amount);
                let (rule, subject) = (rules[*rule].clone(), subject.clone());
                Correction { rule, subject, mark: grant.mark, back, more }
            });
            stores[by].settle(corrections.collect()).await.unwrap();
            Vec::new()
        }
        Step::Beat { by, permits } => {
            let held = rules[4..].iter().map(|rule| Held {
                rule: rule.clone(),
                subject: subject.clone(),
                permits,
                asked: 1,
            });
            let held: Vec<_> = held.collect();
            stores[by].beat(&mut || held.clone()).await.unwrap();
            Vec::new()
        }
    }
}
