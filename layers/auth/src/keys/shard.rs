use std::sync::Arc;

use hashbrown::HashTable;

use super::Digest;
use super::entry::Entry;

/// A part of the table: tokens by their hashes.
#[derive(Clone, Debug, Default)]
pub(super) struct Shard(HashTable<Slot>);

/// A token, by the key that it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) entry: Arc<Entry>,
    /// Whether it is the key's token before the newest.
    pub(super) is_previous: bool,
}

impl Shard {
    /// The key that has a token, and whether it is the one before its newest.
    ///
    /// Where in the table it looks follows from a hash that nobody can foresee without the pepper; what
    /// stands there is compared in constant time.
    pub(super) fn find(&self, digest: &Digest) -> Option<(&Entry, bool)> {
        let slot = self.0.find(digest.number(), |slot| slot.digest() == Some(digest))?;
        Some((&slot.entry, slot.is_previous))
    }

    /// Takes tokens out and others in.
    pub(super) fn change(&mut self, gone: &[Slot], came: Vec<Slot>) {
        for slot in gone {
            let same = |other: &Slot| {
                Arc::ptr_eq(&other.entry, &slot.entry) && other.is_previous == slot.is_previous
            };
            if let Ok(found) = self.0.find_entry(slot.number(), same) {
                found.remove();
            }
        }
        self.0.reserve(came.len(), Slot::number);
        for slot in came {
            self.0.insert_unique(slot.number(), slot, Slot::number);
        }
    }
}

impl Slot {
    fn digest(&self) -> Option<&Digest> {
        if self.is_previous {
            self.entry.previous.as_ref().map(|previous| &previous.0)
        } else {
            Some(&self.entry.digest)
        }
    }

    fn number(&self) -> u64 {
        self.digest().map_or(0, Digest::number)
    }
}
