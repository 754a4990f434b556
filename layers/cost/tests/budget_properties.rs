//! What holds of budgets whatever happens.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use proptest::{collection::vec, prelude::*};
use tollway_core::Money;
use tollway_cost::budget::{Budget, Budgets, Payer, Period, Reservation, Settings, Verdict, Zone};

const LENGTH: u64 = 15 * 60;
const AMOUNT: i64 = 100;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_392_000 + seconds)
}

fn keep(period: Period) -> Budgets {
    let budget = Budget::new("one", Money::from_nanos(AMOUNT), period);
    Budgets::new([budget], Settings::default()).unwrap()
}

fn reserve(budgets: &Budgets, now: SystemTime, amount: i64) -> Option<Reservation> {
    match budgets.reserve(now, &Payer::default(), Money::from_nanos(amount)) {
        Verdict::Reserved(reservation) => Some(reservation),
        _ => None,
    }
}

/// What happens next: so many seconds later somebody wants so much, and somebody else settles to a part of
/// what was reserved.
#[derive(Clone, Debug)]
struct Event {
    later: u64,
    wanted: i64,
    settles: Option<(usize, i64)>,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let settles = proptest::option::of((any::<usize>(), 0_i64..=100));
    let event = (0_u64..200, 0_i64..40, settles).prop_map(|(later, wanted, settles)| Event {
        later,
        wanted,
        settles,
    });
    vec(event, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The exact log: in no time of the length is more spent than the amount; and what the log would let
    /// pass in a window that is a fifteenth longer passes.
    #[test]
    fn a_rolling_period_lets_no_more_through_and_hardly_less(events in events()) {
        let budgets = keep(Period::Rolling(Duration::from_secs(LENGTH)));
        let mut log: Vec<(u64, i64, Option<Reservation>)> = Vec::new();
        let mut now = 0;
        for event in events {
            now += event.later;
            if let Some((which, percent)) = event.settles {
                let mut open: Vec<_> = log.iter_mut().filter(|(.., held)| held.is_some()).collect();
                if !open.is_empty() {
                    let which = which % open.len();
                    let (_, amount, held) = &mut *open[which];
                    *amount = *amount * percent / 100;
                    held.take().unwrap().settle(at(now), Money::from_nanos(*amount));
                }
            }
            let within = |length: u64| -> i64 {
                log.iter().filter(|(when, ..)| when + length > now).map(|(_, amount, _)| amount).sum()
            };
            let (exact, longer) = (within(LENGTH), within(LENGTH / 15 * 16));
            let passed = reserve(&budgets, at(now), event.wanted);
            if passed.is_some() {
                prop_assert!(event.wanted == 0 || exact + event.wanted <= AMOUNT, "{exact} were spent");
            } else {
                prop_assert!(longer + event.wanted > AMOUNT, "only {longer} were spent");
            }
            if passed.is_some() {
                log.push((now, event.wanted, passed));
            }
        }
    }

    /// Of a calendar's period exactly what is reserved and settled in it counts.
    #[test]
    fn a_calendars_period_counts_exactly(events in events(), zone in prop_oneof![Just("UTC"), Just("Asia/Kolkata")]) {
        let zone: Zone = zone.parse().unwrap();
        let period = Period::day(zone);
        let budgets = keep(period.clone());
        let mut log: Vec<(SystemTime, i64, Option<Reservation>)> = Vec::new();
        let mut now = 0;
        for event in events {
            now += event.later * 60;
            if let Some((which, percent)) = event.settles {
                let mut open: Vec<_> = log.iter_mut().filter(|(.., held)| held.is_some()).collect();
                if !open.is_empty() {
                    let which = which % open.len();
                    let (_, amount, held) = &mut *open[which];
                    *amount = *amount * percent / 100;
                    held.take().unwrap().settle(at(now), Money::from_nanos(*amount));
                }
            }
            let (start, end) = period.bounds(at(now));
            prop_assert!(start <= at(now) && at(now) < end);
            let taken: i64 = log.iter().filter(|(when, ..)| *when == start).map(|(_, amount, _)| amount).sum();
            let passed = reserve(&budgets, at(now), event.wanted);
            prop_assert_eq!(passed.is_some(), event.wanted == 0 || taken + event.wanted <= AMOUNT);
            let told: i64 = budgets.spent(at(now)).map(|spent| spent.spent.nanos() + spent.reserved.nanos()).sum();
            let wanted = if passed.is_some() { event.wanted } else { 0 };
            prop_assert_eq!(told, taken + wanted);
            if passed.is_some() {
                log.push((start, event.wanted, passed));
            }
        }
    }
}

#[test]
fn threads_spend_exactly_the_amount() {
    for _ in 0..20 {
        let budgets = keep(Period::day(Zone::default()));
        let (passed, kept) = (AtomicI64::new(0), AtomicI64::new(0));
        let (budgets, passed, kept) = (&budgets, &passed, &kept);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for turn in 0..250 {
                        let Some(reservation) = reserve(budgets, at(0), 1) else { continue };
                        passed.fetch_add(1, Ordering::Relaxed);
                        if (thread + turn) % 2 == 0 {
                            reservation.settle(at(0), Money::ZERO);
                        } else {
                            kept.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(kept.load(Ordering::Relaxed), AMOUNT);
        assert!(passed.load(Ordering::Relaxed) > AMOUNT);
        assert!(reserve(budgets, at(0), 1).is_none());
    }
}

#[test]
fn budgets_may_be_shared_by_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<Arc<Budgets>>();
    is_shared::<Reservation>();
}
