//! One of a provider's limits, as it stands by what was told and what was sent since.
//!
//! Providers refill in two ways. OpenAI, Groq and Anthropic have token buckets, which fill evenly ("continuously
//! replenished up to your maximum limit, rather than being reset at fixed intervals",
//! <https://docs.claude.com/en/api/rate-limits>), so that the reset they tell is `window × used ÷ limit`.
//! Others count in fixed windows, and at the reset all is there again at once. Who takes the one for the other
//! is refused, or waits for a minute where a second would do. So each reading is held against the first: a
//! limit whose resets were always as a bucket's is one.

use std::time::{Duration, Instant};

use super::told::Reading;
use crate::Measure;

#[derive(Clone, Debug)]
pub(super) struct Quota {
    measure: Measure,
    limit: Option<f64>,
    /// What was left at `at`, less what was taken since.
    left: f64,
    at: Instant,
    refill: Refill,
    /// The last request whose answer told of it.
    request: u64,
    /// When that was told, or when one was sent to find out.
    told: Instant,
    /// Until when it is known to be no bucket.
    stepwise_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
enum Refill {
    /// So much a second.
    Evenly(f64),
    /// All at that time, and after each such while.
    At(Instant, Duration),
}

impl Quota {
    /// As it was told in the answer to a request, since which some more was sent.
    pub(super) fn new(now: Instant, reading: &Reading, request: u64, since: f64) -> Self {
        let mut quota = Self {
            measure: reading.measure,
            limit: None,
            left: 0.0,
            at: now,
            refill: Refill::At(now, UNTOLD),
            request,
            told: now,
            stepwise_until: None,
        };
        quota.renew(now, reading, request, since);
        quota
    }

    /// As it was told anew. The answer to an earlier request says nothing new.
    pub(super) fn renew(&mut self, now: Instant, reading: &Reading, request: u64, since: f64) {
        if request < self.request {
            return;
        }
        (self.request, self.at, self.told) = (request, now, now);
        self.limit = reading.limit.map(count).filter(|limit| *limit >= 1.0);
        self.left = count(reading.remaining) - since;
        self.refill = self.refill_of(now, reading);
    }

    pub(super) const fn measure(&self) -> Measure {
        self.measure
    }

    fn refill_of(&mut self, now: Instant, reading: &Reading) -> Refill {
        // Where no time is told that makes sense, none is relied on for long.
        let Some(limit) = self.limit else {
            return Refill::At(now + reading.reset.unwrap_or(UNTOLD).min(LONGEST), LONGEST);
        };
        let reset = reading.reset.map(|reset| reset.min(LONGEST)).filter(|reset| !reset.is_zero());
        let used = (limit - count(reading.remaining)).max(0.0);
        if let (Some(reset), true) = (reset, used > 0.0) {
            match bucket(reset.as_secs_f64(), used / limit) {
                None => self.stepwise_until = Some(now + NOT_FORGOTTEN),
                Some(window) if self.stepwise_until.is_none_or(|until| until <= now) => {
                    return Refill::Evenly(limit / window);
                }
                Some(_) => {}
            }
        }
        match (reset, self.refill) {
            (None, Refill::Evenly(rate)) => Refill::Evenly(rate),
            (None, Refill::At(..)) => Refill::At(now + USUAL, USUAL),
            // A window is as long as the longest reset.
            (Some(reset), Refill::At(_, window)) => Refill::At(now + reset, window.max(reset)),
            (Some(reset), Refill::Evenly(_)) => Refill::At(now + reset, reset),
        }
    }

    /// How much is left.
    fn left(&self, now: Instant) -> f64 {
        let most = self.limit.unwrap_or(f64::INFINITY);
        match self.refill {
            Refill::Evenly(rate) => {
                let more = rate * now.saturating_duration_since(self.at).as_secs_f64();
                (self.left + more).min(most)
            }
            Refill::At(time, _) if time <= now => most,
            Refill::At(..) => self.left,
        }
    }

    /// When there is enough, if not now. Who needs more than there ever is needs all.
    pub(super) fn ready_at(&self, now: Instant, units: f64, longest_hold: Duration) -> Option<Instant> {
        let need = self.limit.map_or(units, |limit| units.min(limit));
        let lack = need - self.left(now);
        if lack <= SLACK {
            return None;
        }
        let at = match self.refill {
            Refill::At(time, _) => time,
            Refill::Evenly(rate) => {
                let wait = Duration::try_from_secs_f64(lack / rate).unwrap_or(LONGEST);
                // Rounded up, or there would still be a little too little.
                now + wait.min(LONGEST) + Duration::from_micros(1)
            }
        };
        // Whoever raised the limit since would never be heard of.
        Some(at.min(self.told + longest_hold)).filter(|at| *at > now)
    }

    /// Counts what is sent.
    pub(super) fn take(&mut self, now: Instant, units: f64, longest_hold: Duration) {
        if self.told + longest_hold <= now {
            self.told = now;
        }
        self.left = self.left(now) - units;
        self.at = now;
        if let Refill::At(time, window) = self.refill
            && time <= now
        {
            self.refill = Refill::At(now + window, window);
        }
    }

    /// Its limit, what is left, and when all is there again.
    pub(super) fn standing(&self, now: Instant) -> (Option<u64>, u64, Duration) {
        let left = self.left(now);
        let reset = match (self.refill, self.limit) {
            (Refill::At(time, _), _) => time.saturating_duration_since(now),
            (Refill::Evenly(rate), Some(limit)) => {
                Duration::try_from_secs_f64((limit - left) / rate).unwrap_or_default()
            }
            (Refill::Evenly(_), None) => Duration::ZERO,
        };
        (self.limit.map(whole), whole(left), reset)
    }
}

/// The window of the bucket whose reset that is, in seconds, if it is one's.
fn bucket(reset: f64, used: f64) -> Option<f64> {
    let off = |window: &f64| (reset - window * used).abs();
    let fits = WINDOWS.into_iter().filter(|window| off(window) <= window * used * 0.05 + 1.0);
    // Of several that fit as told in whole seconds, that which does best for its size.
    fits.min_by(|a, b| (off(a) / a).total_cmp(&(off(b) / b)))
}

/// How long the windows of buckets are, in seconds.
const WINDOWS: [f64; 4] = [1.0, 60.0, 3_600.0, 86_400.0];

/// For how long it is remembered that a limit is no bucket: over some windows there are readings that
/// look like one's.
const NOT_FORGOTTEN: Duration = Duration::from_mins(10);

/// When what is left without a limit or a time is forgotten.
const UNTOLD: Duration = Duration::from_secs(10);

/// The window of a limit without a time.
const USUAL: Duration = Duration::from_mins(1);

const LONGEST: Duration = Duration::from_hours(24);

/// Of rounding.
const SLACK: f64 = 1e-6;

#[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
const fn count(units: u64) -> f64 {
    units as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
fn whole(units: f64) -> u64 {
    if units.is_finite() { units.max(0.0) as u64 } else { u64::MAX }
}
