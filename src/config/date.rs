use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, de};

/// A day of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day a moment falls on.
    pub fn of(moment: SystemTime) -> Self {
        let days = moment.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs() / 86_400;
        // Days to civil date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". Eras
        // of 400 years that begin on 1 March put the leap day last.
        let days = days + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let narrow = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
        Self { year: u16::try_from(year).unwrap_or(u16::MAX), month: narrow(month), day: narrow(day) }
    }

    /// The seconds from 1970 to the beginning of the day; zero for days before.
    pub fn unix_seconds(self) -> u64 {
        let (month, day) = (u64::from(self.month), u64::from(self.day));
        let year = u64::from(self.year) - u64::from(month <= 2);
        let (era, year_of_era) = (year / 400, year % 400);
        let month_from_march = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        (era * 146_097 + of_era).saturating_sub(719_468) * 86_400
    }
}

impl FromStr for Date {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not a date such as 2026-12-11";
        let mut parts = text.splitn(3, '-');
        let mut part = |digits: usize| {
            let part =
                parts.next().filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()));
            part.and_then(|part| part.parse::<u16>().ok()).ok_or(WRONG)
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let narrow = |number: u16| u8::try_from(number).map_err(|_| WRONG);
        let date = Self { year, month: narrow(month)?, day: narrow(day)? };
        let moment = UNIX_EPOCH
            + Duration::from_secs(if year < 1970 { 0 } else { date.checked_seconds().ok_or(WRONG)? });
        // The 31st of April comes back as the 1st of May.
        if Self::of(moment) == date { Ok(date) } else { Err(WRONG) }
    }
}

impl Date {
    fn checked_seconds(self) -> Option<u64> {
        ((1..=12).contains(&self.month) && (1..=31).contains(&self.day)).then(|| self.unix_seconds())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl<'de> Deserialize<'de> for Date {
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
        for (text, seconds) in [("1970-01-01", 0), ("2000-02-29", 951_782_400), ("2026-11-22", 1_795_305_600)]
        {
            assert_eq!(text.parse::<Date>().unwrap().unix_seconds(), seconds, "{text}");
        }
        for wrong in [
            "",
            "2026",
            "2026-1-1",
            "2026-02-30",
            "2025-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-01-00",
            "1969-01-01",
            "+026-01-01",
        ] {
            assert!(wrong.parse::<Date>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn seconds_and_back(day in 0_u64..2_000_000) {
            let date = Date::of(UNIX_EPOCH + Duration::from_secs(day * 86_400 + 17));
            prop_assert_eq!(date.unix_seconds(), day * 86_400);
            prop_assert_eq!(date.to_string().parse(), Ok(date));
        }

        #[test]
        fn never_panics(text in "[0-9-]{0,12}") {
            let _ = text.parse::<Date>();
        }
    }
}
