use crate::Class;

/// Why there is no price. Never a guess instead: who asks counts it, and says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unpriced {
    /// The list has no such provider.
    #[error("no prices of this provider")]
    Provider,
    /// The list has no such model.
    #[error("no price of this model")]
    Model,
    /// The model's first price holds from a later day.
    #[error("no price of this model for that day")]
    Day,
    /// The model has no price at the tier served, or none for so long a request.
    #[error("no price of this model at that tier")]
    Tier,
    /// The model has no price at the speed served.
    #[error("no price of this model at that speed")]
    Speed,
    /// What was used of this class has no price.
    #[error("no price of this model for {0}")]
    Class(Class),
    /// The cost is more than money can tell.
    #[error("the cost is too large a number")]
    TooLarge,
}

impl Unpriced {
    /// A word for metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Day => "day",
            Self::Tier => "tier",
            Self::Speed => "speed",
            Self::Class(_) => "class",
            Self::TooLarge => "too_large",
        }
    }
}
