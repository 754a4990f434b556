use std::time::Duration;

use super::{Cell, Counted, Lack, Mark, Ticks};

/// What a rule with a sliding window says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowTerms {
    /// In units.
    limit: u64,
    /// How long a slot is.
    width: Ticks,
    /// What a slot counts by: one, where the limit is below two thousand million.
    unit: u64,
}

impl WindowTerms {
    pub(crate) fn new(limit: u64, window: Duration) -> Self {
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        let unit = limit.div_ceil(1 << 31).max(1);
        Self { limit: limit / unit, width: window.div_ceil(SLOTS as u64 - 1).max(1), unit }
    }

    const fn slot(&self, now: Ticks) -> u64 {
        now / self.width
    }

    const fn units(&self, amount: u64) -> u64 {
        if self.unit == 1 { amount } else { amount.div_ceil(self.unit) }
    }
}

/// What was taken in the last window, in slots of a fifteenth of it.
///
/// The clock is cut into slots, and what was taken in a slot counts until the whole slot is one window
/// ago. So an amount counts for at least a window and at most for 16/15 of one: **in no window is more
/// than the limit taken**, and whatever would pass if the window were 16/15 as long passes. A weighted
/// counter of two windows has half the memory of this and lets up to twice the limit pass.
///
/// A limit of 2³¹ or more is counted in units of `limit / 2³¹`, each amount rounded up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    newest: u64,
    slots: [u32; SLOTS],
}

impl Window {
    /// Forgets what no longer counts.
    fn advance(&mut self, slot: u64) {
        let passed = slot.saturating_sub(self.newest);
        if passed >= SLOTS as u64 {
            self.slots = [0; SLOTS];
        } else {
            for old in self.newest + 1..=slot {
                *self.at(old) = 0;
            }
        }
        self.newest = self.newest.max(slot);
    }

    fn used(&self) -> u64 {
        self.slots.iter().map(|count| u64::from(*count)).sum()
    }

    /// In what time so much has left the window.
    fn until_free(&self, terms: &WindowTerms, now: Ticks, amount: u64) -> Duration {
        let mut freed = 0;
        for age in (0..SLOTS as u64).rev() {
            // Slots before the first one are empty.
            let Some(slot) = self.newest.checked_sub(age) else { continue };
            freed += u64::from(self.slots.get(place(slot)).copied().unwrap_or(0));
            if freed >= amount {
                let end = (slot + SLOTS as u64).saturating_mul(terms.width);
                return Duration::from_nanos(end.saturating_sub(now));
            }
        }
        Duration::ZERO
    }

    /// In what time nothing counts any more.
    fn until_empty(&self, terms: &WindowTerms, now: Ticks) -> Duration {
        let oldest = self.newest.saturating_sub(SLOTS as u64 - 1);
        let last = (oldest..=self.newest).rev().find(|slot| self.slots.get(place(*slot)) != Some(&0));
        let end = last.map_or(0, |slot| (slot + SLOTS as u64).saturating_mul(terms.width));
        Duration::from_nanos(end.saturating_sub(now))
    }

    fn at(&mut self, slot: u64) -> &mut u32 {
        // The mask keeps the place within the slots.
        #[expect(clippy::indexing_slicing, reason = "place() is below SLOTS")]
        &mut self.slots[place(slot)]
    }

    fn add(&mut self, units: u64) {
        let slot = self.at(self.newest);
        *slot = slot.saturating_add(u32::try_from(units).unwrap_or(u32::MAX));
    }
}

impl Cell for Window {
    type Terms = WindowTerms;

    fn new(_: &WindowTerms) -> Self {
        Self::default()
    }

    fn check(&mut self, terms: &WindowTerms, now: Ticks, need: u64) -> Result<(), Lack> {
        self.advance(terms.slot(now));
        let need = terms.units(need);
        if need > terms.limit {
            return Err(Lack::Ever);
        }
        let over = (self.used() + need).saturating_sub(terms.limit);
        if over == 0 { Ok(()) } else { Err(Lack::For(self.until_free(terms, now, over))) }
    }

    fn take(&mut self, terms: &WindowTerms, now: Ticks, amount: u64) -> Mark {
        self.advance(terms.slot(now));
        self.add(terms.units(amount));
        self.newest
    }

    fn settle(&mut self, terms: &WindowTerms, now: Ticks, mark: Mark, taken: u64, actual: u64) {
        self.advance(terms.slot(now));
        let (taken, actual) = (terms.units(taken), terms.units(actual));
        if actual >= taken {
            // Nothing went wrong then; it is known now.
            self.add(actual - taken);
            return;
        }
        if mark <= self.newest && self.newest - mark < SLOTS as u64 {
            let counted = self.at(mark);
            *counted = counted.saturating_sub(u32::try_from(taken - actual).unwrap_or(u32::MAX));
        }
    }

    fn standing(&mut self, terms: &WindowTerms, now: Ticks) -> Counted {
        self.advance(terms.slot(now));
        let used = self.used();
        Counted {
            used: used.saturating_mul(terms.unit),
            remaining: terms.limit.saturating_sub(used).saturating_mul(terms.unit),
            reset: self.until_empty(terms, now),
        }
    }

    fn is_over(&self, terms: &WindowTerms, now: Ticks) -> bool {
        terms.slot(now) >= self.newest + SLOTS as u64 || self.slots == [0; SLOTS]
    }

    fn over_at(&self, terms: &WindowTerms) -> Ticks {
        (self.newest + SLOTS as u64).saturating_mul(terms.width)
    }
}

const fn place(slot: u64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "masked")]
    let low = slot as usize;
    low & (SLOTS - 1)
}

/// A power of two, so that the place of a slot is a mask.
const SLOTS: usize = 16;
