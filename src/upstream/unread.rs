//! Lets go of a provider when its answer is not read, or not to its end in time.
//!
//! A body does nothing while nobody asks it, and a server does not ask while the client takes
//! nothing: a client without a window, or one that takes a byte now and then, would hold a request to
//! the provider for as long as it likes. So a body that may stay at work for long stands in a slot
//! that a sweeper can empty. One sweeper serves all of a provider's answers on a runtime, sleeps
//! between its rounds, and ends when there is nothing to look after. A frame costs a lock that
//! nobody else wants, and no look at the clock.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use slab::Slab;
use tokio::time::Instant;
use tollway_core::Attempt;

use crate::Error;
use crate::config::Timeouts;

/// How many rounds there are within a limit, which is overrun by one of them at most.
const ROUNDS: u32 = 16;
/// The longest and the shortest time between rounds.
const SLOWEST: Duration = Duration::from_secs(5);
const FASTEST: Duration = Duration::from_millis(20);

/// Looks after the answers of one provider.
#[derive(Debug)]
pub(super) struct Sweeper {
    unread: Duration,
    total: Option<Duration>,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    slots: Slab<Weak<dyn Sweep>>,
    /// Whether rounds are made.
    sweeps: bool,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("slots", &self.slots.len()).field("sweeps", &self.sweeps).finish()
    }
}

impl Sweeper {
    pub(super) fn new(limits: Timeouts) -> Arc<Self> {
        Arc::new(Self { unread: limits.unread, total: limits.total, watched: Mutex::default() })
    }

    /// Looks after the answer of an attempt from now on.
    pub(super) fn guard<B>(self: &Arc<Self>, inner: B, attempt: &Arc<Attempt>) -> Guarded<B>
    where
        B: Body<Data = Bytes, Error = Error> + Unpin + Send + 'static,
    {
        let now = Instant::now();
        let left = |total: Duration| total.saturating_sub(attempt.started().elapsed());
        let slot = Arc::new(Slot {
            attempt: attempt.clone(),
            deadline: self.total.map(|total| (now + left(total), total)),
            unread: self.unread,
            held: Mutex::new(Held {
                inner: Some(inner),
                error: None,
                waits: false,
                polls: 0,
                seen: 0,
                since: now,
            }),
        });
        let weak: Weak<dyn Sweep> = Arc::downgrade(&(slot.clone() as Arc<dyn Sweep>));
        let mut watched = self.watched();
        if !std::mem::replace(&mut watched.sweeps, true) {
            tokio::spawn(self.clone().sweep());
        }
        let place = watched.slots.insert(weak);
        drop(watched);
        Guarded { slot, place, sweeper: self.clone() }
    }

    /// Makes rounds until there is nothing to look after.
    async fn sweep(self: Arc<Self>) {
        let shortest = self.total.map_or(self.unread, |total| total.min(self.unread));
        let pause = (shortest / ROUNDS).clamp(FASTEST, SLOWEST);
        loop {
            tokio::time::sleep(pause).await;
            let mut watched = self.watched();
            if watched.slots.is_empty() {
                watched.sweeps = false;
                return;
            }
            let slots: Vec<_> = watched.slots.iter().filter_map(|(_, slot)| slot.upgrade()).collect();
            drop(watched);
            let now = Instant::now();
            for slot in slots {
                slot.sweep(now);
            }
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot, whatever stands in it.
trait Sweep: Send + Sync {
    /// Empties it, if it is time.
    fn sweep(&self, now: Instant);
}

struct Slot<B> {
    attempt: Arc<Attempt>,
    /// When the whole answer must have passed, and how long that was.
    deadline: Option<(Instant, Duration)>,
    unread: Duration,
    held: Mutex<Held<B>>,
}

struct Held<B> {
    inner: Option<B>,
    /// Why it was let go, until that is told.
    error: Option<Error>,
    /// Whether the provider is waited for: its own limits hold then.
    waits: bool,
    polls: u64,
    /// How many polls there were in the round before, and since when there were no more.
    seen: u64,
    since: Instant,
}

impl<B: Send + 'static> Sweep for Slot<B> {
    fn sweep(&self, now: Instant) {
        let mut held = match self.held.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // It is being read.
            Err(TryLockError::WouldBlock) => return,
        };
        if held.waits || held.polls != held.seen {
            held.seen = held.polls;
            held.since = now;
        }
        let error = match self.deadline {
            _ if held.waits => return,
            Some((at, limit)) if now >= at => Error::Timeout {
                provider: self.attempt.upstream().provider.to_string(),
                waited_for: "end of the answer",
                limit,
            },
            _ if now - held.since >= self.unread => Error::Unread(self.unread),
            _ => return,
        };
        let Some(inner) = held.inner.take() else { return };
        // Whether or not the client ever comes back for it.
        self.attempt.set_outcome(error.outcome());
        held.error = Some(error);
        drop(held);
        // Ends the request to the provider.
        drop(inner);
    }
}

/// A body that a [`Sweeper`] looks after.
pub(super) struct Guarded<B> {
    slot: Arc<Slot<B>>,
    place: usize,
    sweeper: Arc<Sweeper>,
}

impl<B> Guarded<B> {
    fn held(&self) -> MutexGuard<'_, Held<B>> {
        self.slot.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Body for Guarded<B>
where
    B: Body<Data = Bytes, Error = Error> + Unpin,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut held = self.held();
        held.polls += 1;
        let Some(inner) = &mut held.inner else { return Poll::Ready(held.error.take().map(Err)) };
        let frame = Pin::new(inner).poll_frame(cx);
        held.waits = frame.is_pending();
        frame
    }

