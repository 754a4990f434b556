//! Real servers, started for a test on free ports and gone with it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A running `redis-server`, alone. Killed when dropped, and when the thread that started it ends.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    program: PathBuf,
    port: u16,
    arguments: Vec<String>,
    folder: PathBuf,
}

impl Server {
    /// Starts one that keeps nothing on disk, with options in which `PORT` is its port and `OTHER` one
    /// more that is free. Nothing where there is none to be started, which is said, and fails under
    /// `CI=true`.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let common =
            ["--port", "PORT", "--bind", "127.0.0.1", "--dir", "FOLDER", "--save", "", "--appendonly"];
        let more = ["no", "--loglevel", "notice", "--enable-debug-command", "yes"];
        Self::start_with(&[&common[..], &more, options].concat())
    }

    fn start_with(arguments: &[&str]) -> Option<Self> {
        let program = program()?;
        // Another process may take the port between our look and the server's.
        for _ in 0..5 {
            let (port, other, folder) = (free_port(), free_port(), folder());
            let filled = |text: &&str| {
                let text = text.replace("FOLDER", folder.to_str().unwrap());
                text.replace("PORT", &port.to_string()).replace("OTHER", &other.to_string())
            };
            let arguments: Vec<String> = arguments.iter().map(filled).collect();
            if let Some(child) = spawn(&program, &arguments) {
                return Some(Self { child, program, port, arguments, folder });
            }
        }
        panic!("redis-server does not start: {arguments:?}");
    }

    /// The URL of one without a password.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on its port, empty.
    pub(crate) fn restart(&mut self) {
        let again = spawn(&self.program, &self.arguments);
        self.child = again.expect("redis-server starts on the port it had");
    }

    /// Sends a signal to it, and to nothing else: `STOP` or `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // All three fail only for what is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A folder of its own for a server.
fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("tollway-budget-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The server that `scripts/setup.sh redis` unpacked, or else the machine's own.
fn program() -> Option<PathBuf> {
    // Of this crate or of another of the workspace.
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let unpacked = folders.map(|folder| folder.join(".setup/redis/bin/redis-server"));
    let installed = ["redis-server", "valkey-server"].map(PathBuf::from);
    let found = unpacked.chain(installed).find(|program| {
        Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    if found.is_none() {
        let told = "no redis-server: run scripts/setup.sh redis";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{told}");
        #[expect(clippy::print_stderr, reason = "whoever runs the tests must know what they did not test")]
        {
            eprintln!("not tested, {told}");
        }
    }
    found
}

/// Returns it when it is ready; nothing if it ends instead.
fn spawn(program: &Path, arguments: &[String]) -> Option<Child> {
    // The kernel ends it with us, also where we are killed and drop nothing.
    let has_setpriv = Command::new("setpriv").arg("--version").stdout(Stdio::null()).status().is_ok();
    let mut command = if has_setpriv {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    let pipes = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = pipes.spawn().unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap());
    if !is_ready(&mut log) {
        child.wait().unwrap();
        return None;
    }
    // That it never waits for somebody to read its log.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    Some(child)
}

fn is_ready(log: &mut BufReader<ChildStdout>) -> bool {
    log.lines().map_while(Result::ok).any(|line| line.contains("Ready to accept connections"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
