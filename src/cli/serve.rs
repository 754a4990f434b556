//! `tollway serve`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;
use tokio::net::TcpListener;
use tracing::Level;

use super::start;
use crate::access_log::LineSink;
use crate::config::{AccessLog, ConfigError, Date, Env, Files, Settings, Source};
use crate::cost::UsageBook;
use crate::error::BoxError;
use crate::metrics::Metrics;
use crate::server::{self, Reload};
use crate::simulate::{Options, Simulator};
use crate::stack::Shared;

/// Arguments of `tollway serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration file [default: `TOLLWAY_CONFIG`, `./tollway.yaml`, `./config/tollway.yaml`,
    /// or what is built in]
    #[arg(long, short)]
    config: Option<PathBuf>,
}

/// Serves until told to end.
pub fn run(args: &ServeArgs) -> ExitCode {
    let loader = Loader { asked: args.config.clone(), env: Env::of_process() };
    let files = Files::default();
    let settings = match loader.load(&files) {
        Ok(settings) => settings,
        Err(error) => return super::refused(&error),
    };
    super::log_to_stderr(&settings.log.level, settings.log.format);
    // This thread accepts, listens to signals and runs the simulator; requests run on the workers.
    super::ended(super::block_on(serve(loader, files, settings)))
}

async fn serve(loader: Loader, files: Files, settings: Settings) -> Result<(), BoxError> {
    let simulator = start_simulator().await?;
    let running = or_simulated(settings.clone(), simulator);
    tell(&settings, &running, &loader.env);
    let access_log = match settings.log.access {
        AccessLog::Off => None,
        AccessLog::Stdout => Some(LineSink::start(Box::new(io::stdout()))?),
        AccessLog::Stderr => Some(LineSink::start(Box::new(io::stderr()))?),
    };
    // First, so that all that is made from here on is told.
    let metrics = Some(Metrics::install()?);
    let book = UsageBook::open(&settings).await?;
    let shared = Shared::new(Arc::new(running))?;
    let costs = shared.costs.clone().kept_in(book).await;
    let shared = Shared { access_log: access_log.clone(), metrics, costs: costs.clone(), ..shared };
    shared.auth.start();
    let is_read = settings.state.lost().is_none() && shared.auth.read(KEYS).await;
    say(if is_read {
        start::admitted(&settings, shared.auth.is_required(), shared.auth.known())
    } else {
        Some(start::unread(&settings))
    });
    let reload = Reload {
        files,
        load: Box::new(move |files| {
            let settings = loader.load(files).map_err(|error| error.to_string())?;
            let running = or_simulated(settings.clone(), simulator);
            tell(&settings, &running, &loader.env);
            Ok(running)
        }),
    };
    let result = server::serve(shared, reload).await;
    costs.close().await;
    if let Some(access_log) = access_log {
        access_log.close();
    }
    Ok(result?)
}

/// Says what runs by these settings.
fn tell(settings: &Settings, running: &Settings, env: &Env) {
    let lines = start::lines(settings, running, Date::of(SystemTime::now()));
    say(lines.into_iter().map(|(level, text)| (level, env.conceal(&text))));
}

fn say(lines: impl IntoIterator<Item = (Level, String)>) {
    for (level, text) in lines {
        if level == Level::WARN { tracing::warn!("{text}") } else { tracing::info!("{text}") }
    }
}

/// How long the start waits for the keys to be read.
const KEYS: Duration = Duration::from_secs(5);

/// Finds and reads the configuration, at start and at every reload.
struct Loader {
    asked: Option<PathBuf>,
    env: Env,
}

impl Loader {
    fn load(&self, files: &Files) -> Result<Settings, ConfigError> {
        let source = Source::find_noting(self.asked.as_deref(), &self.env, Path::new(""), files)?;
        Settings::load_noting(&source, &self.env, files)
    }
}

/// The settings, with the simulator in place of providers where they say so.
fn or_simulated(settings: Settings, simulator: SocketAddr) -> Settings {
    if settings.uses_simulator() { settings.for_simulator(simulator) } else { settings }
}

/// Opens the simulator's socket. It costs one idle socket when it is not needed, and saves a
/// reload that removes the last key from failing.
async fn start_simulator() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move {
        let simulator = Simulator::new(Options::default());
        if let Err(error) = simulator.serve(listener, std::future::pending()).await {
            tracing::error!(%error, "the simulated provider ended");
        }
    });
    Ok(addr)
}
