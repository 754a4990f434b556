use std::time::Duration;

use tokio::time::{Instant, sleep};
use tollway_rate_limit::{Dimension, Lease, Measure, OnFailure, Refused, Rule};

use super::store::{Fake, Mode};
use super::{MINUTE, health, input, of, replica, reserve, settle};

fn requests(on_failure: OnFailure) -> Rule {
    Rule::new("requests", Measure::Requests, 40, MINUTE).per(Dimension::Key).shared(Lease::NONE, on_failure)
}

/// How many of many requests pass, and the longest that one waited.
async fn passed(limiter: &std::sync::Arc<tollway_rate_limit::Limiter>, key: &str) -> (usize, Duration) {
    let (mut passed, mut longest) = (0, Duration::ZERO);
    for _ in 0..100 {
        let asked = Instant::now();
        passed += usize::from(reserve(limiter, &of(key), input(0)).await.is_ok());
        longest = longest.max(asked.elapsed());
    }
    (passed, longest)
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_leaves_each_rule_to_its_policy() {
    for (on_failure, expected) in [(OnFailure::Local, 10), (OnFailure::Open, 100), (OnFailure::Closed, 0)] {
        let store = Fake::new();
        let replicas: Vec<_> = (0..4).map(|_| replica([requests(on_failure)], &store)).collect();
        for limiter in &replicas {
            assert!(reserve(limiter, &of("other"), input(0)).await.is_ok());
        }
        // All have heard of all.
        sleep(Duration::from_secs(2)).await;
        assert_eq!(health(&replicas[0]).replicas, 4);

        for mode in [Mode::Fails, Mode::Hangs] {
            let key = format!("{mode:?}");
            store.set(mode);
            for limiter in &replicas {
                let (passed, longest) = passed(limiter, &key).await;
                assert_eq!(passed, expected, "{on_failure:?} {mode:?}");
                assert!(longest <= Duration::from_millis(50), "{longest:?}");
            }
            assert!(!health(&replicas[0]).answers);
            store.set(Mode::Prompt);
            sleep(Duration::from_millis(1_100)).await;
            assert!(replicas.iter().all(|limiter| health(limiter).answers), "it is not asked again");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_breaker_is_open_nobody_waits() {
    let store = Fake::new();
    let limiter = replica([requests(OnFailure::Open)], &store);
    store.set(Mode::Hangs);
    let start = Instant::now();
    assert!(reserve(&limiter, &of("a"), input(0)).await.is_ok());
    assert_eq!(start.elapsed(), Duration::from_millis(50));
    let (passed, longest) = passed(&limiter, "a").await;
    assert_eq!((passed, longest), (100, Duration::ZERO));
    assert_eq!((store.takes(), health(&limiter).opened), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_closes_says_so_and_when_to_come_back() {
    let store = Fake::new();
    let limiter = replica([requests(OnFailure::Closed)], &store);
    store.set(Mode::Fails);
    let refused = reserve(&limiter, &of("a"), input(0)).await.unwrap_err();
    assert!(matches!(refused, Refused::Unavailable { .. }));
    assert_eq!(refused.status(), http::StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.retry_after().unwrap() >= Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn what_passed_before_the_failure_counts_against_the_share() {
    let store = Fake::new();
    let limiter = replica([requests(OnFailure::Local)], &store);
    for _ in 0..30 {
        assert!(reserve(&limiter, &of("a"), input(0)).await.is_ok());
    }
    store.set(Mode::Fails);
    assert_eq!(passed(&limiter, "a").await.0, 10);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_comes_back_empty_is_used_again_as_configured() {
    let store = Fake::new();
    let limiter = replica([requests(OnFailure::Closed)], &store);
    assert_eq!(passed(&limiter, "a").await.0, 40);
    store.set(Mode::Fails);
    assert_eq!(passed(&limiter, "a").await.0, 0);
    store.clear();
    store.set(Mode::Prompt);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(passed(&limiter, "a").await.0, 40);
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_late_is_given_back() {
    let rule = requests(OnFailure::Open);
    let store = Fake::new();
    let limiter = replica([rule.clone()], &store);
    store.set(Mode::LateAnswer(Duration::from_millis(300)));
    assert!(reserve(&limiter, &of("a"), input(0)).await.is_ok());
    assert_eq!(store.remaining(&rule, "1:a").await, 39, "the store has counted it");
    store.set(Mode::Prompt);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(store.remaining(&rule, "1:a").await, 40);
}

/// It once stayed as if it were leased, for as long as a lease would, where a rule named that time.
#[tokio::test(start_paused = true)]
async fn what_comes_too_late_is_no_lease() {
    for amount in [0, 2] {
        let store = Fake::new();
        let lease = Lease { amount, lifetime: Duration::from_secs(10) };
        let rule = requests(OnFailure::Closed).shared(lease, OnFailure::Closed);
        let limiter = replica([rule], &store);
        store.set(Mode::LateAnswer(Duration::from_millis(300)));
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..5 {
            let limiter = limiter.clone();
            asking.spawn(async move { reserve(&limiter, &of("a"), input(0)).await.is_err() });
        }
        assert!(asking.join_all().await.into_iter().all(|refused| refused));
        sleep(Duration::from_millis(400)).await;
        let (passed, _) = passed(&limiter, "a").await;
        assert_eq!(u64::try_from(passed).unwrap(), amount);
    }
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_while_the_store_is_asked_takes_nothing() {
    let local = Rule::concurrent("here", Measure::ConcurrentRequests, 1);
    let rule = requests(OnFailure::Open);
    let store = Fake::new();
    let limiter = replica([rule.clone(), local], &store);
    store.set(Mode::LateAnswer(Duration::from_millis(20)));
    let key = of("a");
    let hasty = reserve(&limiter, &key, input(0));
    assert!(tokio::time::timeout(Duration::from_millis(10), hasty).await.is_err());
    sleep(Duration::from_secs(1)).await;
    assert_eq!(store.remaining(&rule, "1:a").await, 40);
    assert!(health(&limiter).answers);
    assert!(reserve(&limiter, &of("a"), input(0)).await.is_ok(), "the rule of this process is free again");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_store_gives_back_what_was_taken_here() {
    let here = Rule::new("here", Measure::Requests, 10, MINUTE).per(Dimension::Key);
    let there = Rule { limit: 1, name: "there".into(), ..requests(OnFailure::Open) };
    let store = Fake::new();
    let limiter = replica([here, there], &store);
    assert!(reserve(&limiter, &of("a"), input(0)).await.is_ok());
    for _ in 0..20 {
        let refused = reserve(&limiter, &of("a"), input(0)).await.unwrap_err();
        assert_eq!(&**refused.rule(), "there");
        assert!(refused.retry_after().unwrap() >= Duration::from_secs(59));
    }
    let standings = limiter.standings(Instant::now().into_std(), &of("a"));
    assert!(standings.iter().all(|standing| standing.used == 1), "{standings:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_learned_while_the_store_is_gone_is_told_when_it_is_back() {
    let rule = Rule::new("tokens", Measure::InputTokens, 1_000, MINUTE)
        .per(Dimension::Key)
        .shared(Lease::NONE, OnFailure::Local);
    let store = Fake::new();
    let limiter = replica([rule.clone()], &store);
    let less = reserve(&limiter, &of("a"), input(300)).await.unwrap();
    let more = reserve(&limiter, &of("a"), input(100)).await.unwrap();
    store.set(Mode::Fails);
    assert!(reserve(&limiter, &of("b"), input(1)).await.is_ok());
    settle(less, 100);
    settle(more, 250);
    sleep(Duration::from_millis(20)).await;
    assert_eq!(health(&limiter).waiting, 1, "both were counted at one mark");
    store.set(Mode::Prompt);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(store.remaining(&rule, "1:a").await, 1_000 - 350);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_heard_is_not_given_back_twice() {
    let rule = Rule::new("tokens", Measure::InputTokens, 1_000, MINUTE)
        .per(Dimension::Key)
        .shared(Lease::NONE, OnFailure::Local);
    let store = Fake::new();
    let limiter = replica([rule.clone()], &store);
    let more = reserve(&limiter, &of("a"), input(100)).await.unwrap();
    let back = reserve(&limiter, &of("a"), input(100)).await.unwrap();
    // Beats for the first time while all is well.
    sleep(Duration::from_millis(1)).await;
    store.set(Mode::LateAnswer(Duration::from_millis(700)));
    settle(back, 0);
    settle(more, 150);
    sleep(Duration::from_millis(690)).await;
    assert_eq!(health(&limiter).lost, 1);
    store.set(Mode::Prompt);
    sleep(Duration::from_secs(3)).await;
    // Taken twice, for all that can be known: less passes, but never more.
    assert_eq!(store.remaining(&rule, "1:a").await, 1_000 - 150 - 50);
}
