/// What a forecast rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Basis {
    /// Nothing was spent yet: nothing is expected.
    Nothing,
    /// No complete day: today's cost, as if the rest of it and every other day went on like that.
    Today,
    /// Fewer than seven complete days: their mean.
    Mean,
    /// Fewer than fourteen: a level that outliers do not move.
    Level,
    /// Fourteen complete days or more: the level, its trend and the weekdays.
    Weekdays,
}

impl Basis {
    /// A word for reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Today => "today",
            Self::Mean => "mean",
            Self::Level => "level",
            Self::Weekdays => "weekdays",
        }
    }
}
