use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;

use super::entry::{Entry, Words};
use super::shard::{Shard, Slot};
use super::{DeclaredKey, Digest, Key, KeyId, Limit, Pepper, Standing};

/// All keys, in memory: found by the keyed hash of what is presented, without a lock.
///
/// Readers see each change whole. Writers copy the 256th part of the table that they change.
#[derive(Debug)]
pub struct KeyTable {
    pepper: Pepper,
    shards: Box<[ArcSwap<Shard>]>,
    index: Mutex<HashMap<KeyId, Arc<Entry>>>,
    len: AtomicUsize,
    /// Whether some declared key does not look like one of ours.
    has_foreign: AtomicBool,
    /// Whether the keys of a store are still to come.
    is_expecting: AtomicBool,
    /// Whether a store ever had a key. There is no taking that back: keys are revoked, and stay.
    has_kept: AtomicBool,
}

/// What the table knows of something presented.
#[derive(Clone, Debug)]
pub enum Found {
    /// No key has that token.
    Nothing,
    /// A key has it, and is good.
    Good(FoundKey),
    /// A key had it, and is not good any more.
    Bad(Standing),
}

/// A key that is good.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FoundKey {
    /// Whose it is.
    pub caller: Arc<tollway_core::Caller>,
    /// The limits that it brings along.
    pub limits: Option<Arc<[Limit]>>,
    /// Whether somebody might guess its token.
    pub guessable: bool,
}

impl KeyTable {
    /// A table without keys.
    pub fn new(pepper: Pepper) -> Self {
        Self {
            pepper,
            shards: (0..SHARDS).map(|_| ArcSwap::default()).collect(),
            index: Mutex::default(),
            len: AtomicUsize::new(0),
            has_foreign: AtomicBool::new(false),
            is_expecting: AtomicBool::new(false),
            has_kept: AtomicBool::new(false),
        }
    }

    /// The secret that keys are hashed with.
    pub fn pepper(&self) -> &Pepper {
        &self.pepper
    }

    /// How many keys there are, good or not.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the keys of a store are still to come, so that nobody can say that one is unknown.
    pub fn is_expecting(&self) -> bool {
        self.is_expecting.load(Ordering::Acquire)
    }

    /// Whether there ever was a key of a store, or there is one that is declared: a store that is empty all
    /// of a sudden has lost its keys, and lets nobody in.
    pub fn is_in_use(&self) -> bool {
        self.is_expecting() || !self.is_empty() || self.has_kept.load(Ordering::Acquire)
    }

    /// Says that there is a store whose keys are to come. A feed says so itself.
    pub fn expect(&self) {
        self.is_expecting.store(true, Ordering::Release);
    }

    /// Whether some declared key does not look like one of ours, so that anything may be a key.
    pub(super) fn has_foreign(&self) -> bool {
        self.has_foreign.load(Ordering::Acquire)
    }

    /// Looks for the key whose token was presented.
    pub fn find(&self, secret: &[u8], now: SystemTime) -> Found {
        let digest = self.pepper.hash(secret);
        let Some(shard) = self.shards.get(shard_of(&digest)) else { return Found::Nothing };
        let shard = shard.load();
        let Some((entry, is_previous)) = shard.find(&digest) else { return Found::Nothing };
        match entry.standing(is_previous, now) {
            Standing::Good => Found::Good(FoundKey {
                caller: entry.caller.clone(),
                limits: entry.limits.clone(),
                guessable: entry.guessable,
            }),
            bad => Found::Bad(bad),
        }
    }

    /// Takes changed keys over. Older states of a key than the known one change nothing.
    pub fn apply(&self, keys: impl IntoIterator<Item = Key>) {
        let mut batch = Batch::default();
        batch.add(keys);
        self.commit(batch, Scope::Changed);
    }

    /// Takes the declared keys over, instead of those that were declared before.
    pub fn declare(&self, keys: Vec<DeclaredKey>) {
        self.has_foreign.store(keys.iter().any(|key| key.is_foreign), Ordering::Release);
        let mut words = Words::default();
        let entries = keys.into_iter().map(|key| Entry::new(key.key, true, key.guessable, &mut words));
        let entries = entries.collect();
        self.commit(Batch { entries, words }, Scope::Declared);
    }

    /// Takes all keys of a store over: those it does not have are gone. What is known from a revision
    /// after `read_at` was changed while the others were read, and stays; without one nothing does.
    pub(super) fn replace(&self, batch: Batch, read_at: Option<i64>) {
        self.commit(batch, Scope::Stored { read_at: read_at.unwrap_or(i64::MAX) });
        self.is_expecting.store(false, Ordering::Release);
    }

