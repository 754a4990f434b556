use std::sync::Arc;

use tollway_core::Usage;

use crate::{Day, Money};

/// What was asked in some days, and what it cost.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// How many days were looked at.
    pub days: u32,
    /// What was asked of which model by whom.
    pub flows: Vec<Flow>,
    /// Requests that begin alike.
    pub prefixes: Vec<SharedPrefix>,
    /// Requests that are the same.
    pub repeats: Vec<Repeats>,
    /// The keys there are.
    pub keys: Vec<KeyUse>,
}

/// Requests of one caller to one model at one tier, all streamed or none.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// The provider, by its name in the price list.
    pub provider: Arc<str>,
    /// The model, as the provider named it.
    pub model: Arc<str>,
    /// The tier that served; none is the standard one.
    pub tier: Option<Arc<str>>,
    /// Who asked: a key, a team, a route.
    pub caller: Option<Arc<str>>,
    /// Whether streams were asked for.
    pub streamed: bool,
    /// The requests by their length; a band is priced as its longest, so that bands are to be narrow.
    pub bands: Vec<Band>,
    /// How many requests set the most tokens of output.
    pub limited: u64,
    /// The median of what they set.
    pub limit: u64,
    /// The tokens of output that 99 of 100 of them stayed within, where that was counted.
    pub output_p99: Option<u64>,
    /// The most tokens of output that one of them got.
    pub output_most: u64,
    /// How many requests came in which hour, in the time zone people work in: hours since 1970-01-01.
    pub hours: Vec<(u32, u64)>,
}

/// Requests of about the same length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Band {
    /// How many.
    pub requests: u64,
    /// The input tokens of the longest.
    pub longest: u64,
    /// What they used together.
    pub usage: Usage,
    /// What they cost together.
    pub cost: Money,
}

/// Requests to one model whose beginnings were sent before, within a cache's life.
#[derive(Clone, Debug, Default)]
pub struct SharedPrefix {
    /// The provider, by its name in the price list.
    pub provider: Arc<str>,
    /// The model, as the provider named it.
    pub model: Arc<str>,
    /// The tier that served; none is the standard one.
    pub tier: Option<Arc<str>>,
    /// How many requests.
    pub requests: u64,
    /// How many of them were the first with their beginning, or the first after a cache's life.
    pub firsts: u64,
    /// About how many tokens the beginnings of the others have together.
    pub repeated: u64,
    /// The input tokens of the mean request, by which it is priced where long ones cost more.
    pub input: u64,
    /// How many tokens of them all were read from the provider's cache.
    pub cached: u64,
    /// How many tokens of them all were written to it.
    pub written: u64,
    /// What they cost together.
    pub cost: Money,
}

/// Requests to one model that were made again.
#[derive(Clone, Debug, Default)]
pub struct Repeats {
    /// The provider, by its name in the price list.
    pub provider: Arc<str>,
    /// The model, as the provider named it.
    pub model: Arc<str>,
    /// Who asked: a key, a team, a route.
    pub caller: Option<Arc<str>>,
    /// How many different requests.
    pub prompts: u64,
    /// How many requests in all.
    pub requests: u64,
    /// What those cost that had been made before.
    pub cost: Money,
}

/// A key, and when it was used.
#[derive(Clone, Debug, Default)]
pub struct KeyUse {
    /// Its public id.
    pub id: Arc<str>,
    /// What people call it.
    pub name: Arc<str>,
    /// The day it was made.
    pub made: Day,
    /// The first day of which it is known whether it was used.
    pub known: Day,
    /// The day of its last request, if there was one.
    pub used: Option<Day>,
    /// What it cost in all that is known of it.
    pub cost: Money,
}

impl Flow {
    /// What it cost.
    pub(super) fn cost(&self) -> Money {
        self.bands.iter().map(|band| band.cost).sum()
    }

    /// How many requests.
    pub(super) fn requests(&self) -> u64 {
        self.bands.iter().fold(0, |sum, band| sum.saturating_add(band.requests))
    }
}
