use crate::Money;

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// What the provider's own usage costs; nothing where it did no work.
    Known(Money),
    /// What it should have cost: the provider was at work and has not said what it counted.
    Estimated(Money),
    /// It cost something, and nobody knows what: why, in a word.
    Unpriced(&'static str),
}

impl Charge {
    /// The amount, as far as there is a price.
    pub const fn amount(self) -> Option<Money> {
        match self {
            Self::Known(amount) | Self::Estimated(amount) => Some(amount),
            Self::Unpriced(_) => None,
        }
    }

    /// Whether the amount is ours and not the provider's.
    pub const fn is_estimated(self) -> bool {
        matches!(self, Self::Estimated(_))
    }
}
