use std::collections::BTreeMap;

use tollway_core::Money;

use super::{Basis, Period, dollars};

/// What each complete day cost, without gaps.
#[derive(Debug)]
pub(super) struct History {
    /// The day of the first cost.
    pub(super) first: u32,
    /// In dollars.
    pub(super) costs: Vec<f64>,
    /// What today would cost at the pace it has; none before there is a pace.
    pub(super) today: Option<f64>,
}

impl History {
    pub(super) fn of(days: &[(u32, Money)], period: &Period) -> Self {
        let mut by_day = BTreeMap::<u32, Money>::new();
        for (day, cost) in days {
            let sum = by_day.entry(*day).or_default();
            *sum = sum.saturating_add(*cost);
        }
        let cost = |day| by_day.get(&day).copied().map_or(0.0, |cost| dollars(cost).max(0.0));
        let is_cost = |(day, cost): (&u32, &Money)| (*cost > Money::ZERO).then_some(*day);
        let first = by_day.iter().find_map(is_cost).unwrap_or(period.today);
        let first = first.max(period.today.saturating_sub(DAYS));
        let elapsed = period.elapsed();
        let today = (elapsed >= LEAST_OF_A_DAY).then(|| cost(period.today) / elapsed);
        Self { first, costs: (first..period.today).map(cost).collect(), today }
    }

    pub(super) fn basis(&self) -> Basis {
        match (self.costs.len(), self.today) {
            (0, Some(pace)) if pace > 0.0 => Basis::Today,
            (0, _) => Basis::Nothing,
            (1..WEEK, _) => Basis::Mean,
            (WEEK..TWO_WEEKS, _) => Basis::Level,
            _ => Basis::Weekdays,
        }
    }

    /// The weekday of a place in the history, from Monday on.
    pub(super) fn weekday(&self, place: usize) -> usize {
        weekday(self.first).wrapping_add(place) % WEEK
    }
}

/// The weekday of a day, from Monday on: 1970-01-01 was a Thursday.
pub(super) fn weekday(day: u32) -> usize {
    (day as usize % WEEK + 3) % WEEK
}

/// Days of a week.
pub(super) const WEEK: usize = 7;
const TWO_WEEKS: usize = 2 * WEEK;

/// How far back a forecast looks: thirteen weeks.
const DAYS: u32 = 91;

/// How much of a first day has to be over before its pace says anything: an hour.
const LEAST_OF_A_DAY: f64 = 1.0 / 24.0;
