use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Instant;

use smallvec::SmallVec;

use super::flight::Flight;
use super::waiting::Waiting;
use super::{Arrival, Demand, Gate, Refused, Settings, Snapshot};

/// What all who ask one upstream share: a [`Gate`] behind a lock, and the clock.
///
/// The time is tokio's, so that tests may pause it.
#[derive(Debug)]
pub struct Adaptive {
    gate: Mutex<Gate>,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Entry {
    /// It may be sent now.
    Enter(Flight),
    /// It may be sent when this says so.
    Wait(Waiting),
    /// It is sent away.
    Refuse(Refused),
}

impl Adaptive {
    /// Of an upstream of which nothing is known yet.
    pub fn new(settings: Settings) -> Self {
        Self { gate: Mutex::new(Gate::new(settings, now())) }
    }

    /// Asks for a request to be sent.
    pub fn enter(self: &Arc<Self>, demand: &Demand) -> Entry {
        match self.with(|gate, now| gate.arrive(now, demand)) {
            Arrival::Enter(pass) => Entry::Enter(Flight::new(self.clone(), pass)),
            Arrival::Wait(ticket) => Entry::Wait(Waiting::new(self.clone(), ticket)),
            Arrival::Refuse(refused) => Entry::Refuse(refused),
        }
    }

    /// How the upstream stands.
    pub fn snapshot(&self) -> Snapshot {
        self.with(|gate, now| {
            gate.tick(now);
            gate.snapshot(now)
        })
    }

    /// Does something under the lock, and wakes whom it concerns when it is released.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Gate, Instant) -> T) -> T {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock, or time would run backwards for the gate.
        let result = act(&mut gate, now());
        let wakers: SmallVec<[Waker; 4]> = gate.changed().filter_map(|(_, waker)| waker).collect();
        drop(gate);
        wakers.into_iter().for_each(Waker::wake);
        result
    }
}

impl Default for Adaptive {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
