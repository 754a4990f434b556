use super::history::weekday;
use super::level::{Level, State};
use super::{Period, weekdays::Weekdays};

/// The days to come, with the factor of each: its weekday's, and for today as much of it as is to come.
#[derive(Debug)]
pub(super) struct Future {
    pub(super) factors: Vec<f64>,
    /// How much of each day is to come.
    shares: Vec<f64>,
    /// How many days lie between now and the first.
    before: usize,
}

impl Future {
    pub(super) fn of(period: &Period, weekdays: &Weekdays) -> Self {
        let days: Vec<(u32, f64)> = period.days_left().collect();
        Self {
            factors: days.iter().map(|(day, share)| weekdays.of_weekday(weekday(*day)) * share).collect(),
            shares: days.iter().map(|(_, share)| *share).collect(),
            before: days.first().map_or(0, |(day, _)| day.saturating_sub(period.today) as usize),
        }
    }

    /// What each day will cost, in dollars, where so much comes on top of a day's level.
    pub(super) fn expect(&self, level: &Level, on_top: f64) -> Vec<f64> {
        let days = self.factors.iter().zip(&self.shares).enumerate();
        let cost = |(place, (factor, share)): (usize, (&f64, &f64))| {
            factor * level.now().after(self.before + place + 1) + on_top * share
        };
        days.map(cost).collect()
    }
}

/// What days of these factors will cost together, from a state on.
pub(super) fn sum(state: State, factors: &[f64], on_top: f64) -> f64 {
    factors.iter().enumerate().map(|(place, factor)| factor * state.after(place + 1) + on_top).sum()
}
