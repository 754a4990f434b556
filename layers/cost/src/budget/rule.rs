use std::{fmt, sync::Arc, time::Duration};

use tollway_core::{Allowed, Money};

use super::{BudgetError, Payer, Period};

/// So much money, by each subject, in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The name, by which a refusal says whose budget is spent. No two budgets share one.
    pub name: Arc<str>,
    /// Whose spending is counted apart. A request that lacks the value is not under the budget.
    pub per: Per,
    /// Which requests are under the budget: those whose value is allowed in each facet named here.
    pub only: Vec<(Facet, Allowed)>,
    /// How much at most.
    pub amount: Money,
    /// In what time.
    pub period: Period,
    /// At how many percent of the amount it is [told](super::Watch), once in each period, in rising order.
    pub thresholds: Vec<u8>,
    /// What becomes of a request that would cost more than is left.
    pub at_limit: AtLimit,
    /// Whether a request may pass of which nobody knows the price.
    pub unpriced: UnpricedPolicy,
    /// Where it is counted.
    pub place: Place,
}

/// Whose spending is counted apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Per {
    /// Nobody's: all together.
    #[default]
    Global,
    /// Each key's.
    Key,
    /// Each user's.
    User,
    /// Each team's.
    Team,
    /// Each value's of a tag.
    Tag(Arc<str>),
}

/// What a budget may look at to say whether a request is under it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Facet {
    /// The public id of the key.
    Key,
    /// The user.
    User,
    /// The team.
    Team,
    /// The value of a tag.
    Tag(Arc<str>),
    /// The model, by any of its names: as the client asked for it, as its provider calls it, or
    /// `provider/model`.
    Model,
}

/// What becomes of a request that would cost more than is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AtLimit {
    /// It is refused.
    #[default]
    Refuse,
    /// It is to be served by another model, and counts.
    Degrade {
        /// The name to ask instead; the route's own where none is named.
        to: Option<Arc<str>>,
    },
    /// It passes and counts, and it is told.
    Warn,
}

/// What becomes of a request of which nobody knows the price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnpricedPolicy {
    /// It passes, and counts nothing.
    Allow,
    /// It is refused.
    #[default]
    Refuse,
}

/// Where a budget is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// In this process: every replica may spend the whole amount.
    #[default]
    Local,
    /// In the [`Store`](super::Store) that all replicas share.
    Shared {
        /// How much a replica takes in advance.
        lease: Lease,
        /// What holds while the store does not answer.
        on_failure: OnFailure,
    },
}

/// How much of a shared budget a replica takes in advance, to decide on its own.
///
/// It counts as spent for all others until it is given back, so that nothing is ever spent twice; what a
/// killed replica held counts until its period ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The most that a replica takes at once beyond what it needs.
    pub amount: Money,
    /// After what time without a request the rest is given back.
    pub idle: Duration,
}

impl Lease {
    /// Nothing in advance: each request asks the store.
    pub const NONE: Self = Self { amount: Money::ZERO, idle: Duration::ZERO };
}

/// What holds for a shared budget while the store does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Each replica spends its share of what was left when it last heard of it.
    #[default]
    Local,
    /// Everything passes, and counts when the store answers again.
    Open,
    /// Nothing passes but what a lease covers.
    Closed,
}

impl Budget {
    /// An amount of this process, over all requests together, refusing what is more. Change the fields
    /// for others.
    pub fn new(name: impl Into<Arc<str>>, amount: Money, period: Period) -> Self {
        Self {
            name: name.into(),
            per: Per::Global,
            only: Vec::new(),
            amount,
            period,
            thresholds: Vec::new(),
            at_limit: AtLimit::Refuse,
            unpriced: UnpricedPolicy::Refuse,
            place: Place::Local,
        }
    }

    /// Counts apart.
    #[must_use]
    pub fn per(mut self, per: Per) -> Self {
        self.per = per;
        self
    }

    /// Holds only for requests whose value in a facet is allowed.
    #[must_use]
    pub fn only(mut self, facet: Facet, values: Allowed) -> Self {
        self.only.push((facet, values));
        self
    }

    /// Tells at so many percent.
    #[must_use]
    pub fn thresholds(mut self, percents: impl IntoIterator<Item = u8>) -> Self {
        self.thresholds = percents.into_iter().collect();
        self
    }

