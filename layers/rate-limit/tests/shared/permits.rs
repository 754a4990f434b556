use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::sleep;
use tollway_rate_limit::store::{Ask, REPLICA_LIFETIME, Taken};
use tollway_rate_limit::{Dimension, Lease, Measure, OnFailure, Rule, Store};

use super::store::{Fake, Mode};
use super::{health, input, of, replica, reserve};

fn at_once(lease: u64) -> Rule {
    let lease = Lease { amount: lease, lifetime: Duration::from_secs(1) };
    Rule::concurrent("at once", Measure::ConcurrentRequests, 4)
        .per(Dimension::Key)
        .shared(lease, OnFailure::Local)
}

#[tokio::test(start_paused = true)]
async fn permits_are_counted_on_all_replicas_together_and_come_back() {
    let store = Fake::new();
    let [a, b] = [(); 2].map(|()| replica([at_once(0)], &store));
    let mut held = Vec::new();
    for limiter in [&a, &b, &a, &b] {
        held.push(reserve(limiter, &of("a"), input(0)).await.unwrap());
    }
    assert!(reserve(&a, &of("a"), input(0)).await.is_err());
    assert!(reserve(&a, &of("b"), input(0)).await.is_ok());
    held.pop();
    sleep(Duration::from_millis(5)).await;
    assert!(reserve(&a, &of("a"), input(0)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_free_may_stay_for_the_next() {
    let store = Fake::new();
    let [a, b] = [(); 2].map(|()| replica([at_once(2)], &store));
    for _ in 0..100 {
        drop(reserve(&a, &of("a"), input(0)).await.unwrap());
    }
    assert_eq!(store.takes(), 1);
    // But not for ever.
    sleep(Duration::from_millis(1_100)).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(reserve(&b, &of("a"), input(0)).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_replica_held_is_free_when_it_is_gone_and_not_before() {
    let store = Fake::new();
    let [a, b] = [(); 2].map(|()| replica([at_once(0)], &store));
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(reserve(&a, &of("a"), input(0)).await.unwrap());
    }
    // Takes what there is, and is never heard of again.
    let rule = Arc::new(at_once(0));
    let ask = Ask { rule, subject: "1:b".into(), need: 4, want: 4 };
    assert!(matches!(store.replica().take(vec![ask]).await, Ok(Taken::Granted(_))));
    assert!(reserve(&b, &of("b"), input(0)).await.is_err());
    sleep(REPLICA_LIFETIME + Duration::from_secs(1)).await;
    assert!(reserve(&b, &of("b"), input(0)).await.is_ok());
    assert!(reserve(&b, &of("a"), input(0)).await.is_err(), "the other still says that it lives");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_lost_its_memory_learns_what_is_held() {
    let store = Fake::new();
    let [a, b] = [(); 2].map(|()| replica([at_once(0)], &store));
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(reserve(&a, &of("a"), input(0)).await.unwrap());
    }
    store.clear();
    sleep(Duration::from_millis(1_100)).await;
    assert!(reserve(&b, &of("a"), input(0)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn without_the_store_a_replica_has_its_share() {
    let store = Fake::new();
    let [a, b] = [(); 2].map(|()| replica([at_once(0)], &store));
    for limiter in [&a, &b] {
        drop(reserve(limiter, &of("a"), input(0)).await.unwrap());
    }
    sleep(Duration::from_secs(2)).await;
    assert_eq!(health(&a).replicas, 2);
    store.set(Mode::Fails);
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(reserve(&a, &of("a"), input(0)).await.unwrap());
    }
    assert!(reserve(&a, &of("a"), input(0)).await.is_err());
    held.pop();
    assert!(reserve(&a, &of("a"), input(0)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_freed_while_the_store_failed_is_free_when_it_is_back() {
    let store = Fake::new();
    let [a, b] = [(); 2].map(|()| replica([at_once(0)], &store));
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(reserve(&a, &of("a"), input(0)).await.unwrap());
    }
    store.set(Mode::Fails);
    held.truncate(2);
    sleep(Duration::from_millis(10)).await;
    held.truncate(1);
    store.set(Mode::Prompt);
    sleep(Duration::from_secs(3)).await;
    for _ in 0..3 {
        held.push(reserve(&b, &of("a"), input(0)).await.unwrap());
    }
    assert!(reserve(&b, &of("a"), input(0)).await.is_err());
    // The last one of a replica as well.
    store.set(Mode::Fails);
    held.clear();
    sleep(Duration::from_millis(10)).await;
    store.set(Mode::Prompt);
    sleep(Duration::from_secs(3)).await;
    for _ in 0..4 {
        held.push(reserve(&a, &of("a"), input(0)).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_given_back_is_given_back_once() {
    let store = Fake::new();
    let [a, b] = [(); 2].map(|()| replica([at_once(0)], &store));
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(reserve(&a, &of("a"), input(0)).await.unwrap());
    }
    // Beats for the first time while all is well.
    sleep(Duration::from_millis(5)).await;
    store.set(Mode::Fails);
    assert!(reserve(&a, &of("other"), input(0)).await.is_ok());
    held.pop();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(health(&a).waiting, 1);
    store.set(Mode::Prompt);
    // Until the first beat, and not the second.
    while !health(&a).answers {
        sleep(Duration::from_millis(10)).await;
    }
    held.push(reserve(&b, &of("a"), input(0)).await.unwrap());
    assert!(reserve(&b, &of("a"), input(0)).await.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// However beats, decisions and what is given back cross on their way.
    #[test]
    fn never_more_at_once_than_the_limit(
        lease in 0..3u64,
        delay in 0..20u64,
        requests in prop::collection::vec((0..3usize, 0..400u64, 1..3_000u64), 1..150),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let store = Fake::new();
            store.set(Mode::Slow(Duration::from_millis(delay)));
            let replicas: Vec<_> = (0..3).map(|_| replica([at_once(lease)], &store)).collect();
            let going_on = Arc::new(AtomicU64::new(0));
            let mut tasks = tokio::task::JoinSet::new();
            for (which, wait, time) in requests {
                sleep(Duration::from_millis(wait)).await;
                let (limiter, going_on) = (replicas[which].clone(), going_on.clone());
                tasks.spawn(async move {
                    let Ok(reservation) = reserve(&limiter, &of("a"), input(0)).await else { return };
                    assert!(going_on.fetch_add(1, Ordering::Relaxed) < 4);
                    sleep(Duration::from_millis(time)).await;
                    going_on.fetch_sub(1, Ordering::Relaxed);
                    drop(reservation);
                });
            }
            while let Some(ended) = tasks.join_next().await {
                ended.unwrap();
            }
            // And all of them are there again.
            sleep(Duration::from_secs(3)).await;
            let mut held = Vec::new();
            for _ in 0..4 {
                held.push(reserve(&replicas[0], &of("a"), input(0)).await.unwrap());
            }
        });
    }
}
