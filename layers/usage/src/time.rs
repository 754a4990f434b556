//! Time as it is kept: whole milliseconds since 1970; spans in microseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Day;

pub(crate) const MILLIS_A_DAY: i64 = 24 * MILLIS_AN_HOUR;
pub(crate) const MILLIS_AN_HOUR: i64 = 3_600_000;

/// Milliseconds of a moment. What lies outside of what can be said is the nearest that can.
pub(crate) fn millis(moment: SystemTime) -> i64 {
    match moment.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    }
}

/// Microseconds of a span.
pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// The moment of so many milliseconds since 1970; those before are none.
pub(crate) fn moment(millis: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

/// The first moment of a day.
pub(crate) fn day_start(day: Day) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::from(day.number()) * 86_400)
}

/// A moment as FOCUS wants it, after ISO 8601: `2026-11-23T16:04:05.678Z`.
pub(crate) fn timestamp(millis: i64) -> String {
    let of_day = millis.rem_euclid(MILLIS_A_DAY);
    let (seconds, millis_of_second) = (of_day / 1000, of_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let day = Day::of_millis(millis);
    format!("{day}T{hour:02}:{minute:02}:{second:02}.{millis_of_second:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_shown_to_the_millisecond() {
        assert_eq!(timestamp(1_795_449_845_678), "2026-11-23T16:04:05.678Z");
        assert_eq!(millis(day_start(Day::from_number(2))), 2 * MILLIS_A_DAY);
    }
}
