use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};

/// A number of the price list, exactly as it is written: `0.0375` is 375 and four decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal {
    digits: u64,
    decimals: u8,
}

impl Decimal {
    /// The number times a power of ten, if that is a whole number that fits.
    pub fn scaled(self, decimals: u8) -> Option<u64> {
        let more = decimals.checked_sub(self.decimals)?;
        self.digits.checked_mul(10_u64.checked_pow(more.into())?)
    }

    /// So many units, of which a power of ten make one.
    pub(crate) const fn of(mut digits: u64, mut decimals: u8) -> Self {
        while decimals > 0 && digits.is_multiple_of(10) {
            (digits, decimals) = (digits / 10, decimals - 1);
        }
        Self { digits, decimals }
    }

    /// The digits without the point, and how many of them stand after it.
    pub(crate) const fn parts(self) -> (u64, u8) {
        (self.digits, self.decimals)
    }
}

impl FromStr for Decimal {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not a number such as 0.075, zero or more, written without an exponent";
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || text.ends_with('.') {
            return Err(WRONG);
        }
        let fraction = fraction.trim_end_matches('0');
        let digits = [whole, fraction].concat().parse().map_err(|_| WRONG)?;
        Ok(Self { digits, decimals: u8::try_from(fraction.len()).map_err(|_| WRONG)? })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.decimals);
        let text = format!("{:0width$}", self.digits, width = decimals + 1);
        match text.split_at_checked(text.len() - decimals) {
            Some((whole, fraction)) if decimals > 0 => write!(f, "{whole}.{fraction}"),
            _ => f.write_str(&text),
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, zero or more")
    }

    fn visit_u64<E: de::Error>(self, digits: u64) -> Result<Decimal, E> {
        Ok(Decimal { digits, decimals: 0 })
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Decimal, E> {
        u64::try_from(number).map_or_else(
            |_| Err(E::custom(format_args!("below zero: {number}"))),
            |digits| self.visit_u64(digits),
        )
    }

    /// A number that the reader of the file has made binary. Its shortest form is what was written where
    /// that had 15 digits or fewer: so many a binary number always keeps.
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Decimal, E> {
        let text = number.to_string();
        let significant = text.trim_start_matches(['0', '.']).bytes().filter(u8::is_ascii_digit).count();
        if significant > 15 {
            return Err(E::custom(format_args!("too many digits to be exact, write it in quotes: {number}")));
        }
        self.visit_str(&text)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        text.parse().map_err(|what| E::custom(format_args!("{what}: {text}")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IntoDeserializer;

    use super::*;

    fn of<'de, T>(value: T) -> Result<Decimal, String>
    where
        T: IntoDeserializer<'de, de::value::Error>,
    {
        Decimal::deserialize(value.into_deserializer()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn reads_what_is_written() {
        for text in ["0", "2", "0.0375", "12.5", "18446744073709551615"] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), text);
        }
        assert_eq!("1.50".parse::<Decimal>().unwrap().to_string(), "1.5");
        for wrong in ["", ".", "1.", ".5", "-1", "1e3", "1/2", "NaN", "0x1", "18446744073709551616"] {
            assert!(wrong.parse::<Decimal>().is_err(), "{wrong}");
        }
        assert!(of(-1_i64).is_err_and(|fault| fault.contains("below zero: -1")));
        assert!(of(f64::NAN).is_err() && of(f64::INFINITY).is_err() && of(-0.5_f64).is_err());
        assert!(of(0.1_f64 + 0.2).is_err_and(|fault| fault.contains("in quotes")));
    }

    #[test]
    fn scales_exactly_or_not_at_all() {
        let number: Decimal = "0.0375".parse().unwrap();
        assert_eq!(
            (number.scaled(9), number.scaled(4), number.scaled(3)),
            (Some(37_500_000), Some(375), None)
        );
        assert_eq!("99999999999".parse::<Decimal>().unwrap().scaled(9), None);
    }

    proptest! {
        #[test]
        fn a_binary_number_is_the_one_written(digits in 0_u64..1_000_000_000_000, decimals in 0_usize..10) {
            let text = format!("{:0width$}", digits, width = decimals + 1);
            let (whole, fraction) = text.split_at(text.len() - decimals);
            let text = if decimals > 0 { format!("{whole}.{fraction}") } else { text.clone() };
            let written: Decimal = text.parse().unwrap();
            prop_assert_eq!(of(text.parse::<f64>().unwrap()), Ok(written));
        }
    }
}
