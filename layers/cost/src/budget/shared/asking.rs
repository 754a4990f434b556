use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};

use tokio::{runtime::Handle, sync::oneshot};
use tollway_core::Money;

use super::{Shared, Waiting};
use crate::budget::{
    Denied, Place, Reservation, Wanted,
    accounts::Account,
    books::Books,
    budgets::worse,
    period::time,
    reservation::{Charge, Source},
    store::{Answer, Ask, StoreError, Taken},
};

/// A decision that waits for the store, for as long as [`Settings`](crate::budget::Settings) allow.
///
/// Dropped early, what the store may still grant is given back. Must be polled on a tokio runtime with time.
pub struct Asking(Pin<Box<dyn Future<Output = Result<Reservation, Denied>> + Send>>);

/// What the store is asked about one budget.
#[derive(Clone, Debug)]
pub(in crate::budget) struct Question {
    purse: u16,
    account: Arc<Account>,
    mark: i64,
    is_refilling: bool,
}

impl Question {
    pub(in crate::budget) const fn new(purse: u16, account: Arc<Account>, mark: i64) -> Self {
        Self { purse, account, mark, is_refilling: false }
    }
}

impl Asking {
    pub(in crate::budget) fn new(
        books: Arc<Books>,
        reservation: Reservation,
        questions: Vec<Question>,
        wanted: Wanted,
        now: i64,
    ) -> Self {
        // Made here, so that what is reserved is free again even if nobody ever polls.
        let waiting = Undecided { reservation: Some(reservation), now };
        Self(Box::pin(ask(books, waiting, questions, wanted)))
    }
}

impl Future for Asking {
    type Output = Result<Reservation, Denied>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

/// What is reserved of this process's budgets for a request that nobody has sent yet: all of it is free
/// again where nothing comes of it.
struct Undecided {
    reservation: Option<Reservation>,
    now: i64,
}

impl Undecided {
    fn decided(mut self, charges: Vec<Charge>) -> Option<Reservation> {
        let mut reservation = self.reservation.take()?;
        for charge in charges {
            reservation.add(charge);
        }
        Some(reservation)
    }
}

impl Drop for Undecided {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            reservation.settle(time(self.now), Money::ZERO);
        }
    }
}

async fn ask(
    books: Arc<Books>,
    undecided: Undecided,
    mut questions: Vec<Question>,
    wanted: Wanted,
) -> Result<Reservation, Denied> {
    let now = undecided.now;
    let (Some(shared), Ok(runtime)) = (&books.shared, Handle::try_current()) else {
        return without_store(&books, undecided, &questions, &wanted);
    };
    shared.mind(&books);
    shared.asked.fetch_add(1, Ordering::Relaxed);
    shared.meters.asked.increment(1);
    let asks = asks(&books, &mut questions, &wanted, now);
    let mut asked = Asked { books: books.clone(), questions, taken: None };
    let questions = asked.questions.clone();
    let answer = shared.store.take(asks);
    let (tell, told) = oneshot::channel();
    // It goes on when whoever asked has gone: what it grants must be given back.
    runtime.spawn(async move {
        let answer = match answer.await {
            Ok(taken) if taken.answers.len() == asked.questions.len() => {
                asked.taken = Some(taken);
                Ok(asked)
            }
            Ok(taken) => Err(StoreError::new(format!("answers to other questions: {}", taken.answers.len()))),
            Err(error) => Err(error),
        };
        // Where nobody listens any more, what was granted is given back as it is dropped.
        drop(tell.send(answer));
    });
    let answer = match tokio::time::timeout(shared.timeout, told).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(StoreError::new("the question was dropped")),
        Err(_) => Err(StoreError::new(format!("no answer within {} ms", shared.timeout.as_millis()))),
    };
    let mut asked = match answer {
        Ok(asked) => asked,
        Err(error) => {
            shared.failed(&error);
            return without_store(&books, undecided, &questions, &wanted);
        }
    };
    if asked.taken.as_ref().is_some_and(|taken| taken.is_granted) {
        let charges = asked.granted(shared, &wanted);
        return undecided.decided(charges).ok_or_else(|| unavailable(&questions, &books));
    }
    match asked.denied(&wanted) {
        Some(denied) => {
            books.count(&denied);
            Err(denied)
        }
        // A store that refuses for no reason is as good as none.
        None => without_store(&books, undecided, &questions, &wanted),
    }
}

/// What is asked, with a lease where nobody else asks for one.
fn asks(books: &Books, questions: &mut [Question], wanted: &Wanted, now: i64) -> Vec<Ask> {
    let need = wanted.amount.nanos();
    let asks = questions.iter_mut().filter_map(|question| {
        let purse = books.purse(question.purse)?;
        let lease = purse.budget.lease().amount.nanos();
        let mut cell = question.account.lock();
        let missing = lease.saturating_sub(cell.share.leased);
        question.is_refilling = missing > 0 && !cell.share.is_refilling;
        cell.share.is_refilling |= question.is_refilling;
        let want = if question.is_refilling { need.saturating_add(missing) } else { need };
        let is_same = cell.mark == question.mark || purse.budget.lease().amount == Money::ZERO;
        Some(Ask {
            spot: purse.spot(&question.account, question.mark, now),
            limit: purse.limit(),
            need,
            want,
            is_forced: purse.is_forced(wanted),
            // What was taken alone is told apart.
            known: if is_same { cell.total.saturating_sub(cell.share.alone).max(0) } else { 0 },
            epoch: cell.share.epoch,
        })
    });
    asks.collect()
}

