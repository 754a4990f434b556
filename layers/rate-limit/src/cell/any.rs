use super::{Cell, Count, CountTerms, Counted, Gcra, GcraTerms, Lack, Mark, Ticks, Window, WindowTerms};
use crate::{Algorithm, Rule};

/// Any of the ways of counting, where one table holds cells of several.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Any {
    Window(Window),
    Gcra(Gcra),
    Count(Count),
}

/// What the rule says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnyTerms {
    Window(WindowTerms),
    Gcra(GcraTerms),
    Count(CountTerms),
}

impl AnyTerms {
    pub(crate) fn new(rule: &Rule) -> Self {
        match rule.algorithm {
            _ if rule.measure.is_concurrent() => Self::Count(CountTerms { limit: rule.limit }),
            Algorithm::SlidingWindow => Self::Window(WindowTerms::new(rule.limit, rule.window)),
            Algorithm::Gcra { burst } => Self::Gcra(GcraTerms::new(rule.limit, rule.window, burst)),
        }
    }
}

/// Calls the cell with its own terms. A cell is only ever given the terms it was made from; with
/// others nothing would be counted.
macro_rules! either {
    ($cell:expr, $terms:expr, $otherwise:expr, $of:ident, $with:ident => $call:expr) => {
        match ($cell, $terms) {
            (Any::Window($of), AnyTerms::Window($with)) => $call,
            (Any::Gcra($of), AnyTerms::Gcra($with)) => $call,
            (Any::Count($of), AnyTerms::Count($with)) => $call,
            _ => $otherwise,
        }
    };
}

impl Cell for Any {
    type Terms = AnyTerms;

    fn new(terms: &AnyTerms) -> Self {
        match terms {
            AnyTerms::Window(terms) => Self::Window(Window::new(terms)),
            AnyTerms::Gcra(terms) => Self::Gcra(Gcra::new(terms)),
            AnyTerms::Count(terms) => Self::Count(Count::new(terms)),
        }
    }

    fn check(&mut self, terms: &AnyTerms, now: Ticks, need: u64) -> Result<(), Lack> {
        either!(self, terms, Err(Lack::Ever), cell, terms => cell.check(terms, now, need))
    }

    fn take(&mut self, terms: &AnyTerms, now: Ticks, amount: u64) -> Mark {
        either!(self, terms, 0, cell, terms => cell.take(terms, now, amount))
    }

    fn settle(&mut self, terms: &AnyTerms, now: Ticks, mark: Mark, taken: u64, actual: u64) {
        either!(self, terms, (), cell, terms => cell.settle(terms, now, mark, taken, actual));
    }

    fn standing(&mut self, terms: &AnyTerms, now: Ticks) -> Counted {
        either!(self, terms, Counted::default(), cell, terms => cell.standing(terms, now))
    }

    fn is_over(&self, terms: &AnyTerms, now: Ticks) -> bool {
        either!(self, terms, true, cell, terms => cell.is_over(terms, now))
    }

    fn over_at(&self, terms: &AnyTerms) -> Ticks {
        either!(self, terms, 0, cell, terms => cell.over_at(terms))
    }
}
