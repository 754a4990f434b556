use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;

use crate::cell::{Counted, Ticks};
use crate::counts::Counts;
use crate::key::Key;
use crate::limit::Limit;
use crate::reservation::INLINE;
use crate::shared::{Asking, Shared};
use crate::{Dimensions, Estimate, Place, Refused, Reservation, Rule, RuleError, Settings, Standing, Store};

/// Keeps any number of rules: each request passes all of them, or nothing is counted.
///
/// A decision locks the counters it needs, one a rule, in one order for all; looks whether all have
/// room; and only then takes. So nobody is ever refused for the sake of a request that is refused
/// itself, but in one case: while a request waits for the [`Store`], it holds what it took of the rules
/// of this process, which may not be needed in the end.
#[derive(Debug)]
pub struct Limiter {
    counts: Arc<Counts>,
}

/// What became of a request.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a decision takes no memory, and moves once")]
pub enum Verdict {
    /// It may pass.
    Granted(Reservation),
    /// It may not.
    Refused(Refused),
    /// The store has to be asked. The answer comes within the time set for it.
    Asking(Asking),
}

impl Limiter {
    /// Keeps rules of this process.
    pub fn new(rules: impl IntoIterator<Item = Rule>, settings: Settings) -> Result<Self, RuleError> {
        Self::build(rules, settings, None)
    }

    /// Keeps rules of which some are shared through a store.
    ///
    /// The first decision that asks the store starts a task that gives leases back and minds the store,
    /// on the runtime it is made on.
    pub fn with_store(
        rules: impl IntoIterator<Item = Rule>,
        settings: Settings,
        store: Arc<dyn Store>,
    ) -> Result<Self, RuleError> {
        Self::build(rules, settings, Some(Shared::new(store, &settings)))
    }

    fn build(
        rules: impl IntoIterator<Item = Rule>,
        settings: Settings,
        shared: Option<Shared>,
    ) -> Result<Self, RuleError> {
        let rules: Vec<Arc<Rule>> = rules.into_iter().map(Arc::new).collect();
        if rules.len() > usize::from(u16::MAX) {
            return Err(RuleError::TooMany(rules.len()));
        }
        let mut names = HashSet::new();
        for rule in &rules {
            rule.check()?;
            if !names.insert(rule.name.clone()) {
                return Err(RuleError::Twice(rule.name.clone()));
            }
            if shared.is_none() && matches!(rule.place, Place::Shared { .. }) {
                return Err(RuleError::NoStore(rule.name.clone()));
            }
        }
        Ok(Self { counts: Arc::new(Counts::new(rules, &settings, shared)) })
    }

    /// The same limiter, with a count of references of its own: each reservation holds one, and a count
    /// that all cores change at every request costs more than what it counts. A
    /// [`RateLimitLayer`](crate::RateLimitLayer) does this by itself.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { counts: self.counts.clone() }
    }

    /// The rules.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.counts.limits().iter().map(|limit| &limit.rule)
    }

    /// Whether some rule is shared.
    pub fn is_shared(&self) -> bool {
        self.counts.shared().is_some()
    }

    /// Decides, without waiting: all rules pass, or nothing is counted.
    ///
    /// Of a shared rule of which nothing is leased, the store has to be asked, and the verdict is a
    /// future. Where no rule is shared, use [`Self::reserve`].
    pub fn decide(self: &Arc<Self>, now: Instant, dimensions: &Dimensions, estimate: &Estimate) -> Verdict {
        let ticks = self.ticks(now);
        let subjects = self.concerned(dimensions, estimate);
        match self.pass(ticks, &subjects, estimate, Some(dimensions)) {
            Err(refused) => Verdict::Refused(refused),
            Ok((reservation, questions)) if questions.is_empty() => Verdict::Granted(reservation),
            Ok((reservation, questions)) => {
                Verdict::Asking(Asking::new(self.clone(), reservation, questions, *estimate))
            }
        }
    }

    /// Decides on the rules of this process: all pass, or nothing is counted.
    ///
    /// Shared rules are decided by their leases or, where these do not suffice, as if the store did not
    /// answer: see [`OnFailure`](crate::OnFailure).
    pub fn reserve(
        self: &Arc<Self>,
        now: Instant,
        dimensions: &Dimensions,
        estimate: &Estimate,
    ) -> Result<Reservation, Refused> {
        let subjects = self.concerned(dimensions, estimate);
        Ok(self.pass(self.ticks(now), &subjects, estimate, None)?.0)
    }

    /// How a caller stands with each rule it is under. Counts nothing.
    pub fn standings(&self, now: Instant, dimensions: &Dimensions) -> Vec<Standing> {
        let ticks = self.ticks(now);
        let hashed = self.counts.hash(dimensions);
        let any = Estimate { stream: true, ..Estimate::default() };
        let concerned = self.counts.limits().iter().filter(|limit| limit.concerns(dimensions, &any));
        let standing = |limit: &Limit| {
            let Counted { used, remaining, reset } =
                limit.enter(hashed.key(limit.rule.per)?)?.standing(ticks);
            Some(Standing { rule: limit.rule.clone(), used, remaining, reset })
        };
        concerned.filter_map(standing).collect()
    }

    /// Drops what no longer counts and gives its memory back. New subjects do the former by and by;
    /// call this now and then, as each minute, for the latter.
    pub fn sweep(&self, now: Instant) {
        let ticks = self.ticks(now);
        self.counts.limits().iter().for_each(|limit| limit.sweep(ticks));
    }

    /// How many subjects are held, over all rules.
    pub fn subjects(&self) -> usize {
        self.counts.limits().iter().map(Limit::subjects).sum()
    }

    /// The rules a request is under, and who is counted there.
    fn concerned(&self, dimensions: &Dimensions, estimate: &Estimate) -> SmallVec<[(u16, Key); INLINE]> {
        let hashed = self.counts.hash(dimensions);
        let concerned =
            (0..).zip(self.counts.limits()).filter(|(_, limit)| limit.concerns(dimensions, estimate));
        concerned.filter_map(|(index, limit)| Some((index, hashed.key(limit.rule.per)?))).collect()
    }

    /// The state of the store.
    pub fn shared(&self) -> Option<&Shared> {
        self.counts.shared()
    }

    pub(crate) const fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    pub(crate) fn limit(&self, index: u16) -> Option<&Limit> {
        self.counts.limit(index)
    }

    pub(crate) fn now(&self) -> Instant {
        self.counts.now()
    }

    pub(crate) fn ticks(&self, now: Instant) -> Ticks {
        self.counts.ticks(now)
    }
}
