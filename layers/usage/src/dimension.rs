use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// By what usage is told apart in a report.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dimension {
    /// Days of UTC: `2026-11-23`.
    Day,
    /// Weeks, by their Mondays: `2026-11-23`.
    Week,
    /// Months: `2026-11`.
    Month,
    /// Keys, by their public ids.
    Key,
    /// Users, or their hashes.
    User,
    /// Teams.
    Team,
    /// The values of a tag. Requests without it are left out.
    Tag(Arc<str>),
    /// Providers.
    Provider,
    /// Models, as clients named them.
    Model,
    /// Models, as providers told that they served.
    ModelServed,
    /// The paths that were asked.
    Route,
    /// The formats that clients speak.
    Dialect,
}

/// A text names no dimension.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown dimension (known: day, week, month, key, user, team, tag:NAME, provider, model, model_served, \
     route, dialect): {0}"
)]
pub struct ParseDimensionError(String);

impl Dimension {
    /// Whether it is a piece of time.
    pub const fn is_time(&self) -> bool {
        matches!(self, Self::Day | Self::Week | Self::Month)
    }

    /// What tells it apart in the tables of sums: a column, or a term over one.
    pub(crate) const fn term(&self) -> &'static str {
        match self {
            Self::Day => "d.day",
            // The Monday: the first day of all was a Thursday.
            Self::Week => "d.day - (d.day + 3) % 7",
            Self::Month => "d.month",
            Self::Key => "s.key_id",
            Self::User => "s.user_id",
            Self::Team => "s.team",
            Self::Tag(_) => "s.tag_value",
            Self::Provider => "s.provider",
            Self::Model => "s.model",
            Self::ModelServed => "s.served",
            Self::Route => "s.route",
            Self::Dialect => "s.dialect",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Key => "key",
            Self::User => "user",
            Self::Team => "team",
            Self::Tag(name) => return write!(f, "tag:{name}"),
            Self::Provider => "provider",
            Self::Model => "model",
            Self::ModelServed => "model_served",
            Self::Route => "route",
            Self::Dialect => "dialect",
        })
    }
}

impl FromStr for Dimension {
    type Err = ParseDimensionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "key" => Self::Key,
            "user" => Self::User,
            "team" => Self::Team,
            "provider" => Self::Provider,
            "model" => Self::Model,
            "model_served" => Self::ModelServed,
            "route" => Self::Route,
            "dialect" => Self::Dialect,
            _ => match text.strip_prefix("tag:") {
                Some(name) if !name.is_empty() => Self::Tag(name.into()),
                _ => return Err(ParseDimensionError(text.to_owned())),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_shown() {
        let names = "day week month key user team tag:project provider model model_served route dialect";
        for name in names.split(' ') {
            assert_eq!(name.parse::<Dimension>().unwrap().to_string(), name);
        }
        for wrong in ["", "Day", "tag", "tag:"] {
            assert!(wrong.parse::<Dimension>().is_err(), "{wrong}");
        }
    }
}
