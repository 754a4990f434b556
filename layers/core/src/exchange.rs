use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use crate::{Attempt, Caller, Charge, Endpoint, Expected, Money, RequestId, Upstream};

/// What becomes known of a request on its way in and out.
///
/// An outer layer keeps a clone of the `Arc` before it calls inward, and reads it when the answer's
/// body has ended. Cells are written once, by the layer that learns the fact.
pub struct Exchange {
    request_id: RequestId,
    started: Instant,
    client: OnceLock<IpAddr>,
    caller: OnceLock<Arc<Caller>>,
    call: OnceLock<(Endpoint, Arc<str>, bool)>,
    expected: OnceLock<Expected>,
    received: AtomicU64,
    attempts: Mutex<Vec<Arc<Attempt>>>,
    /// How many are still at work on it, though the client may have left.
    holds: AtomicU32,
    /// What waits for them.
    deferred: Mutex<Vec<Deferred>>,
}

type Deferred = Box<dyn FnOnce() + Send>;

/// Holds what waits for an exchange to be settled. See [`Exchange::hold`].
#[derive(Debug)]
pub struct Hold(Arc<Exchange>);

impl Exchange {
    /// Opens an exchange now.
    pub fn new(request_id: RequestId) -> Self {
        Self {
            request_id,
            started: Instant::now(),
            client: OnceLock::new(),
            caller: OnceLock::new(),
            call: OnceLock::new(),
            expected: OnceLock::new(),
            received: AtomicU64::new(0),
            attempts: Mutex::new(Vec::new()),
            holds: AtomicU32::new(0),
            deferred: Mutex::new(Vec::new()),
        }
    }

    /// The name of the request.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// When the request's head had been read.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Records from where a request comes, behind proxies: written by auth, once.
    pub fn set_client(&self, client: IpAddr) {
        let _ = self.client.set(client);
    }

    /// From where a request comes, once that is known.
    pub fn client(&self) -> Option<IpAddr> {
        self.client.get().copied()
    }

    /// Records who asks: written by auth, once.
    pub fn set_caller(&self, caller: Arc<Caller>) {
        let _ = self.caller.set(caller);
    }

    /// Who asks, once that is known.
    pub fn caller(&self) -> Option<&Arc<Caller>> {
        self.caller.get()
    }

    /// Records what was asked for: written by ingest, once.
    pub fn set_call(&self, endpoint: Endpoint, model: Arc<str>, stream: bool) {
        let _ = self.call.set((endpoint, model, stream));
    }

