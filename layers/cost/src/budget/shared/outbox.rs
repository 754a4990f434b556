use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::budget::{accounts::Account, reservation::Charge};

/// Corrections that wait to be sent, added up by where they were counted.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<HashMap<Address, Letter>>,
}

/// Account, mark and epoch.
type Address = (usize, i64, u64);

/// What is to be corrected of an account under a mark, and in an epoch.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) purse: u16,
    pub(super) account: Arc<Account>,
    pub(super) mark: i64,
    pub(super) epoch: u64,
    pub(super) waiting: Waiting,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    pub(super) back: i64,
    pub(super) more: i64,
    /// How much of `more` was taken without the store.
    pub(super) alone: i64,
}

impl Waiting {
    pub(super) const fn back(back: i64) -> Self {
        Self { back, more: 0, alone: 0 }
    }

    pub(super) const fn more(more: i64) -> Self {
        Self { back: 0, more, alone: 0 }
    }

    pub(super) const fn more_alone(more: i64) -> Self {
        Self { back: 0, more, alone: more }
    }

    pub(super) const fn is_something(&self) -> bool {
        self.back > 0 || self.more > 0
    }
}

impl Outbox {
    pub(super) fn put(&self, purse: u16, account: &Arc<Account>, mark: i64, epoch: u64, waiting: Waiting) {
        match self.lock().entry(address(account, mark, epoch)) {
            Entry::Occupied(mut entry) => {
                let held = &mut entry.get_mut().waiting;
                held.back = held.back.saturating_add(waiting.back);
                held.more = held.more.saturating_add(waiting.more);
                held.alone = held.alone.saturating_add(waiting.alone);
            }
            Entry::Vacant(entry) => {
                entry.insert(Letter { purse, account: account.clone(), mark, epoch, waiting });
            }
        }
    }

    /// Takes back of what was taken alone and is not sent yet; says how much that was.
    pub(super) fn take_back(&self, charge: &Charge, amount: i64) -> i64 {
        let mut letters = self.lock();
        let Some(letter) = letters.get_mut(&address(&charge.account, charge.mark, 0)) else { return 0 };
        let unsent = amount.min(letter.waiting.alone).min(letter.waiting.more).max(0);
        letter.waiting.alone = letter.waiting.alone.saturating_sub(unsent);
        letter.waiting.more = letter.waiting.more.saturating_sub(unsent);
        unsent
    }

    /// Takes out what waits, up to what one call may carry.
    pub(super) fn take(&self) -> Vec<Letter> {
        let mut letters = self.lock();
        let addresses: Vec<Address> = letters.keys().take(MOST_AT_ONCE).copied().collect();
        addresses.into_iter().filter_map(|address| letters.remove(&address)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, Letter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn address(account: &Arc<Account>, mark: i64, epoch: u64) -> Address {
    (Arc::as_ptr(account).addr(), mark, epoch)
}

/// So that no call takes a store long.
const MOST_AT_ONCE: usize = 256;
