use super::number;

/// The value below which a part of all values lies, between two neighbours in proportion. None of none.
pub(super) fn quantile(values: &[f64], part: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = number(sorted.len().checked_sub(1)?) * part.clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the number of values")]
    let below = place.floor() as usize;
    let low = *sorted.get(below)?;
    let high = sorted.get(below + 1).copied().unwrap_or(low);
    Some(low + (high - low) * (place - place.floor()))
}

pub(super) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The mean; nothing of none.
pub(super) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / number(values.len()) }
}

/// The mean without the least and the greatest, where there are enough. None of none.
pub(super) fn middle_mean(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = if sorted.len() < 4 { &*sorted } else { sorted.get(1..sorted.len() - 1)? };
    (!middle.is_empty()).then(|| mean(middle))
}

/// The mean of the squares; nothing of none.
pub(super) fn mean_square(values: &[f64]) -> f64 {
    if values.is_empty() {
        0.0
    } else {
        values.iter().map(|value| value * value).sum::<f64>() / number(values.len())
    }
}

/// The values of the week around a place: at both ends, the first or last week.
pub(super) fn week_around(values: &[f64], place: usize) -> &[f64] {
    let start = place.saturating_sub(3).min(values.len().saturating_sub(7));
    values.get(start..values.len().min(start + 7)).unwrap_or_default()
}

/// By what the median of absolute deviations is multiplied to be the standard deviation of what is normally
/// distributed.
pub(super) const NORMAL: f64 = 1.4826;
