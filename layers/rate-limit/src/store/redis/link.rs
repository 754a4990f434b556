use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, ErrorKind, IntoConnectionInfo as _,
    RedisConnectionInfo, RedisError, ServerErrorKind, TlsCertificates,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::runtime::Handle;

use super::address::{Address, Kind};
use super::{RedisSettings, RedisStoreError};

/// The way to the server: one connection for all, made when needed and again after a fault.
pub(super) struct Link {
    connector: Arc<Connector>,
    /// The connection, or the attempt to make one; nothing at first and after a fault.
    current: Mutex<Option<Attempt>>,
}

impl Link {
    pub(super) fn new(address: &Address, settings: &RedisSettings) -> Result<Self, RedisStoreError> {
        let connector = Connector::new(address, settings)?;
        Ok(Self { connector: Arc::new(connector), current: Mutex::default() })
    }

    /// Asks and waits for the answer, which is a text. Nothing is asked again.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Vec<u8>, RedisError> {
        self.ask_by(self.attempt()?, command).await
    }

    /// Asks by a connection, when that is there.
    pub(super) async fn ask_by(&self, attempt: Attempt, command: &Cmd) -> Result<Vec<u8>, RedisError> {
        let answer = match attempt.clone().await? {
            Connection::Single(mut connection) => command.query_async(&mut connection).await,
            Connection::Cluster(mut connection) => command.query_async(&mut connection).await,
        };
        if answer.as_ref().is_err_and(is_fault) {
            self.forget(&attempt);
        }
        answer
    }

    /// The connection, if there is one: what is asked by it is sent before anything that is asked later.
    pub(super) fn connected(&self) -> Option<Attempt> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone().filter(|attempt| attempt.peek().is_some_and(Result::is_ok))
    }

    /// The connection, or the attempt that goes on, or a new one.
    fn attempt(&self) -> Result<Attempt, RedisError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(attempt) = &*current
            && !attempt.peek().is_some_and(Result::is_err)
        {
            return Ok(attempt.clone());
        }
        let runtime = Handle::try_current()
            .map_err(|error| RedisError::from((ErrorKind::Client, "no runtime", error.to_string())))?;
        let connector = Arc::clone(&self.connector);
        let attempt = async move { connector.connect().await }.boxed().shared();
        // It goes on when whoever asked for it has gone.
        runtime.spawn(attempt.clone());
        *current = Some(attempt.clone());
        Ok(attempt)
    }

    /// Lets the next one connect anew, unless that was done already. Who waits for an answer on the old
    /// connection still gets it if it comes.
    fn forget(&self, attempt: &Attempt) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| current.ptr_eq(attempt)) {
            *current = None;
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// A connection, or one that is being made.
pub(super) type Attempt = Shared<BoxFuture<'static, Result<Connection, RedisError>>>;

/// Whether another connection might have done better.
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

#[derive(Clone)]
pub(super) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// How a connection is made.
struct Connector {
    target: Target,
    timeout: Duration,
    config: AsyncConnectionConfig,
}

enum Target {
    Single(Box<Client>),
    Cluster(Box<ClusterClient>),
    Sentinel(Box<tokio::sync::Mutex<SentinelClient>>),
}

impl Connector {
    fn new(address: &Address, settings: &RedisSettings) -> Result<Self, RedisStoreError> {
        if address.tls && rustls::crypto::CryptoProvider::get_default().is_none() {
            // The redis crate leaves the choice to the process. An error means that it was just made.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(settings.connect_timeout))
            .set_response_timeout(Some(settings.response_timeout))
            // Room for a burst of decisions without waiting for the task that writes.
            .set_pipeline_buffer_size(1024);
        check_certificates(address, settings)?;
        // What fails here fails by its certificates: the address is understood.
        let target = Target::new(address, settings)
            .map_err(|error| RedisStoreError::setting("certificates", error.to_string()))?;
        Ok(Self { target, timeout: settings.connect_timeout, config })
    }

    async fn connect(&self) -> Result<Connection, RedisError> {
        let connecting = async {
            Ok(match &self.target {
                Target::Single(client) => Connection::Single(self.open(client).await?),
                Target::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
                Target::Sentinel(sentinels) => {
                    let client = sentinels.lock().await.async_get_client().await?;
                    Connection::Single(self.open(&client).await?)
                }
            })
        };
        // Each step has its own limit, but a name, a sentinel and a server are several steps.
        match tokio::time::timeout(self.timeout, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }

    async fn open(&self, client: &Client) -> Result<MultiplexedConnection, RedisError> {
        client.get_multiplexed_async_connection_with_config(&self.config).await
    }
}

impl Target {
    fn new(address: &Address, settings: &RedisSettings) -> Result<Self, RedisError> {
        let certificates = address.tls.then(|| certificates(settings));
        // Small writes must not wait for the answers to those before.
        let tcp = TcpSettings::default().set_nodelay(true);
        let mut login = RedisConnectionInfo::default().set_db(i64::from(address.database));
        if let Some(user) = &address.user {
            login = login.set_username(user);
        }
        if let Some(password) = &address.password {
            login = login.set_password(password);
        }
        let hosts = address.hosts.iter().map(|(host, port)| {
            let (host, port) = (host.clone(), *port);
            if address.tls {
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
            } else {
                ConnectionAddr::Tcp(host, port)
            }
        });
        let infos = || {
            hosts.clone().map(|host| {
                let info = host.into_connection_info()?;
                Ok(info.set_tcp_settings(tcp.clone()).set_redis_settings(login.clone()))
            })
        };
        match &address.kind {
            Kind::Single => {
                let missing = || RedisError::from((ErrorKind::InvalidClientConfig, "no host"));
                let info = infos().next().unwrap_or_else(|| Err(missing()))?;
                Ok(Self::Single(Box::new(match certificates {
                    Some(certificates) => Client::build_with_tls(info, certificates)?,
                    None => Client::open(info)?,
                })))
            }
            Kind::Cluster => {
                let mut builder = ClusterClientBuilder::new(infos().collect::<Result<Vec<_>, RedisError>>()?)
                    .tcp_settings(tcp.clone())
                    .connection_timeout(settings.connect_timeout)
                    .response_timeout(settings.response_timeout)
                    // For redirections; what fails is the breaker's matter.
                    .retries(2);
                if let Some(certificates) = certificates {
                    builder = builder.certs(certificates);
                }
                Ok(Self::Cluster(Box::new(builder.build()?)))
            }
            Kind::Sentinel { master, user, password } => {
                let mut builder =
                    SentinelClientBuilder::new(hosts.clone(), master, SentinelServerType::Master)?
                        .set_client_to_redis_db(i64::from(address.database))
                        .set_client_to_redis_tcp_settings(tcp.clone())
                        .set_client_to_sentinel_tcp_settings(tcp.clone());
                if let Some(user) = &address.user {
                    builder = builder.set_client_to_redis_username(user);
                }
                if let Some(password) = &address.password {
                    builder = builder.set_client_to_redis_password(password);
                }
                if let Some(user) = user {
                    builder = builder.set_client_to_sentinel_username(user);
                }
                if let Some(password) = password {
                    builder = builder.set_client_to_sentinel_password(password);
                }
                if let Some(certificates) = certificates {
                    builder = builder
                        .set_client_to_redis_tls_mode(redis::TlsMode::Secure)
                        .set_client_to_redis_certificates(certificates.clone())
                        .set_client_to_sentinel_certificates(certificates);
                }
                Ok(Self::Sentinel(Box::new(tokio::sync::Mutex::new(builder.build()?))))
            }
        }
    }
}

fn check_certificates(address: &Address, settings: &RedisSettings) -> Result<(), RedisStoreError> {
    if !address.tls && (settings.authorities.is_some() || settings.certificate.is_some()) {
        return Err(RedisStoreError::setting("certificates", "are not used: the url is not rediss"));
    }
    // Of a file that holds none the redis crate makes a connection that trusts nobody.
    let none = |pem: &[u8]| CertificateDer::pem_slice_iter(pem).next().is_none();
    if settings.authorities.as_deref().is_some_and(none) {
        return Err(RedisStoreError::setting("certificates", "of authorities: there is none"));
    }
    Ok(())
}

fn certificates(settings: &RedisSettings) -> TlsCertificates {
    TlsCertificates {
        root_cert: settings.authorities.clone(),
        client_tls: settings.certificate.as_ref().map(|certificate| ClientTlsConfig {
            client_cert: certificate.chain.clone(),
            client_key: certificate.key.clone(),
        }),
    }
}
