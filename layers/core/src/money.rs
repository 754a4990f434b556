use std::{fmt, iter::Sum, str::FromStr};

/// An amount of money: whole nano-dollars, a thousand-millionth of a US dollar.
///
/// Amounts are exact and are only added and taken away, so nothing is ever rounded here: whoever makes one
/// of a price says how it rounds. The most is some 9.2 thousand million dollars.
/// Adding up with [`Sum`] stops at the most; what must not do that uses [`checked_add`](Self::checked_add).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The most that can be told.
    pub const MAX: Self = Self(i64::MAX);

    /// So many nano-dollars.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The amount in nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Both together; `None` where that is too much.
    pub const fn checked_add(self, more: Self) -> Option<Self> {
        match self.0.checked_add(more.0) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// What is left; below zero where more is taken than was there.
    pub const fn checked_sub(self, less: Self) -> Option<Self> {
        match self.0.checked_sub(less.0) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// Both together, or the most (or least) there is.
    #[must_use]
    pub const fn saturating_add(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }

    /// What is left, or the least (or most) there is.
    #[must_use]
    pub const fn saturating_sub(self, less: Self) -> Self {
        Self(self.0.saturating_sub(less.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::saturating_add)
    }
}

/// Dollars, exactly, with no more digits than needed but at least two after the point: `0.000012345`,
/// `1.50`. A precision (`{:.9}`) gives that many digits where the amount needs no more.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        let (whole, fraction) = (nanos / PER_DOLLAR, nanos % PER_DOLLAR);
        // Of the nine digits, how many are needed, and what is left of the fraction without the others.
        let (mut fraction, mut digits) = (fraction, 9);
        let least = f.precision().unwrap_or(2).min(9);
        while digits > least && fraction % 10 == 0 {
            (fraction, digits) = (fraction / 10, digits - 1);
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        if digits == 0 {
            return f.write_fmt(format_args!("{sign}{whole}"));
        }
        f.write_fmt(format_args!("{sign}{whole}.{fraction:0digits$}"))
    }
}

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseMoneyError;

impl fmt::Display for ParseMoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an amount of dollars such as 12.50, with nine digits after the point at most")
    }
}

impl std::error::Error for ParseMoneyError {}

/// Dollars as they are displayed: digits, a point, nine digits after it at most, a minus before it all.
impl FromStr for Money {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (negative, amount) = text.strip_prefix('-').map_or((false, text), |amount| (true, amount));
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || fraction.len() > 9 {
            return Err(ParseMoneyError);
        }
        let whole: i128 = whole.parse().map_err(|_| ParseMoneyError)?;
        let fraction: i128 = format!("{fraction:0<9}").parse().map_err(|_| ParseMoneyError)?;
        let nanos = whole.checked_mul(PER_DOLLAR.into()).and_then(|nanos| nanos.checked_add(fraction));
        let nanos = nanos.map(|nanos| if negative { -nanos } else { nanos }).ok_or(ParseMoneyError)?;
        nanos.try_into().map(Self).map_err(|_| ParseMoneyError)
    }
}

const PER_DOLLAR: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shows_every_digit_and_no_more() {
        for (nanos, shown) in [
            (0, "0.00"),
            (12_345, "0.000012345"),
            (1_500_000_000, "1.50"),
            (-1, "-0.000000001"),
            (i64::MAX, "9223372036.854775807"),
            (i64::MIN, "-9223372036.854775808"),
        ] {
            assert_eq!(Money::from_nanos(nanos).to_string(), shown);
        }
        assert_eq!(format!("{:.9}", Money::from_nanos(1_000)), "0.000001000");
        assert_eq!(format!("{:.0} {:.0}", Money::from_nanos(0), Money::from_nanos(1)), "0 0.000000001");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "1e3", "+1", "--1", "1,5", "0.0000000001", "9223372036.854775808"] {
            assert_eq!(text.parse::<Money>(), Err(ParseMoneyError), "{text}");
        }
        assert_eq!("3".parse(), Ok(Money::from_nanos(3_000_000_000)));
    }

    proptest! {
        #[test]
        fn shown_and_back(nanos: i64, digits in 0_usize..12) {
            let money = Money::from_nanos(nanos);
            prop_assert_eq!(money.to_string().parse(), Ok(money));
            prop_assert_eq!(format!("{money:.digits$}").parse(), Ok(money));
        }

        #[test]
        fn adds_or_says_that_it_cannot(a: i64, b: i64) {
            let (x, y) = (Money::from_nanos(a), Money::from_nanos(b));
            prop_assert_eq!(x.checked_add(y).map(Money::nanos), a.checked_add(b));
            prop_assert_eq!(x.checked_sub(y).map(Money::nanos), a.checked_sub(b));
            prop_assert_eq!([x, y].into_iter().sum::<Money>().nanos(), a.saturating_add(b));
        }
    }
}
