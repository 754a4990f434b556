use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Permits that are being asked for, or were in the last moment.
///
/// A list of what is held names permits that were asked for before it was made, whether they are granted
/// or not, and none that were asked for after it; and it may have been made a moment before it is sent.
/// So it says between what limits the truth is, and the server, who counts each grant once, decides.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Asked>);

#[derive(Debug, Default)]
struct Asked {
    next: u64,
    permits: HashMap<u64, Permits>,
}

#[derive(Debug)]
struct Permits {
    at: Instant,
    key: Arc<str>,
    amount: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Asked,
    /// Or not known to be refused.
    Granted,
    Refused,
}

/// By key.
pub(super) type Doubts = HashMap<Arc<str>, Doubt>;

/// By how much a list may be wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Doubt {
    /// So much of what it names may not be held.
    pub(super) named: u64,
    /// So much that it does not name may be held.
    pub(super) missing: u64,
}

impl Recent {
    /// Notes that permits are asked for.
    pub(super) fn ask(&self, key: &Arc<str>, amount: u64, at: Instant) -> Asking<'_> {
        let mut asked = self.lock();
        let id = asked.next;
        asked.next += 1;
        asked.permits.insert(id, Permits { at, key: Arc::clone(key), amount, state: State::Asked });
        Asking { recent: self, id, state: State::Granted }
    }

    /// Calls with the doubt of each key of which there is any. Nothing more is asked for meanwhile.
    pub(super) fn with_doubts<T>(&self, now: Instant, call: impl FnOnce(&Doubts) -> T) -> T {
        let mut asked = self.lock();
        let is_recent = |permits: &Permits| now.saturating_duration_since(permits.at) < MOMENT;
        asked.permits.retain(|_, permits| permits.state == State::Asked || is_recent(permits));
        let mut doubts = Doubts::new();
        for permits in asked.permits.values() {
            let doubt = doubts.entry(Arc::clone(&permits.key)).or_default();
            doubt.named += permits.amount;
            if permits.state != State::Refused && is_recent(permits) {
                doubt.missing += permits.amount;
            }
        }
        call(&doubts)
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Permits that are being asked for, until dropped.
pub(super) struct Asking<'a> {
    recent: &'a Recent,
    id: u64,
    state: State,
}

impl Asking<'_> {
    /// They were refused.
    pub(super) fn refused(mut self) {
        self.state = State::Refused;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(permits) = self.recent.lock().permits.get_mut(&self.id) {
            permits.state = self.state;
        }
    }
}

/// Longer than a thread is held up between making a list and sending it, unless the machine is in
/// trouble.
const MOMENT: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_in_the_last_moment_is_in_doubt() {
        let (recent, now, key) = (Recent::default(), Instant::now(), Arc::<str>::from("key"));
        let doubt = |after| {
            let told = |doubts: &Doubts| doubts.get(&key).map(|doubt| (doubt.named, doubt.missing));
            recent.with_doubts(now + after, told)
        };
        let slow = recent.ask(&key, 1, now);
        drop(recent.ask(&key, 2, now));
        recent.ask(&key, 4, now + MOMENT / 2).refused();
        drop(recent.ask(&key, 8, now + MOMENT / 2));
        assert_eq!(doubt(MOMENT / 2), Some((15, 11)));
        assert_eq!(doubt(MOMENT), Some((13, 8)));
        // What is not answered may be granted at any time, but is in each list by now.
        assert_eq!(doubt(2 * MOMENT), Some((1, 0)));
        drop(slow);
        assert_eq!(doubt(2 * MOMENT), None);
    }
}
