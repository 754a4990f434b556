use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::Shared;
use super::outbox::MOST_AT_ONCE;
use crate::StoreError;
use crate::counts::Counts;
use crate::key::Key;
use crate::limit::{Counters, Step};
use crate::store::{Held, Pending, Pulse};

impl Shared {
    /// Starts the task that gives leases back, sends corrections and asks after the store, unless it
    /// runs. Needs a runtime.
    pub(super) fn mind(&self, counts: &Arc<Counts>) {
        if self.minded.load(Ordering::Relaxed) || self.minded.swap(true, Ordering::Relaxed) {
            return;
        }
        let minded = Minded(Arc::downgrade(counts));
        tokio::spawn(async move {
            let minded = minded;
            let mut next_beat = Instant::now();
            while let Some(counts) = minded.0.upgrade() {
                let Some(wait) = round(&counts, &mut next_beat).await else { continue };
                let Some(work) = counts.shared().map(|shared| shared.work.clone()) else { break };
                // Nobody would end this task if it kept alive what it minds.
                drop(counts);
                if timeout(wait, work.notified()).await.is_ok() {
                    sleep(GATHER).await;
                }
            }
        });
    }

    async fn beat(&self, counts: &Counts) {
        let mut said = None;
        let mut answer = self.soon(self.say(counts, &mut said), self.timeout).await;
        if answer.is_ok() && said.is_none() {
            // It had to connect.
            answer = self.soon(self.say(counts, &mut said), self.timeout).await;
        }
        match answer {
            Ok(Pulse { replicas }) => {
                self.hears_of(replicas, counts.ticks(counts.now()));
                self.answered();
            }
            Err(error) => {
                self.failed(&error);
                self.failures.fetch_add(1, Ordering::Relaxed);
                self.outbox.put_unsure(said.unwrap_or_default());
            }
        }
    }

    /// Says what is held, if the store hears it now.
    fn say(&self, counts: &Counts, said: &mut Option<Said>) -> Pending<Pulse> {
        let pulse = self.store.beat(&mut || {
            let held = held(counts, self, self.outbox.take_unsure());
            let list = held.values().cloned().collect();
            *said = Some(held);
            list
        });
        // What was said to be held has to be said again, once it is not: memory may be lost between.
        let unsure = said.iter().flatten().filter(|(_, held)| held.permits > 0);
        let unsure = unsure.map(|(place, held)| (*place, Held { permits: 0, asked: 0, ..held.clone() }));
        self.outbox.put_unsure(unsure.collect());
        pulse
    }

    async fn soon<T>(&self, answer: Pending<T>, limit: Duration) -> Result<T, StoreError> {
        match timeout(limit, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::new(format!("no answer within {} ms", limit.as_millis()))),
        }
    }

    /// Sends what waits. Returns whether there was more than goes at once.
    async fn send_waiting(&self) -> bool {
        let letter = self.outbox.take();
        if letter.is_empty() {
            return false;
        }
        let is_full = letter.len() >= MOST_AT_ONCE;
        let corrections = letter.iter().map(|(_, correction)| correction.clone()).collect();
        // Nobody waits for it, so it gets more time than a decision.
        if let Err(error) = self.soon(self.store.settle(corrections), self.timeout * 10).await {
            self.failed(&error);
            self.outbox.put_back(letter);
            return false;
        }
        is_full
    }
}

/// One round of what is to be done. Returns how long to wait for more, or nothing if there is more.
async fn round(counts: &Counts, next_beat: &mut Instant) -> Option<Duration> {
    let shared = counts.shared()?;
    let next_end = end_leases(counts, shared);
    if Instant::now() >= *next_beat {
        shared.beat(counts).await;
        *next_beat = Instant::now() + if shared.answers() { BEAT } else { shared.retry_in() };
    }
    if !shared.answers() {
        // The breaker has opened since: the next question comes earlier than the next beat would.
        *next_beat = (*next_beat).min(Instant::now() + shared.retry_in());
    } else if shared.send_waiting().await {
        return None;
    }
    let until_beat = next_beat.saturating_duration_since(Instant::now());
    let until_end = next_end
        .map_or(Duration::MAX, |at| Duration::from_nanos(at.saturating_sub(counts.ticks(counts.now()))));
    Some(until_beat.min(until_end))
}

/// Gives back what is left of leases whose time is over. Returns when the next one ends.
fn end_leases(counts: &Counts, shared: &Shared) -> Option<u64> {
    loop {
        let now = counts.ticks(counts.now());
        let (index, key) = match shared.ended(now) {
            Ok(ended) => ended,
            Err(next) => return next,
        };
        let Some(limit) = counts.limit(index) else { continue };
        let Some(Step::Shared(mut cell)) = limit.enter(key) else { continue };
        let Some(held) = cell.known() else { continue };
        match held.end_lease(now) {
            Ok(left) => {
                let Some(subject) = held.subject.clone() else { continue };
                shared.send(limit, index, key, &subject, (left, 0));
            }
            // It was renewed.
            Err(at) => shared.ends(at, index, key),
        }
    }
}

/// What this replica holds of concurrent rules, and what it holds no more though the store may not have
/// heard of it: what is in `all` to begin with.
///
/// Counted under the lock of each subject, together with what waits to be given back: the store counts
/// that until it is.
fn held(counts: &Counts, shared: &Shared, mut all: Said) -> Said {
    for ((index, key), held) in &mut all {
        (held.permits, held.asked) = (shared.outbox.permits(*index, *key), 0);
    }
    for (index, limit) in (0..).zip(counts.limits()) {
        let Counters::Shared(counter) = &limit.counters else { continue };
        if !limit.rule.measure.is_concurrent() {
            continue;
        }
        counter.table.for_each(|key, cell| {
            let Some(subject) = &cell.subject else { return };
            let permits = cell.permits() + shared.outbox.permits(index, key);
            if permits > 0 || cell.asked > 0 || all.contains_key(&(index, key)) {
                let (rule, subject) = (limit.rule.clone(), subject.clone());
                all.insert((index, key), Held { rule, subject, permits, asked: cell.asked });
            }
        });
    }
    all
}

/// By rule and subject.
type Said = HashMap<(u16, Key), Held>;

/// Says at its end that nobody minds the store any more, so that the next who asks it starts anew: the
/// runtime this ran on may have gone.
struct Minded(Weak<Counts>);

impl Drop for Minded {
    fn drop(&mut self) {
        if let Some(counts) = self.0.upgrade()
            && let Some(shared) = counts.shared()
        {
            shared.minded.store(false, Ordering::Relaxed);
        }
    }
}

/// What ends in one moment is told together: each call to the store costs a decision its time.
const GATHER: Duration = Duration::from_millis(1);

/// Well below the time after which a replica counts as gone.
const BEAT: Duration = Duration::from_secs(1);
