//! Runs the built binary as a child, for tests that need a real server.

use std::{
    error::Error,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, ChildStderr, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) child: Child,
    address: SocketAddr,
    pub(crate) log: Log,
}

impl Server {
    /// Starts `tollway ARGS…` and waits until it says on which address it listens.
    ///
    /// The child sees no variable of this process but `PATH` and `HOME`, so that no key or proxy of
    /// the machine it runs on changes a test, and then `env`.
    pub(crate) fn start(args: &[&str], env: &[(&str, &str)]) -> Result<Self, Box<dyn Error>> {
        let inherited = std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tollway"))
            .args(args)
            .env_clear()
            .envs(inherited)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().ok_or("stderr was piped and is not there")?;

        let log = Log::default();
        let (found, address) = mpsc::channel();
        thread::spawn({
            let log = log.clone();
            move || log.follow(stderr, &found)
        });
        // Made before the wait, so that a child that never listens is killed too.
        let mut server = Self { child, address: ([0, 0, 0, 0], 0).into(), log };
        match address.recv_timeout(Duration::from_secs(30)) {
            Ok(address) => {
                server.address = address;
                Ok(server)
            }
            Err(_) => Err(format!("{args:?} does not listen:\n{}", server.log()).into()),
        }
    }

    /// Returns the address it listens on.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns what the child has printed so far.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only for a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The newest lines a child printed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(pub(crate) Arc<(Mutex<Vec<String>>, Condvar)>);

impl Log {
    const LINES: usize = 200;

    /// Keeps what comes, so that the child never blocks on a full pipe, and tells the first address.
    fn follow(&self, stderr: ChildStderr, found: &mpsc::Sender<SocketAddr>) {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let address = line.split_once("listening on http").and_then(|(_, rest)| {
                let rest = rest.strip_prefix('s').unwrap_or(rest).strip_prefix("://")?;
                rest.split(|c: char| c.is_whitespace() || c == '"' || c == ',').next()?.parse().ok()
            });
            if let Some(address) = address {
                // Nobody waits any more for a second one.
                let _ = found.send(address);
            }
            let mut lines = self.lines();
            if lines.len() == Self::LINES {
                lines.remove(0);
            }
            lines.push(line);
            self.0.1.notify_all();
        }
    }

    fn text(&self) -> String {
        self.lines().join("\n")
    }

    pub(crate) fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
