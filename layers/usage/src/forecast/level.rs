use super::history::{History, WEEK};
use super::number;
use super::robust::mean;
use super::weekdays::Weekdays;

/// The level of costs and its trend, as they were before each day and are now.
#[derive(Debug)]
pub(super) struct Level {
    /// Before each day of the history, and after the last.
    pub(super) states: Vec<State>,
    /// How fast it forgets: the weight of a new day.
    pub(super) gain: f64,
}

/// A level and by how much it grows a day.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    level: f64,
    trend: f64,
}

impl State {
    pub(super) fn without_trend(self) -> Self {
        Self { trend: 0.0, ..self }
    }

    /// The level so many days later, with the trend dying away.
    pub(super) fn after(self, days: usize) -> f64 {
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        let grown = DAMPING * (1.0 - DAMPING.powi(days)) / (1.0 - DAMPING);
        (self.level + self.trend * grown).max(0.0)
    }
}

impl Level {
    pub(super) fn of(cleaned: &[Option<f64>], history: &History, weekdays: &Weekdays) -> Self {
        if cleaned.is_empty() {
            let level = history.today.unwrap_or(0.0);
            return Self { states: vec![State { level, trend: 0.0 }], gain: 1.0 };
        }
        let weights: Vec<f64> =
            (0..cleaned.len()).map(|place| weekdays.of_weekday(history.weekday(place)).min(1.0)).collect();
        let smooth = |gain, trend| Self { states: smooth(cleaned, &weights, gain, trend), gain };
        if cleaned.len() < 4 * WEEK {
            return smooth(SLOWEST, 0.0);
        }
        let horizon = (cleaned.len() / 3).clamp(WEEK, 2 * WEEK);
        let best = |trends: &[f64]| {
            let tried = GAINS.iter().flat_map(|gain| trends.iter().map(move |trend| (*gain, *trend)));
            let tried = tried.map(|(gain, trend)| {
                let level = smooth(gain, trend);
                (level.error(cleaned, horizon), level)
            });
            tried.min_by(|(a, _), (b, _)| a.total_cmp(b))
        };
        match (best(&[0.0]), best(&TRENDS)) {
            (Some((flat, _)), Some((error, trending))) if error < CLEARLY * flat => trending,
            (Some((_, flat)), _) => flat,
            (None, _) => smooth(SLOWEST, 0.0),
        }
    }

    /// The state of today.
    pub(super) fn now(&self) -> State {
        self.states.last().copied().unwrap_or_default()
    }

    /// By how much forecasts of so many past days would have been wrong.
    fn error(&self, cleaned: &[Option<f64>], horizon: usize) -> f64 {
        let errors = self.states.iter().enumerate().skip(WEEK).filter_map(|(place, state)| {
            let days = cleaned.get(place..)?.iter().take(horizon).enumerate();
            let wrong = days.filter_map(|(after, level)| Some((*level)? - state.after(after + 1)));
            let (count, sum) = wrong.fold((0_usize, 0.0), |(count, sum), wrong| (count + 1, sum + wrong));
            // A sum of more days may be wrong by more.
            (count > 0).then(|| sum.abs() / number(count).sqrt())
        });
        mean(&errors.collect::<Vec<_>>())
    }
}

/// Exponential smoothing: a mean until there are enough days for more; or with a damped trend, from the line
/// through the first weeks on.
fn smooth(cleaned: &[Option<f64>], weights: &[f64], gain: f64, trend_gain: f64) -> Vec<State> {
    let has_trend = trend_gain > 0.0;
    let first = cleaned.iter().find_map(|level| *level).unwrap_or(0.0);
    let mut state = if has_trend { line(cleaned) } else { State { level: first, trend: 0.0 } };
    let mut states = vec![state];
    let mut seen = 0.0;
    for (level, weight) in cleaned.iter().zip(weights) {
        let expected = state.level + DAMPING * state.trend;
        let mut next = State { level: expected, trend: DAMPING * state.trend };
        if let Some(level) = level {
            seen += weight;
            // A day of little cost tells little of the level.
            let wrong = weight * (level - expected);
            next.level += wrong * if has_trend { gain } else { gain.max(1.0 / seen.max(1.0)) };
            next.trend += wrong * gain * trend_gain;
        }
        state = State { level: next.level.max(0.0), ..next };
        states.push(state);
    }
    states
}

/// The line through the first weeks (least squares), as it was the day before them.
fn line(cleaned: &[Option<f64>]) -> State {
    let days = cleaned.iter().take(4 * WEEK).enumerate();
    let points: Vec<(f64, f64)> =
        days.filter_map(|(day, level)| Some((number(day + 1), (*level)?))).collect();
    let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let (x, y) = (mean(&x), mean(&y));
    let steep: f64 = points.iter().map(|(day, level)| (day - x) * (level - y)).sum();
    let wide: f64 = points.iter().map(|(day, _)| (day - x).powi(2)).sum();
    let trend = if wide > 0.0 { steep / wide } else { 0.0 };
    State { level: (y - trend * x).max(0.0), trend }
}

/// The weights of a new day that are tried.
const GAINS: [f64; 5] = [SLOWEST, 0.1, 0.18, 0.3, 0.5];
const SLOWEST: f64 = 0.05;

/// The weights of a new day in the trend, against that in the level.
const TRENDS: [f64; 2] = [0.01, 0.05];

/// How much of a trend is left after a day.
const DAMPING: f64 = 0.995;

/// By how much a trend has to tell the past better than none.
const CLEARLY: f64 = 0.97;
