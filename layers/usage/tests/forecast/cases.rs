//! What forecasts say of series whose future is plain.

use tollway_core::Money;
use tollway_usage::forecast::{Basis, Forecast, Period, forecast};

/// 2026-11-02, a Monday.
const MONDAY: u32 = 20_759;
/// 2026-11-01 to 2026-11-30.
const NOVEMBER: Period = Period { first: MONDAY - 1, last: MONDAY + 28, today: MONDAY + 14, elapsed: 0.0 };

fn dollars(text: &str) -> Money {
    text.parse().unwrap()
}

/// Each day before today cost so much, from so many days before on.
fn told(days: u32, cost: impl Fn(u32) -> &'static str, period: Period) -> Forecast {
    let days = (period.today - days..period.today).map(|day| (day, dollars(cost(day))));
    forecast(&days.collect::<Vec<_>>(), &period)
}

fn near(found: Money, wanted: &str, nanos: i64) {
    let apart = (found.nanos() - dollars(wanted).nanos()).abs();
    assert!(apart <= nanos, "{found} in place of {wanted}");
}

#[test]
fn what_never_changes_goes_on() {
    let told = told(60, |_| "12.50", NOVEMBER);
    assert_eq!((told.so_far, told.basis, told.history), (dollars("187.50"), Basis::Weekdays, 60));
    near(told.total, "375", 1_000);
    assert_eq!(told.days.len(), 15);
    assert!(told.likely.0 < told.total && told.total < told.likely.1);
}

#[test]
fn free_weekends_stay_free() {
    let told = told(63, |day| if (day - MONDAY % 7) % 7 >= 5 { "0" } else { "10" }, NOVEMBER);
    // Eleven working days are to come, and two weekends.
    near(told.total, "210", 10_000_000);
    near(told.days[0], "10", 1_000_000);
    near(told.days[5], "0", 1_000_000);
    near(told.days[6], "0", 1_000_000);
}

#[test]
fn a_job_of_each_monday_is_expected_on_mondays() {
    let told = told(63, |day| if day % 7 == MONDAY % 7 { "70" } else { "0" }, NOVEMBER);
    // The 16th, 23rd and 30th.
    near(told.total, "350", 100_000_000);
    near(told.days[1], "0", 1_000_000);
}

#[test]
fn one_spike_tells_nothing_of_the_future() {
    let told = told(60, |day| if day == MONDAY + 11 { "500" } else { "10" }, NOVEMBER);
    near(told.total, "790", 1_000_000_000);
    // Four cases of five go without another.
    assert!(told.likely.1 < dollars("850"), "{:?}", told.likely);
    assert!(told.nearly_sure.1 > told.likely.1);
}

#[test]
fn a_change_counts_once_it_has_lasted() {
    let shifted = |ago: u32| told(60, |day| if day >= MONDAY + 14 - ago { "30" } else { "10" }, NOVEMBER);
    assert!(shifted(1).total < shifted(0).total.saturating_add(dollars("100")), "one day is no level");
    let (before, after) = (shifted(0).total, shifted(12).total);
    assert!(after > dollars("700") && after > before, "{after} {before}");
}

#[test]
fn growth_goes_on_for_a_while() {
    let costs =
        |day: u32| ["10", "11", "12", "13", "14", "15", "16", "17", "18"][((day + 49 - MONDAY) / 7) as usize];
    let told = told(60, costs, NOVEMBER);
    let flat: Money = told.so_far.saturating_add(dollars("270"));
    assert!(told.total > flat, "{} {flat}", told.total);
}

#[test]
fn little_history_is_said_and_widens_the_interval() {
    let after = |days: u32| {
        let period = Period { first: MONDAY, last: MONDAY + 29, today: MONDAY + days, elapsed: 0.0 };
        told(days, |_| "10", period)
    };
    let width = |told: &Forecast| told.likely.1.nanos() - told.likely.0.nanos();
    for (days, basis) in
        [(1, Basis::Mean), (2, Basis::Mean), (6, Basis::Mean), (7, Basis::Level), (14, Basis::Weekdays)]
    {
        let told = after(days);
        assert_eq!(told.basis, basis);
        near(told.total, "300", 1_000);
    }
    assert!(width(&after(1)) > width(&after(2)) && width(&after(2)) > 2 * width(&after(14)));
}

#[test]
fn on_its_first_day_a_project_goes_on_at_its_pace() {
    let period = |elapsed| Period { first: MONDAY, last: MONDAY + 9, today: MONDAY, elapsed };
    let told = forecast(&[(MONDAY, dollars("6"))], &period(0.25));
    assert_eq!((told.basis, told.so_far), (Basis::Today, dollars("6")));
    near(told.total, "240", 1_000);
    // Before the first hour is over there is no pace.
    let early = forecast(&[(MONDAY, dollars("6"))], &period(0.01));
    assert_eq!((early.basis, early.total), (Basis::Nothing, dollars("6")));
}

#[test]
fn of_today_the_rest_is_expected() {
    let period = Period { elapsed: 0.75, ..NOVEMBER };
    let mut days: Vec<_> = (0..30).map(|ago| (period.today - 1 - ago, dollars("8"))).collect();
    days.push((period.today, dollars("7")));
    let told = forecast(&days, &period);
    near(told.days[0], "2", 1_000);
    near(told.total, "241", 1_000);
}

#[test]
fn nothing_comes_of_nothing() {
    let told = forecast(&[], &NOVEMBER);
    assert_eq!(
        (told.total, told.nearly_sure, told.basis),
        (Money::ZERO, (Money::ZERO, Money::ZERO), Basis::Nothing)
    );
    let credit = forecast(&[(NOVEMBER.today - 3, dollars("-5"))], &NOVEMBER);
    assert_eq!((credit.so_far, credit.total), (dollars("-5"), dollars("-5")));
}

#[test]
fn a_period_that_is_over_is_known() {
    let told = told(60, |_| "10", Period { today: NOVEMBER.last + 5, ..NOVEMBER });
    assert_eq!((told.total, told.nearly_sure), (dollars("300"), (dollars("300"), dollars("300"))));
    assert!(told.days.is_empty());
}

#[test]
fn a_period_to_come_is_forecast_from_its_first_day() {
    let told = told(60, |_| "10", Period { today: NOVEMBER.first - 10, ..NOVEMBER });
    assert_eq!((told.so_far, told.days.len()), (Money::ZERO, 30));
    near(told.total, "300", 1_000);
}
