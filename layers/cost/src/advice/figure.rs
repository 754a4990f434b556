use std::fmt;

use crate::{Day, Money};

/// A number, or a word, that advice rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Figure {
    /// How many.
    Count(u64),
    /// How much.
    Amount(Money),
    /// When.
    Date(Day),
    /// Which.
    Name(String),
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Amount(amount) => write!(f, "${amount}"),
            Self::Date(day) => day.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}
