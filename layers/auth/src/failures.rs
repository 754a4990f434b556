use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::{ClientAddress, Error, Settings};

/// How many credentials that nobody knows came from where.
#[derive(Debug)]
pub(crate) struct Failures<C: Clock = MonotonicClock> {
    /// `None` where failures are not limited.
    limiter: Option<Limiter<C>>,
    clock: C,
    most: usize,
    blocked: Mutex<Blocked<C::Instant>>,
    /// Whether there may be anybody in it, so that mostly nobody takes its lock.
    any_blocked: AtomicBool,
}

type Limiter<C> =
    RateLimiter<Subscriber, HashMapStateStore<Subscriber>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Who is counted: one subscriber, or all of whom nothing is known together.
type Subscriber = Option<IpAddr>;

/// From where nothing that can be guessed is judged at present.
#[derive(Debug)]
struct Blocked<I> {
    /// Until when.
    until: HashMap<Subscriber, I>,
    /// When those were forgotten last of whom there is nothing bad to say any more.
    swept: I,
}

impl Failures {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self::with_clock(settings, MonotonicClock)
    }
}

impl<C: Clock + Clone> Failures<C> {
    fn with_clock(settings: &Settings, clock: C) -> Self {
        let each = settings.failures_window / settings.failures.get();
        let quota = Quota::with_period(each).map(|quota| quota.allow_burst(settings.failures));
        let limiter = quota
            .map(|quota| RateLimiter::new(quota, HashMapStateStore::new(HashMap::default()), clock.clone()));
        Self {
            limiter,
            most: settings.failures_addresses,
            blocked: Mutex::new(Blocked { until: HashMap::new(), swept: clock.now() }),
            any_blocked: AtomicBool::new(false),
            clock,
        }
    }

    /// Counts a failure, and says how it is to be answered.
    pub(crate) fn record(&self, client: Option<ClientAddress>) -> Error {
        let Some(limiter) = &self.limiter else { return Error::Invalid };
        self.sweep(limiter);
        let mut subscriber = client.map(ClientAddress::subscriber);
        // Whoever comes from a million addresses shares one count once memory is full of them.
        if limiter.len() >= self.most {
            subscriber = None;
        }
        match limiter.check_key(&subscriber) {
            Ok(()) => Error::Invalid,
            Err(not_until) => {
                self.lock().until.insert(subscriber, not_until.earliest_possible());
                self.any_blocked.store(true, Ordering::Release);
                Error::TooManyFailures { retry_after: not_until.wait_time_from(self.clock.now()) }
            }
        }
    }

    /// Refuses while too much that was bad came from where the client is.
    pub(crate) fn check(&self, client: Option<ClientAddress>) -> Result<(), Error> {
        if !self.any_blocked.load(Ordering::Acquire) {
            return Ok(());
        }
        let now = self.clock.now();
        let blocked = self.lock();
        let until = blocked.until.get(&client.map(ClientAddress::subscriber)).filter(|until| **until > now);
        until.map_or(Ok(()), |until| {
            Err(Error::TooManyFailures { retry_after: until.duration_since(now).into() })
        })
    }

    /// Forgets whom there is nothing bad to say of any more: now and then, and more often when full.
    fn sweep(&self, limiter: &Limiter<C>) {
        let now = self.clock.now();
        let pause = Duration::from_secs(if limiter.len() >= self.most { 1 } else { 60 });
        let mut blocked = self.lock();
        if now < blocked.swept + pause.into() {
            return;
        }
        blocked.swept = now;
        blocked.until.retain(|_, until| *until > now);
        self.any_blocked.store(!blocked.until.is_empty(), Ordering::Release);
        drop(blocked);
        limiter.retain_recent();
        limiter.shrink_to_fit();
    }

    fn lock(&self) -> MutexGuard<'_, Blocked<C::Instant>> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn failures(most: usize) -> (Failures<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let settings = Settings { failures_addresses: most, ..Settings::default() };
        (Failures::with_clock(&settings, clock.clone()), clock)
    }

    #[expect(clippy::unnecessary_wraps, reason = "what is asked takes an option")]
    fn from(last: u32) -> Option<ClientAddress> {
        Some(ClientAddress(std::net::Ipv4Addr::from_bits(0x0a00_0000 + last).into()))
    }

    #[test]
    fn after_ten_a_guess_is_judged_every_six_seconds() {
        let (failures, clock) = failures(100);
        for _ in 0..10 {
            assert_eq!(failures.record(from(1)), Error::Invalid);
            assert_eq!(failures.check(from(1)), Ok(()));
        }
        let wait = Error::TooManyFailures { retry_after: Duration::from_secs(6) };
        assert_eq!(failures.record(from(1)), wait);
        assert_eq!(failures.check(from(1)), Err(wait));
        assert_eq!(failures.check(from(2)), Ok(()), "somebody else is not concerned");
        clock.advance(Duration::from_secs(6));
        assert_eq!(failures.check(from(1)), Ok(()));
        assert_eq!(failures.record(from(1)), Error::Invalid);
        assert!(matches!(failures.record(from(1)), Error::TooManyFailures { .. }));
    }

    #[test]
    fn a_million_addresses_take_the_memory_of_a_hundred() {
        let (failures, clock) = failures(100);
        let mut held_back = 0;
        for address in 0..1_000_000 {
            held_back += u32::from(failures.record(from(address)) != Error::Invalid);
        }
        assert!(failures.limiter.as_ref().unwrap().len() <= 101);
        assert!(failures.lock().until.len() <= 101);
        assert!(held_back > 999_000, "{held_back}");
        clock.advance(Duration::from_mins(2));
        assert_eq!(failures.record(from(7)), Error::Invalid);
        assert_eq!((failures.limiter.as_ref().unwrap().len(), failures.lock().until.len()), (1, 0));
        assert!(!failures.any_blocked.load(Ordering::Acquire));
    }

    #[test]
    fn without_a_window_nothing_is_limited() {
        let settings = Settings { failures_window: Duration::ZERO, ..Settings::default() };
        let failures = Failures::new(&settings);
        assert!((0..1000).all(|_| failures.record(None) == Error::Invalid));
    }
}
