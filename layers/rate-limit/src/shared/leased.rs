use std::sync::Arc;
use std::time::Duration;

use crate::cell::{Any, AnyTerms, Cell, Counted, Lack, Mark, Ticks};
use crate::store::{Grant, Shortage};
use crate::{Place, Rule};

/// What a shared rule says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeasedTerms {
    shadow: AnyTerms,
    /// The most that is held unspent.
    pub(crate) amount: u64,
    lifetime: Ticks,
    concurrent: bool,
}

impl LeasedTerms {
    pub(crate) fn new(rule: &Rule) -> Self {
        let (amount, lifetime) = match rule.place {
            Place::Shared { lease, .. } => (lease.amount, lease.lifetime),
            Place::Local => (0, Duration::ZERO),
        };
        let lifetime = u64::try_from(lifetime.as_nanos()).unwrap_or(u64::MAX);
        Self { shadow: AnyTerms::new(rule), amount, lifetime, concurrent: rule.measure.is_concurrent() }
    }
}

/// What a replica holds of a shared rule for a subject, and what it let pass.
#[derive(Debug)]
pub(crate) struct Leased {
    /// What passed here, by whomever it was granted, times the number of replicas: full when this
    /// replica's share of the limit is used. Decides while the store does not answer.
    shadow: Any,
    /// How the store calls the subject, once it was asked.
    pub(crate) subject: Option<Arc<str>>,
    /// Granted and not spent yet.
    balance: u64,
    /// Where the store counted the balance.
    mark: u64,
    /// When the balance goes back.
    until: Ticks,
    /// Whether a larger balance is on its way.
    pub(crate) refilling: bool,
    /// Questions to the store and grants not settled yet, for which the cell must stay.
    pub(crate) out: u32,
    /// What goes on of a concurrent rule by grants of the store.
    in_use: u64,
    /// What the store is being asked for and may have granted already.
    pub(crate) asked: u64,
    /// What the store refused, and until when it is not asked for so much again.
    short: Option<Short>,
    /// What the store said was left, and when it said nothing would count any more.
    told: Option<(u64, Ticks)>,
}

/// What the store did not have.
#[derive(Clone, Copy, Debug)]
struct Short {
    need: u64,
    until: Ticks,
    /// When there will be enough.
    enough_at: Ticks,
}

/// What goes back to the store, and where it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leftover {
    pub(crate) mark: u64,
    pub(crate) amount: u64,
}

impl Leased {
    /// Spends from the balance, and says where the store counted it.
    pub(crate) fn spend(&mut self, terms: &LeasedTerms, now: Ticks, need: u64) -> Option<u64> {
        (self.has(now, need)).then(|| {
            self.balance -= need;
            self.begin(terms, need);
            self.mark
        })
    }

    /// Whether the balance suffices.
    pub(crate) const fn has(&self, now: Ticks, need: u64) -> bool {
        self.balance >= need && self.balance > 0 && now < self.until
    }

    /// Takes a grant in, of which `need` is spent at once. What was left of the one before goes back, and
    /// what nobody spends any more where that is more than a lease.
    pub(crate) fn granted(
        &mut self,
        terms: &LeasedTerms,
        now: Ticks,
        need: u64,
        grant: &Grant,
        asked_at: Ticks,
    ) -> [Leftover; 2] {
        self.told = Some((grant.remaining, now.saturating_add(nanos(grant.reset))));
        self.begin(terms, need);
        let extra = grant.amount.saturating_sub(need);
        let kept = extra.min(terms.amount);
        let mut over = Leftover { mark: grant.mark, amount: extra - kept };
        let mut left = Leftover { mark: self.mark, amount: 0 };
        if kept > 0 && self.mark == grant.mark && now < self.until {
            let held = self.balance + kept;
            self.balance = held.min(terms.amount);
            over.amount += held - self.balance;
        } else if kept > 0 {
            left.amount = self.balance;
            // From when the store was asked: it counted no earlier than that.
            self.until = asked_at.saturating_add(terms.lifetime);
            (self.mark, self.balance) = (grant.mark, kept);
        }
        [left, over]
    }

    /// Hears that the store does not have so much.
    pub(crate) fn refused(&mut self, terms: &LeasedTerms, now: Ticks, need: u64, shortage: &Shortage) {
        self.told = Some((shortage.remaining, now.saturating_add(nanos(shortage.reset))));
        // A permit may be free at any time.
        if !terms.concurrent {
            let until = now.saturating_add(nanos(shortage.retry_after.min(NOT_ASKED_AGAIN)));
            let enough_at = now.saturating_add(nanos(shortage.retry_after));
            self.short = Some(Short { need, until, enough_at });
        }
    }

