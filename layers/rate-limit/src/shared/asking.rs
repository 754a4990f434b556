use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::cell::Ticks;
use crate::key::Key;
use crate::limit::{Entered, Limit, Step};
use crate::reservation::{Charge, Source};
use crate::store::{Ask, Grant, Pending, Shortage, Taken};
use crate::{Actual, Decision, Estimate, Limiter, Refused, Reservation, Shared, StoreError};

use super::Leased;

/// A decision that waits for the store, for as long as [`Settings`](crate::Settings) allow.
///
/// Dropped early, what the store may still grant is given back. Must be polled on a tokio runtime with
/// time.
pub struct Asking(Pin<Box<dyn Future<Output = Result<Reservation, Refused>> + Send>>);

/// What the store is asked for one rule.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) limit: u16,
    pub(crate) key: Key,
    pub(crate) subject: Arc<str>,
    /// What is counted here once it is granted.
    pub(crate) amount: u64,
    pub(crate) need: u64,
    pub(crate) want: u64,
    /// Whether a lease is to come with it.
    pub(crate) refill: bool,
}

impl Asking {
    pub(crate) fn new(
        limiter: Arc<Limiter>,
        reservation: Reservation,
        questions: Vec<Question>,
        estimate: Estimate,
    ) -> Self {
        // Made here, so that what the questions hold is let go of even if nobody ever polls.
        let asked = Asked { limiter, questions, since: 0, answer: None };
        Self(Box::pin(ask(asked, reservation, estimate)))
    }
}

impl Future for Asking {
    type Output = Result<Reservation, Refused>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

async fn ask(mut asked: Asked, reservation: Reservation, estimate: Estimate) -> Result<Reservation, Refused> {
    let limiter = asked.limiter.clone();
    let Some(shared) = limiter.shared() else { return Ok(reservation) };
    shared.mind(limiter.counts());
    asked.send(shared);
    let answer = match tokio::time::timeout(shared.timeout, asked.answered()).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::new(format!("no answer within {} ms", shared.timeout.as_millis()))),
    };
    match answer {
        Ok(Taken::Granted(grants)) if grants.len() == asked.questions.len() => {
            Ok(asked.granted(shared, &grants, reservation))
        }
        Ok(Taken::Granted(grants)) => {
            let error = StoreError::new(format!("grants for another number of rules: {}", grants.len()));
            asked.without_store(shared, &error, reservation, &estimate)
        }
        Ok(Taken::Refused(shortages)) => {
            let refused = asked.refused(&shortages, reservation.decision());
            reservation.settle(limiter.now(), Actual::NOTHING);
            match refused {
                Some(refused) => Err(refused),
                // A store that refuses for no reason is as good as none.
                None => asked.without_store(
                    shared,
                    &StoreError::new("refused for no rule"),
                    Reservation::new(
                        limiter.clone(),
                        crate::reservation::Charges::new(),
                        Decision::default(),
                    ),
                    &estimate,
                ),
            }
        }
        Err(error) => asked.without_store(shared, &error, reservation, &estimate),
    }
}

/// Questions that are with the store, and what they hold here until they are answered.
struct Asked {
    limiter: Arc<Limiter>,
    questions: Vec<Question>,
    since: Ticks,
    answer: Option<Pending<Taken>>,
}

impl Asked {
    fn send(&mut self, shared: &Shared) {
        shared.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        shared.meters.asked.increment(1);
        self.since = self.limiter.ticks(self.limiter.now());
        let asks = self.questions.iter().filter_map(|question| {
            let rule = self.limiter.limit(question.limit)?.rule.clone();
            Some(Ask { rule, subject: question.subject.clone(), need: question.need, want: question.want })
        });
        self.answer = Some(shared.store.take(asks.collect()));
    }

    async fn answered(&mut self) -> Result<Taken, StoreError> {
        match self.answer.as_mut() {
            Some(answer) => {
                let answered = answer.await;
                self.answer = None;
                answered
            }
            None => Err(StoreError::new("not asked")),
        }
    }

    fn granted(mut self, shared: &Shared, grants: &[Grant], mut reservation: Reservation) -> Reservation {
        let now = self.limiter.ticks(self.limiter.now());
        let replicas = shared.replicas();
        for (question, grant) in std::mem::take(&mut self.questions).iter().zip(grants) {
            let Question { limit: index, key, amount, .. } = *question;
            let Some((limit, mut step)) = enter(&self.limiter, index, key) else { continue };
            let Step::Shared(cell) = &mut step else { continue };
            receive(shared, cell, limit, question, grant, amount, now, self.since);
            let mark = step.take(now, amount.saturating_mul(replicas));
            let source = Source::Granted { mark: grant.mark, replicas };
            reservation.add(Charge { key, limit: index, amount, mark, source }, |decision| {
                limit.tell(&mut step, now, decision);
            });
        }
        reservation
    }

