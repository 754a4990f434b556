use std::time::Duration;

use super::{Cell, Counted, Lack, Mark, Ticks};

/// What a rule with an even flow says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GcraTerms {
    limit: u64,
    /// In nanoseconds.
    window: u64,
    burst: u64,
}

impl GcraTerms {
    pub(crate) fn new(limit: u64, window: Duration, burst: u64) -> Self {
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        Self { limit: limit.max(1), window: window.max(1), burst }
    }

    /// Times are counted in parts of a nanosecond, `limit` of them in one: an amount then flows off in
    /// `amount × window` parts, without a remainder.
    fn parts(&self, now: Ticks) -> u128 {
        u128::from(now) * u128::from(self.limit)
    }

    fn cost(&self, amount: u64) -> u128 {
        u128::from(amount) * u128::from(self.window)
    }

    fn duration(&self, parts: u128) -> Duration {
        Duration::from_nanos(u64::try_from(parts.div_ceil(u128::from(self.limit))).unwrap_or(u64::MAX))
    }
}

/// When what was taken has flowed off: the theoretical arrival time of the generic cell rate algorithm
/// (ITU-T I.371, annex A), in parts of a nanosecond and without rounding.
///
/// In a time `t` at most `burst + limit × t / window` is taken. What is given back is the part that has
/// not flowed off yet, as if all before it in the queue had taken what they reserved; where those gave
/// back as well, up to as much as they did may pass beyond that. So in any time at most
/// `burst + limit × t / window`, and what was given back in it by requests from before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gcra {
    empty_at: u128,
}

impl Cell for Gcra {
    type Terms = GcraTerms;

    fn new(_: &GcraTerms) -> Self {
        Self::default()
    }

    fn check(&mut self, terms: &GcraTerms, now: Ticks, need: u64) -> Result<(), Lack> {
        if need > terms.burst {
            return Err(Lack::Ever);
        }
        let now = terms.parts(now);
        let full = self.empty_at.max(now).saturating_add(terms.cost(need));
        match full.saturating_sub(now.saturating_add(terms.cost(terms.burst))) {
            0 => Ok(()),
            over => Err(Lack::For(terms.duration(over))),
        }
    }

    fn take(&mut self, terms: &GcraTerms, now: Ticks, amount: u64) -> Mark {
        self.empty_at = self.empty_at.max(terms.parts(now)).saturating_add(terms.cost(amount));
        self.over_at(terms)
    }

    fn settle(&mut self, terms: &GcraTerms, now: Ticks, mark: Mark, taken: u64, actual: u64) {
        if actual >= taken {
            self.take(terms, now, actual - taken);
        } else {
            let still_there = terms.parts(mark).min(self.empty_at).saturating_sub(terms.parts(now));
            self.empty_at -= terms.cost(taken - actual).min(still_there);
        }
    }

    fn standing(&mut self, terms: &GcraTerms, now: Ticks) -> Counted {
        let level = self.empty_at.saturating_sub(terms.parts(now));
        let used = u64::try_from(level.div_ceil(u128::from(terms.window))).unwrap_or(u64::MAX);
        Counted { used, remaining: terms.burst.saturating_sub(used), reset: terms.duration(level) }
    }

    fn is_over(&self, terms: &GcraTerms, now: Ticks) -> bool {
        self.empty_at <= terms.parts(now)
    }

    fn over_at(&self, terms: &GcraTerms) -> Ticks {
        u64::try_from(self.empty_at.div_ceil(u128::from(terms.limit))).unwrap_or(u64::MAX)
    }
}