    fn is_end_stream(&self) -> bool {
        let held = self.held();
        held.inner.as_ref().map_or(held.error.is_none(), Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.held().inner.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl<B> Drop for Guarded<B> {
    fn drop(&mut self) {
        self.sweeper.watched().slots.try_remove(self.place);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use http_body_util::BodyExt;
    use tollway_core::{Dialect, Outcome, Upstream};

    use super::*;

    const LIMITS: Timeouts = Timeouts {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_secs(20),
        idle: Duration::from_secs(20),
        unread: Duration::from_mins(1),
        total: None,
    };

    /// A body without an end, or one that is waited for for ever; tells when it is dropped.
    #[derive(Debug)]
    struct Endless {
        speaks: bool,
        dropped: Arc<AtomicBool>,
    }

    impl Body for Endless {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            if self.speaks {
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
            } else {
                Poll::Pending
            }
        }
    }

    impl Drop for Endless {
        fn drop(&mut self) {
            self.dropped.store(true, Ordering::Relaxed);
        }
    }

    struct Case {
        body: Guarded<Endless>,
        dropped: Arc<AtomicBool>,
        attempt: Arc<Attempt>,
        sweeper: Arc<Sweeper>,
    }

    impl Case {
        fn new(limits: Timeouts, speaks: bool) -> Self {
            let dropped = Arc::<AtomicBool>::default();
            let upstream = Upstream { provider: "p".into(), dialect: Dialect::OpenAi, model: "m".into() };
            let attempt = Arc::new(Attempt::new(Arc::new(upstream)));
            let sweeper = Sweeper::new(limits);
            let body = sweeper.guard(Endless { speaks, dropped: dropped.clone() }, &attempt);
            Self { body, dropped, attempt, sweeper }
        }

        fn is_held(&self) -> bool {
            !self.dropped.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_nobody_reads_is_let_go_and_says_so_when_it_is() {
        let mut case = Case::new(LIMITS, true);
        tokio::time::sleep(Duration::from_secs(59)).await;
        assert!(case.is_held());
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert!(!case.is_held());
        assert_eq!(case.attempt.outcome(), Some(Outcome::TimedOut));
        assert!(!case.body.is_end_stream());
        assert!(matches!(case.body.frame().await, Some(Err(Error::Unread(_)))));
        assert!(case.body.is_end_stream() && case.body.frame().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_read_now_and_then_is_kept_until_its_total_time_is_over() {
        for total in [None, Some(Duration::from_mins(5))] {
            let mut case = Case::new(Timeouts { total, ..LIMITS }, true);
            for _ in 0..7 {
                tokio::time::sleep(Duration::from_secs(40)).await;
                assert!(case.body.frame().await.unwrap().is_ok());
            }
            assert!(case.is_held());
            tokio::time::sleep(Duration::from_secs(30)).await;
            assert_eq!(case.is_held(), total.is_none());
            if total.is_some() {
                assert!(matches!(case.body.frame().await, Some(Err(Error::Timeout { .. }))));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_is_waited_for_is_not_unread() {
        let mut case = Case::new(LIMITS, false);
        let waited = tokio::time::timeout(Duration::from_mins(10), case.body.frame()).await;
        assert!(waited.is_err() && case.is_held());
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_ended_leaves_no_place_taken_and_the_rounds_end() {
        let Case { body, sweeper, attempt, dropped } = Case::new(LIMITS, true);
        let second = sweeper.guard(Endless { speaks: true, dropped }, &attempt);
        assert_eq!(sweeper.watched().slots.len(), 2);
        drop((body, second));
        assert!(sweeper.watched().slots.is_empty() && sweeper.watched().sweeps);
        tokio::time::sleep(SLOWEST * 2).await;
        assert!(!sweeper.watched().sweeps);
    }
}
