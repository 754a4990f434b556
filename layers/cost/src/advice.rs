//! What would cost less, with the amount, the evidence and how to do it.
//!
//! [`advise`] is pure: it is told what was asked and what it cost ([`Traffic`]), what there is to buy
//! ([`Market`]), and from when on something is worth saying ([`Thresholds`]). What is not known is not advised:
//! a model only where it is the same one elsewhere, or a newer one of the same line that is known to do all that
//! the old one does; a tier only where it has a price.
//!
//! Amounts are those of the traffic's own tokens by class, at prices of today, in whole nano-dollars. None is
//! below zero, or above what the traffic cost that it is about. Different advice may be about the same
//! traffic: amounts of different kinds do not add up.

mod batch;
mod cheaper;
mod confidence;
mod figure;
mod idle;
mod kind;
mod long_limit;
mod market;
mod model_use;
mod month;
mod own_cache;
mod provider_cache;
mod retiring;
mod thresholds;
mod traffic;

use crate::Money;

pub use self::{
    confidence::Confidence,
    figure::Figure,
    kind::Kind,
    market::{Market, Offer},
    thresholds::Thresholds,
    traffic::{Band, Flow, KeyUse, Repeats, SharedPrefix, Traffic},
};

/// Something that could be done better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What kind of thing.
    pub kind: Kind,
    /// What it is about: a model, a key.
    pub subject: String,
    /// What was found and what is advised, in a sentence.
    pub finding: String,
    /// The numbers it rests on, by name.
    pub evidence: Vec<(&'static str, Figure)>,
    /// What it would have saved of what was looked at.
    pub saved: Money,
    /// The same for a month of thirty days.
    pub a_month: Money,
    /// How to do it: lines of a configuration or of a request, each with where it goes.
    pub how: Vec<String>,
    /// How sure it is.
    pub confidence: Confidence,
}

/// All that is worth saying of some traffic, what saves most first; then by kind, the most pressing first.
pub fn advise(traffic: &Traffic, market: &Market<'_>, thresholds: &Thresholds) -> Vec<Advice> {
    let mut found = Vec::new();
    cheaper::find(traffic, market, thresholds, &mut found);
    provider_cache::find(traffic, market, &mut found);
    own_cache::find(traffic, market, &mut found);
    batch::find(traffic, market, thresholds, &mut found);
    for advice in &mut found {
        advice.a_month = month::of(advice.saved, traffic.days);
    }
    found.retain(|advice| advice.a_month >= thresholds.least);
    retiring::find(traffic, market, thresholds, &mut found);
    long_limit::find(traffic, market, thresholds, &mut found);
    idle::find(traffic, market, thresholds, &mut found);
    found.sort_by(|a, b| (b.a_month, a.kind, &a.subject).cmp(&(a.a_month, b.kind, &b.subject)));
    found
}
