use std::{
    mem,
    sync::{Arc, PoisonError, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::runtime::Handle;

use super::{Books, PATIENCE, Shared, Waiting, outbox::Letter};
use crate::budget::{
    Period,
    store::{Correction, StoreError},
};

impl Shared {
    /// Sees to it that somebody minds the store: on the runtime of whoever asks it first.
    pub(super) fn mind(&self, books: &Arc<Books>) {
        if self.minded.load(Ordering::Relaxed) || self.minded.swap(true, Ordering::Relaxed) {
            return;
        }
        let minded = Minded(Arc::downgrade(books));
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(mind(minded, self.work.clone()))),
            Err(_) => drop(minded),
        }
    }

    /// Gives all back, and sends what waits, until the store does not answer.
    pub(in crate::budget) async fn close(&self, books: &Arc<Books>) {
        self.end_leases(books, true);
        while self.outbox.len() > 0 && self.send(books).await {}
    }

    /// Sends what waits. Says whether the store answered.
    async fn send(&self, books: &Arc<Books>) -> bool {
        let letters = self.outbox.take();
        if letters.is_empty() {
            return true;
        }
        let now = self.wall();
        let corrections = letters.iter().filter_map(|letter| {
            let spot = books.purse(letter.purse)?.spot(&letter.account, letter.mark, now);
            let Waiting { back, more, .. } = letter.waiting;
            let cell = letter.account.lock();
            let is_same = cell.mark == letter.mark;
            let known = if is_same { cell.total.saturating_sub(cell.share.alone).max(0) } else { 0 };
            Some(Correction { spot, back, more, epoch: letter.epoch, known, heard: cell.share.epoch })
        });
        let settling = self.store.settle(corrections.collect());
        let settled = tokio::time::timeout(PATIENCE.max(self.timeout), settling).await;
        match settled.unwrap_or_else(|_| Err(StoreError::new("no answer to corrections"))) {
            Ok(()) => {
                for letter in letters.iter().filter(|letter| letter.waiting.alone > 0) {
                    let mut cell = letter.account.lock();
                    let is_rolling = books
                        .purse(letter.purse)
                        .is_some_and(|purse| matches!(purse.budget.period, Period::Rolling(_)));
                    if cell.mark == letter.mark || is_rolling {
                        cell.share.alone = cell.share.alone.saturating_sub(letter.waiting.alone).max(0);
                    }
                }
                true
            }
            Err(error) => {
                self.failed(&error);
                self.put_back(letters);
                false
            }
        }
    }

    /// Puts back what may not have been heard. Who cannot know must not give anything back twice, for that
    /// would let more than the amount be spent; to take twice only lets less be spent.
    fn put_back(&self, letters: Vec<Letter>) {
        for Letter { purse, account, mark, epoch, waiting } in letters {
            if waiting.back > 0 {
                self.loses(1);
            }
            let waiting = Waiting { back: 0, ..waiting };
            if waiting.is_something() {
                self.outbox.put(purse, &account, mark, epoch, waiting);
            }
        }
    }

    /// Gives back what is leased and was of no use for its time; or all of it.
    fn end_leases(&self, books: &Arc<Books>, all: bool) {
        let leases = mem::take(&mut *self.leases.lock().unwrap_or_else(PoisonError::into_inner));
        let now = self.millis();
        let mut kept = Vec::new();
        for (index, account) in leases {
            let Some(purse) = books.purse(index) else { continue };
            let idle = u64::try_from(purse.budget.lease().idle.as_millis()).unwrap_or(u64::MAX);
            let mut cell = account.lock();
            if !all && cell.share.leased > 0 && now.saturating_sub(cell.share.used) < idle {
                drop(cell);
                kept.push((index, account));
                continue;
            }
            cell.share.is_listed = false;
            let back = mem::take(&mut cell.share.leased);
            let (mark, epoch) = (cell.mark, cell.share.epoch);
            cell.add(mark, back.saturating_neg());
            drop(cell);
            if back > 0 {
                self.outbox.put(index, &account, mark, epoch, Waiting::back(back));
            }
        }
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).append(&mut kept);
    }

    async fn probe(&self) {
        match tokio::time::timeout(self.timeout, self.store.settle(Vec::new())).await {
            Ok(Ok(())) => self.answered(),
            _ => drop(self.failures.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

/// Sends what waits, gives back what is of no use, and asks a store that failed whether it answers.
async fn mind(minded: Minded, work: Arc<tokio::sync::Notify>) {
    loop {
        let Some(retry) = minded.0.upgrade().and_then(|books| {
            let shared = books.shared.as_ref()?;
            Some((!shared.answers()).then(|| shared.retry_in()))
        }) else {
            return;
        };
        if let Some(retry) = retry {
            tokio::time::sleep(retry).await;
        } else {
            // Looks also when nobody calls, as leases end by themselves.
            let _ = tokio::time::timeout(LOOK, work.notified()).await;
            tokio::time::sleep(GATHER).await;
        }
        let Some(books) = minded.0.upgrade() else { return };
        let Some(shared) = &books.shared else { return };
        if retry.is_some() {
            shared.probe().await;
        }
        if shared.answers() {
            shared.end_leases(&books, false);
            while shared.outbox.len() > 0 && shared.send(&books).await {}
        }
    }
}

/// Says at its end that nobody minds the store any more, so that the next who asks it starts anew: the
/// runtime this ran on may have gone.
struct Minded(Weak<Books>);

impl Drop for Minded {
    fn drop(&mut self) {
        if let Some(books) = self.0.upgrade()
            && let Some(shared) = &books.shared
        {
            shared.minded.store(false, Ordering::Relaxed);
        }
    }
}

/// What ends in one moment is told together.
const GATHER: Duration = Duration::from_millis(1);

/// How late a lease may end.
const LOOK: Duration = Duration::from_millis(200);
