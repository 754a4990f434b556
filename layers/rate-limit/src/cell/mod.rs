//! How one subject is counted under one rule. Pure: the time comes in as an argument.

mod any;
mod count;
mod gcra;
mod window;

use std::time::Duration;

pub(crate) use self::any::{Any, AnyTerms};
pub(crate) use self::count::{Count, CountTerms};
pub(crate) use self::gcra::{Gcra, GcraTerms};
pub(crate) use self::window::{Window, WindowTerms};

/// Nanoseconds since the limiter was made.
pub(crate) type Ticks = u64;

/// Where an amount was counted, in a cell's own words.
pub(crate) type Mark = u64;

/// The counter of one subject.
///
/// A call with an earlier time than the call before it counts as made at the same time: threads read
/// the clock before they wait for the lock.
pub(crate) trait Cell: Sized {
    /// What the rule says, computed once.
    type Terms;

    /// Of which nothing counts yet.
    fn new(terms: &Self::Terms) -> Self;

    /// Whether `need` more fits.
    fn check(&mut self, terms: &Self::Terms, now: Ticks, need: u64) -> Result<(), Lack>;

    /// Counts an amount, whether it fits or not, and says where.
    fn take(&mut self, terms: &Self::Terms, now: Ticks, amount: u64) -> Mark;

    /// Replaces what was counted at `mark` by what it came to.
    fn settle(&mut self, terms: &Self::Terms, now: Ticks, mark: Mark, taken: u64, actual: u64);

    /// How the subject stands.
    fn standing(&mut self, terms: &Self::Terms, now: Ticks) -> Counted;

    /// Whether forgetting it changes nothing.
    fn is_over(&self, terms: &Self::Terms, now: Ticks) -> bool;

    /// When [`Self::is_over`] becomes true by itself; [`Ticks::MAX`] if it does not.
    fn over_at(&self, terms: &Self::Terms) -> Ticks;
}

/// Why an amount does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// It will, after this time.
    For(Duration),
    /// It never will: it is more than the rule lets pass at once.
    Ever,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// How much counts now, rounded up.
    pub(crate) used: u64,
    /// How much would fit.
    pub(crate) remaining: u64,
    /// In what time nothing counts any more.
    pub(crate) reset: Duration,
}
