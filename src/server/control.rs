use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::accept;
use super::tls::{Tls, TlsError};
use super::worker::{self, Orders, Worker};
use crate::config::Settings;
use crate::stack::Shared;

/// How often watched files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The certificate cannot be used.
    #[error("TLS cannot be switched on: {0}")]
    Tls(#[from] TlsError),
    /// The operating system refused a thread or a signal handler.
    #[error("the server could not be set up: {0}")]
    Setup(#[from] std::io::Error),
}

/// How a new configuration is had, and which files it comes from.
pub struct Reload {
    /// The files whose change is a reason to load again.
    pub files: Vec<PathBuf>,
    /// Loads the configuration; an error says in words why it cannot be used.
    pub load: Box<dyn Fn() -> Result<Settings, String>>,
}

impl std::fmt::Debug for Reload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reload").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Serves until SIGTERM or SIGINT, then lets running answers finish within the grace period.
/// Must be called within a runtime, which accepts connections and watches signals and files.
pub async fn serve(shared: Shared, reload: Reload) -> Result<(), ServeError> {
    let server = &shared.settings.server;
    let addr = server.listen;
    let tls = server.tls.as_ref().map(Tls::load).transpose()?;
    let listener = accept::listen(addr).map_err(|source| ServeError::Listen { addr, source })?;
    let addr = listener.local_addr()?;
    let scheme = if tls.is_some() { "https" } else { "http" };

    let (shutdown, shutdown_rx) = watch::channel(false);
    let (configuration, configuration_rx) = watch::channel(shared.clone());
    let orders = Orders { shared: configuration_rx, shutdown: shutdown_rx, tls: tls.clone() };
    let workers = worker::start(server.workers, &orders)?;
    let mut signals = Signals::new()?;
    let mut watched = Watched::new(&reload, &shared.settings);
    tracing::info!("listening on {scheme}://{addr}");

    let control = async {
        loop {
            tokio::select! {
                name = end(&mut signals.terminate, &mut signals.interrupt) => return name,
                _ = signals.hangup.recv() => {}
                () = watched.changed() => {}
            }
            renew(&configuration, tls.as_ref(), &reload);
            watched = Watched::new(&reload, &configuration.borrow().settings);
        }
    };
    tokio::select! {
        () = accept::accept(listener, &workers) => {}
        name = control => tracing::info!("{name}: no new connections; running answers may finish"),
    }
    shared.readiness.close();
    shutdown.send_replace(true);
    let ended = tokio::task::spawn_blocking(|| workers.into_iter().for_each(Worker::join));
    tokio::select! {
        _ = ended => {}
        name = end(&mut signals.terminate, &mut signals.interrupt) => tracing::warn!("{name} again: running answers are cut"),
    }
    Ok(())
}

/// Loads the configuration again and hands it to the workers; a broken one changes nothing.
fn renew(current: &watch::Sender<Shared>, tls: Option<&Tls>, reload: &Reload) {
    let settings = match (reload.load)() {
        Ok(settings) => Arc::new(settings),
        Err(error) => {
            return tracing::error!("the configuration was not reloaded, the old one goes on: {error}");
        }
    };
    if let (Some(tls), Some(files)) = (tls, &settings.server.tls)
        && let Err(error) = tls.reload(files)
    {
        return tracing::error!("the configuration was not reloaded, the old one goes on: {error}");
    }
    let old = current.borrow().settings.clone();
    for field in old.needs_restart(&settings) {
        tracing::warn!("{field} has changed, which takes effect at the next start");
    }
    current.send_modify(|shared| shared.settings = settings);
    tracing::info!("the configuration was reloaded");
}

/// The signals the server listens to.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// Waits for a signal to end, and names it.
async fn end(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// Files and what they looked like.
struct Watched(Vec<(PathBuf, Option<Look>)>);

type Look = (Option<SystemTime>, u64);

impl Watched {
    fn new(reload: &Reload, settings: &Settings) -> Self {
        let tls = settings.server.tls.iter().flat_map(|tls| [&tls.cert, &tls.key]);
        let files = reload.files.iter().chain(tls);
        Self(files.map(|path| (path.clone(), look(path))).collect())
    }

    /// Waits until one of the files looks different. Looking, rather than being told by the kernel,
    /// also sees files that are replaced through links, as Kubernetes does.
    async fn changed(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.0.iter().any(|(path, before)| look(path) != *before) {
                return;
            }
        }
    }
}

fn look(path: &PathBuf) -> Option<Look> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok(), metadata.len()))
}
