use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::accept::{self, Listeners};
use super::tls::{Tls, TlsError};
use super::worker::{self, Orders, Stop, Worker};
use crate::auth;
use crate::config::{Files, Settings};
use crate::limits::Limits;
use crate::stack::Shared;

/// How often watched files are looked at: the first key that is made is asked for within two seconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long the workers may take to end when they are told to do so at once.
const CUT: Duration = Duration::from_secs(1);

/// How long watched files must stay as they are before they are read.
const SETTLED: Duration = Duration::from_millis(200);

/// How long a new configuration may take to read the keys of another database.
const KEYS: Duration = Duration::from_secs(5);

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

/// Loads a configuration.
pub type Load = dyn Fn(&Files) -> Result<Settings, String>;

/// How a new configuration is had, and which files the first one came from.
pub struct Reload {
    /// The files whose change is a reason to load again.
    pub files: Files,
    /// Loads the configuration and notes the files it comes from; an error says in words why it
    /// cannot be used.
    pub load: Box<Load>,
}

impl std::fmt::Debug for Reload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reload").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Serves until SIGTERM or SIGINT; then says that it is not ready, serves on for the drain delay,
/// closes the socket, and lets running answers finish within the grace period. A second signal ends
/// it at once. Must be called within a runtime, which accepts connections and watches signals and
/// files.
pub async fn serve(shared: Shared, reload: Reload) -> Result<(), ServeError> {
    let server = &shared.settings.server;
    let addr = server.listen;
    let tls = server.tls.as_ref().map(Tls::load).transpose()?;
    shared.auth.start();
    let listen = |addr| accept::listen(addr).map_err(|source| ServeError::Listen { addr, source });
    let admin = shared.settings.admin.listen.map(listen).transpose()?;
    let listeners = Listeners { front: listen(addr)?, admin };
    let addr = listeners.front.local_addr()?;
    let scheme = if tls.is_some() { "https" } else { "http" };

    let (stop, stop_rx) = watch::channel(Stop::Never);
    let (configuration, configuration_rx) = watch::channel(shared.clone());
    let orders = Orders { shared: configuration_rx, stop: stop_rx, tls: tls.clone() };
    let workers = worker::start(server.workers, &orders)?;
    let mut signals = Signals::new()?;
    tracing::info!("listening on {scheme}://{addr}");
    if let Some(admin) = &listeners.admin {
        tracing::info!("administration is at {scheme}://{}", admin.local_addr()?);
    }

    let control = async {
        let mut files = reload.files.clone();
        loop {
            tokio::select! {
                name = end(&mut signals.terminate, &mut signals.interrupt) => return name,
                _ = signals.hangup.recv() => {}
                () = change(&files) => {}
            }
            files = renew(&configuration, tls.as_ref(), &reload, &files).await;
        }
    };
    let control = async {
        tokio::select! {
            name = control => name,
            never = Limits::sweep(|| configuration.borrow().limits.clone()) => match never {},
            never = sweep_usage(&shared) => match never {},
            never = auth::notice(|| configuration.borrow().auth.clone()) => match never {},
        }
    };
    let name = accept::accept_until(&listeners, &workers, control).await;
    shared.readiness.close();
    let delay = configuration.borrow().settings.server.drain_delay;
    let mut again = None;
    if !delay.is_zero() {
        tracing::info!("{name}: not ready any more; connections are still taken for {delay:?}");
        let waited = tokio::time::timeout(delay, end(&mut signals.terminate, &mut signals.interrupt));
        again = accept::accept_until(&listeners, &workers, waited).await.ok();
    }
    accept::close(listeners, &workers)?;
    let mut ended = tokio::task::spawn_blocking(|| workers.into_iter().for_each(Worker::join));
    if again.is_none() {
        tracing::info!("{name}: no new connections; running answers may finish");
        stop.send_replace(Stop::Gracefully);
        tokio::select! {
            _ = &mut ended => {}
            name = end(&mut signals.terminate, &mut signals.interrupt) => again = Some(name),
        }
    }
    if let Some(name) = again {
        tracing::warn!("{name} again: running answers are cut");
        stop.send_replace(Stop::AtOnce);
        // Their last lines go to the access log; a worker that hangs is not waited for.
        let _ = tokio::time::timeout(CUT, ended).await;
    }
    Ok(())
}

/// Deletes records that are older than they shall be, where there are any.
async fn sweep_usage(shared: &Shared) -> Infallible {
    match shared.costs.book() {
        Some(book) => book.sweep().await,
        None => std::future::pending().await,
    }
}

/// Loads the configuration again and hands it to the workers; a broken one changes nothing. Returns
/// the files to watch from now on.
async fn renew(
    current: &watch::Sender<Shared>,
    tls: Option<&Tls>,
    reload: &Reload,
    watched: &Files,
) -> Files {
    let before = watched.anew();
    let files = Files::default();
    match load(current, tls, reload, &files).await {
        Ok(()) => {
            tracing::info!("the configuration was reloaded");
            files
        }
        Err(error) => {
            tracing::error!("the configuration was not reloaded, the old one goes on: {error}");
            // What runs came from the files of before; what is refused may be mended in any.
            files.and(before)
        }
    }
}

async fn load(
    current: &watch::Sender<Shared>,
    tls: Option<&Tls>,
    reload: &Reload,
    files: &Files,
) -> Result<(), String> {
    let mut settings = (reload.load)(files)?;
    let Shared { settings: old, limits, costs, auth, connector, .. } = current.borrow().clone();
    settings.prices.check_change(&old.prices).map_err(|error| error.to_string())?;
    let needs_restart = old.needs_restart(&settings);
    settings.stay_where(&old);
    let settings = Arc::new(settings);
    // All is read before anything changes.
    let tls = tls.zip(settings.server.tls.as_ref());
    let tls = tls.map(|(tls, files)| Tls::read(files).map(|read| (tls, read))).transpose();
    let tls = tls.map_err(|error| error.to_string())?;
    let limits = limits.renewed(&old, &settings).map_err(|error| error.to_string())?;
    let costs = costs.renewed(&old, &settings, &connector).map_err(|error| error.to_string())?;
    // Last: it changes which keys are declared, for those who run too.
    let renewed = auth.renewed(&old, &settings, &connector).map_err(|error| error.to_string())?;
    renewed.start();
    if !renewed.follows_what(&auth) && !renewed.read(KEYS).await {
        return Err(format!("state: the keys could not be read within {KEYS:?}, the log says why"));
    }
    if let Some((tls, read)) = tls {
        tls.hold(read);
    }
    for field in needs_restart {
        tracing::warn!("{field} has changed, which takes effect at the next start");
    }
    current.send_modify(|shared| {
        shared.pressures = shared.pressures.renewed(&old, &settings);
        shared.costs = costs;
        shared.settings = settings;
        shared.limits = limits;
        shared.auth = renewed;
    });
    Ok(())
}

/// Waits until one of the files looks different, and then until they stay as they are: who writes a
/// file empties it first.
async fn change(files: &Files) {
    while !files.have_changed() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    loop {
        let seen = files.anew();
        tokio::time::sleep(SETTLED).await;
        if !seen.have_changed() {
            return;
        }
    }
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
