//! Where what outlives a request is kept: keys, and the counters that replicas share.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Path, Secret,
    context::Context,
    document::Short,
    error::Problem,
    secret::{Found, SecretFile, find},
};

/// What replicas share, and what outlives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The database of keys.
    pub database: Database,
    /// The server that counts for all replicas, by its URL: `redis://`, `rediss://`, a comma between
    /// those of a cluster.
    pub redis: Option<Secret>,
}

/// The database of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file of SQLite, made when the first key is.
    Sqlite(PathBuf),
    /// A PostgreSQL server, by its URL.
    Postgres(Secret),
}

/// What replicas share, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StateFile {
    /// The database of keys: a file of SQLite, or the URL of a PostgreSQL server.
    /// Default: `tollway.db` in the folder of the configuration.
    database: Option<SecretFile>,
    /// The Redis or Valkey server that limits are shared by: `redis://host:6379/0`, `rediss://` with
    /// TLS.
    redis: Option<SecretFile>,
}

impl StateFile {
    pub(super) fn validate(&self, context: &Context<'_>) -> Result<State, Problem> {
        let path = Path::of(&["state"]);
        let read = |field: &str, given: &Option<SecretFile>| {
            // `${REDIS_URL:-}` is none where the variable is not set.
            let given =
                given.as_ref().filter(|place| !matches!(place, Short::Text(text) if text.trim().is_empty()));
            let Some(place) = given else { return Ok(None) };
            match find(place, &path.key(field), context)? {
                Found::Key(url) => Ok(Some(url)),
                Found::Unset(_) => Ok(None),
            }
        };
        let redis = read("redis", &self.redis)?;
        if let Some(url) = &redis
            && !["redis://", "rediss://", "redis+sentinel://", "rediss+sentinel://"]
                .iter()
                .any(|scheme| url.expose().starts_with(scheme))
        {
            return Err(Problem::plain(path.key("redis"), "not the URL of a Redis server")
                .hint("as in redis://host:6379/0, or rediss:// with TLS"));
        }
        let database = match read("database", &self.database)? {
            None => Database::Sqlite(context.locate(std::path::Path::new("tollway.db"))),
            Some(url)
                if ["postgres://", "postgresql://"].iter().any(|scheme| url.expose().starts_with(scheme)) =>
            {
                Database::Postgres(url)
            }
            Some(url) => {
                let file = url.expose().strip_prefix("sqlite:").unwrap_or(url.expose());
                if file.contains("://") {
                    return Err(Problem::plain(
                        path.key("database"),
                        "neither a file nor a PostgreSQL server",
                    )
                    .hint("as in tollway.db, or postgres://user@host/tollway"));
                }
                Database::Sqlite(context.locate(std::path::Path::new(file)))
            }
        };
        Ok(State { database, redis })
    }
}