/// Questions that are with the store. What it granted and nobody took is given back.
struct Asked {
    books: Arc<Books>,
    questions: Vec<Question>,
    taken: Option<Taken>,
}

impl Asked {
    fn granted(&mut self, shared: &Shared, wanted: &Wanted) -> Vec<Charge> {
        let Some(taken) = self.taken.take() else { return Vec::new() };
        let amount = wanted.amount.nanos();
        let charges = self.questions.iter().zip(taken.answers).map(|(question, answer)| {
            let Question { purse, account, mark, .. } = question;
            let mut cell = account.lock();
            let mut beyond = answer.granted.saturating_sub(amount).max(0);
            if cell.mark == *mark {
                hear(&mut cell, &answer, *mark);
                cell.reserved = cell.reserved.saturating_add(amount);
                shared.lease(*purse, account, &mut cell, std::mem::take(&mut beyond));
            }
            drop(cell);
            if beyond > 0 {
                shared.outbox.put(*purse, account, *mark, answer.epoch, Waiting::back(beyond));
            }
            let source = Source::Store { epoch: answer.epoch };
            Charge { purse: *purse, account: account.clone(), mark: *mark, source }
        });
        charges.collect()
    }

    fn denied(&mut self, wanted: &Wanted) -> Option<Denied> {
        let taken = self.taken.take()?;
        let mut denied = None;
        for (question, answer) in
            self.questions.iter().zip(taken.answers).filter(|(_, answer)| answer.is_short)
        {
            let Some(purse) = self.books.purse(question.purse) else { continue };
            let mut cell = question.account.lock();
            if cell.mark == question.mark {
                hear(&mut cell, &answer, question.mark);
            }
            denied = Some(worse(denied, purse.denied(&cell, wanted)));
        }
        denied
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        for question in self.questions.iter().filter(|question| question.is_refilling) {
            question.account.lock().share.is_refilling = false;
        }
        let (Some(shared), Some(taken)) = (&self.books.shared, self.taken.take()) else { return };
        for (question, answer) in self.questions.iter().zip(taken.answers) {
            if taken.is_granted && answer.granted > 0 {
                let Question { purse, account, mark, .. } = question;
                shared.outbox.put(*purse, account, *mark, answer.epoch, Waiting::back(answer.granted));
                shared.work.notify_one();
            }
        }
    }
}

/// Learns what the store counts.
fn hear(cell: &mut crate::budget::cell::Cell, answer: &Answer, mark: i64) {
    cell.total = answer.total.saturating_add(cell.share.alone);
    (cell.share.epoch, cell.share.heard) = (answer.epoch, mark);
}

/// Decides as each budget says for when the store does not answer: all pass, or nothing is taken.
fn without_store(
    books: &Arc<Books>,
    undecided: Undecided,
    questions: &[Question],
    wanted: &Wanted,
) -> Result<Reservation, Denied> {
    let Some(shared) = &books.shared else { return Err(unavailable(questions, books)) };
    let (now, amount) = (undecided.now, wanted.amount.nanos());
    let mut denied = None;
    // In the order of the budgets, as whoever reserves.
    let mut cells: Vec<_> = questions.iter().map(|question| question.account.lock()).collect();
    for (question, cell) in questions.iter().zip(&mut cells) {
        let Some(purse) = books.purse(question.purse) else { continue };
        let Place::Shared { on_failure, .. } = purse.budget.place else { continue };
        cell.roll(&purse.budget.period, now);
        if let Err(another) = purse.without_store(cell, wanted, on_failure, shared) {
            denied = Some(worse(denied, another));
        }
    }
    if let Some(denied) = denied {
        drop(cells);
        books.count(&denied);
        return Err(denied);
    }
    let mut charges = Vec::with_capacity(questions.len());
    for (question, cell) in questions.iter().zip(&mut cells) {
        cell.take(amount);
        cell.share.alone = cell.share.alone.saturating_add(amount);
        let (purse, account, mark) = (question.purse, question.account.clone(), cell.mark);
        charges.push(Charge { purse, account, mark, source: Source::Alone });
    }
    drop(cells);
    for charge in &charges {
        shared.more_alone(charge, amount);
    }
    undecided.decided(charges).ok_or_else(|| unavailable(questions, books))
}

fn unavailable(questions: &[Question], books: &Books) -> Denied {
    let purse = questions.first().and_then(|question| books.purse(question.purse));
    let budget = purse.map_or_else(|| "".into(), |purse| purse.budget.name.clone());
    let retry_after = books.shared.as_ref().map_or(std::time::Duration::ZERO, Shared::retry_in);
    crate::budget::Refused::Unavailable { budget, retry_after }.into()
}
