use super::history::{History, WEEK};
use super::number;
use super::robust::{mean, mean_square, middle_mean, quantile, week_around};

/// By what a day's cost differs from the level for its weekday, from Monday on. Their mean is one.
#[derive(Debug)]
pub(super) struct Weekdays([f64; WEEK]);

impl Weekdays {
    /// Where there is too little history, all are one.
    pub(super) fn of(history: &History) -> Self {
        let from = history.costs.len().saturating_sub(LOOKED_AT);
        let costs = history.costs.get(from..).unwrap_or_default();
        if costs.len() < 2 * WEEK {
            return Self([1.0; WEEK]);
        }
        let mut ratios: [Vec<f64>; WEEK] = Default::default();
        for (place, cost) in costs.iter().enumerate() {
            let around = mean(week_around(costs, place));
            if around > 0.0
                && let Some(ratios) = ratios.get_mut(history.weekday(from + place))
            {
                ratios.push(cost / around);
            }
        }
        let means = ratios.each_ref().map(|ratios| middle_mean(ratios).unwrap_or(1.0));
        let centre = mean(&means);
        if centre <= 0.0 {
            return Self([1.0; WEEK]);
        }
        let certainty = certainty(&ratios, &means);
        Self(means.map(|mean| (1.0 + certainty * (mean / centre - 1.0)).max(0.0)))
    }

    /// The factor of a weekday.
    pub(super) fn of_weekday(&self, weekday: usize) -> f64 {
        self.0.get(weekday % WEEK).copied().unwrap_or(1.0)
    }
}

/// How much of the difference between weekdays is no chance: from 0 to 1.
fn certainty(ratios: &[Vec<f64>; WEEK], means: &[f64; WEEK]) -> f64 {
    let weeks = mean(&ratios.each_ref().map(|ratios| number(ratios.len())));
    let of_weekday = ratios.iter().zip(means);
    let deviations: Vec<f64> =
        of_weekday.flat_map(|(ratios, mean)| ratios.iter().map(move |ratio| (ratio - mean).abs())).collect();
    // The means leave the same out.
    let most = quantile(&deviations, 0.95).unwrap_or(0.0);
    let deviations: Vec<f64> = deviations.into_iter().map(|deviation| deviation.min(most)).collect();
    // A mean of few lies nearer to them than the truth does.
    let within = mean_square(&deviations) * weeks / (weeks - 1.0).max(0.5);
    let chance = within / (weeks - 1.0).max(1.0);
    let centre = mean(means);
    let between = means.iter().map(|mean| (mean - centre).powi(2)).sum::<f64>() / 6.0;
    if between > 0.0 { (1.0 - chance / between).clamp(0.0, 1.0) } else { 0.0 }
}

/// How many days weekdays are learned from: eight weeks.
const LOOKED_AT: usize = 8 * WEEK;
