use std::{
    fmt,
    io::{Error, ErrorKind::TimedOut},
    time::{Duration, Instant},
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo as _, RedisError,
    ServerErrorKind, aio::MultiplexedConnection, cluster::ClusterClient, cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
};
use tokio::sync::Mutex;

use super::{RedisSettings, RedisStoreError};

/// The way to the server: one connection for all, made when needed and again after a fault.
pub(super) struct Link {
    target: Target,
    timeout: Duration,
    config: AsyncConnectionConfig,
    current: Mutex<Current>,
}

enum Target {
    Single(Box<Client>),
    Cluster(Box<ClusterClient>),
}

#[derive(Default)]
struct Current {
    connection: Option<Connection>,
    /// How many were made: a fault of an old one does not end the new.
    made: u64,
    failed: Option<Instant>,
}

#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Link {
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, RedisStoreError> {
        for (field, time) in
            [("connect_timeout", settings.connect_timeout), ("response_timeout", settings.response_timeout)]
        {
            if time.is_zero() {
                return Err(RedisStoreError::new(field, "must not be zero"));
            }
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(settings.connect_timeout))
            .set_response_timeout(Some(settings.response_timeout));
        let target = Target::new(settings)?;
        Ok(Self { target, timeout: settings.connect_timeout, config, current: Mutex::default() })
    }

    /// Asks and waits for the answer. Nothing is asked again.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Vec<i64>, RedisError> {
        let (connection, made) = self.connection().await?;
        let answer = match connection {
            Connection::Single(mut connection) => command.query_async(&mut connection).await,
            Connection::Cluster(mut connection) => command.query_async(&mut connection).await,
        };
        if answer.as_ref().is_err_and(is_fault) {
            let mut current = self.current.lock().await;
            if current.made == made {
                current.connection = None;
            }
        }
        answer
    }

    async fn connection(&self) -> Result<(Connection, u64), RedisError> {
        let since = Instant::now();
        let mut current = self.current.lock().await;
        if let Some(connection) = &current.connection {
            return Ok((connection.clone(), current.made));
        }
        // Who waited for another's attempt shares its end.
        if current.failed.is_some_and(|failed| failed > since) {
            return Err(Error::from(std::io::ErrorKind::NotConnected).into());
        }
        let connecting = async {
            Ok(match &self.target {
                Target::Single(client) => Connection::Single(
                    client.get_multiplexed_async_connection_with_config(&self.config).await?,
                ),
                Target::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
            })
        };
        let connected = tokio::time::timeout(self.timeout, connecting).await;
        match connected.unwrap_or_else(|_| Err(Error::from(TimedOut).into())) {
            Ok(connection) => {
                current.made += 1;
                current.connection = Some(connection.clone());
                Ok((connection, current.made))
            }
            Err(error) => {
                current.failed = Some(Instant::now());
                Err(error)
            }
        }
    }
}

impl Target {
    fn new(settings: &RedisSettings) -> Result<Self, RedisStoreError> {
        let wrong = |error: RedisError| RedisStoreError::new("url", error.to_string());
        let (scheme, rest) =
            settings.url.split_once("://").ok_or_else(|| RedisStoreError::new("url", "no scheme"))?;
        let (protocol, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        if protocol.ends_with('s') && rustls::crypto::CryptoProvider::get_default().is_none() {
            // The redis crate leaves the choice to the process. An error means that it was just made.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let info = |host: &str| {
            let info = format!("{protocol}://{host}").into_connection_info().map_err(wrong)?;
            Ok(with_login(info, settings))
        };
        match kind {
            "" => Client::open(info(rest)?).map(Box::new).map(Self::Single).map_err(wrong),
            "cluster" => {
                let (credentials, hosts) =
                    rest.rsplit_once('@').map_or(("", rest), |(login, hosts)| (login, hosts));
                let at = if credentials.is_empty() { "" } else { "@" };
                let nodes = hosts.split(',').map(|host| info(&format!("{credentials}{at}{host}")));
                let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
                let client = ClusterClientBuilder::new(nodes)
                    .connection_timeout(settings.connect_timeout)
                    .response_timeout(settings.response_timeout)
                    // For redirections; what fails is the breaker's matter.
                    .retries(2)
                    .build();
                client.map(Box::new).map(Self::Cluster).map_err(wrong)
            }
            other => Err(RedisStoreError::new("url", format!("unknown scheme: {protocol}+{other}"))),
        }
    }
}

fn with_login(info: ConnectionInfo, settings: &RedisSettings) -> ConnectionInfo {
    let mut login = info.redis_settings().clone();
    if let (None, Some(user)) = (login.username(), &settings.user) {
        login = login.set_username(user);
    }
    if let (None, Some(password)) = (login.password(), &settings.password) {
        login = login.set_password(password);
    }
    info.set_redis_settings(login)
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// Whether another connection might do better.
fn is_fault(error: &RedisError) -> bool {
    // Read-only: this was the master once.
    error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(
            error.kind(),
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
                | ErrorKind::ClusterConnectionNotFound
        )
}
