//! What only these tests do with the binary: send it signals, and wait for what it does.

use std::{error::Error, fs, io, process::Command, sync::PoisonError, time::Duration};

use super::process::Server;

/// How long a line of the log is waited for.
const LIMIT: Duration = Duration::from_secs(20);

impl Server {
    /// Returns `http://ADDRESS`, with no slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIG{name} could not be sent");
    }

    /// Waits until the child prints a line that contains `text`, and returns it.
    pub(crate) fn wait_for(&self, text: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
        let (_, printed) = &*self.log.0;
        let missing = |lines: &mut Vec<String>| !lines.iter().any(|line| line.contains(text));
        let waited = printed.wait_timeout_while(self.log.lines(), LIMIT, missing);
        let (lines, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let found = lines.iter().find(|line| line.contains(text)).cloned();
        drop(lines);
        found.ok_or_else(|| format!("never printed: {text}\n{}", self.log()).into())
    }

    /// Waits for its end.
    pub(crate) fn exit_code(&mut self) -> io::Result<Option<i32>> {
        Ok(self.child.wait()?.code())
    }

    /// Its resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> Result<u64, Box<dyn Error + Send + Sync>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
    }
}
