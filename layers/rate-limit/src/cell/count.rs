use std::time::Duration;

use super::{Cell, Counted, Lack, Mark, Ticks};

/// What a concurrent rule says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CountTerms {
    /// How many at the same time.
    pub(crate) limit: u64,
}

/// How many go on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    held: u64,
}

impl Cell for Count {
    type Terms = CountTerms;

    fn new(_: &CountTerms) -> Self {
        Self::default()
    }

    fn check(&mut self, terms: &CountTerms, _: Ticks, need: u64) -> Result<(), Lack> {
        if need > terms.limit {
            Err(Lack::Ever)
        } else if self.held.saturating_add(need) > terms.limit {
            Err(Lack::For(GUESS))
        } else {
            Ok(())
        }
    }

    fn take(&mut self, _: &CountTerms, _: Ticks, amount: u64) -> Mark {
        self.held = self.held.saturating_add(amount);
        0
    }

    fn settle(&mut self, _: &CountTerms, _: Ticks, _: Mark, taken: u64, actual: u64) {
        self.held = self.held.saturating_sub(taken).saturating_add(actual);
    }

    fn standing(&mut self, terms: &CountTerms, _: Ticks) -> Counted {
        let remaining = terms.limit.saturating_sub(self.held);
        Counted { used: self.held, remaining, reset: Duration::ZERO }
    }

    fn is_over(&self, _: &CountTerms, _: Ticks) -> bool {
        self.held == 0
    }

    fn over_at(&self, _: &CountTerms) -> Ticks {
        if self.held == 0 { 0 } else { Ticks::MAX }
    }
}

/// When to come back: nobody knows when what goes on will end.
const GUESS: Duration = Duration::from_secs(1);
