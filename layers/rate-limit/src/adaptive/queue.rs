use std::cmp::Reverse;
use std::collections::HashMap;
use std::task::Waker;
use std::time::Instant;

use tollway_core::Priority;

use super::gate::Pass;
use super::{Demand, Refused};

/// A place among those who wait for one model: by priority, then by age.
pub(super) type Place = (Reverse<Priority>, u64);

/// Who waits, and who has not yet heard that he does no longer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiters: HashMap<u64, Waiter>,
    /// How many wait.
    by_priority: [usize; 3],
}

#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) demand: Demand,
    pub(super) model: usize,
    pub(super) deadline: Instant,
    pub(super) waker: Option<Waker>,
    pub(super) verdict: Option<Result<Pass, Refused>>,
}

impl Queue {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.by_priority.iter().sum()
    }

    pub(super) const fn by_priority(&self) -> [usize; 3] {
        self.by_priority
    }

    pub(super) fn push(&mut self, id: u64, waiter: Waiter) {
        self.count(waiter.demand.priority, 1);
        self.waiters.insert(id, waiter);
    }

    pub(super) fn peek(&self, id: u64) -> Option<&Waiter> {
        self.waiters.get(&id)
    }

    pub(super) fn peek_mut(&mut self, id: u64) -> Option<&mut Waiter> {
        self.waiters.get_mut(&id)
    }

    /// It waits no longer, but its verdict does.
    pub(super) fn decide(&mut self, id: u64, verdict: Result<Pass, Refused>) -> Option<Waker> {
        let waiter = self.waiters.get_mut(&id)?;
        let waited = waiter.verdict.replace(verdict).is_none();
        let (priority, waker) = (waiter.demand.priority, waiter.waker.take());
        if waited {
            self.count(priority, -1);
        }
        waker
    }

    /// Forgets it.
    pub(super) fn remove(&mut self, id: u64) -> Option<Waiter> {
        let waiter = self.waiters.remove(&id)?;
        if waiter.verdict.is_none() {
            self.count(waiter.demand.priority, -1);
        }
        Some(waiter)
    }

    fn count(&mut self, priority: Priority, change: isize) {
        if let Some(count) = self.by_priority.get_mut(priority as usize) {
            *count = count.saturating_add_signed(change);
        }
    }
}
