use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{Class, Day, Decimal, Ratio};

/// The price list as it is written, in whatever format serde reads. `PriceBook::try_from` checks it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceFile {
    /// The day the list was last looked over.
    pub as_of: Day,
    /// Where prices are from, by the short names that prices give.
    pub sources: BTreeMap<String, String>,
    /// Who serves models, by name.
    pub providers: BTreeMap<String, ProviderFile>,
}

/// A provider and its models.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderFile {
    /// Providers whose prices hold here too, for models that are not listed here.
    pub same_as: Vec<String>,
    /// Models of theirs, by their ids, that have no price here.
    pub except: Vec<String>,
    /// Names of tiers at the standard price, beside `default`, `standard` and `on_demand`.
    pub standard_tiers: Vec<String>,
    /// The models by the names they have there.
    pub models: BTreeMap<String, ModelFile>,
}

/// A model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Other names of the very same.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Whether a dated name is no such model.
    #[serde(default)]
    pub exact: bool,
    /// The day its provider takes it away.
    #[serde(default)]
    pub retires: Option<Day>,
    /// What it costs, and from when.
    pub prices: Vec<EntryFile>,
}

/// What a model costs from a day on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryFile {
    /// The first day it holds.
    pub from: Day,
    /// Where it is from: a name of [`PriceFile::sources`].
    pub source: String,
    /// The standard price.
    pub rates: RatesFile,
    /// Prices of other tiers, by the name that answers tell.
    #[serde(default)]
    pub tiers: BTreeMap<String, RatesFile>,
    /// Prices of requests with more input, which hold for all of the request.
    #[serde(default)]
    pub long: Vec<LongFile>,
    /// By what a price is multiplied where requests are served in a region.
    #[serde(default)]
    pub regions: BTreeMap<String, Ratio>,
    /// By what a price is multiplied where requests are served at a speed.
    #[serde(default)]
    pub speeds: BTreeMap<String, Ratio>,
}

/// Prices of long requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongFile {
    /// They hold for requests of more input tokens than this.
    pub above: u64,
    /// The standard price.
    pub rates: RatesFile,
    /// Prices of other tiers.
    #[serde(default)]
    pub tiers: BTreeMap<String, RatesFile>,
}

/// Prices by class: dollars per million tokens, dollars a second, dollars a fee.
pub type RatesFile = BTreeMap<Class, Decimal>;

impl PriceFile {
    /// This list, and what another one has that it does not list: providers, models, and what is said of a
    /// provider as a whole where this one says nothing of it. A model is taken from one of them only,
    /// and a name is this list's where both have it.
    #[must_use]
    pub fn over(mut self, base: Self) -> Self {
        for (name, source) in base.sources {
            self.sources.entry(name).or_insert(source);
        }
        for (name, base) in base.providers {
            let own = self.providers.entry(name).or_default();
            for (list, base) in [
                (&mut own.same_as, base.same_as),
                (&mut own.except, base.except),
                (&mut own.standard_tiers, base.standard_tiers),
            ] {
                if list.is_empty() {
                    *list = base;
                }
            }
            let taken: BTreeSet<String> = own
                .models
                .iter()
                .flat_map(|(id, model)| [id].into_iter().chain(&model.aliases))
                .cloned()
                .collect();
            for (id, mut model) in base.models {
                model.aliases.retain(|alias| !taken.contains(alias));
                if !taken.contains(&id) {
                    own.models.insert(id, model);
                }
            }
        }
        self
    }
}
