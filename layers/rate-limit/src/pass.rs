//! The decision itself: check all rules under their locks, then take from all.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::cell::{Lack, Ticks};
use crate::key::Key;
use crate::limit::{Limit, Step};
use crate::plan::{Hindrance, Plan, for_now};
use crate::reservation::{Charge, Charges, INLINE, Source};
use crate::shared::{Question, Shared};
use crate::{Decision, Dimensions, Estimate, Limiter, Refused, Reservation, Subject};

impl Limiter {
    /// Checks all rules under their locks and takes from all, or from none.
    ///
    /// With the names of the subjects, rules of which the store must be asked become questions;
    /// without, their failure policy decides.
    pub(crate) fn pass(
        self: &Arc<Self>,
        now: Ticks,
        subjects: &[(u16, Key)],
        estimate: &Estimate,
        names: Option<&Dimensions>,
    ) -> Result<(Reservation, Vec<Question>), Refused> {
        let store = self.shared();
        let can_ask = names.is_some() && store.is_some_and(Shared::answers);
        let replicas = store.map_or(1, Shared::replicas);

        let mut stages: SmallVec<[Stage<'_>; INLINE]> = SmallVec::new();
        let mut worst: Option<Hindrance> = None;
        for &(index, key) in subjects {
            let Some(limit) = self.limit(index) else { continue };
            let amount = limit.rule.measure.estimated(estimate);
            // Who expects to take nothing still needs room for something.
            let need = amount.max(1);
            let Some(mut step) = limit.enter(key) else { continue };
            let plan = match &mut step {
                Step::Shared(cell) => {
                    Plan::of_shared(cell.known(), &limit.rule, now, need, can_ask, replicas)
                }
                _ => Plan::Here,
            };
            if matches!(plan, Plan::Share(_) | Plan::Everything | Plan::Nothing) {
                limit.meters.without_store.increment(1);
            }
            let checked = match plan {
                Plan::Here => step.check(now, need),
                Plan::Share(replicas) => step.check(now, need.saturating_mul(replicas)).map_err(for_now),
                Plan::Nothing => Err(Lack::For(Duration::ZERO)),
                Plan::Short(wait) => Err(Lack::For(wait)),
                Plan::Ask if need > limit.rule.most() => Err(Lack::Ever),
                Plan::Leased | Plan::Ask | Plan::Everything => Ok(()),
            };
            if let Err(lack) = checked {
                let hindrance = Hindrance { place: stages.len(), lack, unavailable: plan == Plan::Nothing };
                worst = Some(worst.map_or(hindrance, |worst| worst.or(hindrance)));
            }
            stages.push(Stage { step, plan, limit, index, key, amount });
        }
        if let Some(worst) = worst {
            return Err(self.refuse(&worst, &mut stages, now));
        }

        let mut charges = Charges::new();
        let mut questions = Vec::new();
        let mut decision = Decision::default();
        for Stage { mut step, plan, limit, index, key, amount } in stages {
            let (source, factor) = match (&mut step, plan) {
                (Step::Shared(cell), Plan::Leased) => {
                    let terms = cell.terms();
                    let held = cell.cell(now);
                    let Some(mark) = held.spend(terms, now, amount) else { continue };
                    held.out += 1;
                    (Source::Granted { mark, replicas }, replicas)
                }
                (Step::Shared(cell), Plan::Ask) => {
                    let lease = cell.terms().amount;
                    let held = cell.cell(now);
                    let subject = held.subject.get_or_insert_with(|| {
                        let dimensions = names.unwrap_or(&NOBODY);
                        Subject { per: limit.rule.per, dimensions }.to_string().into()
                    });
                    let subject = subject.clone();
                    held.out += 1;
                    // One at a time, so that no more than one lease is held unspent.
                    let refill = lease > 0 && !std::mem::replace(&mut held.refilling, lease > 0);
                    // Who expects to take nothing still needs room for something.
                    let need = amount.max(1);
                    let want = need.saturating_add(if refill { lease } else { 0 });
                    let want = want.min(limit.rule.most()).max(need);
                    held.asked += want;
                    questions.push(Question { limit: index, key, subject, amount, need, want, refill });
                    continue;
                }
                (_, Plan::Share(replicas)) => (Source::Share { replicas }, replicas),
                (Step::Shared(_), _) => (Source::Share { replicas }, replicas),
                _ => (Source::Local, 1),
            };
            let mark = step.take(now, amount.saturating_mul(factor));
            charges.push(Charge { key, limit: index, amount, mark, source });
            limit.tell(&mut step, now, &mut decision);
        }
        Ok((Reservation::new(self.clone(), charges, decision), questions))
    }

    fn refuse(&self, worst: &Hindrance, stages: &mut [Stage<'_>], now: Ticks) -> Refused {
        let mut decision = Decision::default();
        for Stage { step, limit, .. } in &mut *stages {
            limit.tell(step, now, &mut decision);
        }
        let Some(Stage { limit, amount: requested, .. }) = stages.get(worst.place) else {
            // There is always the step that found the hindrance.
            return Refused::Unavailable { rule: Arc::from(""), retry_after: Duration::ZERO };
        };
        limit.meters.refusals.increment(1);
        let rule = &limit.rule;
        match worst.lack {
            _ if worst.unavailable => Refused::Unavailable {
                rule: rule.name.clone(),
                retry_after: self.shared().map_or(Duration::ZERO, Shared::retry_in),
            },
            Lack::Ever => Refused::TooLarge {
                rule: rule.name.clone(),
                measure: rule.measure,
                limit: rule.most(),
                requested: *requested,
                decision: Box::new(decision),
            },
            Lack::For(retry_after) => Refused::limited(rule, retry_after, decision),
        }
    }
}

/// A rule on the way through a decision, its counter locked.
struct Stage<'a> {
    step: Step<'a>,
    plan: Plan,
    limit: &'a Limit,
    index: u16,
    key: Key,
    amount: u64,
}

/// Stands in where names are not asked for.
static NOBODY: Dimensions = Dimensions::new();
