use std::{fmt, time::Duration};

/// Where a Redis or Valkey is, and how to speak to it.
#[derive(Clone)]
#[non_exhaustive]
pub struct RedisSettings {
    /// Where: `redis://user:password@host:6379/0` or `redis+cluster://host:6379,host:6379`; `rediss` is TLS.
    pub url: String,
    /// The user, where the URL has none.
    pub user: Option<String>,
    /// The password, where the URL has none.
    pub password: Option<String>,
    /// What all keys begin with, in braces. Replicas that share budgets have the same.
    pub prefix: String,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an answer may take until it counts as lost. The breaker's time is much shorter; what comes
    /// between the two is heard, and what it granted is given back.
    pub response_timeout: Duration,
}

impl RedisSettings {
    /// Keys that begin with `{tollway}`, a second to connect and one to answer.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            user: None,
            password: None,
            prefix: "tollway".to_owned(),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(1),
        }
    }
}

impl fmt::Debug for RedisSettings {
    /// Without what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings")
            .field("prefix", &self.prefix)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}
