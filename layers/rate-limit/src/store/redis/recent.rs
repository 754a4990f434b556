use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Permits that are being asked for, in the order in which they were.
///
/// A list of what is held is made while other threads go on asking. What they ask for from when its
/// making began until it is sent may be granted before the server hears the list, and does not stand in
/// it: so much more may be held than it says.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Asked>);

#[derive(Debug, Default)]
struct Asked {
    next: u64,
    /// What is not known to be refused, by number.
    permits: BTreeMap<u64, Permits>,
    /// How many lists are being made. Meanwhile nothing is forgotten that may have been granted.
    lists: u32,
}

#[derive(Debug)]
struct Permits {
    key: Arc<str>,
    amount: u64,
    /// Whether the answer has come.
    is_answered: bool,
}

/// How much more than a list says may be held, by key.
pub(super) type Missing = HashMap<Arc<str>, u64>;

impl Recent {
    /// Notes that permits are asked for.
    pub(super) fn ask(&self, key: &Arc<str>, amount: u64) -> Asking<'_> {
        let mut asked = self.lock();
        let id = asked.next;
        asked.next += 1;
        asked.permits.insert(id, Permits { key: Arc::clone(key), amount, is_answered: false });
        Asking { recent: self, id, is_refused: false }
    }

    /// Begins a list.
    pub(super) fn begin(&self) -> Listing<'_> {
        let mut asked = self.lock();
        asked.lists += 1;
        Listing { recent: self, from: asked.next }
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A list that is being made, until dropped.
pub(super) struct Listing<'a> {
    recent: &'a Recent,
    from: u64,
}

impl Listing<'_> {
    /// Calls with what was asked for since the list was begun. Nothing more is asked for meanwhile.
    pub(super) fn end<T>(self, call: impl FnOnce(&Missing) -> T) -> T {
        let asked = self.recent.lock();
        let mut missing = Missing::new();
        for permits in asked.permits.range(self.from..).map(|(_, permits)| permits) {
            *missing.entry(Arc::clone(&permits.key)).or_default() += permits.amount;
        }
        let called = call(&missing);
        drop(asked);
        called
    }
}

impl Drop for Listing<'_> {
    fn drop(&mut self) {
        let mut asked = self.recent.lock();
        asked.lists -= 1;
        if asked.lists == 0 {
            asked.permits.retain(|_, permits| !permits.is_answered);
        }
    }
}

/// Permits that are being asked for, until dropped.
pub(super) struct Asking<'a> {
    recent: &'a Recent,
    id: u64,
    is_refused: bool,
}

impl Asking<'_> {
    /// They were refused.
    pub(super) fn refused(mut self) {
        self.is_refused = true;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut asked = self.recent.lock();
        if asked.lists == 0 || self.is_refused {
            asked.permits.remove(&self.id);
        } else if let Some(permits) = asked.permits.get_mut(&self.id) {
            permits.is_answered = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_may_miss_what_was_asked_for_since_it_was_begun() {
        let (recent, key) = (Recent::default(), Arc::<str>::from("key"));
        let missing = |list: Listing<'_>| list.end(|missing| missing.get(&key).copied());
        let before = recent.ask(&key, 1);
        drop(recent.ask(&key, 2));
        let first = recent.begin();
        drop(before);
        drop(recent.ask(&key, 4));
        recent.ask(&key, 8).refused();
        let waits = recent.ask(&key, 16);
        let second = recent.begin();
        drop(recent.ask(&key, 32));
        assert_eq!(missing(first), Some(52));
        assert_eq!(missing(second), Some(32));
        // It stands in each list that is begun from now on.
        assert_eq!(missing(recent.begin()), None);
        drop(waits);
        assert!(recent.lock().permits.is_empty());
    }
}
