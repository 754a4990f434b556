use crate::Day;

/// What was served to whom a price is asked for, as the provider's **answer** tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served<'a> {
    /// The provider, by its name in the price list.
    pub provider: &'a str,
    /// The model, as the provider names it.
    pub model: &'a str,
    /// The service tier, where one is told.
    pub tier: Option<&'a str>,
    /// The region that a surcharge may hang on, where one is known.
    pub region: Option<&'a str>,
    /// The speed, where one is told: `fast`.
    pub speed: Option<&'a str>,
    /// The day on which it was served.
    pub day: Day,
}

impl<'a> Served<'a> {
    /// A model at the standard tier and speed.
    pub const fn new(provider: &'a str, model: &'a str, day: Day) -> Self {
        Self { provider, model, tier: None, region: None, speed: None, day }
    }
}
