use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::{join, join_all};
use redis::Cmd;
use tokio::task::unconstrained;

use super::RedisSettings;
use super::key::{self, key};
use super::link::Link;
use super::recent::{Asking, Recent};
use super::script::{Script, Scripts};
use super::terms::{Terms, micros, number};
use crate::store::{Ask, Correction, Grant, Held, Pending, Pulse, REPLICA_LIFETIME, Shortage, Taken};
use crate::{Rule, StoreError};

/// Puts questions to the scripts, and reads their answers.
#[derive(Debug)]
pub(super) struct Caller {
    link: Link,
    scripts: Scripts,
    is_cluster: bool,
    prefix: String,
    /// Who we are, among replicas.
    replica: String,
    recent: Recent,
}

impl Caller {
    pub(super) fn new(link: Link, scripts: Scripts, is_cluster: bool, settings: &RedisSettings) -> Self {
        let (replica, prefix) = (format!("{:016x}", fresh_name()), settings.prefix.clone());
        Self { link, scripts, is_cluster, prefix, replica, recent: Recent::default() }
    }

    #[cfg(test)]
    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// Takes from all or from none.
    pub(super) async fn take(&self, asks: &[Ask]) -> Result<Taken, StoreError> {
        if asks.is_empty() {
            // Whether it is there, and may be written to.
            return self.pulse().await.map(|_| Taken::Granted(Vec::new()));
        }
        let keys: Vec<_> = asks.iter().map(|ask| key(&self.prefix, &ask.rule, &ask.subject)).collect();
        let groups = self.groups(&keys, usize::MAX);
        let answers = match &*groups {
            [group] => vec![self.take_group(asks, &keys, group).await],
            groups => join_all(groups.iter().map(|group| self.take_group(asks, &keys, group))).await,
        };

        let (mut granted, mut lacking) = (Vec::with_capacity(asks.len()), Vec::new());
        let mut failed = None;
        for (group, answer) in groups.iter().zip(answers) {
            match answer {
                Ok(Taken::Granted(grants)) => granted.extend(group.iter().copied().zip(grants)),
                Ok(Taken::Refused(shortages)) => lacking.extend(shortages),
                Err(error) => failed = Some(error),
            }
        }
        if failed.is_none() && lacking.is_empty() {
            granted.sort_unstable_by_key(|(index, _)| *index);
            return Ok(Taken::Granted(granted.into_iter().map(|(_, grant)| grant).collect()));
        }
        let back = granted.iter().filter_map(|(index, grant)| give_back(asks.get(*index)?, grant));
        let returned = self.settle(&back.collect::<Vec<_>>()).await;
        if let Some(error) = failed {
            return Err(error);
        }
        if let Err(error) = returned {
            tracing::warn!(%error, "what a refused decision took could not be given back");
        }
        lacking.sort_unstable_by_key(|shortage| shortage.index);
        Ok(Taken::Refused(lacking))
    }

    async fn take_group(
        &self,
        asks: &[Ask],
        keys: &[Arc<str>],
        group: &[usize],
    ) -> Result<Taken, StoreError> {
        let told = group.iter().filter_map(|index| asks.get(*index));
        let told = told.map(|ask| (&*ask.rule, [number(ask.need), number(ask.want)]));
        let command = self.call(&self.scripts.take, keys, group, told);
        let asking = permits(asks, keys, group).map(|(key, permits)| self.recent.ask(key, permits));
        let asking: Vec<_> = asking.collect();
        let answer = self.scripts.take.run(&self.link, command).await?;
        let (verdict, answers) = answer.split().ok_or_else(not_understood)?;
        if verdict == 0 {
            asking.into_iter().for_each(Asking::refused);
            let shortages = answers.map(|numbers| shortage(numbers, group));
            return shortages.collect::<Option<_>>().map(Taken::Refused).ok_or_else(not_understood);
        }
        let grants: Vec<_> = answers.map(grant).collect();
        if grants.len() == group.len() { Ok(Taken::Granted(grants)) } else { Err(not_understood()) }
    }

    /// Corrects what was taken.
    pub(super) async fn settle(&self, corrections: &[Correction]) -> Result<(), StoreError> {
        let key = |correction: &Correction| key(&self.prefix, &correction.rule, &correction.subject);
        let keys: Vec<_> = corrections.iter().map(key).collect();
        let groups = self.groups(&keys, MOST_KEYS);
        let calls = groups.iter().map(|group| {
            let told = group.iter().filter_map(|index| corrections.get(*index)).map(|correction| {
                let Correction { rule, mark, back, more, .. } = correction;
                (&**rule, [*mark, number(*back), number(*more)])
            });
            let command = self.call(&self.scripts.settle, &keys, group, told);
            self.scripts.settle.run(&self.link, command)
        });
        join_all(calls).await.into_iter().try_for_each(|answer| answer.map(drop))
    }

