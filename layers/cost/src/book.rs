use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use tollway_core::Usage;

use crate::{
    Cost, Day, Model, Price, Served, Unpriced,
    names::{plain, undated},
};

/// What models cost: by provider and model, from when, by tier, length, region and speed.
///
/// It is made of a [`PriceFile`](crate::PriceFile) by `TryFrom`, and never changes: a new list is a new book.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {
    pub(crate) as_of: Day,
    /// Where prices are from, by the short names that prices give.
    pub(crate) sources: BTreeMap<String, String>,
    pub(crate) providers: HashMap<Box<str>, Provider>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Provider {
    pub(crate) same_as: Vec<Box<str>>,
    pub(crate) except: Vec<Box<str>>,
    pub(crate) standard_tiers: Vec<Box<str>>,
    /// Places in `models`, by id and by alias.
    pub(crate) places: HashMap<Box<str>, usize>,
    pub(crate) models: Vec<Model>,
}

impl PriceBook {
    /// What a request cost. Allocates nothing.
    pub fn price(&self, usage: &Usage, served: &Served<'_>) -> Result<Cost, Unpriced> {
        self.find(served)?.cost(usage)
    }

    /// The price of what is served, for the costs of any number of requests.
    pub fn find<'a, 't>(&'a self, served: &Served<'t>) -> Result<Price<'a, 't>, Unpriced> {
        let provider = self.providers.get(served.provider).ok_or(Unpriced::Provider)?;
        let model = self.model_at(provider, served.model).ok_or(Unpriced::Model)?;
        let entry = model.entry(served.day).ok_or(Unpriced::Day)?;
        let tier = served.tier.filter(|tier| !provider.is_standard(tier));
        Ok(Price {
            model,
            entry,
            tier,
            region: entry.region(served.region),
            speed: entry.speed(served.speed)?,
        })
    }

    /// A model of a provider, by any of its names.
    pub fn model(&self, provider: &str, model: &str) -> Option<&Model> {
        self.model_at(self.providers.get(provider)?, model)
    }

    /// Whether the list has a section of a provider.
    pub fn has_provider(&self, provider: &str) -> bool {
        self.providers.contains_key(provider)
    }

    /// Whether a provider of the list calls its usual tier so, whose prices have no name of a tier.
    pub fn is_standard_tier(&self, provider: &str, tier: &str) -> bool {
        let provider = self.providers.get(provider);
        STANDARD_TIERS.contains(&tier) || provider.is_some_and(|provider| provider.is_standard(tier))
    }

    /// Every model with the provider that lists it, in no order.
    pub fn models(&self) -> impl Iterator<Item = (&str, &Model)> {
        let providers = self.providers.iter();
        providers.flat_map(|(name, provider)| provider.models.iter().map(move |model| (&**name, model)))
    }

    /// The input tokens above which some model costs more, in order: requests between two of them can be added
    /// up and priced together.
    pub fn thresholds(&self) -> BTreeSet<u64> {
        let entries = self.models().flat_map(|(_, model)| &model.entries);
        entries.flat_map(|entry| entry.long.iter().map(|(above, _)| *above)).collect()
    }

    /// Where prices of a source are from, by its short name: that of [`Price::source`].
    pub fn source(&self, name: &str) -> Option<&str> {
        self.sources.get(name).map(String::as_str)
    }

    /// The day the list was last looked over.
    pub const fn as_of(&self) -> Day {
        self.as_of
    }

    fn model_at<'a>(&'a self, provider: &'a Provider, model: &str) -> Option<&'a Model> {
        let others = || provider.same_as.iter().filter_map(|name| self.providers.get(name));
        let is_here = |model: &&Model| !provider.except.contains(&model.id);
        provider.model(model).or_else(|| others().find_map(|other| other.model(model)).filter(is_here))
    }
}

impl Provider {
    /// By its very name; else by that without the date, unless the model says that a date is another's.
    fn model(&self, model: &str) -> Option<&Model> {
        let name = plain(model);
        self.named(name).or_else(|| self.named(undated(name)?).filter(|model| !model.exact))
    }

    fn named(&self, name: &str) -> Option<&Model> {
        self.places.get(name).and_then(|place| self.models.get(*place))
    }

    fn is_standard(&self, tier: &str) -> bool {
        STANDARD_TIERS.contains(&tier) || self.standard_tiers.iter().any(|known| **known == *tier)
    }
}

/// What providers call the standard tier.
pub(crate) const STANDARD_TIERS: [&str; 3] = ["default", "standard", "on_demand"];
