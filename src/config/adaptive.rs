//! How much a provider is sent at once.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use tollway_rate_limit::adaptive::Settings;

use super::{
    Path,
    document::{Short, whole_number},
    error::Problem,
    units::Span,
};

/// How much a provider is sent at once, in full.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AdaptiveFile {
    /// The most requests at once, whatever the provider could do. Default: 10000.
    #[schemars(schema_with = "whole_number")]
    max_concurrency: Option<usize>,
    /// The most requests that wait when it is sent as much as it can take. Default: 100.
    #[schemars(schema_with = "whole_number")]
    queue: Option<usize>,
    /// How long one waits at most. Default: 5s.
    max_wait: Option<Span>,
}

/// `true`, `false`, or a section.
pub(super) fn adaptive(given: Option<Short<AdaptiveFile>>, path: &Path) -> Result<Option<Settings>, Problem> {
    let file = match given {
        None => return Ok(None),
        Some(Short::Text(word)) if word == "false" => return Ok(None),
        Some(Short::Text(word)) if word == "true" => AdaptiveFile::default(),
        Some(Short::Text(_)) => {
            return Err(Problem::value(path.clone(), "neither true nor false, nor a section of fields"));
        }
        Some(Short::Full(file)) => file,
    };
    let usual = Settings::default();
    if file.max_concurrency == Some(0) {
        return Err(Problem::value(path.key("max_concurrency"), "no request could be sent"));
    }
    if file.max_wait.is_some_and(|Span(span)| span > Duration::from_mins(10)) {
        return Err(Problem::value(path.key("max_wait"), "longer than ten minutes"));
    }
    Ok(Some(Settings {
        ceiling: file.max_concurrency.unwrap_or(MOST),
        max_waiting: file.queue.unwrap_or(usual.max_waiting),
        max_wait: file.max_wait.map_or(usual.max_wait, |Span(span)| span),
        ..usual
    }))
}

/// More than the connections of one process usually are.
const MOST: usize = 10_000;
