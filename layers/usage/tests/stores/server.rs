//! A real PostgreSQL, started once for all tests of this binary and gone with it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running server. Ends when it is dropped, and with the process that started it.
pub(crate) struct Server {
    child: Child,
    answers: BufReader<ChildStdout>,
    socket: String,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts one. Nothing where there is none to be started, which is said, and fails under `CI=true`.
    pub(crate) fn start() -> Option<Self> {
        let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let python =
            above.map(|folder| folder.join(".setup/postgres/bin/python")).find(|found| found.exists());
        let Some(python) = python else {
            let told = "no PostgreSQL: run scripts/setup.sh postgres";
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{told}");
            #[expect(
                clippy::print_stderr,
                reason = "whoever runs the tests must know what they did not test"
            )]
            {
                eprintln!("not tested, {told}");
            }
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(python)
            // It warns about folders that nobody needs.
            .args(["-W", "ignore", "-c", include_str!("postgres.py")])
            .arg(folder.path().join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, answers, socket: String::new(), folder };
        let ready = server.answer();
        server.socket = ready.trim_start_matches("ready ").into();
        Some(server)
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.socket.replace('/', "%2F"))
    }

    /// Stops all its processes where they are, or lets them go on: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let postmaster = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        let postmaster = postmaster.lines().next().unwrap().trim();
        // First, so that it makes no more of them.
        assert!(signal(name, postmaster), "no such process: {postmaster}");
        let children = format!("/proc/{postmaster}/task/{postmaster}/children");
        for child in std::fs::read_to_string(children).unwrap().split_whitespace() {
            // It may have ended meanwhile.
            signal(name, child);
        }
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(line.starts_with("ready"), "the server failed: {line}");
        line.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A frozen one could not.
        self.signal("CONT");
        // Closes its standard input, which it takes as the sign to stop.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn signal(name: &str, process: &str) -> bool {
    let sent = Command::new("kill").args(["-s", name, process]).stderr(Stdio::null()).status();
    sent.unwrap().success()
}
