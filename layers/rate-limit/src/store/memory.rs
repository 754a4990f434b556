use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Ask, Correction, Grant, Held, Pending, Pulse, REPLICA_LIFETIME, Shortage, Store, Taken};
use crate::cell::{Any, AnyTerms, Cell, Lack, Ticks};
use crate::{Rule, StoreError};

/// A [`Store`] in the memory of a process, for replicas in it: what other stores do is what this does.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    counters: Arc<Mutex<Counters>>,
    replica: u32,
}

#[derive(Debug)]
struct Counters {
    epoch: Instant,
    cells: HashMap<Place, Counted>,
    heard: HashMap<u32, Ticks>,
    replicas: u32,
}

/// Rule and subject.
type Place = (Arc<str>, Arc<str>);

#[derive(Debug)]
enum Counted {
    Flow(AnyTerms, Any),
    /// Permits, by replica.
    Permits(HashMap<u32, u64>),
}

impl Default for MemoryStore {
    fn default() -> Self {
        let counters =
            Counters { epoch: Instant::now(), cells: HashMap::new(), heard: HashMap::new(), replicas: 1 };
        Self { counters: Arc::new(Mutex::new(counters)), replica: 0 }
    }
}

impl MemoryStore {
    /// The store as another replica sees it.
    #[must_use]
    pub fn replica(&self) -> Self {
        let mut counters = self.lock();
        counters.replicas += 1;
        Self { counters: self.counters.clone(), replica: counters.replicas }
    }

    /// Forgets everything, as a store does that is started anew.
    pub fn clear(&self) {
        let mut counters = self.lock();
        counters.cells.clear();
        counters.heard.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn take(&self, asks: Vec<Ask>) -> Pending<Taken> {
        let taken = self.lock().take(self.replica, &asks);
        Box::pin(std::future::ready(Ok(taken)))
    }

    fn settle(&self, corrections: Vec<Correction>) -> Pending<()> {
        let mut counters = self.lock();
        for correction in &corrections {
            counters.correct(self.replica, correction);
        }
        Box::pin(std::future::ready(Ok::<_, StoreError>(())))
    }

    fn beat(&self, held: &mut dyn FnMut() -> Vec<Held>) -> Pending<Pulse> {
        // Under the lock, so that nothing is asked for between the list and its end.
        let mut counters = self.lock();
        let held = held();
        let pulse = counters.beat(self.replica, held);
        Box::pin(std::future::ready(Ok(pulse)))
    }
}

impl Counters {
    fn now(&self) -> Ticks {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(Ticks::MAX)
    }

    fn take(&mut self, replica: u32, asks: &[Ask]) -> Taken {
        let now = self.now();
        self.heard.insert(replica, now);
        let mut shortages = Vec::new();
        for (index, ask) in asks.iter().enumerate() {
            let Err(lack) = self.check(ask, now) else { continue };
            let retry_after = match lack {
                Lack::For(time) => time,
                Lack::Ever => Duration::MAX,
            };
            let (remaining, reset) = self.standing(ask, now);
            shortages.push(Shortage { index, retry_after, remaining, reset });
        }
        if !shortages.is_empty() {
            return Taken::Refused(shortages);
        }
        Taken::Granted(asks.iter().map(|ask| self.grant(replica, ask, now)).collect())
    }

    fn check(&mut self, ask: &Ask, now: Ticks) -> Result<(), Lack> {
        let in_use = self.permits_in_use(ask, now);
        match self.cell(&ask.rule, &ask.subject) {
            Counted::Flow(terms, cell) => cell.check(terms, now, ask.need),
            Counted::Permits(_) if in_use + ask.need <= ask.rule.limit => Ok(()),
            Counted::Permits(_) => Err(Lack::For(Duration::from_secs(1))),
        }
    }

    fn grant(&mut self, replica: u32, ask: &Ask, now: Ticks) -> Grant {
        let amount = self.standing(ask, now).0.clamp(ask.need, ask.want);
        let mark = match self.cell(&ask.rule, &ask.subject) {
            Counted::Flow(terms, cell) => cell.take(terms, now, amount),
            Counted::Permits(permits) => {
                *permits.entry(replica).or_default() += amount;
                0
            }
        };
        let (remaining, reset) = self.standing(ask, now);
        Grant { amount, mark, remaining, reset }
    }

    fn standing(&mut self, ask: &Ask, now: Ticks) -> (u64, Duration) {
        let in_use = self.permits_in_use(ask, now);
        match self.cell(&ask.rule, &ask.subject) {
            Counted::Flow(terms, cell) => {
                let counted = cell.standing(terms, now);
                (counted.remaining, counted.reset)
            }
            Counted::Permits(_) => (ask.rule.limit.saturating_sub(in_use), Duration::ZERO),
        }
    }

    /// The permits of all replicas that live. Those of the others are free.
    fn permits_in_use(&mut self, ask: &Ask, now: Ticks) -> u64 {
        let place = (ask.rule.name.clone(), ask.subject.clone());
        let Some(Counted::Permits(permits)) = self.cells.get_mut(&place) else { return 0 };
        permits.retain(|replica, _| {
            self.heard.get(replica).is_some_and(|at| Duration::from_nanos(now - at) <= REPLICA_LIFETIME)
        });
        permits.values().sum()
    }

    fn correct(&mut self, replica: u32, correction: &Correction) {
        let now = self.now();
        let Correction { rule, subject, mark, back, more } = correction;
        match self.cell(rule, subject) {
            Counted::Flow(terms, cell) => {
                cell.settle(terms, now, *mark, *back, 0);
                cell.settle(terms, now, *mark, 0, *more);
            }
            Counted::Permits(permits) => {
                let held = permits.entry(replica).or_default();
                *held = held.saturating_sub(*back);
            }
        }
    }

    fn beat(&mut self, replica: u32, held: Vec<Held>) -> Pulse {
        let now = self.now();
        self.heard.insert(replica, now);
        self.heard.retain(|_, at| Duration::from_nanos(now - *at) <= REPLICA_LIFETIME);
        for Held { rule, subject, permits, asked } in held {
            if let Counted::Permits(held) = self.cell(&rule, &subject) {
                let counted = held.entry(replica).or_default();
                *counted = (*counted).clamp(permits, permits.saturating_add(asked));
            }
        }
        // Each beat drops what no longer counts, so that the store is bounded as well.
        self.cells.retain(|_, counted| match counted {
            Counted::Flow(terms, cell) => !cell.is_over(terms, now),
            Counted::Permits(permits) => permits.values().any(|held| *held > 0),
        });
        Pulse { replicas: u32::try_from(self.heard.len()).unwrap_or(u32::MAX) }
    }

    fn cell(&mut self, rule: &Arc<Rule>, subject: &Arc<str>) -> &mut Counted {
        self.cells.entry((rule.name.clone(), subject.clone())).or_insert_with(|| {
            if rule.measure.is_concurrent() {
                Counted::Permits(HashMap::new())
            } else {
                let terms = AnyTerms::new(rule);
                Counted::Flow(terms, Any::new(&terms))
            }
        })
    }
}
