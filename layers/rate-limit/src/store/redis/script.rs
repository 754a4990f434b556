use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind};

use super::link::Link;
use crate::StoreError;

/// A script of counters: what may spare it the rest, what counters are, and what it does with them.
macro_rules! of_counters {
    ($($quick:literal,)? whole $whole:literal) => {
        concat!(
            include_str!("lua/clock.lua"),
            $(include_str!($quick),)?
            include_str!("lua/counters.lua"),
            include_str!($whole)
        )
    };
}

/// All scripts.
#[derive(Debug)]
pub(super) struct Scripts {
    /// Takes from all or from none.
    pub(super) take: Script,
    /// Corrects what was taken.
    pub(super) settle: Script,
    /// Says what a replica holds.
    pub(super) beat: Script,
    /// Says that a replica lives.
    pub(super) pulse: Script,
}

impl Default for Scripts {
    fn default() -> Self {
        Self::with(str::to_owned)
    }
}

impl Scripts {
    /// With something done to each script's text.
    pub(super) fn with(change: impl Fn(&str) -> String) -> Self {
        let script = |name, code: &str| Script::new(name, &change(code));
        Self {
            take: script("take", of_counters!("lua/quick_take.lua", whole "lua/take.lua")),
            settle: script("settle", of_counters!("lua/quick_settle.lua", whole "lua/settle.lua")),
            beat: script("beat", of_counters!(whole "lua/beat.lua")),
            pulse: script("pulse", include_str!("lua/pulse.lua")),
        }
    }
}

/// A script and its hash.
#[derive(Debug)]
pub(super) struct Script {
    name: &'static str,
    code: String,
    hash: String,
}

impl Script {
    fn new(name: &'static str, code: &str) -> Self {
        Self { name, code: code.to_owned(), hash: redis::Script::new(code).get_hash().to_owned() }
    }

    /// The beginning of a call; keys and arguments follow.
    pub(super) fn call(&self, keys: usize) -> Cmd {
        let mut command = Cmd::with_capacity(keys + 6, 150 * keys + 100);
        command.arg("EVALSHA").arg(&self.hash).arg(keys);
        command
    }

    /// The beginning of a call that the server understands at once, whatever it knows.
    pub(super) fn call_whole(&self, keys: usize) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(&self.code).arg(keys);
        command
    }

    /// Runs a call by the script's hash, and where the server does not know it, by its text: after a
    /// restart, a failover or `SCRIPT FLUSH`.
    pub(super) async fn run(&self, link: &Link, command: Cmd) -> Result<Answer, StoreError> {
        let unknown = ErrorKind::Server(ServerErrorKind::NoScript);
        let answer = match link.ask(&command).await {
            Err(error) if error.kind() == unknown => link.ask(&self.with_text(&command)).await,
            answer => answer,
        };
        answer.map(Answer).map_err(|error| self.failed(error))
    }

    pub(super) fn failed(&self, error: RedisError) -> StoreError {
        StoreError::with_source(format!("redis: {}", self.name), error)
    }

    fn with_text(&self, command: &Cmd) -> Cmd {
        let mut whole = redis::cmd("EVAL");
        whole.arg(&self.code);
        for argument in command.args_iter().skip(2) {
            if let redis::Arg::Simple(argument) = argument {
                whole.arg(argument);
            }
        }
        whole
    }
}

/// What a script answers: numbers of eight bytes each, in one text. As a list of numbers they would cost
/// both sides as much again as the decision.
#[derive(Debug)]
pub(super) struct Answer(Vec<u8>);

impl Answer {
    /// The first number, and the others in groups.
    pub(super) fn split<const N: usize>(&self) -> Option<(u64, impl Iterator<Item = [u64; N]>)> {
        let (first, rest) = self.0.as_chunks().0.split_first()?;
        let groups = rest.as_chunks::<N>().0.iter();
        Some((u64::from_le_bytes(*first), groups.map(|group| group.map(u64::from_le_bytes))))
    }
}
