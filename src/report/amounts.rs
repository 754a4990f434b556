//! Numbers as people read them.

use tollway_core::Money;

/// How many digits after the point amounts of a table have, by the largest of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amounts {
    digits: u32,
}

impl Amounts {
    /// Cents from a hundred dollars on, and some digits more for less.
    pub(super) fn like(largest: Money) -> Self {
        let digits = match largest.nanos().unsigned_abs() / DOLLAR {
            100.. => 2,
            1.. => 4,
            0 => 6,
        };
        Self { digits }
    }

    /// An amount, rounded half up, all of them with the same digits. What is something is not shown as nothing.
    pub(super) fn show(self, amount: Money) -> String {
        let unit = 10_u64.pow(9 - self.digits);
        let nanos = amount.nanos().unsigned_abs();
        let digits = self.digits as usize;
        let rounded = nanos.saturating_add(unit / 2) / unit;
        if rounded == 0 && nanos > 0 {
            return format!("<{:.digits$}", Money::from_nanos(unit.cast_signed()));
        }
        let rounded = i64::try_from(rounded.saturating_mul(unit)).unwrap_or(i64::MAX);
        // Adding the unit may have gone past the most there is.
        let rounded = rounded - rounded % unit.cast_signed();
        let sign = if amount < Money::ZERO { "-" } else { "" };
        format!("{sign}{:.digits$}", Money::from_nanos(rounded))
    }
}

/// A number in groups of three digits: `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

const DOLLAR: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(largest: &str, amount: &str) -> String {
        Amounts::like(largest.parse().unwrap()).show(amount.parse().unwrap())
    }

    #[test]
    fn amounts_of_a_table_have_the_same_digits() {
        for (largest, amount, expected) in [
            ("100", "12.345", "12.35"),
            ("100", "0.004", "<0.01"),
            ("100", "0.005", "0.01"),
            ("100", "0", "0.00"),
            ("99.99", "12.345", "12.3450"),
            ("0.5", "0.0000125", "0.000013"),
            ("100", "-3.999", "-4.00"),
            ("9223372036.854775807", "9223372036.854775807", "9223372036.85"),
        ] {
            assert_eq!(shown(largest, amount), expected);
        }
        let least = Amounts::like(Money::from_nanos(i64::MIN)).show(Money::from_nanos(i64::MIN));
        assert_eq!(least, "-9223372036.85");
    }

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 12, 999, 1_000, 123_456, 1_234_567, u64::MAX].map(grouped);
        assert_eq!(shown[..6], ["0", "12", "999", "1,000", "123,456", "1,234,567"]);
        assert_eq!(shown[6], "18,446,744,073,709,551,615");
    }
}
