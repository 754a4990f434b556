use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hashbrown::HashTable;

use super::{Budget, Per, Place, cell::Cell};

/// What the subjects of one budget have spent, in shards with a lock each.
///
/// **Bounded, and nothing that counts is forgotten.** Each new subject makes its shard look at a few others
/// and drop those that have spent nothing in the period that runs. Where a shard is full even so, all further
/// subjects of it are counted as one.
#[derive(Debug)]
pub(super) struct Accounts {
    budget: Arc<Budget>,
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    most_in_shard: usize,
    /// Where all is counted together.
    together: Option<Arc<Account>>,
}

/// What one subject has spent.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) subject: Arc<str>,
    cell: Mutex<Cell>,
}

#[derive(Debug, Default)]
struct Shard {
    accounts: HashTable<Arc<Account>>,
    /// Where to look next for what is over.
    hand: usize,
    /// Those who found no place.
    others: Option<Arc<Account>>,
}

impl Account {
    fn new(budget: &Budget, subject: &str) -> Self {
        let is_shared = matches!(budget.place, Place::Shared { .. });
        Self { subject: subject.into(), cell: Mutex::new(Cell::new(&budget.period, is_shared)) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Cell> {
        // Nothing panics under this lock; were it so, a cell is whole after each step.
        self.cell.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    pub(super) fn new(budget: Arc<Budget>, most: usize) -> Self {
        let is_together = budget.per == Per::Global;
        let together = is_together.then(|| Arc::new(Account::new(&budget, "")));
        let shards = if is_together { 0 } else { SHARDS };
        Self {
            budget,
            shards: std::iter::repeat_with(Mutex::default).take(shards).collect(),
            hasher: RandomState::new(),
            most_in_shard: (most / SHARDS).max(1),
            together,
        }
    }

    /// The account of a subject, made if it is new.
    pub(super) fn of(&self, subject: &str, now: i64) -> Arc<Account> {
        if let Some(together) = &self.together {
            return together.clone();
        }
        let hash = self.hasher.hash_one(subject);
        let place = usize::try_from(hash >> 32).unwrap_or(0) & (SHARDS - 1);
        // There are as many as this, as there is no one account.
        let Some(shard) = self.shards.get(place) else {
            return Arc::new(Account::new(&self.budget, subject));
        };
        let mut shard = lock(shard);
        if let Some(account) = shard.accounts.find(hash, |account| *account.subject == *subject) {
            return account.clone();
        }
        self.make_room(&mut shard, now);
        if shard.accounts.len() >= self.most_in_shard {
            let others = || Arc::new(Account::new(&self.budget, OTHERS));
            return shard.others.get_or_insert_with(others).clone();
        }
        let account = Arc::new(Account::new(&self.budget, subject));
        shard
            .accounts
            .insert_unique(hash, account.clone(), |account| self.hasher.hash_one(&*account.subject));
        account
    }

    /// All accounts, a shard at a time.
    pub(super) fn all(&self) -> impl Iterator<Item = Arc<Account>> {
        let in_shards = self.shards.iter().flat_map(|shard| {
            let shard = lock(shard);
            shard.accounts.iter().chain(&shard.others).cloned().collect::<Vec<_>>()
        });
        self.together.iter().cloned().chain(in_shards)
    }

    fn make_room(&self, shard: &mut Shard, now: i64) {
        let places = shard.accounts.num_buckets();
        let is_full = shard.accounts.len() >= self.most_in_shard;
        for _ in 0..places.min(if is_full { MOST_LOOKED_AT } else { LOOKED_AT }) {
            let place = shard.hand;
            shard.hand = if place + 1 >= places { 0 } else { place + 1 };
            let Ok(entry) = shard.accounts.get_bucket_entry(place) else { continue };
            // Who has it in hand counts on it: it is handed out under this lock only.
            let is_in_use = Arc::strong_count(entry.get()) > 1;
            if is_in_use {
                continue;
            }
            let mut cell = entry.get().lock();
            cell.roll(&self.budget.period, now);
            let is_empty = cell.is_empty();
            drop(cell);
            if is_empty {
                entry.remove();
            }
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// By what name those are counted who found no place of their own: no subject is empty.
const OTHERS: &str = "";

/// A power of two.
const SHARDS: usize = 64;

/// More than one place for each new subject, so that the hand comes round before the table fills.
const LOOKED_AT: usize = 4;

/// Never a whole large shard under its lock.
const MOST_LOOKED_AT: usize = 64;
