use super::future::{Future, sum};
use super::history::{History, WEEK};
use super::level::Level;
use super::number;
use super::outliers::Outliers;
use super::robust::{mean, mean_square, quantile};
use super::weekdays::Weekdays;

/// How far from what is expected a sum may lie, to both sides, in dollars.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    /// In four cases of five.
    pub(super) likely: f64,
    /// In nineteen cases of twenty.
    pub(super) nearly_sure: f64,
}

impl Spread {
    pub(super) fn of(
        history: &History,
        weekdays: &Weekdays,
        outliers: &Outliers,
        level: &Level,
        future: &Future,
    ) -> Self {
        let past = Past::of(history, weekdays, outliers, level);
        // What happened once or twice is none of the likely cases.
        let usual = if outliers.recurs() { &past.costs } else { &past.usual };
        let likely = past.width(usual, &future.factors, LIKELY);
        let nearly_sure = past.width(&past.costs, &future.factors, NEARLY_SURE);
        Self { likely, nearly_sure: nearly_sure.max(likely) }
    }
}

/// What was, and what would have been forecast.
struct Past<'a> {
    level: &'a Level,
    factors: Vec<f64>,
    on_top: f64,
    /// The mean level.
    usual_level: f64,
    costs: Vec<f64>,
    /// The costs without what was cut off.
    usual: Vec<f64>,
}

impl<'a> Past<'a> {
    fn of(history: &History, weekdays: &Weekdays, outliers: &Outliers, level: &'a Level) -> Self {
        let places = 0..history.costs.len();
        let usual = history.costs.iter().zip(&outliers.excess).map(|(cost, excess)| cost - excess).collect();
        Self {
            level,
            factors: places.map(|place| weekdays.of_weekday(history.weekday(place))).collect(),
            on_top: outliers.rate(),
            usual_level: mean(&level.states.iter().map(|state| state.after(1)).collect::<Vec<_>>()),
            costs: history.costs.clone(),
            usual,
        }
    }

    /// How far a sum of days of these factors may lie from what is expected.
    fn width(&self, costs: &[f64], factors: &[f64], certainty: Certainty) -> f64 {
        let deviation = self.deviation(costs);
        let past = self.scores(costs, factors.len(), deviation);
        let deviation = deviation * self.size(costs.len());
        let days = number(costs.len());
        let normal = certainty.normal * (1.0 + certainty.unsure / (days + 1.0));
        // Scores of overlapping days repeat one another: there are as many as do not overlap.
        let apart = if past.len() < WEEK { 0.0 } else { days / number(factors.len().clamp(1, past.len())) };
        let empirical = quantile(&past, certainty.part).unwrap_or(normal);
        let scale = (apart * empirical + PRIOR_SCORES * normal) / (apart + PRIOR_SCORES);
        let doubt = TREND_DOUBT * certainty.normal * self.trend_effect(factors);
        (scale * deviation * self.unit(factors, costs.len())).hypot(doubt)
    }

    /// What the trend makes of a sum of days of these factors.
    fn trend_effect(&self, factors: &[f64]) -> f64 {
        let now = self.level.now();
        sum(now, factors, 0.0) - sum(now.without_trend(), factors, 0.0)
    }

    /// The standard deviation of a day of factor one, against its level: of the residuals, and of a prior that
    /// counts as a few of them.
    fn deviation(&self, costs: &[f64]) -> f64 {
        let residual = |(place, cost): (usize, &f64)| {
            let size = self.size(place);
            (size > 0.0).then_some((cost - self.forecast(place, place + 1)?) / size)
        };
        let residuals: Vec<f64> = costs.iter().enumerate().skip(1).filter_map(residual).collect();
        let seen = number(residuals.len());
        let squares = mean_square(&residuals) * seen + PRIOR_DEVIATION.powi(2) * PRIOR_DAYS;
        (squares / (seen + PRIOR_DAYS)).sqrt()
    }

    /// What was wrong with forecasts of as many days, or as many as there were, by what could be expected.
    fn scores(&self, costs: &[f64], days: usize, deviation: f64) -> Vec<f64> {
        let score = |place: usize| {
            let end = costs.len().min(place + days);
            let came: f64 = costs.get(place..end)?.iter().sum();
            let unit = self.unit(self.factors.get(place..end)?, place) * deviation * self.size(place);
            (unit > 0.0).then_some((came - self.forecast(place, end)?).abs() / unit)
        };
        (WEEK..costs.len()).filter_map(score).collect()
    }

    /// What noise is measured by at a place: it grows with the level. The level of a day on which there was
    /// next to none would blow it up.
    fn size(&self, place: usize) -> f64 {
        self.level.states.get(place).map_or(0.0, |state| state.after(1)).max(LEAST_SIZE * self.usual_level)
    }

    /// What would have been forecast before a day for it and those until another.
    fn forecast(&self, from: usize, until: usize) -> Option<f64> {
        Some(sum(*self.level.states.get(from)?, self.factors.get(from..until)?, self.on_top))
    }

    /// The standard deviation of a sum of days of these factors, known from so many days, where that of a day
    /// is one: each day's own, and what it will move the level by for those after it, and what the level may
    /// be wrong by now.
    fn unit(&self, factors: &[f64], known: usize) -> f64 {
        let whole: f64 = factors.iter().sum();
        let mut after = whole;
        let own = factors.iter().map(|factor| {
            after -= factor;
            (factor + self.level.gain * after.max(0.0)).powi(2)
        });
        (own.sum::<f64>() + whole * whole / (number(known) + 0.5)).sqrt()
    }
}

/// How sure an interval is to be.
#[derive(Clone, Copy)]
struct Certainty {
    /// The part of all cases it holds.
    part: f64,
    /// How many standard deviations that is, normally.
    normal: f64,
    /// How much wider it is where the standard deviation itself is known from few days.
    unsure: f64,
}

const LIKELY: Certainty = Certainty { part: 0.8, normal: 1.2816, unsure: 2.0 };
const NEARLY_SURE: Certainty = Certainty { part: 0.95, normal: 1.96, unsure: 8.0 };

/// What a day's standard deviation is taken to be before anything is known, of the level, and as how many days
/// that counts.
const PRIOR_DEVIATION: f64 = 0.4;
const PRIOR_DAYS: f64 = 2.0;

/// The least that noise is measured by, of the mean level.
const LEAST_SIZE: f64 = 0.2;

/// The standard deviation of what a trend brings: nobody knows for how long it goes on.
const TREND_DOUBT: f64 = 0.5;

/// As how many past forecasts the normal distribution counts.
const PRIOR_SCORES: f64 = 2.0;
