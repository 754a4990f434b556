//! The generic cell rate algorithm against a bucket in exact arithmetic, in virtual time.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tollway_rate_limit::{
    Actual, Dimensions, Estimate, Limiter, Measure, Refused, Reservation, Rule, Settings,
};

/// Neither divides the other: what is rounded shows.
const LIMIT: u64 = 77;
const WINDOW: Duration = Duration::from_millis(60_013);
const BURST: u64 = 25;

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Reserve(u64),
    Settle(usize, u64),
    WaitAsTold,
}

fn step(settle: bool) -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![0..50u64, 0..3_000u64, 0..30_000u64].prop_map(Step::Wait),
        6 => (1..=BURST).prop_map(Step::Reserve),
        if settle { 4 } else { 1 } => (0..9usize, 0..=40u64).prop_map(move |(which, actual)| {
            if settle { Step::Settle(which, actual) } else { Step::Wait(0) }
        }),
        2 => Just(Step::WaitAsTold),
    ]
}

/// A bucket whose level is in parts of which an amount has `WINDOW` nanoseconds, so that it is exact.
struct Bucket {
    at: Instant,
    level: u128,
}

impl Bucket {
    fn flow(&mut self, now: Instant) {
        let flowed = now.duration_since(self.at).as_nanos() * u128::from(LIMIT);
        self.level = self.level.saturating_sub(flowed);
        self.at = now;
    }

    fn fits(&self, amount: u64) -> bool {
        self.level + parts(amount) <= parts(BURST)
    }
}

fn parts(amount: u64) -> u128 {
    u128::from(amount) * WINDOW.as_nanos()
}

fn limiter() -> Arc<Limiter> {
    let rule = Rule::new("tokens", Measure::InputTokens, LIMIT, WINDOW).gcra(BURST);
    Arc::new(Limiter::new([rule], Settings::default()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn unsettled_it_is_the_exact_bucket(steps in prop::collection::vec(step(false), 1..120)) {
        let limiter = limiter();
        let mut now = Instant::now();
        let mut bucket = Bucket { at: now, level: 0 };
        let mut refused = None;
        for step in steps {
            match step {
                Step::Wait(time) => {
                    now += Duration::from_millis(time);
                    refused = refused.filter(|_| time == 0);
                }
                Step::Reserve(amount) => {
                    bucket.flow(now);
                    let passed = reserve(&limiter, now, amount);
                    prop_assert_eq!(passed.is_ok(), bucket.fits(amount));
                    match passed {
                        Ok(_) => {
                            bucket.level += parts(amount);
                            refused = None;
                        }
                        Err(error) => refused = error.retry_after().map(|time| (amount, time)),
                    }
                }
                Step::Settle(..) => unreachable!(),
                Step::WaitAsTold => if let Some((amount, time)) = refused.take() {
                    // A nanosecond earlier it must still be refused.
                    now += time;
                    let just_before = now.checked_sub(Duration::from_nanos(1)).unwrap();
                    prop_assert!(reserve(&limiter, just_before, amount).is_err());
                    bucket.flow(now);
                    prop_assert!(reserve(&limiter, now, amount).is_ok());
                    bucket.level += parts(amount);
                },
            }
        }
    }

    #[test]
    fn settled_it_never_lets_more_pass_than_stated_nor_less_than_without_refunds(
        steps in prop::collection::vec(step(true), 1..120),
    ) {
        let limiter = limiter();
        let mut now = Instant::now();
        // In which nothing ever comes back.
        let mut stingy = Bucket { at: now, level: 0 };
        // (when, taken, given back) and what was given back when, by a request from when.
        let mut log: Vec<(Instant, u64)> = Vec::new();
        let mut refunds: Vec<(Instant, Instant, u64)> = Vec::new();
        let mut open: Vec<(Reservation, usize, u64)> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(time) => now += Duration::from_millis(time),
                Step::Reserve(amount) => {
                    stingy.flow(now);
                    match reserve(&limiter, now, amount) {
                        Ok(reservation) => {
                            stingy.level += parts(amount);
                            open.push((reservation, log.len(), amount));
                            log.push((now, amount));
                            bound_holds(&log, &refunds, now)?;
                        }
                        Err(_) => prop_assert!(!stingy.fits(amount), "refused without need"),
                    }
                }
                Step::Settle(which, actual) if !open.is_empty() => {
                    let (reservation, entry, amount) = open.remove(which % open.len());
                    reservation.settle(now, Actual::tokens(actual, 0));
                    stingy.flow(now);
                    stingy.level += parts(actual.saturating_sub(amount));
                    if actual < amount {
                        refunds.push((now, log[entry].0, amount - actual));
                        log[entry].1 = actual;
                    }
                }
                Step::Settle(..) | Step::WaitAsTold => {}
            }
        }
    }
}

/// From each earlier time on: burst, flow, and what came back from requests of before that time.
fn bound_holds(
    log: &[(Instant, u64)],
    refunds: &[(Instant, Instant, u64)],
    now: Instant,
) -> Result<(), TestCaseError> {
    for (since, _) in log {
        let taken: u64 = log.iter().filter(|(at, _)| at >= since).map(|(_, amount)| amount).sum();
        let back: u64 =
            refunds.iter().filter(|(at, of, _)| at >= since && of < since).map(|(_, _, amount)| amount).sum();
        let flow = now.duration_since(*since).as_nanos() * u128::from(LIMIT);
        prop_assert!(parts(taken) <= parts(BURST + back) + flow, "more than stated");
    }
    Ok(())
}

#[test]
fn what_is_given_back_in_any_order_is_there_again() {
    for order in [[0, 0], [1, 0]] {
        let limiter = limiter();
        let now = Instant::now();
        let mut held = vec![reserve(&limiter, now, 10).unwrap(), reserve(&limiter, now, 15).unwrap()];
        for which in order {
            held.remove(which).settle(now, Actual::NOTHING);
        }
        assert_eq!(limiter.standings(now, &Dimensions::new())[0].used, 0);
        assert!(reserve(&limiter, now, BURST).is_ok());
    }
}

#[test]
fn what_has_flowed_off_is_not_given_back() {
    let limiter = limiter();
    let now = Instant::now();
    let first = reserve(&limiter, now, BURST).unwrap();
    let later = now + WINDOW;
    let _second = reserve(&limiter, later, BURST).unwrap();
    first.settle(later, Actual::NOTHING);
    assert!(reserve(&limiter, later, 1).is_err());
}

fn reserve(limiter: &Arc<Limiter>, now: Instant, input: u64) -> Result<Reservation, Refused> {
    limiter.reserve(now, &Dimensions::new(), &Estimate { input, ..Estimate::default() })
}
