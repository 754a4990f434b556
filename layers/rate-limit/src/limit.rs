//! One rule and its counters, and the step a decision takes through it.

use std::sync::{Arc, MutexGuard};

use crate::cell::{
    Cell, Count, CountTerms, Counted, Gcra, GcraTerms, Lack, Mark, Ticks, Window, WindowTerms,
};
use crate::key::Key;
use crate::metered::RuleMeters;
use crate::shared::{Leased, LeasedTerms};
use crate::table::{Shard, Table};
use crate::{Algorithm, Decision, Dimension, Dimensions, Estimate, Measure, Place, Quota, Rule};

/// A rule and its counters.
#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) rule: Arc<Rule>,
    /// Whether what is counted concerns one caller alone, so that it may be told.
    pub(crate) own: bool,
    pub(crate) counters: Counters,
    pub(crate) meters: RuleMeters,
}

/// Counters, by how they count.
#[derive(Debug)]
pub(crate) enum Counters {
    Window(Counter<Window>),
    Gcra(Counter<Gcra>),
    Count(Counter<Count>),
    Shared(Counter<Leased>),
}

/// The cells of all subjects, and what the rule says of them.
#[derive(Debug)]
pub(crate) struct Counter<C: Cell> {
    pub(crate) table: Table<C>,
    pub(crate) terms: C::Terms,
}

impl Limit {
    pub(crate) fn new(rule: Arc<Rule>, most_subjects: usize) -> Self {
        let alone = rule.per.iter().next().is_none();
        let counters = match (rule.place, rule.algorithm) {
            (Place::Shared { .. }, _) => {
                Counters::Shared(Counter::new(LeasedTerms::new(&rule), most_subjects, alone))
            }
            _ if rule.measure.is_concurrent() => {
                Counters::Count(Counter::new(CountTerms { limit: rule.limit }, most_subjects, alone))
            }
            (_, Algorithm::SlidingWindow) => {
                let terms = WindowTerms::new(rule.limit, rule.window);
                Counters::Window(Counter::new(terms, most_subjects, alone))
            }
            (_, Algorithm::Gcra { burst }) => {
                let terms = GcraTerms::new(rule.limit, rule.window, burst);
                Counters::Gcra(Counter::new(terms, most_subjects, alone))
            }
        };
        Self { own: rule.per.is_callers_own(), meters: RuleMeters::new(&rule), rule, counters }
    }

    /// Whether a request is under the rule, as far as its filters say.
    pub(crate) fn concerns(&self, dimensions: &Dimensions, estimate: &Estimate) -> bool {
        // Concurrency of streams is no matter of those that are none.
        (self.rule.measure != Measure::ConcurrentStreams || estimate.stream)
            && self.rule.only.iter().all(|(dimension, allowed)| {
                match (dimensions.value(*dimension), dimensions.address()) {
                    (Some(value), _) => allowed.allows(value),
                    (None, Some(address)) if *dimension == Dimension::Address => {
                        allowed.allows(&address.to_string())
                    }
                    (None, _) => false,
                }
            })
    }

    /// Locks where a subject is counted.
    pub(crate) fn enter(&self, key: Key) -> Option<Step<'_>> {
        Some(match &self.counters {
            Counters::Window(counter) => Step::Window(Entered::new(counter, key)?),
            Counters::Gcra(counter) => Step::Gcra(Entered::new(counter, key)?),
            Counters::Count(counter) => Step::Count(Entered::new(counter, key)?),
            Counters::Shared(counter) => Step::Shared(Entered::new(counter, key)?),
        })
    }

    /// Tells how the caller stands, where it is nobody else's business.
    pub(crate) fn tell(&self, step: &mut Step<'_>, now: Ticks, decision: &mut Decision) {
        if self.own && !self.rule.measure.is_concurrent() {
            let Counted { remaining, reset, .. } = step.standing(now);
            decision.note(self.rule.measure, Quota { limit: self.rule.limit, remaining, reset });
        }
    }

    pub(crate) fn sweep(&self, now: Ticks) {
        match &self.counters {
            Counters::Window(counter) => counter.table.sweep(&counter.terms, now),
            Counters::Gcra(counter) => counter.table.sweep(&counter.terms, now),
            Counters::Count(counter) => counter.table.sweep(&counter.terms, now),
            Counters::Shared(counter) => counter.table.sweep(&counter.terms, now),
        }
    }

    pub(crate) fn subjects(&self) -> usize {
        match &self.counters {
            Counters::Window(counter) => counter.table.len(),
            Counters::Gcra(counter) => counter.table.len(),
            Counters::Count(counter) => counter.table.len(),
            Counters::Shared(counter) => counter.table.len(),
        }
    }
}

