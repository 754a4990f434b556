//! `tollway simulate`: the simulated provider as a process of its own.

use crate::simulate::{Directives, Options, Simulator};
use clap::Args;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use tokio::net::TcpListener;

/// Serve a simulated provider: OpenAI, Anthropic, Gemini, Mistral and Groq, with answers made from the
/// request, and with pace and faults on request.
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 4100)]
    pub port: u16,
    /// Milliseconds before the head of an answer.
    #[arg(long, value_name = "MS")]
    pub latency_ms: Option<u64>,
    /// Milliseconds between the head of an answer and its first bytes.
    #[arg(long, value_name = "MS")]
    pub first_ms: Option<u64>,
    /// Milliseconds between the chunks of a stream.
    #[arg(long, value_name = "MS")]
    pub gap_ms: Option<u64>,
    /// Tokens of every answer, instead of an echo.
    #[arg(long)]
    pub tokens: Option<usize>,
    /// Bytes in each chunk of a stream, instead of one event.
    #[arg(long, value_name = "N")]
    pub chunk_bytes: Option<usize>,
    /// What goes wrong: an error status (429, 503, …) or one of `reset`, `stall`, `cut`, `mid_reset`,
    /// `mid_stall`, `malformed`, `error_event`, `empty`, `html`.
    #[arg(long, value_name = "KIND")]
    pub fault: Option<String>,
    /// Share of requests that go wrong, 0 to 1.
    #[arg(long, requires = "fault")]
    pub rate: Option<f64>,
    /// Seconds that a simulated 429 asks to wait.
    #[arg(long, value_name = "SECONDS")]
    pub retry_after: Option<u64>,
    /// Any further directive, as NAME or NAME=VALUE; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Requests that are worked on at once; the others stand in line [default: no limit].
    #[arg(long, value_name = "N")]
    pub slots: Option<NonZeroUsize>,
    /// Requests that GET /sim/last tells of; 0 keeps none.
    #[arg(long, default_value_t = 64)]
    pub keep: usize,
    /// File to append what each request would be billed to, a line of JSON each.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

/// Why the simulator does not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// An argument cannot be what it is.
    #[error("{0}")]
    Argument(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The ledger's file cannot be opened.
    #[error("cannot open the ledger: {}", .file.display())]
    Ledger {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Serving ended with an error.
    #[error("cannot serve")]
    Serve(#[from] io::Error),
}

/// Serves until SIGINT or SIGTERM.
pub async fn run(args: SimulateArgs) -> Result<(), SimulateError> {
    let directives = args.directives()?;
    let ledger = args.ledger.as_deref().map(appending).transpose()?;
    let options = Options { directives, keep: args.keep, slots: args.slots, ledger, ..Options::default() };
    let (listener, address) = listen(&args.host, args.port).await?;
    let stop = stopped()?;
    tracing::info!("listening on http://{address}");
    Simulator::new(options).serve(listener, stop).await?;
    Ok(())
}

fn appending(file: &Path) -> Result<Arc<File>, SimulateError> {
    let opened = File::options().create(true).append(true).open(file);
    opened.map(Arc::new).map_err(|source| SimulateError::Ledger { file: file.to_owned(), source })
}

async fn listen(host: &str, port: u16) -> Result<(TcpListener, SocketAddr), SimulateError> {
    let failed = |source| SimulateError::Listen { address: format!("{host}:{port}"), source };
    let listener = TcpListener::bind((host, port)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Completes on the first SIGINT or SIGTERM.
fn stopped() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

impl SimulateArgs {
    /// The directives that the flags stand for.
    fn directives(&self) -> Result<Directives, SimulateError> {
        let mut directives = Directives::default();
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let size = |value: Option<usize>| value.map(|value| value.to_string());
        let mut named: Vec<(&str, String)> = [
            ("latency_ms", number(self.latency_ms)),
            ("first_ms", number(self.first_ms)),
            ("gap_ms", number(self.gap_ms)),
            ("tokens", size(self.tokens)),
            ("chunk_bytes", size(self.chunk_bytes)),
            ("rate", self.rate.map(|rate| rate.to_string())),
            ("retry_after", number(self.retry_after)),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect();
        if let Some(fault) = &self.fault {
            let status = fault.bytes().all(|byte| byte.is_ascii_digit());
            named.push((if status { "status" } else { "fault" }, fault.clone()));
        }
        for (name, value) in &named {
            directives.apply(name, value).map_err(SimulateError::Argument)?;
        }
        for set in &self.set {
            let (name, value) = set.split_once('=').unwrap_or((set, ""));
            directives.apply(name, value).map_err(SimulateError::Argument)?;
        }
        Ok(directives)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Failure;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: SimulateArgs,
    }

    fn read(line: &[&str]) -> Result<Directives, SimulateError> {
        Line::try_parse_from([&["simulate"], line].concat()).unwrap().args.directives()
    }

    #[test]
    fn flags_become_directives() {
        let read = |line: &[&str]| read(line).unwrap();
        let paced = read(&["--gap-ms", "20", "--fault", "429", "--rate", "0.5", "--set", "calls=3"]);
        assert_eq!((paced.gap.as_millis(), paced.failure, paced.rate), (20, Some(Failure::Status(429)), 0.5));
        assert_eq!(paced.steer.calls, Some(3));
        assert_eq!(read(&["--fault", "cut"]).failure, Some(Failure::Cut));
    }

    #[test]
    fn slots_are_at_least_one() {
        let read = |line: &[&str]| Line::try_parse_from([&["simulate"], line].concat());
        assert_eq!(read(&["--slots", "40"]).unwrap().args.slots, NonZeroUsize::new(40));
        assert_eq!(read(&[]).unwrap().args.slots, None);
        for wrong in ["0", "-1", "many"] {
            assert!(read(&["--slots", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_fault_is_told() {
        let error = read(&["--fault", "explode"]).unwrap_err();
        assert_eq!(error.to_string(), "sim directive fault cannot be \"explode\"");
    }
}
