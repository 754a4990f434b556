use std::time::Duration;

use super::{Period, period::span};

/// What a subject has spent of a budget in the period that runs, and what is on its way.
///
/// Everything is counted under a *mark*: the first millisecond of a calendar's period, or the number of a
/// rolling one's part. Time never goes back here: what comes with an earlier one counts now.
#[derive(Debug)]
pub(super) struct Cell {
    /// Where what is taken now counts.
    pub(super) mark: i64,
    /// From when on the mark is another.
    pub(super) end: i64,
    /// What is spent or reserved; of a shared budget that by all replicas, as last heard.
    pub(super) total: i64,
    /// What of it is reserved by this process.
    pub(super) reserved: i64,
    /// By part, where a rolling period is counted here.
    parts: Option<Box<[i64; PARTS]>>,
    /// Which thresholds were told, and when.
    told: u16,
    told_at: i64,
    /// What this replica knows of a shared budget.
    pub(super) share: Share,
}

/// What a replica holds of a shared budget, and by what it knows the store again.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// Whose memory the total is of; zero where it was not heard from the store.
    pub(super) epoch: u64,
    /// Under which mark it was heard.
    pub(super) heard: i64,
    /// Taken from the store and not spent.
    pub(super) leased: i64,
    /// Spent without the store's leave, and not told to it yet.
    pub(super) alone: i64,
    /// Whether somebody asks for a lease.
    pub(super) is_refilling: bool,
    /// Whether the lease is on the list of those to be given back.
    pub(super) is_listed: bool,
    /// When the lease was last of use, in milliseconds of the process.
    pub(super) used: u64,
}

impl Cell {
    /// Counts here, or hears what the store counts.
    pub(super) fn new(period: &Period, is_shared: bool) -> Self {
        let has_parts = matches!(period, Period::Rolling(_)) && !is_shared;
        Self {
            mark: i64::MIN,
            end: i64::MIN,
            total: 0,
            reserved: 0,
            parts: has_parts.then(Box::default),
            told: 0,
            told_at: i64::MIN,
            share: Share::default(),
        }
    }

    /// Lets go of what counts no more.
    pub(super) fn roll(&mut self, period: &Period, now: i64) {
        if now < self.end {
            return;
        }
        match period {
            Period::Calendar { unit, zone } => {
                let span = span(*unit, zone, now);
                (self.mark, self.end) = (span.start, span.end);
                (self.total, self.reserved, self.told) = (0, 0, 0);
                // What is leased belongs to the period that has ended.
                let Share { is_refilling, is_listed, .. } = self.share;
                self.share = Share { is_refilling, is_listed, ..Share::default() };
            }
            Period::Rolling(length) => {
                let part = now.div_euclid(width(*length));
                match &mut self.parts {
                    Some(parts) => {
                        for gone in self.mark.saturating_add(1)..=part {
                            if gone.saturating_sub(self.mark) > COUNTING {
                                break;
                            }
                            if let Some(amount) = parts.get_mut(place(gone)) {
                                self.total = self.total.saturating_sub(std::mem::take(amount));
                            }
                        }
                    }
                    None if part.saturating_sub(self.share.heard) >= COUNTING => {
                        (self.total, self.share.epoch) = (self.share.alone, 0);
                    }
                    None => {}
                }
                if part.saturating_sub(self.told_at) >= COUNTING {
                    self.told = 0;
                }
                (self.mark, self.end) = (part, part.saturating_add(1).saturating_mul(width(*length)));
            }
        }
    }

    /// Whether so much more stays within the limit.
    pub(super) fn has_room(&self, amount: i64, limit: i64) -> bool {
        amount <= 0 || self.total.checked_add(amount).is_some_and(|total| total <= limit)
    }

    /// Counts what is reserved now.
    pub(super) fn take(&mut self, amount: i64) {
        self.add(self.mark, amount);
        self.reserved = self.reserved.saturating_add(amount);
    }

    /// Makes of what was reserved what it came to, where it still counts.
    pub(super) fn settle(&mut self, mark: i64, reserved: i64, actual: i64) {
        self.release(mark, reserved);
        self.add(mark, actual.saturating_sub(reserved));
    }

    /// Is on its way no more.
    pub(super) fn release(&mut self, mark: i64, reserved: i64) {
        if self.parts.is_some() || mark == self.mark || self.mark.saturating_sub(mark) < COUNTING {
            self.reserved = self.reserved.saturating_sub(reserved).max(0);
        }
    }

    /// Counts under a mark, if that still counts.
    pub(super) fn add(&mut self, mark: i64, amount: i64) {
        match &mut self.parts {
            Some(parts) if (0..COUNTING).contains(&self.mark.saturating_sub(mark)) => {
                if let Some(part) = parts.get_mut(place(mark)) {
                    // The parts are what the total is the sum of, also where that is too much to tell.
                    let was = *part;
                    *part = was.saturating_add(amount).max(0);
                    self.total = self.total.saturating_add(part.saturating_sub(was));
                }
            }
            None if mark == self.mark => self.total = self.total.saturating_add(amount).max(0),
            _ => {}
        }
    }

    /// When so much will fit if nothing more is taken; nothing where it never will.
    pub(super) fn resets(&self, period: &Period, amount: i64, limit: i64) -> Option<i64> {
        if amount > limit {
            return None;
        }
        let Period::Rolling(length) = period else { return Some(self.end) };
        let Some(parts) = &self.parts else {
            return Some(self.mark.saturating_add(COUNTING).saturating_mul(width(*length)));
        };
        let mut total = self.total;
        for part in self.mark.saturating_sub(COUNTING - 1)..=self.mark {
            total = total.saturating_sub(parts.get(place(part)).copied().unwrap_or(0));
            if total.checked_add(amount).is_some_and(|total| total <= limit) {
                return Some(part.saturating_add(COUNTING).saturating_mul(width(*length)));
            }
        }
        Some(self.end)
    }

    /// What is spent for sure.
    pub(super) fn spent(&self) -> i64 {
        self.total.saturating_sub(self.reserved).saturating_sub(self.share.leased).max(0)
    }

    /// Which thresholds are crossed that were not told.
    pub(super) fn crossed(&mut self, percents: &[u8], limit: i64) -> u16 {
        let spent = i128::from(self.spent());
        let mut crossed = 0;
        for (index, percent) in percents.iter().enumerate().take(16) {
            let bit = 1 << index;
            let is_reached = spent > 0 && spent * 100 >= i128::from(limit) * i128::from(*percent);
            if is_reached && self.told & bit == 0 {
                crossed |= bit;
            }
        }
        if crossed != 0 {
            (self.told, self.told_at) = (self.told | crossed, self.mark);
        }
        crossed
    }

    /// Whether nothing is lost where it is forgotten.
    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
            && self.reserved == 0
            && self.told == 0
            && self.share.alone == 0
            && !self.share.is_listed
    }
}

/// How long a part of a rolling period is, in milliseconds: fifteen of them are no shorter than the period.
pub(super) fn width(length: Duration) -> i64 {
    i64::try_from(length.as_millis().div_ceil(15)).unwrap_or(i64::MAX).max(1)
}

/// How many parts count: the one that runs and the 15 before it, so that what was spent in a part's last
/// moment still counts for fifteen parts.
pub(super) const COUNTING: i64 = 16;
const PARTS: usize = 16;

fn place(mark: i64) -> usize {
    usize::try_from(mark.rem_euclid(COUNTING)).unwrap_or(0)
}
