use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::{Dimension, Dimensions, Per};

/// Who is counted, as 128 bits of a keyed hash: no subject's name is kept.
///
/// Clients choose some of the names. They know neither the key nor a hash, so they cannot make two
/// subjects meet; by chance two of ten million do with a probability of 10⁻²⁵.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    high: u64,
    low: u64,
}

impl Key {
    /// What tables place by.
    pub(crate) const fn hash(self) -> u64 {
        self.low
    }

    /// What shards are chosen by: other bits than the table within uses.
    pub(crate) const fn shard(self) -> u64 {
        self.high
    }

    /// Mixes one value's hash in. Each is as good as random and unknown to whoever chose the value,
    /// so that a sum of multiples tells combinations apart.
    const fn and(self, value: Self) -> Self {
        Self {
            high: self.high.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(value.high),
            low: self.low.wrapping_mul(0xd1b5_4a32_d192_ed03).wrapping_add(value.low),
        }
    }
}

/// The keys of a process, random at its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keying(SipHasher13);

impl Keying {
    pub(crate) fn random() -> Self {
        let random = RandomState::new();
        Self(SipHasher13::new_with_keys(random.hash_one(0), random.hash_one(1)))
    }

    /// Hashes each value that one of the rules asks for, once.
    pub(crate) fn hash(&self, dimensions: &Dimensions, asked: Per) -> Hashed {
        let mut values = [None; Dimension::ALL.len()];
        for (dimension, hashed) in Dimension::ALL.into_iter().zip(&mut values) {
            if asked.contains(dimension) {
                *hashed = self.value(dimensions, dimension);
            }
        }
        Hashed(values)
    }

    fn value(&self, dimensions: &Dimensions, dimension: Dimension) -> Option<Key> {
        let mut hasher = self.0;
        match dimensions.value(dimension) {
            Some(value) => value.hash(&mut hasher),
            None if dimension == Dimension::Address => dimensions.address()?.hash(&mut hasher),
            None => return None,
        }
        let hash = hasher.finish128();
        Some(Key { high: hash.h1, low: hash.h2 })
    }
}

/// The hashes of a request's values.
#[derive(Debug)]
pub(crate) struct Hashed([Option<Key>; Dimension::ALL.len()]);

impl Hashed {
    /// The subject of a rule; nothing where a value is missing.
    pub(crate) fn key(&self, per: Per) -> Option<Key> {
        let mut key = Key { high: 1, low: 1 };
        for dimension in per.iter() {
            key = key.and((*self.0.get(dimension as usize)?)?);
        }
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_by_value_and_by_dimension() {
        let keying = Keying::random();
        let per = Per::from_iter([Dimension::Key, Dimension::User]);
        let key = |key: &str, user: &str| {
            let of = Dimensions::new().with(Dimension::Key, key).with(Dimension::User, user);
            keying.hash(&of, per).key(per).unwrap()
        };
        assert_eq!(key("a", "b"), key("a", "b"));
        assert_ne!(key("a", "b"), key("b", "a"));
        assert_ne!(key("a", "b"), key("ab", ""));
        assert_ne!(key("a", "a"), key("b", "b"));
    }

    #[test]
    fn a_missing_value_has_no_key() {
        let keying = Keying::random();
        let per = Per::from(Dimension::User);
        assert!(keying.hash(&Dimensions::new(), per).key(per).is_none());
        assert!(keying.hash(&Dimensions::new(), per).key(Per::ALL_TOGETHER).is_some());
    }
}