impl<C: Cell> Counter<C> {
    fn new(terms: C::Terms, most: usize, alone: bool) -> Self {
        Self { table: Table::new(most, alone), terms }
    }
}

/// A subject's cell under its lock, however it counts.
pub(crate) enum Step<'a> {
    Window(Entered<'a, Window>),
    Gcra(Entered<'a, Gcra>),
    Count(Entered<'a, Count>),
    Shared(Entered<'a, Leased>),
}

/// A subject's cell under its lock.
pub(crate) struct Entered<'a, C: Cell> {
    counter: &'a Counter<C>,
    shard: MutexGuard<'a, Shard<C>>,
    key: Key,
    /// Where the cell is; nowhere, where the subject is new.
    place: Option<usize>,
}

impl Step<'_> {
    pub(crate) fn check(&mut self, now: Ticks, need: u64) -> Result<(), Lack> {
        match self {
            Self::Window(entered) => entered.check(now, need),
            Self::Gcra(entered) => entered.check(now, need),
            Self::Count(entered) => entered.check(now, need),
            Self::Shared(entered) => entered.check(now, need),
        }
    }

    pub(crate) fn take(&mut self, now: Ticks, amount: u64) -> Mark {
        match self {
            Self::Window(entered) => entered.take(now, amount),
            Self::Gcra(entered) => entered.take(now, amount),
            Self::Count(entered) => entered.take(now, amount),
            Self::Shared(entered) => entered.take(now, amount),
        }
    }

    pub(crate) fn settle(&mut self, now: Ticks, mark: Mark, taken: u64, actual: u64) {
        match self {
            Self::Window(entered) => entered.settle(now, mark, taken, actual),
            Self::Gcra(entered) => entered.settle(now, mark, taken, actual),
            Self::Count(entered) => entered.settle(now, mark, taken, actual),
            Self::Shared(entered) => entered.settle(now, mark, taken, actual),
        }
    }

    pub(crate) fn standing(&mut self, now: Ticks) -> Counted {
        match self {
            Self::Window(entered) => entered.standing(now),
            Self::Gcra(entered) => entered.standing(now),
            Self::Count(entered) => entered.standing(now),
            Self::Shared(entered) => entered.standing(now),
        }
    }
}

impl<'a, C: Cell> Entered<'a, C> {
    fn new(counter: &'a Counter<C>, key: Key) -> Option<Self> {
        let shard = counter.table.lock(key)?;
        let place = shard.find(key);
        Some(Self { counter, shard, key, place })
    }

    pub(crate) fn terms(&self) -> &'a C::Terms {
        &self.counter.terms
    }

    /// The cell of a subject that has been here.
    pub(crate) fn known(&mut self) -> Option<&mut C> {
        self.shard.at(self.place?)
    }

    /// The cell, made if the subject is new.
    pub(crate) fn cell(&mut self, now: Ticks) -> &mut C {
        let known = self.place.is_some();
        if !known {
            self.shard.cell_or_new(&self.counter.terms, now, self.key, false);
            self.place = self.shard.find(self.key);
        }
        self.shard.cell_or_new(&self.counter.terms, now, self.key, true)
    }

    fn check(&mut self, now: Ticks, need: u64) -> Result<(), Lack> {
        let terms = self.terms();
        match self.known() {
            Some(cell) => cell.check(terms, now, need),
            None => C::new(terms).check(terms, now, need),
        }
    }

    fn take(&mut self, now: Ticks, amount: u64) -> Mark {
        let terms = self.terms();
        self.cell(now).take(terms, now, amount)
    }

    fn settle(&mut self, now: Ticks, mark: Mark, taken: u64, actual: u64) {
        let terms = self.terms();
        match self.known() {
            Some(cell) => cell.settle(terms, now, mark, taken, actual),
            // Forgotten, as it no longer counted; what is more than was taken counts from now on.
            None if actual > taken => self.cell(now).settle(terms, now, mark, taken, actual),
            None => {}
        }
    }

    fn standing(&mut self, now: Ticks) -> Counted {
        let terms = self.terms();
        match self.known() {
            Some(cell) => cell.standing(terms, now),
            None => C::new(terms).standing(terms, now),
        }
    }
}
