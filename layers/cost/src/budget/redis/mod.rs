//! What is spent of shared budgets in Redis or Valkey, 7 or newer.
//!
//! A decision is one script for all budgets of a request, and so one round trip and atomic. All keys have the
//! prefix as their hash tag, so that in a cluster they are on one node. A key is of one budget, subject and
//! period, holds an amount a part and goes when none of it counts any more.
//!
//! **What was taken counts.** An amount counts as spent from when it is reserved, by whomever; it counts less
//! only when who took it says so. What a killed gateway reserved or leased counts until its period ends: the
//! provider may have billed it.
//!
//! **A server that lost its memory** gives a key a new *epoch*. The first question of each replica in it says
//! what the replica knew to be spent, and so much counts at least. What others have taken since that replica
//! heard last is unknown until they ask as well: let the server keep its memory (`appendonly yes`).
//!
//! **Rolling periods** are counted by the clocks of the replicas: the one that is ahead says what is over.

mod error;
mod link;
mod settings;

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use redis::{Arg, Cmd, ErrorKind, ServerErrorKind, ToRedisArgs};

use self::link::Link;
pub use self::{error::RedisStoreError, settings::RedisSettings};
use super::store::{Answer, Ask, Correction, Pending, Spot, Store, StoreError, Taken};

/// What is spent of shared budgets in Redis or Valkey.
#[derive(Clone, Debug)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    link: Link,
    prefix: String,
    random: RandomState,
    take: Script,
    settle: Script,
    claim: Script,
}

impl RedisStore {
    /// Checks the settings. Connects when first asked, in the runtime of whoever asks.
    pub fn new(settings: &RedisSettings) -> Result<Self, RedisStoreError> {
        let inner = Inner {
            link: Link::new(settings)?,
            prefix: format!("{{{}}}:budget:", settings.prefix),
            random: RandomState::new(),
            take: Script::new("take", concat!(include_str!("lua/open.lua"), include_str!("lua/take.lua"))),
            settle: Script::new(
                "settle",
                concat!(include_str!("lua/open.lua"), include_str!("lua/settle.lua")),
            ),
            claim: Script::new("claim", include_str!("lua/claim.lua")),
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Store for RedisStore {
    fn take(&self, asks: Vec<Ask>) -> Pending<Taken> {
        let inner = self.inner.clone();
        Box::pin(async move {
            let mut command = inner.call(&inner.take, asks.iter().map(|ask| &ask.spot));
            command.arg(inner.fresh_epoch());
            for Ask { spot, limit, need, want, is_forced, known, epoch } in &asks {
                command
                    .arg((spot.part, spot.lasts, limit, need, want))
                    .arg(u8::from(*is_forced))
                    .arg((known, epoch));
            }
            let answer = inner.run(&inner.take, command).await?;
            let (is_granted, answers) = answer.split_first().ok_or_else(not_understood)?;
            let answers = answers.as_chunks::<4>().0.iter().map(|[granted, is_short, total, epoch]| Answer {
                granted: *granted,
                is_short: *is_short != 0,
                total: *total,
                epoch: epoch.unsigned_abs(),
            });
            Ok(Taken { is_granted: *is_granted != 0, answers: answers.collect() })
        })
    }

    fn settle(&self, corrections: Vec<Correction>) -> Pending<()> {
        let inner = self.inner.clone();
        Box::pin(async move {
            let mut command =
                inner.call(&inner.settle, corrections.iter().map(|correction| &correction.spot));
            command.arg(inner.fresh_epoch());
            for Correction { spot, back, more, epoch, known, heard } in &corrections {
                command.arg((spot.part, spot.lasts, back, more)).arg((epoch, known, heard));
            }
            inner.run(&inner.settle, command).await.map(drop)
        })
    }

    fn claim(&self, spot: Spot, percent: u8) -> Pending<bool> {
        let inner = self.inner.clone();
        Box::pin(async move {
            let mut command = inner.call(&inner.claim, std::iter::once(&spot));
            command.arg((spot.part, spot.lasts, percent));
            Ok(inner.run(&inner.claim, command).await?.first() == Some(&1))
        })
    }
}

impl Inner {
    /// The beginning of a call; arguments follow.
    fn call<'a>(&self, script: &Script, spots: impl ExactSizeIterator<Item = &'a Spot>) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&script.hash).arg(spots.len());
        for spot in spots {
            command.arg(Key(&self.prefix, &spot.key));
        }
        command
    }

    /// Runs a call by the script's hash, and where the server does not know it, by its text: after a restart,
    /// a failover or `SCRIPT FLUSH`.
    async fn run(&self, script: &Script, command: Cmd) -> Result<Vec<i64>, StoreError> {
        let unknown = ErrorKind::Server(ServerErrorKind::NoScript);
        let answer = match self.link.ask(&command).await {
            Err(error) if error.kind() == unknown => self.link.ask(&script.with_text(&command)).await,
            answer => answer,
        };
        answer.map_err(|error| StoreError::with_source(format!("redis: {}", script.name), error))
    }

    /// A name for a memory that no other has, above zero and exact in floating point.
    fn fresh_epoch(&self) -> u64 {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        (self.random.hash_one((next, std::process::id())) >> 11).max(1)
    }
}

/// A script and its hash.
#[derive(Debug)]
struct Script {
    name: &'static str,
    code: &'static str,
    hash: String,
}

impl Script {
    fn new(name: &'static str, code: &'static str) -> Self {
        Self { name, code, hash: redis::Script::new(code).get_hash().to_owned() }
    }

    fn with_text(&self, command: &Cmd) -> Cmd {
        let mut whole = redis::cmd("EVAL");
        whole.arg(self.code);
        for argument in command.args_iter().skip(2) {
            if let Arg::Simple(argument) = argument {
                whole.arg(argument);
            }
        }
        whole
    }
}

/// A prefix and a name, as one argument.
struct Key<'a>(&'a str, &'a str);

impl ToRedisArgs for Key<'_> {
    fn write_redis_args<W: ?Sized + redis::RedisWrite>(&self, out: &mut W) {
        out.write_arg_fmt(format_args!("{}{}", self.0, self.1));
    }
}

fn not_understood() -> StoreError {
    StoreError::new("redis: the answer is not understood")
}
