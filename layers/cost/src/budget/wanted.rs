use tollway_core::Money;

/// What a request is expected to cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How much.
    pub amount: Money,
    /// Whether the price is known.
    pub is_priced: bool,
    /// Whether it is served by a cheaper model already, so that no budget asks for that again.
    pub is_degraded: bool,
}

impl Wanted {
    /// A request whose price nobody knows.
    pub const UNPRICED: Self = Self { amount: Money::ZERO, is_priced: false, is_degraded: false };

    /// Served by the model that a budget asked for.
    #[must_use]
    pub const fn degraded(mut self) -> Self {
        self.is_degraded = true;
        self
    }
}

impl From<Money> for Wanted {
    /// What is below nothing is nothing.
    fn from(amount: Money) -> Self {
        Self { amount: amount.max(Money::ZERO), is_priced: true, is_degraded: false }
    }
}
