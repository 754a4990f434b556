use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tollway_core::Money;

/// A length of time: `500ms`, `30s`, `2m`, `1h`, `7d`, or a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

/// A number of bytes: `65536`, `64KiB`, `32MiB`, `1GiB`, `10MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) usize);

/// An amount of money in US dollars: `100`, `12.50`, with nine decimals at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dollars(pub(super) Money);

impl FromStr for Dollars {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not an amount of dollars such as 100 or 12.50";
        let text = text.trim().trim_start_matches('$');
        text.parse().ok().filter(|amount| *amount >= Money::ZERO).map(Self).ok_or(WRONG)
    }
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not a length of time such as `500ms`, `30s` or `2m`";
        let (number, unit) = split(text);
        let number: u64 = number.parse().map_err(|_| WRONG)?;
        let span = match unit {
            "ms" => Duration::from_millis(number),
            "s" | "" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.saturating_mul(60)),
            "h" => Duration::from_secs(number.saturating_mul(3600)),
            "d" => Duration::from_secs(number.saturating_mul(86_400)),
            _ => return Err(WRONG),
        };
        // Beyond a year, adding it to an instant could fail on some systems.
        if span > Duration::from_hours(366 * 24) { Err("longer than a year") } else { Ok(Self(span)) }
    }
}

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not a number of bytes such as `65536`, `64KiB` or `32MiB`";
        let (number, unit) = split(text);
        let factor: usize = match unit {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "KiB" => 1 << 10,
            "MB" => 1_000_000,
            "MiB" => 1 << 20,
            "GB" => 1_000_000_000,
            "GiB" => 1 << 30,
            _ => return Err(WRONG),
        };
        number.parse().ok().and_then(|number: usize| number.checked_mul(factor)).map(Self).ok_or(WRONG)
    }
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    (number, unit.trim_start())
}

/// Reads a string by `FromStr`, and a number as the string that spells it.
struct Spelled<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = &'static str>> de::Visitor<'_> for Spelled<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number with a unit")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        number.to_string().parse().map_err(E::custom)
    }

    // The shortest text that reads as the same number: as it was written.
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        number.to_string().parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Spelled(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Spelled(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Spelled(std::marker::PhantomData))
    }
}

impl JsonSchema for Dollars {
    fn schema_name() -> Cow<'static, str> {
        "Dollars".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"], "minimum": 0, "pattern": r"^\$?[0-9]+(\.[0-9]{1,9})?$|\$\{" })
    }
}

/// The length of time that a text such as `30s` or `24h` tells.
pub fn span_of(text: &str) -> Result<Duration, &'static str> {
    text.parse().map(|Span(span)| span)
}

/// As it would be written, in the largest unit that it is a whole number of.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        for (unit, length) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
            if millis.is_multiple_of(length) {
                return write!(f, "{}{unit}", millis / length);
            }
        }
        write!(f, "{millis}ms")
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: 500ms, 30s, 2m, 1h, or a number of seconds.",
            "type": ["string", "integer"],
            "pattern": r"^\s*[0-9]+\s*(ms|s|m|h|d)?\s*$|\$\{",
            "minimum": 0,
        })
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes: 65536, 64KiB, 32MiB, 1GiB, 10MB.",
            "type": ["string", "integer"],
            "pattern": r"^\s*[0-9]+\s*(B|[kK]B|KiB|MB|MiB|GB|GiB)?\s*$|\$\{",
            "minimum": 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_units() {
        assert_eq!("500ms".parse(), Ok(Span(Duration::from_millis(500))));
        assert_eq!(" 2 m ".parse(), Ok(Span(Duration::from_mins(2))));
        assert_eq!("30".parse(), Ok(Span(Duration::from_secs(30))));
        assert_eq!("7d".parse(), Ok(Span(Duration::from_hours(168))));
        assert_eq!("12.5".parse(), Ok(Dollars(Money::from_nanos(12_500_000_000))));
        for wrong in ["", "-1", "1e3", "0.0000000001", "a"] {
            assert!(wrong.parse::<Dollars>().is_err(), "{wrong}");
        }
        assert_eq!("64KiB".parse(), Ok(Size(65536)));
        assert_eq!("10MB".parse(), Ok(Size(10_000_000)));
        for wrong in ["", "s", "-1s", "1.5s", "1w", "9999h", "99999999999999999999s", "18446744073709551615h"]
        {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
        for wrong in ["", "KiB", "1Ki", "18446744073709551615GiB"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,24}") {
            let _ = (text.parse::<Span>().ok(), text.parse::<Size>().ok());
        }
    }
}