    fn refused(&mut self, shortages: &[Shortage], decision: &Decision) -> Option<Refused> {
        let now = self.limiter.ticks(self.limiter.now());
        let mut decision = *decision;
        let mut worst: Option<(&Shortage, &Limit)> = None;
        for shortage in shortages {
            let Some(question) = self.questions.get(shortage.index) else { continue };
            let Some((limit, mut step)) = enter(&self.limiter, question.limit, question.key) else {
                continue;
            };
            if let Step::Shared(cell) = &mut step {
                let terms = cell.terms();
                if let Some(held) = cell.known() {
                    held.refused(terms, now, question.need, shortage);
                }
            }
            limit.tell(&mut step, now, &mut decision);
            if worst.is_none_or(|(worst, _)| shortage.retry_after > worst.retry_after) {
                worst = Some((shortage, limit));
            }
        }
        let (shortage, limit) = worst?;
        limit.meters.refusals.increment(1);
        Some(Refused::limited(&limit.rule, shortage.retry_after, decision))
    }

    /// Decides as the rules say for a store that does not answer.
    fn without_store(
        self,
        shared: &Shared,
        error: &StoreError,
        mut reservation: Reservation,
        estimate: &Estimate,
    ) -> Result<Reservation, Refused> {
        shared.failed(error);
        let limiter = self.limiter.clone();
        let subjects: Vec<_> = self.questions.iter().map(|question| (question.limit, question.key)).collect();
        let now = limiter.now();
        match limiter.pass(limiter.ticks(now), &subjects, estimate, None) {
            Ok((rest, _)) => {
                reservation.join(rest);
                Ok(reservation)
            }
            Err(refused) => {
                reservation.settle(now, Actual::NOTHING);
                Err(refused)
            }
        }
    }

    /// Gives back all that came for questions nobody waits for any more.
    fn give_back(&mut self, answer: Result<Taken, StoreError>) {
        let limiter = self.limiter.clone();
        let Some(shared) = limiter.shared() else { return };
        let grants = match answer {
            Ok(Taken::Granted(grants)) => grants,
            _ => Vec::new(),
        };
        let now = limiter.ticks(limiter.now());
        let mut grants = grants.into_iter();
        for question in std::mem::take(&mut self.questions) {
            let grant = grants.next();
            let Some((limit, mut step)) = enter(&limiter, question.limit, question.key) else { continue };
            let Step::Shared(cell) = &mut step else { continue };
            if let Some(grant) = grant {
                receive(shared, cell, limit, &question, &grant, 0, now, self.since);
            } else if let Some(held) = cell.known() {
                held.refilling &= !question.refill;
                held.asked = held.asked.saturating_sub(question.want);
            }
            if let Some(held) = cell.known() {
                held.out = held.out.saturating_sub(1);
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.questions.is_empty() {
            return;
        }
        let mut rest = Self {
            limiter: self.limiter.clone(),
            questions: std::mem::take(&mut self.questions),
            since: self.since,
            answer: None,
        };
        match (self.answer.take(), tokio::runtime::Handle::try_current()) {
            // Whoever asked has gone, or could not wait. What is granted late is given back.
            (Some(answer), Ok(runtime)) => {
                runtime.spawn(async move {
                    let answer = answer.await;
                    rest.give_back(answer);
                });
            }
            _ => rest.give_back(Err(StoreError::new("not asked"))),
        }
    }
}

/// Takes a grant in, of which `spent` is used at once; the rest is the lease, or goes back.
#[expect(clippy::too_many_arguments, reason = "one step of two callers, of a grant under its lock")]
fn receive(
    shared: &Shared,
    cell: &mut Entered<'_, Leased>,
    limit: &Limit,
    question: &Question,
    grant: &Grant,
    spent: u64,
    now: Ticks,
    since: Ticks,
) {
    let terms = cell.terms();
    let held = cell.cell(now);
    held.refilling &= !question.refill;
    held.asked = held.asked.saturating_sub(question.want);
    let left = held.granted(terms, now, spent, grant, since);
    if let Some(ends) = held.lease_ends() {
        shared.ends(ends, question.limit, question.key);
    }
    for left in left {
        shared.send(limit, question.limit, question.key, &question.subject, (left, 0));
    }
}

fn enter(limiter: &Limiter, index: u16, key: Key) -> Option<(&Limit, Step<'_>)> {
    let limit = limiter.limit(index)?;
    Some((limit, limit.enter(key)?))
}
