use std::fmt;
use std::time::Duration;

use super::RedisStoreError;

/// Where a Redis or Valkey is, and how to speak to it.
#[derive(Clone)]
#[non_exhaustive]
pub struct RedisSettings {
    /// Where: `redis://user:password@host:6379/0`, `redis+cluster://host:6379,host:6379` or
    /// `redis+sentinel://host:26379,host:26379/master/0`, where the number is the database.
    ///
    /// `rediss` is TLS, `valkey` and `valkeys` mean the same as `redis` and `rediss`. A cluster's and
    /// sentinels' hosts are those to ask first; one that answers suffices. User and password are those
    /// of the server; sentinels' own are given as `?sentinel_user=…&sentinel_password=…`.
    pub url: String,
    /// The user, where the URL has none.
    pub user: Option<String>,
    /// The password, where the URL has none.
    pub password: Option<String>,
    /// What all keys begin with. Replicas that share limits have the same.
    pub prefix: String,
    /// The certificates (PEM) of those who may vouch for the server; else Mozilla's list of those who
    /// may for web sites.
    pub authorities: Option<Vec<u8>>,
    /// What the server is shown, if it asks who connects.
    pub certificate: Option<ClientCertificate>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an answer may take until it counts as lost. The breaker's time is much shorter; what
    /// comes between the two is heard, and taken or given back in peace.
    pub response_timeout: Duration,
}

impl RedisSettings {
    /// Keys that begin with `tollway`, a second to connect and one to answer.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            user: None,
            password: None,
            prefix: "tollway".to_owned(),
            authorities: None,
            certificate: None,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(1),
        }
    }

    pub(super) fn check(&self) -> Result<(), RedisStoreError> {
        for (field, time) in
            [("connect_timeout", self.connect_timeout), ("response_timeout", self.response_timeout)]
        {
            if time.is_zero() {
                return Err(RedisStoreError::setting(field, "must not be zero"));
            }
        }
        Ok(())
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

/// Who we are, to a server that asks.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The certificate and those that vouch for it (PEM).
    pub chain: Vec<u8>,
    /// Its key (PEM).
    pub key: Vec<u8>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}
