use super::history::{History, WEEK};
use super::robust::{NORMAL, mean, median, quantile, week_around};
use super::weekdays::Weekdays;

/// A history without its weekdays, and what of it says nothing of the level.
#[derive(Debug)]
pub(super) struct Outliers {
    /// The level of each day, outliers cut off; none of a weekday that costs next to nothing anyway.
    pub(super) cleaned: Vec<Option<f64>>,
    /// What was cut off of each day's cost.
    pub(super) excess: Vec<f64>,
}

impl Outliers {
    pub(super) fn of(history: &History, weekdays: &Weekdays) -> Self {
        let factors: Vec<f64> =
            (0..history.costs.len()).map(|place| weekdays.of_weekday(history.weekday(place))).collect();
        let tells = |factor: f64| factor >= LEAST_FACTOR;
        let levels = history.costs.iter().zip(&factors).filter(|(_, factor)| tells(**factor));
        let levels: Vec<f64> = levels.map(|(cost, factor)| cost / factor).collect();
        let mut cut = cut(&levels).into_iter();
        let (mut cleaned, mut excess) = (Vec::new(), Vec::new());
        for (cost, factor) in history.costs.iter().zip(&factors) {
            let level = if tells(*factor) { cut.next() } else { None };
            cleaned.push(level);
            // Compared before it is multiplied again, which rounds.
            let is_cut = level.is_some_and(|level| level < cost / factor);
            excess.push(level.filter(|_| is_cut).map_or(0.0, |level| (cost - level * factor).max(0.0)));
        }
        Self { cleaned, excess }
    }

    /// What is expected to come on top of a day's level, because it did before.
    pub(super) fn rate(&self) -> f64 {
        if self.recurs() { mean(&self.excess) } else { 0.0 }
    }

    /// Whether what was cut off is part of what things cost.
    pub(super) fn recurs(&self) -> bool {
        self.excess.iter().filter(|excess| **excess > 0.0).count() >= OFTEN
    }
}

/// The same with outliers cut off on both sides (Hampel's filter).
fn cut(levels: &[f64]) -> Vec<f64> {
    if levels.len() < 2 * WEEK {
        // Two weekend days of a week are no outliers: while weekdays are not known, only what is far above.
        let most = median(levels).filter(|median| *median > 0.0).map_or(f64::INFINITY, |median| FAR * median);
        return levels.iter().map(|level| level.min(most)).collect();
    }
    let around = |place| median(week_around(levels, place)).unwrap_or(0.0);
    let medians: Vec<f64> = (0..levels.len()).map(around).collect();
    let far: Vec<f64> = levels.iter().zip(&medians).map(|(level, median)| (level - median).abs()).collect();
    let robust = 3.0 * NORMAL * median(&far).unwrap_or(0.0);
    // What happens every tenth day is no outlier: of a project that is used now and then most days are zero.
    let most = robust.max(quantile(&far, 1.0 - RARE).unwrap_or(0.0));
    levels
        .iter()
        .zip(&medians)
        .map(|(level, median)| level.clamp(median - most, median + most).max(0.0))
        .collect()
}

/// How rare outliers are.
const RARE: f64 = 0.1;

/// How many medians are far above them all.
const FAR: f64 = 5.0;

/// How often something has happened that is expected to happen again.
const OFTEN: usize = 3;

/// The least factor of a weekday that still tells the level: less would blow up what is noise.
const LEAST_FACTOR: f64 = 0.05;
