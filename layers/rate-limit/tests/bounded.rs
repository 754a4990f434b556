//! However many subjects come, so many are held.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tollway_rate_limit::{Dimension, Dimensions, Estimate, Limiter, Measure, Rule, Settings};

const MINUTE: Duration = Duration::from_mins(1);

fn limiter(rule: Rule, max_subjects: usize) -> Arc<Limiter> {
    let settings = Settings { max_subjects, ..Settings::default() };
    Arc::new(Limiter::new([rule.per(Dimension::Key)], settings).unwrap())
}

fn of(key: u32) -> Dimensions {
    Dimensions::new().with(Dimension::Key, key.to_string())
}

fn pass(limiter: &Arc<Limiter>, now: Instant, key: u32) -> bool {
    limiter.reserve(now, &of(key), &Estimate { input: 1, ..Estimate::default() }).is_ok()
}

#[test]
fn what_is_over_makes_room() {
    for rule in [
        Rule::new("window", Measure::Requests, 5, MINUTE),
        Rule::new("even", Measure::InputTokens, 5, MINUTE).gcra(5),
    ] {
        let limiter = limiter(rule, 1_000_000);
        let mut now = Instant::now();
        let mut most = 0;
        for key in 0..60_000 {
            // Some five thousand in a window .
            now += Duration::from_millis(12);
            assert!(pass(&limiter, now, key));
            if key % 1_000 == 0 {
                most = most.max(limiter.subjects());
            }
        }
        assert!(most < 20_000, "{most}");
        limiter.sweep(now + MINUTE * 2);
        assert_eq!(limiter.subjects(), 0);
    }
}

#[test]
fn no_more_than_the_most_are_held_and_the_latest_are_remembered() {
    for rule in [
        Rule::new("window", Measure::Requests, 1, MINUTE * 60),
        Rule::new("even", Measure::InputTokens, 1, MINUTE * 60).gcra(1),
    ] {
        let limiter = limiter(rule, 12_800);
        let start = Instant::now();
        for key in 0..60_000 {
            assert!(pass(&limiter, start + Duration::from_millis(u64::from(key)), key));
        }
        assert!(limiter.subjects() <= 12_800, "{}", limiter.subjects());
        let now = start + Duration::from_mins(1);
        let remembered = (59_000..60_000).filter(|key| !pass(&limiter, now, *key)).count();
        assert!(remembered > 900, "{remembered}");
    }
}

#[test]
fn what_goes_on_is_never_forgotten() {
    let rule = Rule::concurrent("at once", Measure::ConcurrentRequests, 1);
    let limiter = limiter(rule, 128);
    let now = Instant::now();
    let held: Vec<_> =
        (0..5_000).map(|key| limiter.reserve(now, &of(key), &Estimate::default()).unwrap()).collect();
    assert!((0..5_000).all(|key| !pass(&limiter, now, key)));
    drop(held);
    assert!((0..5_000).all(|key| pass(&limiter, now, key)));
    for key in 10_000..30_000 {
        assert!(pass(&limiter, now, key));
    }
    assert!(limiter.subjects() < 1_000, "{}", limiter.subjects());
}
