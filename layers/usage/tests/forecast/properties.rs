//! What forecasts promise of any series.

use proptest::collection::vec;
use proptest::prelude::*;

use tollway_core::Money;
use tollway_usage::forecast::{Period, forecast};

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 0_i64..1_000_000_000_000,
        2 => Just(0),
        1 => any::<i64>(),
        1 => Just(i64::MAX),
        1 => Just(i64::MIN),
    ]
}

fn fraction() -> impl Strategy<Value = f64> {
    prop_oneof![4 => 0.0..=1.0, 1 => any::<f64>(), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]
}

proptest! {
    #[test]
    fn intervals_hold_what_is_expected_and_nothing_is_taken_back(
        days in vec((20_000_u32..20_120, amount()), 0..200),
        first in 19_990_u32..20_130,
        length in 0_u32..60,
        today in 19_990_u32..20_130,
        elapsed in fraction(),
    ) {
        let days: Vec<_> = days.into_iter().map(|(day, nanos)| (day, Money::from_nanos(nanos))).collect();
        let told = forecast(&days, &Period { first, last: first + length, today, elapsed });
        prop_assert!(told.so_far <= told.nearly_sure.0, "{told:?}");
        prop_assert!(told.nearly_sure.0 <= told.likely.0 && told.likely.0 <= told.total, "{told:?}");
        prop_assert!(told.total <= told.likely.1 && told.likely.1 <= told.nearly_sure.1, "{told:?}");
        prop_assert!(told.days.iter().all(|day| *day >= Money::ZERO), "{told:?}");
    }

    #[test]
    fn any_days_and_any_period_are_answered(
        days in vec((any::<u32>(), amount()), 0..20),
        first: u32,
        last: u32,
        today: u32,
        elapsed: f64,
    ) {
        let days: Vec<_> = days.into_iter().map(|(day, nanos)| (day, Money::from_nanos(nanos))).collect();
        let period = Period { first, last, today, elapsed };
        let told = forecast(&days, &period);
        prop_assert!(told.so_far <= told.total);
        prop_assert_eq!(told, forecast(&days, &period));
    }

    #[test]
    fn the_order_of_days_and_the_currency_s_size_do_not_matter(
        mut days in vec((20_000_u32..20_060, 0_i64..1_000_000_000_000), 1..80),
        scale in 2_i64..50,
    ) {
        let period = Period { first: 20_050, last: 20_080, today: 20_060, elapsed: 0.5 };
        let read = |days: &[(u32, i64)], scale: i64| {
            let days: Vec<_> = days.iter().map(|(day, nanos)| (*day, Money::from_nanos(nanos * scale))).collect();
            forecast(&days, &period)
        };
        let told = read(&days, 1);
        let scaled = read(&days, scale);
        let expected = told.total.nanos() as f64 * scale as f64;
        prop_assert!((scaled.total.nanos() as f64 - expected).abs() <= 1e-6 * expected + 100.0 * scale as f64);
        days.reverse();
        prop_assert_eq!(told, read(&days, 1));
    }
}
