use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use ring::hmac;
use tollway_core::Caller;

use super::claims::Span;

/// Tokens that were verified, so that one which comes again costs a hash and no signature.
///
/// A fixed number of places, each swapped as a whole: reading takes no lock, and what comes in drives out
/// what has expired, or else something by chance. Only what was verified comes in, and where it goes
/// nobody can foresee.
#[derive(Debug)]
pub(super) struct Remembered {
    key: hmac::Key,
    places: Box<[ArcSwapOption<Entry>]>,
}

/// A token, known by its hash under a key that nobody knows: to find another with the same one is to
/// forge a MAC.
pub(super) type Fingerprint = [u8; 32];

/// What is known of a token.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) fingerprint: Fingerprint,
    /// By which of the issuers.
    pub(super) issuer: usize,
    /// By which of the issuer's sets of keys it was verified.
    pub(super) revision: u64,
    /// When it is good.
    pub(super) span: Span,
    pub(super) caller: Arc<Caller>,
}

impl Remembered {
    /// Remembers at most so many tokens, rounded up to a power of two. Without randomness, or with none to
    /// remember, nothing is.
    pub(super) fn new(most: usize) -> Self {
        let mut secret = [0; 32];
        let most = if getrandom::fill(&mut secret).is_ok() { most } else { 0 };
        let places = if most == 0 { 0 } else { most.clamp(WAYS, MOST).next_power_of_two() };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        Self { key, places: (0..places).map(|_| ArcSwapOption::empty()).collect() }
    }

    pub(super) fn fingerprint(&self, token: &[u8]) -> Fingerprint {
        let mut fingerprint = [0; 32];
        for (to, from) in fingerprint.iter_mut().zip(hmac::sign(&self.key, token).as_ref()) {
            *to = *from;
        }
        fingerprint
    }

    /// What is known of a token, good or not any more.
    pub(super) fn find(&self, fingerprint: &Fingerprint) -> Option<Arc<Entry>> {
        self.ways(fingerprint).iter().find_map(|place| {
            let entry = place.load();
            // Not in constant time: what is compared is a MAC that nobody can choose.
            entry.as_ref().filter(|entry| entry.fingerprint == *fingerprint).cloned()
        })
    }

    pub(super) fn insert(&self, entry: Entry, now: SystemTime) {
        let ways = self.ways(&entry.fingerprint);
        let is_free = |place: &&ArcSwapOption<Entry>| match &*place.load() {
            None => true,
            Some(old) => old.fingerprint == entry.fingerprint || old.span.check(now).is_err(),
        };
        let by_chance = || ways.get(usize::from(entry.fingerprint[31]) % WAYS);
        if let Some(place) = ways.iter().find(is_free).or_else(by_chance) {
            place.store(Some(Arc::new(entry)));
        }
    }

    /// The places where a token may stand.
    fn ways(&self, fingerprint: &Fingerprint) -> &[ArcSwapOption<Entry>] {
        let [a, b, c, d, ..] = *fingerprint;
        let number = u32::from_le_bytes([a, b, c, d]) as usize;
        let first = (number & self.places.len().saturating_sub(1)) & !(WAYS - 1);
        self.places.get(first..first + WAYS).unwrap_or_default()
    }
}

/// How many places there are for each token.
const WAYS: usize = 4;

/// The places alone take eight bytes each.
const MOST: usize = 1 << 24;

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn remember(remembered: &Remembered, token: u32, until: i64) -> Fingerprint {
        let fingerprint = remembered.fingerprint(&token.to_le_bytes());
        let (caller, span) = (Arc::new(Caller::anonymous()), Span { from: 0, until });
        remembered.insert(Entry { fingerprint, issuer: 0, revision: 0, span, caller }, UNIX_EPOCH);
        fingerprint
    }

    #[test]
    fn memory_is_bounded_and_the_newest_is_known() {
        let remembered = Remembered::new(50);
        assert_eq!(remembered.places.len(), 64);
        for token in 0..10_000 {
            let fingerprint = remember(&remembered, token, 1);
            assert_eq!(remembered.find(&fingerprint).unwrap().fingerprint, fingerprint);
        }
        let known = (0..10_000_u32)
            .filter(|token| remembered.find(&remembered.fingerprint(&token.to_le_bytes())).is_some());
        assert_eq!(known.count(), 64);
    }

    #[test]
    fn what_has_expired_goes_first() {
        let remembered = Remembered::new(4);
        let living: Vec<_> = (0..3).map(|token| remember(&remembered, token, 10)).collect();
        for token in 3..100 {
            remember(&remembered, token, -1);
        }
        assert!(living.iter().all(|fingerprint| remembered.find(fingerprint).is_some()));
    }

    #[test]
    fn a_token_takes_one_place() {
        let remembered = Remembered::new(4);
        for _ in 0..9 {
            remember(&remembered, 7, 10);
        }
        assert_eq!(remembered.places.iter().filter(|place| place.load().is_some()).count(), 1);
    }

    #[test]
    fn nothing_is_remembered_where_there_is_no_place() {
        let remembered = Remembered::new(0);
        let fingerprint = remember(&remembered, 1, 10);
        assert!(remembered.find(&fingerprint).is_none());
    }

    #[test]
    fn each_process_has_a_hash_of_its_own() {
        assert_ne!(Remembered::new(4).fingerprint(b"a"), Remembered::new(4).fingerprint(b"a"));
    }
}
