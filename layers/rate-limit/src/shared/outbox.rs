use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::Counter;

use super::leased::Leftover;
use crate::Rule;
use crate::key::Key;
use crate::store::{Correction, Held};

/// Corrections that wait to be sent, added up by where they were counted.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: Mutex<HashMap<Place, Correction>>,
    /// Subjects of concurrent rules of which the store may count more than is held.
    unsure: Mutex<HashMap<(u16, Key), Held>>,
    lost: AtomicU64,
    lost_meter: Counter,
}

/// Rule, subject and mark.
type Place = (u16, Key, u64);

/// What is sent together.
pub(super) type Letter = Vec<(Place, Correction)>;

impl Outbox {
    pub(super) fn new(lost_meter: Counter) -> Self {
        Self { waiting: Mutex::default(), unsure: Mutex::default(), lost: AtomicU64::new(0), lost_meter }
    }

    pub(super) fn put(
        &self,
        limit: u16,
        key: Key,
        rule: &Arc<Rule>,
        subject: &Arc<str>,
        back: Leftover,
        more: u64,
    ) {
        let mark = if rule.measure.is_concurrent() { PERMITS } else { back.mark };
        let correction =
            Correction { rule: rule.clone(), subject: subject.clone(), mark, back: back.amount, more };
        self.add(&mut self.lock(), (limit, key, mark), correction);
    }

    /// Takes out what waits, up to what one call may carry.
    pub(super) fn take(&self) -> Letter {
        let mut waiting = self.lock();
        if waiting.len() <= MOST_AT_ONCE {
            return waiting.drain().collect();
        }
        let places: Vec<Place> = waiting.keys().take(MOST_AT_ONCE).copied().collect();
        places.into_iter().filter_map(|place| waiting.remove_entry(&place)).collect()
    }

    /// Puts back what may not have been heard. Who cannot know must not give anything back twice, for
    /// that would let more than the limit pass; to take twice only lets less pass. Of permits the next
    /// beat says how many there are.
    pub(super) fn put_back(&self, letter: Letter) {
        let mut waiting = self.lock();
        for (place, correction) in letter {
            if correction.rule.measure.is_concurrent() {
                let Correction { rule, subject, .. } = correction;
                self.lock_unsure().insert((place.0, place.1), Held { rule, subject, permits: 0, asked: 0 });
                continue;
            }
            if correction.back > 0 {
                self.loses();
            }
            if correction.more > 0 {
                self.add(&mut waiting, place, Correction { back: 0, ..correction });
            }
        }
    }

    /// Takes out what the next beat has to say a word about.
    pub(super) fn take_unsure(&self) -> HashMap<(u16, Key), Held> {
        std::mem::take(&mut *self.lock_unsure())
    }

    /// Puts in what a later beat has to say a word about.
    pub(super) fn put_unsure(&self, unsure: HashMap<(u16, Key), Held>) {
        self.lock_unsure().extend(unsure);
    }

    /// How many permits of a subject wait to be given back.
    pub(super) fn permits(&self, limit: u16, key: Key) -> u64 {
        self.lock().get(&(limit, key, PERMITS)).map_or(0, |correction| correction.back)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn add(&self, waiting: &mut HashMap<Place, Correction>, place: Place, correction: Correction) {
        if let Some(held) = waiting.get_mut(&place) {
            held.back = held.back.saturating_add(correction.back);
            held.more = held.more.saturating_add(correction.more);
        } else if waiting.len() < MOST_WAITING {
            waiting.insert(place, correction);
        } else {
            self.loses();
        }
    }

    fn loses(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.lost_meter.increment(1);
    }

    fn lock_unsure(&self) -> MutexGuard<'_, HashMap<(u16, Key), Held>> {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Correction>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Permits are counted nowhere in particular.
const PERMITS: u64 = 0;

/// Some twenty megabytes, while a store is gone.
const MOST_WAITING: usize = 100_000;

/// So that no call takes a store long.
pub(super) const MOST_AT_ONCE: usize = 512;
