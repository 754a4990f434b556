//! Sliding windows against an exact log, in virtual time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tollway_rate_limit::{
    Actual, Dimensions, Estimate, Limiter, Measure, Refused, Reservation, Rule, Settings,
};

/// A multiple of fifteen, so that slots are exact.
const WINDOW: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_secs(64);
const LIMIT: u64 = 100;

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Reserve(u64),
    /// Settles the oldest reservation open.
    Settle(u64),
    Drop,
    /// Where a request was refused last, waits as told: it must pass then.
    WaitAsTold,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![0..50u64, 0..5_000u64, 0..40_000u64].prop_map(Step::Wait),
        6 => (1..=60u64).prop_map(Step::Reserve),
        3 => (0..=90u64).prop_map(Step::Settle),
        1 => Just(Step::Drop),
        2 => Just(Step::WaitAsTold),
    ]
}

/// Every amount and when it was taken, to the nanosecond.
#[derive(Default)]
struct Log(Vec<(Instant, u64)>);

impl Log {
    /// What was taken in the time before `now`, `now` included.
    fn taken(&self, now: Instant, time: Duration) -> u64 {
        self.0.iter().filter(|(at, _)| now.duration_since(*at) < time).map(|(_, amount)| amount).sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn never_more_than_the_limit_and_never_less_than_a_window_of_16_15(
        steps in prop::collection::vec(step(), 1..120),
        offset in 0..60_000u64,
    ) {
        let rule = Rule::new("tokens", Measure::InputTokens, LIMIT, WINDOW);
        let limiter = Arc::new(Limiter::new([rule], Settings::default()).unwrap());
        let mut now = Instant::now() + Duration::from_millis(offset);
        let mut log = Log::default();
        let mut open: Vec<(Reservation, usize, u64)> = Vec::new();
        let mut refused: Option<(u64, Duration)> = None;

        for step in steps {
            match step {
                Step::Wait(time) => {
                    now += Duration::from_millis(time);
                    refused = None;
                }
                Step::Reserve(amount) => match reserve(&limiter, now, amount) {
                    Ok(reservation) => {
                        prop_assert!(log.taken(now, WINDOW) + amount <= LIMIT, "more than the limit in a window");
                        open.push((reservation, log.0.len(), amount));
                        log.0.push((now, amount));
                        refused = None;
                    }
                    Err(error) => {
                        prop_assert!(log.taken(now, LONGEST) + amount > LIMIT, "refused without need: {error}");
                        refused = error.retry_after().map(|time| (amount, time));
                    }
                },
                Step::Settle(actual) if !open.is_empty() => {
                    let (reservation, entry, amount) = open.remove(0);
                    reservation.settle(now, Actual { requests: 1, input: actual, output: 0 });
                    log.0[entry].1 = amount.min(actual);
                    if actual > amount {
                        log.0.push((now, actual - amount));
                    }
                    refused = None;
                }
                Step::Drop if !open.is_empty() => drop(open.remove(0)),
                Step::Settle(_) | Step::Drop => {}
                Step::WaitAsTold => if let Some((amount, time)) = refused.take() {
                    prop_assert!(time > Duration::ZERO && time <= LONGEST);
                    now += time;
                    let passed = reserve(&limiter, now, amount);
                    prop_assert!(passed.is_ok(), "refused after waiting as told");
                    open.push((passed.unwrap(), log.0.len(), amount));
                    log.0.push((now, amount));
                },
            }
            let standing = &limiter.standings(now, &Dimensions::new())[0];
            prop_assert!(standing.used >= log.taken(now, WINDOW) && standing.used <= log.taken(now, LONGEST));
        }
    }
}

#[test]
fn what_can_never_pass_is_said_to_be_too_large() {
    let rule = Rule::new("tokens", Measure::InputTokens, LIMIT, WINDOW);
    let limiter = Arc::new(Limiter::new([rule], Settings::default()).unwrap());
    let refused = reserve(&limiter, Instant::now(), LIMIT + 1).unwrap_err();
    assert!(matches!(refused, Refused::TooLarge { requested: 101, .. }));
    assert_eq!(refused.retry_after(), None);
}

#[test]
fn an_estimate_of_nothing_is_refused_where_nothing_is_left() {
    let rule = Rule::new("tokens", Measure::InputTokens, LIMIT, WINDOW);
    let limiter = Arc::new(Limiter::new([rule], Settings::default()).unwrap());
    let now = Instant::now();
    let before = reserve(&limiter, now, 0).unwrap();
    before.settle(now, Actual::tokens(3 * LIMIT, 0));
    assert!(reserve(&limiter, now, 0).is_err());
    assert_eq!(limiter.standings(now, &Dimensions::new())[0].used, 3 * LIMIT);
}

#[test]
fn huge_limits_are_counted_to_a_two_thousand_millionth() {
    let limit = 1 << 50;
    let rule = Rule::new("tokens", Measure::InputTokens, limit, WINDOW);
    let limiter = Arc::new(Limiter::new([rule], Settings::default()).unwrap());
    let now = Instant::now();
    let held: Vec<_> = (0..4).map(|_| reserve(&limiter, now, limit / 4).unwrap()).collect();
    assert!(reserve(&limiter, now, 1).is_err());
    drop(held);
    let used = limiter.standings(now, &Dimensions::new())[0].used;
    assert!(used.abs_diff(limit) <= 4 * (limit >> 31), "{used}");
}

fn reserve(limiter: &Arc<Limiter>, now: Instant, input: u64) -> Result<Reservation, Refused> {
    limiter.reserve(now, &Dimensions::new(), &Estimate { input, ..Estimate::default() })
}
