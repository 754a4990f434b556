use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer};

use crate::Decimal;

/// What a price is multiplied by, exactly: `11/10`, `1.1` and `2` are ratios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    numerator: u32,
    denominator: u32,
}

impl Ratio {
    /// As it is.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// A ratio; `None` where it would be nothing or divide by nothing.
    pub const fn new(numerator: u32, denominator: u32) -> Option<Self> {
        if numerator == 0 || denominator == 0 { None } else { Some(Self { numerator, denominator }) }
    }

    /// A whole number; one, where it is none.
    pub const fn whole(number: u32) -> Self {
        if number == 0 { Self::ONE } else { Self { numerator: number, denominator: 1 } }
    }

    /// Whether it makes more of what it is applied to.
    pub const fn is_above_one(&self) -> bool {
        self.numerator > self.denominator
    }

    /// What is multiplied by.
    pub const fn numerator(self) -> u32 {
        self.numerator
    }

    /// What is divided by.
    pub const fn denominator(self) -> u32 {
        self.denominator
    }

    fn of(number: Decimal) -> Option<Self> {
        let (digits, decimals) = number.parts();
        Self::new(digits.try_into().ok()?, 10_u32.checked_pow(decimals.into())?)
    }
}

impl FromStr for Ratio {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ratio = match text.split_once('/') {
            Some((above, below)) => {
                let part = |text: &str| text.parse::<Decimal>().ok()?.scaled(0)?.try_into().ok();
                part(above).zip(part(below)).and_then(|(above, below)| Self::new(above, below))
            }
            None => text.parse().ok().and_then(Self::of),
        };
        ratio.ok_or("not a ratio above zero such as 11/10 or 1.1")
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            below => write!(f, "{}/{below}", self.numerator),
        }
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(Decimal),
            Text(String),
        }
        let ratio = match Written::deserialize(deserializer)? {
            Written::Number(number) => Self::of(number).ok_or("not a ratio above zero such as 11/10 or 1.1"),
            Written::Text(text) => text.parse(),
        };
        ratio.map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fractions_and_numbers() {
        let shown = |text: &str| text.parse::<Ratio>().map(|ratio| ratio.to_string());
        assert_eq!(shown("11/10").as_deref(), Ok("11/10"));
        assert_eq!(shown("1.1").as_deref(), Ok("11/10"));
        assert_eq!(shown("2").as_deref(), Ok("2"));
        for wrong in ["", "0", "0/1", "1/0", "1/2/3", "-1", "1.5/2", "4294967296", "a/b"] {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
    }
}
