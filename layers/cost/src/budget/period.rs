use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::{Timestamp, ToSpan as _, civil::Date};

use super::Zone;

/// In what time an amount may be spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Period {
    /// A day, week or month as a calendar has it. A day over which clocks are changed has 23 or 25 hours.
    Calendar {
        /// Which.
        unit: Unit,
        /// Whose midnight begins it.
        zone: Zone,
    },
    /// Any time of this length, wherever it begins. It is counted in 15 parts: what was spent counts for
    /// at least this long, and for up to a fifteenth longer.
    Rolling(Duration),
}

/// A piece of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// From midnight to midnight.
    Day,
    /// From Monday on.
    Week,
    /// From the first on.
    Month,
}

/// A period that runs or ran: from its first millisecond to the first that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Period {
    /// A day in a zone.
    pub const fn day(zone: Zone) -> Self {
        Self::Calendar { unit: Unit::Day, zone }
    }

    /// A week in a zone, from Monday on.
    pub const fn week(zone: Zone) -> Self {
        Self::Calendar { unit: Unit::Week, zone }
    }

    /// A month in a zone.
    pub const fn month(zone: Zone) -> Self {
        Self::Calendar { unit: Unit::Month, zone }
    }

    /// From when to when the period is that runs at a time: of a calendar's its first moment and that of
    /// the next; of a rolling one what still counts for sure, up to now.
    pub fn bounds(&self, now: SystemTime) -> (SystemTime, SystemTime) {
        match self {
            Self::Calendar { unit, zone } => {
                let span = span(*unit, zone, millis(now));
                (time(span.start), time(span.end))
            }
            Self::Rolling(length) => (now.checked_sub(*length).unwrap_or(UNIX_EPOCH), now),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calendar { unit, zone } => write!(f, "a {} in {zone}", unit.as_str()),
            Self::Rolling(length) => write!(f, "any {}", humantime::format_duration(*length)),
        }
    }
}

impl Unit {
    /// The name used in configuration and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// The piece of the calendar that holds a time. At the end of what calendars know it never ends, so that
/// nothing is set free.
pub(super) fn span(unit: Unit, zone: &Zone, now: i64) -> Span {
    let found = Timestamp::from_millisecond(now).ok().and_then(|now| {
        let today = now.to_zoned_datetime(zone.0.clone()).date();
        let (first, length) = match unit {
            Unit::Day => (today, 1.day()),
            Unit::Week => {
                let since_monday = i64::from(today.weekday().to_monday_zero_offset());
                (today.checked_sub(since_monday.days()).ok()?, 1.week())
            }
            Unit::Month => (today.first_of_month(), 1.month()),
        };
        Some(Span { start: midnight(first, zone)?, end: midnight(first.checked_add(length).ok()?, zone)? })
    });
    found.unwrap_or(Span { start: now, end: i64::MAX })
}

/// The first moment of a day: where midnight is left out, that is later.
fn midnight(day: Date, zone: &Zone) -> Option<i64> {
    Some(day.to_zoned_datetime(zone.0.clone()).ok()?.timestamp().as_millisecond())
}

/// Milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> i64 {
    let clip = |length: Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    time.duration_since(UNIX_EPOCH).map_or_else(|before| -clip(before.duration()), clip)
}

/// The time so many milliseconds after 1970.
pub(super) fn time(millis: i64) -> SystemTime {
    let distance = Duration::from_millis(millis.unsigned_abs());
    let time = if millis < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    #[test]
    fn periods_are_the_calendars() {
        let hour = 3_600_000;
        for (unit, name, now, start, hours) in [
            // Clocks go forward, and back.
            (Unit::Day, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", 23),
            (Unit::Day, "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", 25),
            (Unit::Day, "America/New_York", "2026-03-08T06:59:59Z", "2026-03-08T05:00:00Z", 23),
            // Midnight is left out: the day begins at one.
            (Unit::Day, "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z", 23),
            (Unit::Day, "America/Sao_Paulo", "2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z", 24),
            // A whole day is left out.
            (Unit::Day, "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", 24),
            (Unit::Day, "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", 24),
            (Unit::Week, "UTC", "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z", 168),
            (Unit::Week, "UTC", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", 168),
            (Unit::Week, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-22T23:00:00Z", 167),
            (Unit::Month, "UTC", "2028-02-29T23:59:59Z", "2028-02-01T00:00:00Z", 29 * 24),
            (Unit::Month, "UTC", "2026-02-28T23:59:59Z", "2026-02-01T00:00:00Z", 28 * 24),
            (Unit::Month, "UTC", "2026-01-31T23:59:59Z", "2026-01-01T00:00:00Z", 31 * 24),
            (Unit::Month, "Europe/Berlin", "2026-12-31T23:00:00Z", "2026-12-31T23:00:00Z", 31 * 24),
            (Unit::Month, "Europe/Berlin", "2026-03-10T00:00:00Z", "2026-02-28T23:00:00Z", 31 * 24 - 1),
        ] {
            let found = span(unit, &zone(name), at(now));
            assert_eq!(
                (found.start, found.end),
                (at(start), at(start) + hours * hour),
                "{unit:?} {name} {now}"
            );
        }
    }

    #[test]
    fn no_time_is_too_far() {
        for now in [i64::MIN, i64::MAX, at("9999-12-30T12:00:00Z")] {
            let found = span(Unit::Month, &Zone::default(), now);
            assert!(found.start <= now && now <= found.end, "{found:?}");
            assert_eq!(found.end, i64::MAX);
        }
    }

    proptest! {
        #[test]
        fn one_follows_the_other(
            now in 0_i64..4_000_000_000_000,
            unit in prop_oneof![Just(Unit::Day), Just(Unit::Week), Just(Unit::Month)],
            name in prop_oneof![
                Just("UTC"), Just("Europe/Berlin"), Just("Australia/Lord_Howe"), Just("America/Sao_Paulo"),
                Just("Asia/Kathmandu"), Just("Pacific/Apia"), Just("Africa/Casablanca"),
            ],
        ) {
            let zone = zone(name);
            let found = span(unit, &zone, now);
            prop_assert!(found.start <= now && now < found.end);
            prop_assert_eq!(span(unit, &zone, found.end - 1), found);
            prop_assert_eq!(span(unit, &zone, found.start), found);
            prop_assert_eq!(span(unit, &zone, found.end).start, found.end);
        }
    }
}
