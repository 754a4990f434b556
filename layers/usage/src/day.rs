use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use crate::time::{MILLIS_A_DAY, millis};

/// A day of UTC, by its number since 1970-01-01. What lies before that day counts as of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

/// A text is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a day such as 2026-11-23: {0}")]
pub struct ParseDayError(String);

impl Day {
    /// The day of so many days since 1970-01-01.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// How many days it is since 1970-01-01.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The day in which a moment lies.
    pub fn of(moment: SystemTime) -> Self {
        Self::of_millis(millis(moment))
    }

    /// The day of a calendar date; none where there is no such date.
    pub fn from_date(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        let found = Self(days(year, month, day.try_into().ok()?).try_into().ok()?);
        (found.date() == (year, month, day)).then_some(found)
    }

    /// Its year, month (1 to 12) and day of the month.
    pub fn date(self) -> (i32, u32, u32) {
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
        let shifted = i64::from(self.0) + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        let small = |number: i64| u32::try_from(number).unwrap_or_default();
        (i32::try_from(year).unwrap_or_default(), small(month), small(day))
    }

    /// The day so many days later.
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add_signed(days))
    }

    pub(crate) fn of_millis(millis: i64) -> Self {
        Self(u32::try_from(millis.div_euclid(MILLIS_A_DAY)).unwrap_or_default())
    }

    /// Months since the year 0, by which days are added up to months.
    pub(crate) fn month(self) -> i64 {
        let (year, month, _) = self.date();
        i64::from(year) * 12 + i64::from(month) - 1
    }

    /// The first day of a month that is counted so.
    pub(crate) fn of_month(month: i64) -> Self {
        let year = i32::try_from(month.div_euclid(12)).unwrap_or(i32::MAX);
        let month = u32::try_from(month.rem_euclid(12)).unwrap_or_default() + 1;
        Self::from_date(year, month, 1).unwrap_or(Self(0))
    }
}

/// The number of a date that may lie past the end of its month.
fn days(year: i32, month: u32, day: i32) -> i32 {
    let (month, year) = (month.cast_signed(), if month <= 2 { year - 1 } else { year });
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = ParseDayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '-').map(|part| {
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| part.parse::<u32>().ok()).flatten()
        });
        let mut next = || parts.next().flatten();
        let day = match (next(), next(), next()) {
            (Some(year), Some(month), Some(day)) => {
                i32::try_from(year).ok().and_then(|year| Self::from_date(year, month, day))
            }
            _ => None,
        };
        day.ok_or_else(|| ParseDayError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        for (text, number) in [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-11-23", 20_780)] {
            assert_eq!(text.parse(), Ok(Day(number)));
            assert_eq!(Day(number).to_string(), text);
        }
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-11-31",
            "2026-1-0",
            "+026-01-01",
            "1-2-3-4",
            "1969-12-31",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert_eq!(Day(20_780).month(), 2026 * 12 + 10);
        assert_eq!(Day::of_month(2026 * 12 + 10).to_string(), "2026-11-01");
        assert!((0..800_000).all(|number| Day(number).to_string().parse() == Ok(Day(number))));
    }
}
