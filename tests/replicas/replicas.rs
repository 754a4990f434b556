//! Four gateways, the Redis they share, and the provider behind them.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::sync::{Mutex, MutexGuard};

use super::process;
use super::provider::Provider;
use super::proxy::Proxy;
use super::redis;

pub(crate) const REPLICAS: usize = 4;

/// Four gateways and what they need. Gone when dropped.
pub(crate) struct Replicas {
    pub(crate) gateways: Vec<process::Server>,
    pub(crate) redis: redis::Server,
    /// Between the two.
    pub(crate) network: Proxy,
    pub(crate) provider: Provider,
    file: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Replicas {
    /// Starts all with these limits, and what sections follow; nothing where there is no Redis to be started, which is said.
    pub(crate) async fn start(limits: &str) -> Option<Self> {
        Self::start_with(limits, &[]).await
    }

    /// The same, with these variables.
    pub(crate) async fn start_with(limits: &str, variables: &[(&str, &str)]) -> Option<Self> {
        // One test at a time, also where all are threads of a process: there are two thousand clients.
        static ALONE: Mutex<()> = Mutex::const_new(());
        let alone = ALONE.lock().await;
        let redis = redis::Server::start(&[])?;
        let (network, provider) = (Proxy::to(redis.port()).await, Provider::start().await);
        let configuration = format!(
            "server: {{listen: '127.0.0.1:0'}}
log: {{access: off, format: text}}
state: {{redis: 'redis://{}'}}
providers: {{fake: {{kind: openai-compatible, base_url: 'http://{}/v1', http2: never, auth: none}}}}
limits:
{limits}",
            network.address, provider.address
        );
        let name = format!("replicas-{}-{}.yaml", std::process::id(), redis.port());
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&file, configuration).unwrap();
        let start =
            || process::Server::start(&["serve", "--config", file.to_str().unwrap()], variables).unwrap();
        let gateways = (0..REPLICAS).map(|_| start()).collect();
        Some(Self { gateways, redis, network, provider, file, _alone: alone })
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.gateways.iter().map(process::Server::addr).collect()
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}