    /// Says what becomes of a request that would cost more than is left.
    #[must_use]
    pub fn at_limit(mut self, at_limit: AtLimit) -> Self {
        self.at_limit = at_limit;
        self
    }

    /// Says whether a request may pass of which nobody knows the price.
    #[must_use]
    pub const fn unpriced(mut self, policy: UnpricedPolicy) -> Self {
        self.unpriced = policy;
        self
    }

    /// Counts in the store that all replicas share.
    #[must_use]
    pub const fn shared(mut self, lease: Lease, on_failure: OnFailure) -> Self {
        self.place = Place::Shared { lease, on_failure };
        self
    }

    /// Whether the budget can be kept as it is written.
    pub fn check(&self) -> Result<(), BudgetError> {
        let wrong = |what| Err(BudgetError::Field { budget: self.name.clone(), what });
        if self.name.is_empty() {
            return wrong("name: must not be empty");
        }
        if self.amount < Money::ZERO {
            return wrong("amount: must not be below zero");
        }
        if let Period::Rolling(length) = self.period
            && !(SHORTEST..=LONGEST).contains(&length)
        {
            return wrong("period: must be from 1 minute to 400 days");
        }
        if self.thresholds.len() > MOST_THRESHOLDS {
            return wrong("thresholds: must be at most 16");
        }
        if self.thresholds.contains(&0) || !self.thresholds.is_sorted_by(|one, next| one < next) {
            return wrong("thresholds: must be above 0 and rise");
        }
        if self.at_limit == (AtLimit::Degrade { to: Some("".into()) }) {
            return wrong("at_limit: the model to degrade to must not be empty");
        }
        let Place::Shared { lease, .. } = self.place else { return Ok(()) };
        if self.amount > MOST_SHARED {
            return wrong("amount: must be at most 9000000 dollars where it is shared");
        }
        if lease.amount < Money::ZERO || lease.amount > self.amount {
            return wrong("lease: must be from nothing to the amount");
        }
        if lease.amount > Money::ZERO {
            if lease.idle.is_zero() {
                return wrong("lease: the idle time must not be zero");
            }
            // Money taken in advance would leave a rolling period before it was spent.
            if matches!(self.period, Period::Rolling(_)) {
                return wrong("lease: must be none where the period is rolling");
            }
        }
        Ok(())
    }

    /// The value by which a request's spending is counted, if it is under the budget.
    pub(super) fn subject<'a>(&self, payer: &Payer<'a>) -> Option<&'a str> {
        let subject = match &self.per {
            Per::Global => Some(""),
            Per::Key => payer.key,
            Per::User => payer.user,
            Per::Team => payer.team,
            Per::Tag(name) => payer.tag(name),
        }?;
        let allowed = |(facet, values): &(Facet, Allowed)| {
            if values.is_everything() {
                return true;
            }
            let value = match facet {
                Facet::Model => return payer.is_of_model(values),
                Facet::Key => payer.key,
                Facet::User => payer.user,
                Facet::Team => payer.team,
                Facet::Tag(name) => payer.tag(name),
            };
            value.is_some_and(|value| values.allows(value))
        };
        self.only.iter().all(allowed).then_some(subject)
    }

    /// The percents that are told: where nothing stops at the whole, reaching it is told as well.
    pub(super) fn told(&self) -> Vec<u8> {
        let mut told = self.thresholds.clone();
        if self.at_limit == AtLimit::Warn && !told.contains(&100) && told.len() < MOST_THRESHOLDS {
            told.push(100);
            told.sort_unstable();
        }
        told
    }

    pub(super) const fn lease(&self) -> Lease {
        match self.place {
            Place::Shared { lease, .. } => lease,
            Place::Local => Lease::NONE,
        }
    }
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("all"),
            Self::Key => f.write_str("key"),
            Self::User => f.write_str("user"),
            Self::Team => f.write_str("team"),
            Self::Tag(name) => write!(f, "tag {name}"),
        }
    }
}

const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(400 * 24);
const MOST_THRESHOLDS: usize = 16;

/// A store may count in floating point, which is exact up to 2⁵³ nano-dollars.
pub(super) const MOST_SHARED: Money = Money::from_nanos(9_000_000_000_000_000);
