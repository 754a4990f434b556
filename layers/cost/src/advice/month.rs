use crate::Money;

/// What an amount of some days is in thirty, rounded down; of no days, the amount itself.
pub(super) fn of(amount: Money, days: u32) -> Money {
    let nanos = i128::from(amount.nanos()) * MONTH / i128::from(days).max(1);
    if days == 0 { amount } else { Money::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)) }
}

/// Days of a month.
const MONTH: i128 = 30;
