//! Where what outlives a request is kept: keys, and the counters that replicas share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use tollway_auth::keys::Pepper;

use super::{
    Path as At, Secret,
    context::{Context, read_small},
    document::Short,
    error::Problem,
    secret::{Found, SecretFile, find},
    units::Span,
};

/// What replicas share, and what outlives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The database of keys.
    pub database: Database,
    /// Whether the configuration names it. Where it does not, there is one once its file is there.
    pub is_named: bool,
    /// What keys are hashed with; none where nothing was hashed yet.
    pub secret: Option<Secret>,
    /// Where a secret is kept that is made here, beside a file of SQLite.
    pub secret_file: Option<PathBuf>,
    /// The server that counts for all replicas, by its URL: `redis://`, `rediss://` with TLS,
    /// `redis+cluster://` with commas between some of its nodes, `redis+sentinel://`.
    pub redis: Option<Secret>,
    /// How long a decision waits for it.
    pub redis_timeout: Duration,
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
    /// Default: `tollway.db` in the folder of the configuration, once a key was made.
    database: Option<SecretFile>,
    /// What keys are hashed with: at least 32 bytes, the same in all replicas and for as long as the
    /// keys are to live. Default: made with the first key, in a file beside that of SQLite.
    secret: Option<SecretFile>,
    /// The Redis or Valkey server that limits and budgets are shared by: `redis://host:6379/0`,
    /// `rediss://` with TLS, `redis+cluster://one:6379,other:6379`.
    redis: Option<SecretFile>,
    /// How long a request waits for that server at most. Once one did, none waits until the server
    /// has answered again, and each limit does as its `on_failure` says. Default: 50ms.
    redis_timeout: Option<Span>,
}

impl StateFile {
    pub(super) fn validate(&self, context: &Context<'_>) -> Result<State, Problem> {
        let path = At::of(&["state"]);
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
            && !["redis", "rediss", "valkey", "valkeys"].iter().any(|scheme| {
                let rest = url.expose().strip_prefix(scheme);
                ["://", "+cluster://", "+sentinel://"]
                    .iter()
                    .any(|kind| rest.is_some_and(|rest| rest.starts_with(kind)))
            })
        {
            return Err(Problem::plain(path.key("redis"), "not the URL of a Redis server")
                .hint("as in redis://host:6379/0, or rediss:// with TLS"));
        }
        let redis_timeout = self.redis_timeout.map_or(REDIS_TIMEOUT, |Span(span)| span);
        if !(Duration::from_millis(1)..=LONGEST_REDIS_TIMEOUT).contains(&redis_timeout) {
            return Err(Problem::value(path.key("redis_timeout"), "not between 1ms and 5s")
                .hint("requests wait for it; as in 50ms"));
        }
        let named = read("database", &self.database)?;
        let is_named = named.is_some();
        let found = match named {
            None => Database::Sqlite(context.locate(Path::new("tollway.db"))),
            Some(url) => database(&url, &path.key("database"), context)?,
        };
        let given = read("secret", &self.secret)?;
        let (secret, secret_file) = match (given, &found) {
            (Some(secret), _) => (Some(secret), None),
            (None, Database::Postgres(_)) => {
                return Err(Problem::plain(path.key("secret"), "missing, and replicas need the same one")
                    .hint("make one with `openssl rand -hex 32`, and keep it for as long as the keys"));
            }
            (None, Database::Sqlite(database)) => {
                let mut name = database.as_os_str().to_owned();
                name.push(".secret");
                let file = PathBuf::from(name);
                // The first key that is made makes it, and whoever serves is to notice.
                context.files.note(&file);
                if has_keys(database) && !file.exists() {
                    return Err(Problem::plain(path.key("secret"), format!("gone: {}", file.display())).hint(
                        format!(
                            "the keys in {} are of no use without it; bring it back, or take them away to begin anew",
                            database.display()
                        ),
                    ));
                }
                let text = file.exists().then(|| read_small(&file)).transpose().map_err(|what| {
                    Problem::plain(path.key("secret"), format!("{what}: {}", file.display()))
                })?;
                let secret = text.map(|text| Secret::new(text.trim(), format!("from {}", file.display())));
                (secret, Some(file))
            }
        };
        if let Some(secret) = &secret
            && let Err(error) = Pepper::new(secret.expose().as_bytes())
        {
            return Err(Problem::plain(path.key("secret"), error.to_string())
                .hint("make one with `openssl rand -hex 32`"));
        }
        Ok(State { database: found, is_named, secret, secret_file, redis, redis_timeout })
    }
}

/// The database that a text names.
pub(super) fn database(url: &Secret, path: &At, context: &Context<'_>) -> Result<Database, Problem> {
    let text = url.expose();
    if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(Database::Postgres(url.clone()));
    }
    let file = text.strip_prefix("sqlite:").unwrap_or(text);
    if file.contains("://") {
        return Err(Problem::plain(path.clone(), "neither a file nor a PostgreSQL server")
            .hint("as in tollway.db, or postgres://user@host/tollway"));
    }
    Ok(Database::Sqlite(context.locate(Path::new(file))))
}

impl State {
    /// The file of SQLite that is gone, though its secret shows that there were keys in it: who made
    /// these would not have the gateway open because a disk is missing.
    pub fn lost(&self) -> Option<&Path> {
        match &self.database {
            Database::Sqlite(file) if self.awaits_file() && !file.exists() => Some(file),
            _ => None,
        }
    }

    /// Whether there is a file of SQLite to wait for.
    pub(crate) fn awaits_file(&self) -> bool {
        self.secret.is_some() && self.secret_file.is_some()
    }
}

const REDIS_TIMEOUT: Duration = Duration::from_millis(50);

/// Longer is an outage of the gateway.
const LONGEST_REDIS_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether there is a file of keys, and something in it.
fn has_keys(database: &Path) -> bool {
    std::fs::metadata(database).is_ok_and(|file| file.len() > 0)
}
