//! What is remembered of what was used.

use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use tollway_usage::Retention;

use super::{
    Database, Path, Server, State,
    context::Context,
    document::{Short, truth, whole_number},
    error::Problem,
    secret::{Found, SecretFile, find},
    state::database,
    units::Span,
};

/// What is remembered of what was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Where records are kept; none where nothing is.
    pub kept: Option<Kept>,
    /// What of an answer is read on when its client has left.
    pub drain: Drain,
}

/// How records are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The database.
    pub database: Database,
    /// Whether the configuration names it, or asks for records: then there must be one.
    pub is_asked: bool,
    /// The folder of what waits for a database that does not answer: this process's own.
    pub spill: PathBuf,
    /// For how long.
    pub retention: Retention,
    /// Whether users are told apart by a hash alone.
    pub hash_users: bool,
    /// Whether prompts are told apart, by a keyed hash: advice on caches needs that.
    pub fingerprints: bool,
}

/// What of an answer is read on when its client has left, to learn what it cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// For how long a stream is. Zero ends it at once.
    pub stream: Duration,
    /// For how many tokens of a stream.
    pub max_tokens: u64,
    /// For how long an answer that is no stream is.
    pub answer: Duration,
}

impl Default for Drain {
    /// A stream that is nearly at its end tells what it cost; one that is not ends soon, because providers
    /// stop what nobody reads, and bill no more of it. An answer that is no stream they finish and bill
    /// whether or not somebody waits.
    fn default() -> Self {
        Self { stream: Duration::from_secs(5), max_tokens: 500, answer: Duration::from_mins(2) }
    }
}

/// What is remembered, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct UsageFile {
    /// Whether requests are recorded, without a word of what was asked or answered. Default: true.
    #[schemars(schema_with = "truth")]
    enabled: Option<bool>,
    /// The database of records: a file of SQLite, or the URL of a PostgreSQL server. Default: the PostgreSQL
    /// server of `state.database`, else `tollway-usage.db` beside its file.
    database: Option<SecretFile>,
    /// For how many days a record of each request is kept. Default: 90.
    #[schemars(schema_with = "whole_number")]
    keep_records_days: Option<u32>,
    /// For how many days daily sums are kept, which reports are made of. Default: for ever.
    #[schemars(schema_with = "whole_number")]
    keep_sums_days: Option<u32>,
    /// Whether users are told apart by a keyed hash alone. Needs a secret in `state`. Default: false.
    #[schemars(schema_with = "truth")]
    hash_users: Option<bool>,
    /// Whether prompts are told apart by a keyed hash, so that `tollway advise` can tell what a cache would
    /// save. Default: true.
    #[schemars(schema_with = "truth")]
    fingerprints: Option<bool>,
    /// What of an answer is read on when its client has left, to learn what it cost.
    drain: DrainFile,
}

/// What of an answer is read on, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct DrainFile {
    /// For how long a stream is; `0s` ends it at once, and what it cost is estimated. Default: 5s.
    stream: Option<Span>,
    /// For about how many tokens of a stream. Default: 500.
    #[schemars(schema_with = "whole_number")]
    max_tokens: Option<u64>,
    /// For how long an answer that is no stream is waited for. Default: 2m.
    answer: Option<Span>,
}

impl UsageFile {
    pub(super) fn validate(
        &self,
        state: &State,
        server: &Server,
        context: &Context<'_>,
    ) -> Result<Usage, Problem> {
        Ok(Usage { kept: self.kept(state, server, context)?, drain: self.drain.validate()? })
    }

    fn kept(&self, state: &State, server: &Server, context: &Context<'_>) -> Result<Option<Kept>, Problem> {
        let path = Path::of(&["usage"]);
        if self.enabled == Some(false) {
            return Ok(None);
        }
        let named = match &self.database {
            // `${USAGE_URL:-}` is none where the variable is not set.
            Some(Short::Text(text)) if text.trim().is_empty() => None,
            None => None,
            Some(place) => match find(place, &path.key("database"), context)? {
                Found::Key(url) => Some(database(&url, &path.key("database"), context)?),
                Found::Unset(_) => None,
            },
        };
        let is_asked = named.is_some() || self.enabled == Some(true);
        let database = named.unwrap_or_else(|| match &state.database {
            Database::Sqlite(file) => Database::Sqlite(file.with_file_name("tollway-usage.db")),
            postgres @ Database::Postgres(_) => postgres.clone(),
        });
        if self.hash_users == Some(true) && state.secret.is_none() {
            return Err(Problem::value(path.key("hash_users"), "there is no secret to hash them with")
                .hint("set `state.secret`; make one with `openssl rand -hex 32`"));
        }
        let days = |field: &str, given: Option<u32>| match given {
            Some(0) => Err(Problem::value(path.key(field), "nothing would be kept")
                .hint("say `enabled: false` to keep nothing at all")),
            given => Ok(given),
        };
        let usual = Retention::default();
        let retention = Retention {
            records: days("keep_records_days", self.keep_records_days)?.or(usual.records),
            sums: days("keep_sums_days", self.keep_sums_days)?.or(usual.sums),
            ..usual
        };
        let spill = match &database {
            Database::Sqlite(file) => file.with_extension("spill"),
            Database::Postgres(_) => context.locate(FilePath::new("tollway-usage.spill")),
        };
        // Two processes on one machine have two addresses.
        let spill = spill.join(match server.listen.port() {
            0 => format!("process-{}", std::process::id()),
            port => port.to_string(),
        });
        Ok(Some(Kept {
            database,
            is_asked,
            spill,
            retention,
            hash_users: self.hash_users == Some(true),
            fingerprints: self.fingerprints != Some(false),
        }))
    }
}

impl DrainFile {
    fn validate(&self) -> Result<Drain, Problem> {
        let usual = Drain::default();
        let path = Path::of(&["usage", "drain"]);
        let span = |field: &str, given: Option<Span>, usual| match given {
            Some(Span(span)) if span > Duration::from_mins(10) => {
                Err(Problem::value(path.key(field), "longer than ten minutes"))
            }
            given => Ok(given.map_or(usual, |Span(span)| span)),
        };
        Ok(Drain {
            stream: span("stream", self.stream, usual.stream)?,
            max_tokens: self.max_tokens.unwrap_or(usual.max_tokens),
            answer: span("answer", self.answer, usual.answer)?,
        })
    }
}
