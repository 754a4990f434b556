use std::{fmt, str::FromStr};

use jiff::tz::TimeZone;

use super::BudgetError;

/// A time zone by its IANA name, such as `Europe/Berlin`; `UTC` where none is named.
///
/// The rules of all zones are built in; where the machine has newer ones, those hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(pub(super) TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = BudgetError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        TimeZone::get(name).map(Self).map_err(|_| BudgetError::Zone(name.into()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({self})")
    }
}
