use std::sync::Arc;

use crate::rollup::Level;
use crate::{Day, Dimension, Sums};

/// What a report asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageQuery {
    /// The first day.
    pub from: Day,
    /// The last day: it counts as well.
    pub to: Day,
    /// By what usage is told apart. Without any there is one row, of everything, even where
    /// that is nothing.
    pub by: Vec<Dimension>,
    /// What counts: all of these must hold.
    pub filters: Vec<Filter>,
    /// Which rows come first.
    pub order: Order,
    /// How many rows are told at most, of those that come first.
    pub top: Option<u32>,
}

/// What counts of a dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The dimension, which may not be a piece of time: that is what [`UsageQuery::from`] is for.
    pub dimension: Dimension,
    /// One of these. An empty text is what has none.
    pub values: Vec<Arc<str>>,
}

/// Which rows of a report come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// What cost most.
    #[default]
    Cost,
    /// In the order of what they are told apart by.
    Dimensions,
}

/// A row of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// What it is about, in the order that was asked for; none where requests had none: no team, or no
    /// provider as the answer came out of the cache.
    pub dimensions: Vec<Option<String>>,
    /// What it adds up to.
    pub sums: Sums,
}

/// Why a report cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Tags are added up each for itself, without keys and users.
    #[error("a tag cannot be asked for together with {0}")]
    NotTogether(Dimension),
    /// A filter by time.
    #[error("days are chosen by from and to, not by a filter on {0}")]
    TimeFilter(Dimension),
    /// The same twice.
    #[error("asked for twice: {0}")]
    Twice(Dimension),
}

impl UsageQuery {
    /// Everything of some days, in one row.
    pub const fn new(from: Day, to: Day) -> Self {
        Self { from, to, by: Vec::new(), filters: Vec::new(), order: Order::Cost, top: None }
    }

    /// The sums that answer it with the fewest rows, and the tag that they are of.
    pub(crate) fn level(&self) -> Result<(Level, Option<&Arc<str>>), QueryError> {
        if let Some(filter) = self.filters.iter().find(|filter| filter.dimension.is_time()) {
            return Err(QueryError::TimeFilter(filter.dimension.clone()));
        }
        let mut before = self.by.iter();
        while let Some(dimension) = before.next_back() {
            if before.as_slice().contains(dimension) {
                return Err(QueryError::Twice(dimension.clone()));
            }
        }
        let mut tag = None;
        let mut caller = None;
        let (mut has_routes, mut has_models) = (false, false);
        for dimension in self.by.iter().chain(self.filters.iter().map(|filter| &filter.dimension)) {
            match dimension {
                Dimension::Tag(name) => match tag {
                    Some(other) if other != name => return Err(QueryError::NotTogether(dimension.clone())),
                    _ => tag = Some(name),
                },
                Dimension::Key | Dimension::User => caller = Some(dimension),
                Dimension::Route | Dimension::Dialect => has_routes = true,
                Dimension::Provider | Dimension::Model | Dimension::ModelServed => has_models = true,
                _ => {}
            }
        }
        match (tag, caller) {
            (Some(_), Some(caller)) => Err(QueryError::NotTogether(caller.clone())),
            (Some(tag), None) => Ok((Level::Tags, Some(tag))),
            (None, Some(_)) if has_models || has_routes => Ok((Level::Callers, None)),
            (None, Some(_)) => Ok((Level::Who, None)),
            (None, None) if has_routes => Ok((Level::Routes, None)),
            (None, None) => Ok((Level::Models, None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_sums_answer() {
        let level = |by: &str, filter: &str| {
            let filters = filter
                .split_terminator(' ')
                .map(|dimension| Filter { dimension: dimension.parse().unwrap(), values: vec!["x".into()] });
            let by = by.split_terminator(' ').map(|dimension| dimension.parse().unwrap()).collect();
            let day = Day::from_number(0);
            let query = UsageQuery { by, filters: filters.collect(), ..UsageQuery::new(day, day) };
            query.level().map(|(level, tag)| (level, tag.cloned())).map_err(|error| error.to_string())
        };
        assert_eq!(level("model team day", "provider"), Ok((Level::Models, None)));
        assert_eq!(level("model route", "user"), Ok((Level::Callers, None)));
        assert_eq!(level("team day", "key"), Ok((Level::Who, None)));
        assert_eq!(level("model", "dialect"), Ok((Level::Routes, None)));
        assert_eq!(level("model", "user"), Ok((Level::Callers, None)));
        assert_eq!(level("model tag:a", "tag:a"), Ok((Level::Tags, Some("a".into()))));
        assert_eq!(level("tag:a", "tag:b"), Err("a tag cannot be asked for together with tag:b".into()));
        assert_eq!(level("tag:a key", ""), Err("a tag cannot be asked for together with key".into()));
        assert_eq!(level("", "day"), Err("days are chosen by from and to, not by a filter on day".into()));
        assert_eq!(level("day team day", ""), Err("asked for twice: day".into()));
    }
}