    /// How long to wait for so much, where the store has just said that it does not have it.
    pub(crate) fn wait(&self, now: Ticks, need: u64) -> Option<Duration> {
        let short = self.short.filter(|short| now < short.until && need >= short.need)?;
        Some(Duration::from_nanos(short.enough_at.saturating_sub(now)))
    }

    /// Settles what was granted at `mark`: what comes back into the balance or goes back to the store,
    /// and how much more must be taken there.
    pub(crate) fn settle_grant(
        &mut self,
        terms: &LeasedTerms,
        now: Ticks,
        mark: u64,
        taken: u64,
        actual: u64,
    ) -> (Leftover, u64) {
        if terms.concurrent {
            self.in_use = self.in_use.saturating_sub(taken.saturating_sub(actual));
        }
        if actual < taken {
            self.short = None;
        }
        let (mut back, mut more) = (taken.saturating_sub(actual), actual.saturating_sub(taken));
        // A permit that is free may stay; of what counts by time only what was counted together.
        if terms.concurrent && back > 0 && self.balance == 0 && terms.amount > 0 {
            (self.mark, self.until) = (mark, now.saturating_add(terms.lifetime));
        }
        if now < self.until && (self.mark == mark || terms.concurrent) {
            let kept = back.min(terms.amount.saturating_sub(self.balance));
            self.balance += kept;
            back -= kept;
        }
        if now < self.until {
            let spent = more.min(self.balance);
            self.balance -= spent;
            more -= spent;
        }
        (Leftover { mark, amount: back }, more)
    }

    /// Gives the balance up if its time is over, and says otherwise when it will be.
    pub(crate) fn end_lease(&mut self, now: Ticks) -> Result<Leftover, Ticks> {
        if self.balance > 0 && now < self.until {
            return Err(self.until);
        }
        Ok(Leftover { mark: self.mark, amount: std::mem::take(&mut self.balance) })
    }

    /// When the balance goes back, if there is one.
    pub(crate) const fn lease_ends(&self) -> Option<Ticks> {
        if self.balance > 0 { Some(self.until) } else { None }
    }

    /// How many permits of a concurrent rule the store has given and not got back.
    pub(crate) const fn permits(&self) -> u64 {
        self.in_use.saturating_add(self.balance)
    }

    fn begin(&mut self, terms: &LeasedTerms, need: u64) {
        if terms.concurrent {
            self.in_use += need;
        }
    }
}

impl Cell for Leased {
    type Terms = LeasedTerms;

    fn new(terms: &LeasedTerms) -> Self {
        Self {
            shadow: Any::new(&terms.shadow),
            subject: None,
            balance: 0,
            mark: 0,
            until: 0,
            refilling: false,
            out: 0,
            in_use: 0,
            asked: 0,
            short: None,
            told: None,
        }
    }

    fn check(&mut self, terms: &LeasedTerms, now: Ticks, need: u64) -> Result<(), Lack> {
        self.shadow.check(&terms.shadow, now, need)
    }

    fn take(&mut self, terms: &LeasedTerms, now: Ticks, amount: u64) -> Mark {
        self.shadow.take(&terms.shadow, now, amount)
    }

    fn settle(&mut self, terms: &LeasedTerms, now: Ticks, mark: Mark, taken: u64, actual: u64) {
        self.shadow.settle(&terms.shadow, now, mark, taken, actual);
    }

    fn standing(&mut self, terms: &LeasedTerms, now: Ticks) -> Counted {
        let here = self.shadow.standing(&terms.shadow, now);
        match self.told {
            Some((remaining, reset_at)) if now < reset_at => Counted {
                used: here.used,
                remaining: remaining.saturating_add(self.balance),
                reset: Duration::from_nanos(reset_at - now),
            },
            _ => here,
        }
    }

    fn is_over(&self, terms: &LeasedTerms, now: Ticks) -> bool {
        self.out == 0 && self.balance == 0 && self.shadow.is_over(&terms.shadow, now)
    }

    fn over_at(&self, terms: &LeasedTerms) -> Ticks {
        if self.out == 0 && self.balance == 0 { self.shadow.over_at(&terms.shadow) } else { Ticks::MAX }
    }
}

/// For how long a replica believes that a subject's limit is reached: who asks again and again does not
/// burden the store, and what others give back is there for this one so much later.
const NOT_ASKED_AGAIN: Duration = Duration::from_millis(50);

fn nanos(duration: Duration) -> Ticks {
    u64::try_from(duration.as_nanos()).unwrap_or(Ticks::MAX)
}
