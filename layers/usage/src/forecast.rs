//! What a period will cost by its end, from what each day cost so far.
//!
//! It is pure arithmetic: money goes in and comes out as whole nano-dollars, in between it is `f64`. The same
//! days give the same forecast, and no series makes it panic or tell anything that is no number.
//!
//! # Method
//!
//! 1. **History**: the complete days of the last thirteen weeks, from the first that cost anything. A day that
//!    is not listed cost nothing.
//! 2. **Weekdays** (from 14 days on, of the last eight weeks): what a day cost by the mean of the seven days
//!    around it; of these ratios the mean of each weekday, without the least and the greatest. The seven
//!    factors are drawn towards one as far as they could be chance: by the variance of such means against the
//!    variance between weekdays (empirical Bayes).
//! 3. **Outliers** (from 14 days on; before, what is above five medians): a day without its weekday's factor is
//!    cut off where it is further from the median of the seven days around it than three robust standard
//!    deviations and than nine tenths of all days are (Hampel's filter). So a single spike tells nothing of the
//!    level, and a change of the level does once it has lasted four days. What was cut off is expected again,
//!    at its mean rate, once it has happened three times.
//! 4. **Level**: a mean; from 28 days on exponential smoothing, with a damped trend where that told the past
//!    clearly better. How fast it forgets is what would have forecast past weeks best.
//! 5. **Interval**: the variance of a sum under that model, with noise in proportion to the level, from the
//!    residuals and a prior that counts while they are few; scaled by the errors that the same forecast would
//!    have made at past days (conformal, drawn towards a normal distribution as far as these overlap); and half
//!    of what the trend brings, as nobody knows for how long it goes on. The interval of 80 % leaves out what
//!    happened once or twice only, that of 95 % does not.
//!
//! What has been spent counts as it is. Of today the part that is not over is expected. With less history the
//! later steps are left out, as [`Basis`] tells.

mod basis;
mod future;
mod history;
mod level;
mod outliers;
mod period;
mod robust;
mod spread;
mod weekdays;

use tollway_core::Money;

pub use self::{basis::Basis, period::Period};
use self::{
    future::Future, history::History, level::Level, outliers::Outliers, spread::Spread, weekdays::Weekdays,
};

/// What a period will have cost when it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// What it has cost until now.
    pub so_far: Money,
    /// What it will have cost, as far as can be told.
    pub total: Money,
    /// From where to where the total will lie in four cases of five.
    pub likely: (Money, Money),
    /// From where to where the total will lie in nineteen cases of twenty.
    pub nearly_sure: (Money, Money),
    /// What each day that is not over is expected to cost, from today on: of today, what is still to come.
    pub days: Vec<Money>,
    /// What it rests on.
    pub basis: Basis,
    /// How many complete days it rests on.
    pub history: usize,
}

/// Forecasts what a period will cost, from what days cost, in any order: numbers since 1970-01-01, as of the
/// period. What was spent today so far is a day as well. Days after today, and credits, tell nothing of the
/// future.
pub fn forecast(days: &[(u32, Money)], period: &Period) -> Forecast {
    let so_far: Money = days.iter().filter(|(day, _)| period.has_begun(*day)).map(|(_, cost)| *cost).sum();
    let history = History::of(days, period);
    let basis = history.basis();
    let weekdays = Weekdays::of(&history);
    let outliers = Outliers::of(&history, &weekdays);
    let level = Level::of(&outliers.cleaned, &history, &weekdays);
    let future = Future::of(period, &weekdays);
    let expected = future.expect(&level, outliers.rate());
    let rest: f64 = expected.iter().sum();
    let spread = Spread::of(&history, &weekdays, &outliers, &level, &future);
    let at = |more: f64| so_far.saturating_add(money(more.max(0.0)));
    Forecast {
        so_far,
        total: at(rest),
        likely: (at(rest - spread.likely), at(rest + spread.likely)),
        nearly_sure: (at(rest - spread.nearly_sure), at(rest + spread.nearly_sure)),
        days: expected.into_iter().map(money).collect(),
        basis,
        history: history.costs.len(),
    }
}

/// Dollars, rounded to whole nano-dollars. What is no number is nothing; what is too much is the most.
fn money(dollars: f64) -> Money {
    #[expect(clippy::cast_possible_truncation, reason = "such a cast stops at the least and the most")]
    Money::from_nanos((dollars * NANOS).round() as i64)
}

/// Whole nano-dollars as dollars: exact to 15 digits, which is nearer than any forecast.
#[expect(clippy::cast_precision_loss, reason = "a forecast is no account")]
fn dollars(money: Money) -> f64 {
    money.nanos() as f64 / NANOS
}

/// A number of days as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "there are less than a hundred")]
fn number(count: usize) -> f64 {
    count as f64
}

const NANOS: f64 = 1e9;