    /// What was asked for, once the body was read.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.call.get().map(|call| call.0)
    }

    /// The model as the client named it, once the body was read.
    pub fn request_model(&self) -> Option<&str> {
        self.call.get().map(|call| &*call.1)
    }

    /// Whether the client asked for an event stream.
    pub fn stream(&self) -> bool {
        self.call.get().is_some_and(|call| call.2)
    }

    /// Records what the call is expected to take: by whoever asks first, once.
    pub fn set_expected(&self, expected: Expected) {
        let _ = self.expected.set(expected);
    }

    /// What the call is expected to take, once somebody asked.
    pub fn expected(&self) -> Option<Expected> {
        self.expected.get().copied()
    }

    /// Counts bytes of a request's body that passes without being collected.
    pub fn add_received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many bytes of such a body have come.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Opens the next attempt, now.
    pub fn begin_attempt(&self, upstream: Arc<Upstream>) -> Arc<Attempt> {
        let attempt = Arc::new(Attempt::new(upstream));
        self.lock_attempts().push(attempt.clone());
        attempt
    }

    /// All attempts so far, in order.
    pub fn attempts(&self) -> Vec<Arc<Attempt>> {
        self.lock_attempts().clone()
    }

    /// How many attempts there were so far, and the last one.
    pub fn last_attempt(&self) -> (usize, Option<Arc<Attempt>>) {
        let attempts = self.lock_attempts();
        (attempts.len(), attempts.last().cloned())
    }

    /// What all attempts so far came to, as far as they were priced; and whether some of it is estimated.
    /// `None` where nothing was priced yet, or some of it cannot be.
    pub fn cost(&self) -> Option<(Money, bool)> {
        let attempts = self.lock_attempts();
        let mut charges = attempts.iter().map(|attempt| attempt.charge());
        charges.try_fold((Money::ZERO, false), |(sum, estimated), charge| {
            let charge = charge?;
            Some((sum.saturating_add(charge.amount()?), estimated || charge.is_estimated()))
        })
    }

    /// Why an attempt has no price, if one has none.
    pub fn unpriced(&self) -> Option<&'static str> {
        let attempts = self.lock_attempts();
        attempts.iter().find_map(|attempt| match attempt.charge()? {
            Charge::Unpriced(why) => Some(why),
            _ => None,
        })
    }

    /// Says that more will be known of it, whether or not the client is still there, until the hold is
    /// dropped.
    #[must_use]
    pub fn hold(self: &Arc<Self>) -> Hold {
        self.holds.fetch_add(1, Ordering::Relaxed);
        Hold(self.clone())
    }

    /// Does something once nobody holds it any more: at once, where nobody does.
    pub fn once_settled(&self, act: impl FnOnce() + Send + 'static) {
        if self.holds.load(Ordering::Acquire) == 0 {
            return act();
        }
        let mut deferred = self.deferred.lock().unwrap_or_else(PoisonError::into_inner);
        // The last of them may have gone meanwhile, and will not come back for it.
        if self.holds.load(Ordering::Acquire) == 0 {
            drop(deferred);
            return act();
        }
        deferred.push(Box::new(act));
    }

    fn lock_attempts(&self) -> MutexGuard<'_, Vec<Arc<Attempt>>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let Self(exchange) = self;
        if exchange.holds.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mut deferred = exchange.deferred.lock().unwrap_or_else(PoisonError::into_inner);
            let acts = std::mem::take(&mut *deferred);
            drop(deferred);
            for act in acts {
                act();
            }
        }
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("request_id", &self.request_id)
            .field("call", &self.call)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    fn exchange() -> Arc<Exchange> {
        Arc::new(Exchange::new(RequestId::from_random(1)))
    }

    #[test]
    fn what_waits_is_done_once_when_the_last_hold_goes() {
        let exchange = exchange();
        let done = Arc::new(AtomicU32::new(0));
        let act = |exchange: &Exchange| {
            let done = done.clone();
            exchange.once_settled(move || {
                done.fetch_add(1, Ordering::Relaxed);
            });
        };
        act(&exchange);
        assert_eq!(done.load(Ordering::Relaxed), 1);
        let (first, second) = (exchange.hold(), exchange.hold());
        act(&exchange);
        drop(first);
        assert_eq!(done.load(Ordering::Relaxed), 1);
        drop(second);
        assert_eq!(done.load(Ordering::Relaxed), 2);
        drop(exchange.hold());
        assert_eq!(done.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn every_attempt_counts_and_one_without_a_price_leaves_no_sum() {
        let exchange = exchange();
        let upstream = Upstream { provider: "p".into(), dialect: Dialect::OpenAi, model: "m".into() };
        let begin = || exchange.begin_attempt(Arc::new(upstream.clone()));
        let dollars = Money::from_nanos;
        assert_eq!(exchange.cost(), Some((Money::ZERO, false)));
        begin().set_charge(Charge::Known(dollars(3)));
        assert_eq!(exchange.cost(), Some((dollars(3), false)));
        begin().set_charge(Charge::Estimated(dollars(4)));
        assert_eq!(exchange.cost(), Some((dollars(7), true)));
        let last = begin();
        assert_eq!((exchange.cost(), exchange.unpriced()), (None, None));
        last.set_charge(Charge::Unpriced("model"));
        assert_eq!((exchange.cost(), exchange.unpriced()), (None, Some("model")));
    }
}
