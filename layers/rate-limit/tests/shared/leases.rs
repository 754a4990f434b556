use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::{Instant, sleep};
use tollway_rate_limit::{Actual, Dimension, Lease, Measure, OnFailure, Rule};

use super::store::{Fake, Mode};
use super::{MINUTE, health, input, of, replica, reserve, settle};

fn tokens(limit: u64, lease: Lease) -> Rule {
    Rule::new("tokens", Measure::InputTokens, limit, MINUTE)
        .per(Dimension::Key)
        .shared(lease, OnFailure::Closed)
}

#[tokio::test(start_paused = true)]
async fn without_leases_exactly_the_limit_passes_on_all_replicas_together() {
    let store = Fake::new();
    store.set(Mode::Slow(Duration::from_millis(2)));
    let replicas: Vec<_> = (0..4).map(|_| replica([tokens(100, Lease::NONE)], &store)).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let limiter = replicas[number % 4].clone();
        tasks.spawn(async move { reserve(&limiter, &of("a"), input(3)).await });
    }
    let passed = tasks.join_all().await.into_iter().flatten().count();
    assert_eq!(passed, 33);
    assert_eq!(store.takes(), 200);
}

#[tokio::test(start_paused = true)]
async fn with_leases_most_decide_here() {
    let store = Fake::new();
    store.set(Mode::Slow(Duration::from_millis(1)));
    let lease = Lease { amount: 100, lifetime: Duration::from_secs(5) };
    let limiter = replica([tokens(10_000, lease)], &store);
    for _ in 0..5_000 {
        assert!(reserve(&limiter, &of("a"), input(1)).await.is_ok());
    }
    assert_eq!(store.takes(), 50);
    assert_eq!(health(&limiter).asked, 50);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_spent_goes_back_when_its_time_is_over() {
    let store = Fake::new();
    let lease = Lease { amount: 90, lifetime: Duration::from_secs(2) };
    let [a, b] = [(); 2].map(|()| replica([tokens(100, lease)], &store));
    assert!(reserve(&a, &of("a"), input(10)).await.is_ok());
    assert!(reserve(&b, &of("a"), input(10)).await.is_err(), "the rest is leased");
    sleep(Duration::from_millis(2_100)).await;
    assert_eq!(store.remaining(&tokens(100, lease), "1:a").await, 90);
    assert!(reserve(&b, &of("a"), input(90)).await.is_ok());
    assert!(reserve(&a, &of("a"), input(1)).await.is_err(), "what went back is not spent here as well");
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_and_asks_again_does_not_burden_the_store() {
    let store = Fake::new();
    let [a, b] = [(); 2].map(|()| replica([tokens(100, Lease::NONE)], &store));
    let all = reserve(&a, &of("a"), input(95)).await.unwrap();
    for _ in 0..100 {
        let refused = reserve(&b, &of("a"), input(10)).await.unwrap_err();
        assert!(refused.retry_after().unwrap() > Duration::from_secs(59));
    }
    assert_eq!(store.takes(), 2);
    assert!(reserve(&b, &of("a"), input(5)).await.is_ok(), "less may be there");
    settle(all, 0);
    sleep(Duration::from_millis(51)).await;
    let some = reserve(&b, &of("a"), input(80)).await.unwrap();
    assert!(reserve(&b, &of("a"), input(80)).await.is_err());
    settle(some, 0);
    sleep(Duration::from_millis(5)).await;
    assert!(reserve(&b, &of("a"), input(80)).await.is_ok(), "what is given back here is there at once");
}

#[tokio::test(start_paused = true)]
async fn one_lease_at_a_time_is_taken() {
    let store = Fake::new();
    store.set(Mode::Slow(Duration::from_millis(5)));
    let lease = Lease { amount: 30, lifetime: Duration::from_secs(5) };
    let [a, b] = [(); 2].map(|()| replica([tokens(100, lease)], &store));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let a = a.clone();
        tasks.spawn(async move { reserve(&a, &of("a"), input(10)).await });
    }
    assert_eq!(tasks.join_all().await.into_iter().flatten().count(), 4);
    assert!(reserve(&b, &of("a"), input(30)).await.is_ok(), "more than one lease is held");
}

/// Given back into a lease, it would be spent now and have left the window early.
#[tokio::test(start_paused = true)]
async fn what_was_counted_long_ago_is_not_spent_again_now() {
    const LIMIT: u64 = 100;
    let store = Fake::new();
    let lease = Lease { amount: 10, lifetime: MINUTE };
    let limiter = replica([tokens(LIMIT, lease)], &store);
    let mut old = Vec::new();
    for _ in 0..5 {
        old.push(reserve(&limiter, &of("a"), input(10)).await.unwrap());
    }
    sleep(Duration::from_secs(50)).await;
    let mut taken = 0;
    for reservation in old {
        settle(reservation, 0);
        sleep(Duration::from_millis(100)).await;
        while reserve(&limiter, &of("a"), input(1)).await.is_ok() {
            taken += 1;
        }
        sleep(Duration::from_millis(100)).await;
    }
    sleep(Duration::from_secs(20)).await;
    while reserve(&limiter, &of("a"), input(1)).await.is_ok() {
        taken += 1;
    }
    // All in less than a minute.
    assert!((LIMIT..=LIMIT + lease.amount).contains(&taken), "{taken}");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_mixed_outcomes_end_with_the_truth_in_the_store() {
    let store = Fake::new();
    store.set(Mode::Slow(Duration::from_millis(1)));
    // Ends at other times than the store's slots.
    let lease = Lease { amount: 500, lifetime: Duration::from_millis(1_300) };
    let rule = tokens(1_000_000, lease);
    let replicas: Vec<_> = (0..4).map(|_| replica([rule.clone()], &store)).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..10_000_u64 {
        let limiter = replicas[usize::try_from(number % 4).unwrap()].clone();
        tasks.spawn(async move {
            sleep(Duration::from_millis(number % 997 * 20)).await;
            let estimate = number * 7_919 % 200;
            let now = || Instant::now().into_std();
            if number.is_multiple_of(11) {
                // Who asked goes away while the store is asked, or before.
                let hasty = tokio::time::timeout(Duration::from_micros(number % 3_000), async {
                    reserve(&limiter, &of("a"), input(estimate)).await
                });
                return match hasty.await {
                    Ok(Ok(_reservation)) => estimate,
                    _ => 0,
                };
            }
            let Ok(mut reservation) = reserve(&limiter, &of("a"), input(estimate)).await else { return 0 };
            sleep(Duration::from_millis(number % 89)).await;
            match number % 5 {
                0 => settle(reservation, estimate / 2),
                1 => settle(reservation, estimate * 2),
                2 => reservation.settle(now(), Actual::NOTHING),
                3 => reservation.note(now(), Actual::tokens(estimate / 3, 0)),
                _ => drop(reservation),
            }
            match number % 5 {
                0 => estimate / 2,
                1 => estimate * 2,
                2 => 0,
                3 => estimate / 3,
                _ => estimate,
            }
        });
    }
    let truth: u64 = tasks.join_all().await.into_iter().sum();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(1_000_000 - store.remaining(&rule, "1:a").await, truth);
    assert!(store.takes() < 8_000, "{}", store.takes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// The bound of [`Lease`]: in no window more than the limit and what may be held unspent.
    #[test]
    fn no_window_overshoots_by_more_than_what_replicas_hold(
        replicas in 1..4usize,
        amount in 0..30u64,
        lifetime in 1..40u64,
        delay in 0..20u64,
        requests in prop::collection::vec((0..4usize, 0..4_000u64, 1..20u64, prop::option::of((0..20u64, 0..30_000u64))), 1..200),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            const LIMIT: u64 = 100;
            let store = Fake::new();
            store.set(Mode::Slow(Duration::from_millis(delay)));
            let lease = Lease { amount, lifetime: Duration::from_secs(lifetime) };
            let lease = if amount == 0 { Lease::NONE } else { lease };
            let limiters: Vec<_> = (0..replicas).map(|_| replica([tokens(LIMIT, lease)], &store)).collect();
            // What was taken and when, less what came back of it.
            let log: Arc<Mutex<Vec<(Instant, u64)>>> = Arc::default();
            let mut tasks = tokio::task::JoinSet::new();
            for (which, wait, amount, back) in requests {
                sleep(Duration::from_millis(wait)).await;
                let (limiter, log) = (limiters[which % replicas].clone(), log.clone());
                tasks.spawn(async move {
                    let asked = Instant::now();
                    let Ok(reservation) = reserve(&limiter, &of("a"), input(amount)).await else { return };
                    let decided = Instant::now();
                    // A decision waits for the store no longer than for a way there and back.
                    assert!(decided - asked <= Duration::from_millis(2 * delay));
                    let entry = {
                        let mut log = log.lock().unwrap();
                        log.push((decided, amount));
                        log.len() - 1
                    };
                    if let Some((back, after)) = back {
                        sleep(Duration::from_millis(after)).await;
                        let actual = amount.saturating_sub(back);
                        log.lock().unwrap()[entry].1 = actual;
                        settle(reservation, actual);
                    }
                });
            }
            tasks.join_all().await;
            let log = log.lock().unwrap();
            // The store counts when it is asked, the answer takes its time: so much shorter is a window.
            let window = MINUTE.checked_sub(Duration::from_millis(delay)).unwrap();
            for (end, _) in log.iter() {
                let within = log.iter().filter(|(at, _)| at <= end && *end - *at < window);
                let taken: u64 = within.map(|(_, amount)| amount).sum();
                assert!(taken <= LIMIT + amount * replicas as u64, "{taken}");
            }
        });
    }
}