    fn commit(&self, batch: Batch, scope: Scope) {
        // Held over the whole change, so that two writers never copy the same shard.
        let mut index = self.lock();
        let (mut gone, mut came) = (Vec::new(), Vec::new());
        if scope != Scope::Changed {
            let stays: HashSet<KeyId> = batch.entries.iter().map(|entry| entry.id).collect();
            let declared = scope == Scope::Declared;
            let is_left = |id: &KeyId, entry: &mut Arc<Entry>| {
                entry.declared == declared && !stays.contains(id) && !scope.is_later(entry)
            };
            let left = index.extract_if(is_left);
            gone.extend(left.map(|(_, entry)| entry));
        }
        if scope != Scope::Declared && !batch.entries.is_empty() {
            self.has_kept.store(true, Ordering::Release);
        }
        for entry in batch.entries {
            let known = index.get(&entry.id);
            let is_news = known.is_none_or(|known| match (known.declared, entry.declared) {
                // What is declared holds, whatever the store says.
                (true, false) => false,
                (false, true) => true,
                _ if scope == Scope::Changed => entry.revision > known.revision,
                _ => !scope.is_later(known),
            });
            if is_news {
                gone.extend(index.insert(entry.id, entry.clone()));
                came.push(entry);
            }
        }
        self.len.store(index.len(), Ordering::Release);
        self.write(gone, came);
    }

    /// Copies each shard that changes, once. A token never changes its shard, so that one which is good
    /// before and after a change is good at every moment in between.
    fn write(&self, gone: Vec<Arc<Entry>>, came: Vec<Arc<Entry>>) {
        for (shard, (gone, came)) in self.shards.iter().zip(spread(gone).into_iter().zip(spread(came))) {
            if !gone.is_empty() || !came.is_empty() {
                let mut changed = Shard::clone(&shard.load());
                changed.change(&gone, came);
                shard.store(Arc::new(changed));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, Arc<Entry>>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keys on their way into a table, in the form that it keeps.
#[derive(Debug, Default)]
pub(super) struct Batch {
    entries: Vec<Arc<Entry>>,
    words: Words,
}

impl Batch {
    pub(super) fn add(&mut self, keys: impl IntoIterator<Item = Key>) {
        let words = &mut self.words;
        self.entries.extend(keys.into_iter().map(|key| Entry::new(key, false, false, words)));
    }
}

/// What a batch stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Some keys that changed.
    Changed,
    /// All keys that are declared.
    Declared,
    /// All keys that the store had at a revision.
    Stored { read_at: i64 },
}

impl Scope {
    /// Whether a known key is newer than what the batch can say of it.
    fn is_later(self, known: &Entry) -> bool {
        matches!(self, Self::Stored { read_at } if known.revision > read_at)
    }
}

/// The tokens of keys, by the shards they belong to.
fn spread(entries: Vec<Arc<Entry>>) -> Vec<Vec<Slot>> {
    let mut shards: Vec<Vec<Slot>> = vec![Vec::new(); SHARDS];
    let mut put = |digest: &Digest, entry: Arc<Entry>, is_previous| {
        if let Some(shard) = shards.get_mut(shard_of(digest)) {
            shard.push(Slot { entry, is_previous });
        }
    };
    for entry in entries {
        if let Some(previous) = &entry.previous {
            put(&previous.0, entry.clone(), true);
        }
        put(&entry.digest.clone(), entry, false);
    }
    shards
}

/// The last byte decides: the first ones find the place within a shard.
fn shard_of(digest: &Digest) -> usize {
    digest.as_bytes().last().copied().unwrap_or_default().into()
}

/// One for each value of a byte.
const SHARDS: usize = 256;

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::keys::{Digest, Grant};

    fn key(name: &str, revision: i64) -> Key {
        let mut key = Key::new(KeyId::of_name(name), Digest::from([7; 32]), Grant::default(), UNIX_EPOCH);
        key.revision = revision;
        key
    }

    fn known(table: &KeyTable) -> Vec<i64> {
        let mut revisions: Vec<i64> = table.lock().values().map(|entry| entry.revision).collect();
        revisions.sort_unstable();
        revisions
    }

    /// An administrator changes keys here while the feed still reads: the older state that the feed then
    /// has must not bring a revoked key back.
    #[test]
    fn what_changes_while_all_is_read_stays_changed() {
        let table = KeyTable::new(Pepper::new(&[7; 32]).unwrap());
        table.apply([key("revoked", 8), key("made", 9), key("gone", 3)]);
        let batch = || {
            let mut batch = Batch::default();
            batch.add([key("revoked", 2), key("other", 7)]);
            batch
        };
        table.replace(batch(), Some(7));
        assert_eq!(known(&table), [7, 8, 9]);
        // A store that went back in time is right about everything.
        table.replace(batch(), None);
        assert_eq!(known(&table), [2, 7]);
    }
}
