use std::collections::BTreeSet;
use std::sync::Arc;

use crate::{Day, Price, PriceBook, Served, Unpriced};

/// What there is to buy, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Market<'a> {
    /// The prices.
    pub prices: &'a PriceBook,
    /// The models that can be asked. What is not here is not advised.
    pub offers: &'a [Offer],
    /// How to have the gateway's own cache answer repeated prompts, line by line; none where there is none.
    pub own_cache: &'a [&'a str],
    /// The day whose prices hold, and from which days are counted.
    pub today: Day,
}

/// A model at a provider, and what is known of it. What is not known is `None` or not listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The provider, by its name in the price list.
    pub provider: Arc<str>,
    /// The model, by its name there.
    pub model: Arc<str>,
    /// The name to ask the gateway for it by.
    pub name: Arc<str>,
    /// The model of the same line before it, at the same provider: the same name but for its number.
    pub succeeds: Option<Arc<str>>,
    /// The most tokens it reads.
    pub context: Option<u64>,
    /// The most tokens it answers with.
    pub output: Option<u64>,
    /// What it is known to do: `vision`, `tools`.
    pub can: BTreeSet<Arc<str>>,
    /// Which parameters it takes that others do not: `sampling`, `prefill`.
    pub takes: BTreeSet<Arc<str>>,
    /// The least tokens of a prefix that its provider's cache keeps.
    pub cache_minimum: Option<u64>,
    /// The day its provider takes it away.
    pub retires: Option<Day>,
}

impl<'a> Market<'a> {
    /// What is known of a model that was asked.
    pub(super) fn offer(&self, provider: &str, model: &str) -> Option<&'a Offer> {
        // An answer tells a dated name, which the price list knows the model by.
        let listed = self.prices.model(provider, model).map(crate::Model::id);
        let is = |offer: &&Offer| {
            *offer.provider == *provider && (*offer.model == *model || Some(&*offer.model) == listed)
        };
        self.offers.iter().find(is)
    }

    /// The models of the same line that came after one, the next first.
    pub(super) fn successors(&self, of: &'a Offer) -> impl Iterator<Item = &'a Offer> {
        let after = |old: &&'a Offer| {
            let follows = |offer: &&Offer| {
                offer.provider == old.provider && offer.succeeds.as_ref() == Some(&old.model)
            };
            let old = *old;
            self.offers.iter().find(|offer| follows(offer) && offer.model != old.model)
        };
        // A list that goes in a circle comes to an end too.
        std::iter::successors(after(&of), after).take(self.offers.len())
    }

    /// The price of a model at a tier, today.
    pub(super) fn price<'b>(
        &'b self,
        provider: &'b str,
        model: &'b str,
        tier: Option<&'b str>,
    ) -> Result<Price<'b, 'b>, Unpriced> {
        self.prices.find(&Served { tier, ..Served::new(provider, model, self.today) })
    }

    /// When a model goes away, by what is known of it or by the price list.
    pub(super) fn retires(&self, provider: &str, model: &str) -> Option<Day> {
        let known = self.offer(provider, model).and_then(|offer| offer.retires);
        known.or_else(|| self.prices.model(provider, model)?.retires())
    }
}

impl Offer {
    /// Whether it is known to do whatever another does, for requests of so many tokens of input: its context is
    /// as long, or twice as long as they are.
    pub(super) fn does_all_of(&self, other: &Self, longest: u64) -> bool {
        let reads = self
            .context
            .zip(other.context)
            .is_some_and(|(mine, theirs)| mine >= theirs.min(longest.saturating_mul(2)));
        let writes = self.output.zip(other.output).is_some_and(|(mine, theirs)| mine >= theirs);
        !other.can.is_empty() && self.can.is_superset(&other.can) && reads && writes
    }

    /// Whether it does just what another does, as far as is known: the same model elsewhere may read or write
    /// less.
    pub(super) fn is_as_good_as(&self, other: &Self) -> bool {
        let reaches = |mine: Option<u64>, theirs: Option<u64>| {
            mine.zip(theirs).is_none_or(|(mine, theirs)| mine >= theirs)
        };
        self.can == other.can && reaches(self.context, other.context) && reaches(self.output, other.output)
    }

    /// The parameters that another takes and this one does not.
    pub(super) fn misses<'b>(&'b self, other: &'b Self) -> Vec<&'b str> {
        other.takes.difference(&self.takes).map(|word| &**word).collect()
    }
}
