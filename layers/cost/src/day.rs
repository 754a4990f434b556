use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, de};

/// A day of the calendar, in UTC: the days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

impl Day {
    /// The first of all: 1970-01-01.
    pub const EPOCH: Self = Self(0);

    /// The day a moment falls on.
    pub fn of(moment: SystemTime) -> Self {
        let days = moment.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs() / 86_400;
        Self(u32::try_from(days).unwrap_or(u32::MAX))
    }

    /// A day by its number in year, month and month's day; `None` where there is no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        // Civil date to days and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
        let shifted = u32::from(year) - u32::from(month <= 2);
        let (era, of_era) = (shifted / 400, shifted % 400);
        let from_march = (u32::from(month) + 9) % 12;
        let of_year = (153 * from_march + 2) / 5 + u32::from(day) - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        let found = Self(days.checked_sub(TO_1970)?);
        // The 31st of April comes back as the 1st of May.
        (found.civil() == (year.into(), month.into(), day.into())).then_some(found)
    }

    /// The days since 1970-01-01.
    pub const fn number(self) -> u32 {
        self.0
    }

    fn civil(self) -> (u64, u64, u64) {
        let days = u64::from(self.0) + u64::from(TO_1970);
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        (year_of_era + era * 400 + u64::from(month <= 2), month, of_year - (153 * from_march + 2) / 5 + 1)
    }
}

/// Days from 0000-03-01 to 1970-01-01.
const TO_1970: u32 = 719_468;

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not a date such as 2026-12-11";
        let mut parts = text.splitn(3, '-');
        let mut part = |length: usize| {
            let part = parts.next().filter(|part| part.len() == length);
            part.filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?.parse::<u16>().ok()
        };
        let (year, month, day) = (part(4), part(2), part(2));
        let narrow = |number: Option<u16>| u8::try_from(number?).ok();
        year.zip(narrow(month))
            .zip(narrow(day))
            .and_then(|((year, month), day)| Self::new(year, month, day))
            .ok_or(WRONG)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_days() {
        for (text, number) in [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-11-22", 20_779)] {
            assert_eq!(text.parse::<Day>().unwrap().number(), number, "{text}");
        }
        for wrong in
            ["", "2026", "2026-1-1", "2026-02-30", "2025-02-29", "2026-13-01", "1969-12-31", "2026-01-00"]
        {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn shown_and_back(number in 0_u32..2_900_000) {
            let day = Day::of(UNIX_EPOCH + Duration::from_secs(u64::from(number) * 86_400 + 17));
            prop_assert_eq!(day.number(), number);
            prop_assert_eq!(day.to_string().parse(), Ok(day));
        }
    }
}