    /// Says that this replica lives, and what it holds, which `held` lists where there is a connection.
    ///
    /// Sent before this returns. What is asked for before that and after `held` was called is granted
    /// before the list is heard, if it is, and counts as what may be held; nothing is asked for while it
    /// is sent. So it goes by a connection that is there, and in a form that the server understands
    /// whatever scripts it knows: what is sent again comes too late.
    pub(super) fn beat(self: Arc<Self>, held: &mut dyn FnMut() -> Vec<Held>) -> Pending<Pulse> {
        let Some(connection) = self.link.connected() else {
            return Box::pin(async move { self.pulse().await });
        };
        let listing = self.recent.begin();
        let mut held = held();
        held.retain(|held| held.rule.measure.is_concurrent());
        let keys: Vec<_> = held.iter().map(|held| key(&self.prefix, &held.rule, &held.subject)).collect();
        let groups = self.groups(&keys, MOST_KEYS);
        listing.end(|missing| {
            let commands = groups.iter().map(|group| {
                let told = group.iter().filter_map(|index| held.get(*index).zip(keys.get(*index)));
                let told = told.map(|(held, key)| {
                    let more = missing.get(key).copied().unwrap_or(0).saturating_add(held.asked);
                    (&*held.rule, [number(held.permits), number(held.permits.saturating_add(more))])
                });
                self.fill(self.scripts.beat.call_whole(group.len()), &keys, group, told)
            });
            let commands: Vec<_> = commands.collect();
            let caller = Arc::clone(&self);
            // All of it now: a runtime that lets others run in between would let them overtake.
            let mut beat: Pending<Pulse> = Box::pin(unconstrained(async move {
                let calls = commands.iter().map(|command| caller.link.ask_by(connection.clone(), command));
                let (said, pulse) = join(join_all(calls), caller.pulse()).await;
                said.into_iter()
                    .try_for_each(|said| said.map(drop))
                    .map_err(|error| caller.scripts.beat.failed(error))?;
                pulse
            }));
            match beat.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(pulse) => Box::pin(ready(pulse)),
                Poll::Pending => beat,
            }
        })
    }

    async fn pulse(&self) -> Result<Pulse, StoreError> {
        let mut command = self.scripts.pulse.call(1);
        command.arg(&*key::replicas(&self.prefix)).arg(&self.replica).arg(micros(REPLICA_LIFETIME));
        let answer = self.scripts.pulse.run(&self.link, command).await?;
        match answer.split::<1>().map(|(replicas, _)| u32::try_from(replicas)) {
            Some(Ok(replicas)) => Ok(Pulse { replicas }),
            _ => Err(not_understood()),
        }
    }

    /// Parts what goes to one server by one script from what goes by another: by slot in a cluster, and
    /// not too many at once, for nobody else is served meanwhile.
    fn groups(&self, keys: &[Arc<str>], most: usize) -> Vec<Vec<usize>> {
        if !self.is_cluster && keys.len() <= most {
            return if keys.is_empty() { Vec::new() } else { vec![(0..keys.len()).collect()] };
        }
        let mut slots: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (index, name) in keys.iter().enumerate() {
            let slot = if self.is_cluster { key::slot(name) } else { 0 };
            slots.entry(slot).or_default().push(index);
        }
        slots
            .into_values()
            .flat_map(|group| group.chunks(most).map(<[_]>::to_vec).collect::<Vec<_>>())
            .collect()
    }

    /// A call with the keys of a group, what it is told of each, and whether one of them comes twice: only
    /// then what is done with one bears on the next.
    fn call<'a, const N: usize>(
        &self,
        script: &Script,
        keys: &[Arc<str>],
        group: &[usize],
        told: impl Iterator<Item = (&'a Rule, [u64; N])>,
    ) -> Cmd {
        let mut command = self.fill(script.call(group.len()), keys, group, told);
        if has_twice(keys, group) {
            command.arg("twice");
        }
        command
    }

    fn fill<'a, const N: usize>(
        &self,
        mut command: Cmd,
        keys: &[Arc<str>],
        group: &[usize],
        told: impl Iterator<Item = (&'a Rule, [u64; N])>,
    ) -> Cmd {
        for key in group.iter().filter_map(|index| keys.get(*index)) {
            command.arg(&**key);
        }
        let mut numbers = Vec::with_capacity(group.len() * (4 + N) * 8);
        for (rule, more) in told {
            for number in Terms::new(rule).numbers().iter().chain(&more) {
                numbers.extend_from_slice(&number.to_le_bytes());
            }
        }
        command.arg(&self.replica).arg(numbers);
        command
    }
}

fn has_twice(keys: &[Arc<str>], group: &[usize]) -> bool {
    let mut keys: Vec<_> = group.iter().filter_map(|index| keys.get(*index)).collect();
    // What begins alike mostly differs in length.
    keys.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    keys.array_windows().any(|[one, next]| one == next)
}

/// How many keys a script handles at most, where not all must be handled at once.
const MOST_KEYS: usize = 128;

/// What a grant gives back that was not to be.
fn give_back(ask: &Ask, grant: &Grant) -> Option<Correction> {
    let (rule, subject): (Arc<Rule>, Arc<str>) = (Arc::clone(&ask.rule), Arc::clone(&ask.subject));
    (grant.amount > 0).then_some(Correction { rule, subject, mark: grant.mark, back: grant.amount, more: 0 })
}

/// The concurrent ones of a group's keys, and how many permits are asked for at most.
fn permits<'a>(
    asks: &'a [Ask],
    keys: &'a [Arc<str>],
    group: &'a [usize],
) -> impl Iterator<Item = (&'a Arc<str>, u64)> {
    let group = group.iter().filter_map(|index| asks.get(*index).zip(keys.get(*index)));
    group.filter(|(ask, _)| ask.rule.measure.is_concurrent()).map(|(ask, key)| (key, ask.want))
}

fn grant([amount, mark, remaining, reset]: [u64; 4]) -> Grant {
    Grant { amount, mark, remaining, reset: Duration::from_micros(reset) }
}

fn shortage([index, retry_after, remaining, reset]: [u64; 4], group: &[usize]) -> Option<Shortage> {
    let (retry_after, reset) = (Duration::from_micros(retry_after), Duration::from_micros(reset));
    let index = *group.get(usize::try_from(index).ok()?)?;
    Some(Shortage { index, retry_after, remaining, reset })
}

fn not_understood() -> StoreError {
    StoreError::new("redis: the answer is not understood")
}

/// A name that no other replica has, by the keys that each process and thread hashes with.
fn fresh_name() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id())
}
