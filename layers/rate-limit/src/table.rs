use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashTable;

use crate::cell::{Cell, Ticks};
use crate::key::Key;

/// The cells of one rule, by subject, in shards with a lock each.
///
/// **Bounded.** Each new subject makes its shard look at a few other places and drop those that no
/// longer count, so that a table holds hardly more than what counts. When a shard holds its part of
/// the most that may be held, one of a few is forgotten for each that comes: the one that would be
/// over first. A cell that cannot be forgotten (a request goes on) never is.
#[derive(Debug)]
pub(crate) struct Table<C> {
    shards: Box<[Padded<C>]>,
}

/// On cache lines of its own, so that neighbours' locks do not slow each other.
#[derive(Debug)]
#[repr(align(128))]
struct Padded<C>(Mutex<Shard<C>>);

/// A part of a table.
#[derive(Debug)]
pub(crate) struct Shard<C> {
    entries: HashTable<(Key, C)>,
    most: usize,
    /// Where to look next for what is over.
    hand: usize,
}

impl<C: Cell> Table<C> {
    /// For `most` subjects; for one, if `alone`.
    pub(crate) fn new(most: usize, alone: bool) -> Self {
        let shards = if alone { 1 } else { SHARDS };
        let most_in_shard = (most / shards).max(1);
        let shard = || Shard { entries: HashTable::new(), most: most_in_shard, hand: 0 };
        let shards = std::iter::repeat_with(|| Padded(Mutex::new(shard()))).take(shards).collect();
        Self { shards }
    }

    /// Locks the shard of a subject.
    pub(crate) fn lock(&self, key: Key) -> Option<MutexGuard<'_, Shard<C>>> {
        // One shard or a power of two of them. There is always one, as there are no tables without.
        let place = usize::try_from(key.shard() >> 32).unwrap_or(0) & (self.shards.len() - 1);
        Some(lock(self.shards.get(place)?))
    }

    /// Drops what no longer counts. Holds one shard's lock at a time.
    pub(crate) fn sweep(&self, terms: &C::Terms, now: Ticks) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.entries.retain(|(_, cell)| !cell.is_over(terms, now));
            shard.entries.shrink_to_fit(|(key, _)| key.hash());
        }
    }

    /// Calls `f` with each cell, one shard at a time.
    pub(crate) fn for_each(&self, mut f: impl FnMut(Key, &C)) {
        for shard in &self.shards {
            lock(shard).entries.iter().for_each(|(key, cell)| f(*key, cell));
        }
    }

    /// How many subjects are held.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).entries.len()).sum()
    }
}

impl<C: Cell> Shard<C> {
    /// Where a subject's cell is, until the next change of the shard.
    pub(crate) fn find(&self, key: Key) -> Option<usize> {
        self.entries.find_bucket_index(key.hash(), |(held, _)| *held == key)
    }

    /// The cell at a place found.
    pub(crate) fn at(&mut self, place: usize) -> Option<&mut C> {
        self.entries.get_bucket_mut(place).map(|(_, cell)| cell)
    }

    /// The cell of a subject, made if it is new.
    pub(crate) fn cell_or_new(&mut self, terms: &C::Terms, now: Ticks, key: Key, known: bool) -> &mut C {
        if !known {
            self.make_room(terms, now);
        }
        let entry = self.entries.entry(key.hash(), |(held, _)| *held == key, |(key, _)| key.hash());
        &mut entry.or_insert_with(|| (key, C::new(terms))).into_mut().1
    }

    /// Looks at a few places from the hand on and drops what is over. Where the shard is full even so,
    /// drops the one that will be over first.
    fn make_room(&mut self, terms: &C::Terms, now: Ticks) {
        let places = self.entries.num_buckets();
        let full = self.entries.len() >= self.most;
        let mut first: Option<(Ticks, usize)> = None;
        let mut seen = 0;
        for _ in 0..places.min(if full { MOST_LOOKED_AT } else { LOOKED_AT }) {
            if seen == COMPARED {
                break;
            }
            let place = self.hand;
            self.hand = if place + 1 >= places { 0 } else { place + 1 };
            let Ok(entry) = self.entries.get_bucket_entry(place) else { continue };
            seen += 1;
            let cell = &entry.get().1;
            if cell.is_over(terms, now) {
                entry.remove();
                continue;
            }
            let over_at = cell.over_at(terms);
            if over_at != Ticks::MAX && first.is_none_or(|(at, _)| over_at < at) {
                first = Some((over_at, place));
            }
        }
        if self.entries.len() >= self.most
            && let Some((_, place)) = first
            && let Ok(entry) = self.entries.get_bucket_entry(place)
        {
            entry.remove();
        }
    }
}

fn lock<C>(shard: &Padded<C>) -> MutexGuard<'_, Shard<C>> {
    // Nothing panics under this lock; were it so, counters are whole after each step.
    shard.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A power of two. So many that threads seldom meet, and that a shard grows by little at a time.
const SHARDS: usize = 128;

/// More than one place for each new subject, so that the hand comes round before the table fills.
const LOOKED_AT: usize = 4;

/// So many subjects that one of them is likely to be nearly over, where one must be forgotten.
const COMPARED: usize = 16;

/// Many more places than that, as most may be empty; but never a whole shard.
const MOST_LOOKED_AT: usize = 512;
