use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use http::HeaderValue;
use tollway_core::{Dialect, Endpoint, Upstream};
use tollway_wire::Traits;

mod build;

pub(super) use self::build::{Fault, Parts};

use super::{
    Capability, Date, Disabled, Kind, Reason, Retirement, Unresolved, Why, models::Models, nearest::nearest,
    paths::is_path_segment,
};

/// Which provider a model's name leads to, and what is known of the model.
///
/// In this order: an alias; a name known in full, alone or behind a provider's name; any other name
/// behind a provider's; any other name of a known family; the default provider.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// What is found at once: aliases, `provider/model`, and bare names.
    names: foldhash::HashMap<Box<str>, Arc<Entry>>,
    providers: HashMap<Box<str>, Arc<Served>>,
    /// Who serves the models of each section of the list of models.
    vendors: HashMap<Box<str>, Arc<Served>>,
    default: Option<Arc<Served>>,
    disabled: HashMap<Box<str>, Disabled>,
    /// Aliases whose provider has no key.
    dead: HashMap<Box<str>, Unresolved>,
    /// Bare names and aliases, in order.
    listed: BTreeMap<Arc<str>, Arc<Entry>>,
    models: Arc<Models>,
}

/// What a name leads to.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Where the request goes, in the format that the provider is best spoken to in.
    pub upstream: Arc<Upstream>,
    /// The same in the other formats that it may be asked in.
    pub others: Box<[Arc<Upstream>]>,
    /// `provider/model`, for the answer's headers; none where a name has signs no header can carry.
    pub label: Option<HeaderValue>,
    /// What the model accepts.
    pub traits: Arc<Traits>,
    /// Whether the provider knows the model by another name than the client used.
    pub aliased: bool,
    /// When the provider takes the model away, if that is known.
    pub retirement: Option<Retirement>,
}

/// A model that can be asked for.
#[derive(Clone, Debug)]
pub struct ModelEntry {
    /// The name to ask for it by.
    pub id: Arc<str>,
    /// The provider it is asked of.
    pub owned_by: Arc<str>,
    /// When it came out, or the day the list was made; in seconds since 1970.
    pub created: u64,
    /// The most tokens it reads.
    pub context: Option<u64>,
    /// The most tokens it answers with.
    pub max_output: Option<u64>,
    /// What it is known to do.
    pub capabilities: Arc<[Capability]>,
    /// When its provider takes it away.
    pub retirement: Option<Retirement>,
    /// The model of the same line that it follows, by its name at the provider.
    pub succeeds: Option<Arc<str>>,
    /// The least tokens of a common beginning that its provider's cache keeps.
    pub cache_minimum: Option<u64>,
}

impl Resolved {
    /// Where a request of a dialect goes: in the same one where the provider speaks it, and in one that
    /// has the endpoint, of which Chat Completions lacks the count of tokens.
    pub fn upstream_for(&self, client: Dialect, endpoint: Endpoint) -> &Arc<Upstream> {
        let counts =
            |upstream: &Upstream| endpoint != Endpoint::CountTokens || upstream.dialect != Dialect::OpenAi;
        let in_same = self.others.iter().find(|other| other.dialect == client);
        let found = in_same.unwrap_or(&self.upstream);
        if counts(found) {
            return found;
        }
        self.others.iter().find(|other| counts(other)).unwrap_or(found)
    }

    /// Where a chat of another dialect than Chat Completions goes that searches the web: by Responses
    /// where the provider speaks it, as all models search there, and by Chat those alone that are made
    /// for it, which Responses does not serve.
    pub fn upstream_for_search(&self, client: Dialect) -> &Arc<Upstream> {
        let found = self.upstream_for(client, Endpoint::Chat);
        let is_search_model = found.model.contains("-search");
        if client == Dialect::OpenAi || found.dialect != Dialect::OpenAi || is_search_model {
            return found;
        }
        self.others.iter().find(|other| other.dialect == Dialect::Responses).unwrap_or(found)
    }
}

impl ModelEntry {
    /// Whether its provider has taken it away by a day.
    pub fn is_retired(&self, today: Date) -> bool {
        self.retirement.is_some_and(|retirement| retirement.has_come(today))
    }

    /// What is to be said of a model that its provider has taken away by a day, or will within
    /// [`SOON`](Retirement::SOON).
    pub(super) fn leaving(&self, today: Date) -> Option<String> {
        let retirement = self.retirement.filter(|retirement| retirement.is_near(today))?;
        let what = if retirement.has_come(today) { "a retired model" } else { "a model that goes away" };
        Some(format!("{what} ({retirement})"))
    }
}

#[derive(Clone, Debug)]
struct Entry {
    resolved: Arc<Resolved>,
    model: ModelEntry,
}

/// A provider as far as resolving needs it.
#[derive(Debug)]
struct Served {
    name: Arc<str>,
    kind: Kind,
    formats: Box<[Dialect]>,
    models: Option<Vec<Arc<str>>>,
    /// Whether the model's name becomes part of a URL.
    in_path: bool,
    /// The sections of the list whose models it serves.
    sections: &'static [&'static str],
    /// What is taken for granted of a model that is not known.
    unlisted_traits: Arc<Traits>,
}

impl Served {
    /// The formats in which a model may be asked for, the best first.
    fn formats_of(&self, model: &str, traits: &Traits) -> &[Dialect] {
        self.kind.formats_of(&self.formats, model, traits)
    }

    /// The section of the catalogue that a model of its would be in.
    fn section_of(&self, model: &str) -> Option<&'static str> {
        self.kind.section_of(model)
    }

    fn serves(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|served| **served == *model))
    }
}

/// Whether a text can be a model's name at all.
pub(super) fn is_sane(name: &str) -> bool {
    const LONGEST: usize = 256;
    !name.is_empty() && name.len() <= LONGEST && !name.chars().any(char::is_control) && name.trim() == name
}

impl Catalogue {
    /// Finds where a model's name leads. One look-up for every name known beforehand.
    pub fn resolve(&self, name: &str) -> Result<Arc<Resolved>, Unresolved> {
        if let Some(entry) = self.names.get(name) {
            return Ok(entry.resolved.clone());
        }
        if let Some(dead) = self.dead.get(name) {
            return Err(dead.clone());
        }
        if !is_sane(name) {
            return Err(Unresolved::new(name, Reason::NotAName));
        }
        self.resolve_unlisted(name)
    }

    /// The models that can be asked for by a bare name or an alias, in order.
    pub fn list(&self) -> impl Iterator<Item = &ModelEntry> {
        self.listed.values().map(|entry| &entry.model)
    }

    /// A model by its name, by `provider/model`, or by an alias.
    pub fn get(&self, id: &str) -> Option<&ModelEntry> {
        self.names.get(id).map(|entry| &entry.model)
    }

    fn resolve_unlisted(&self, name: &str) -> Result<Arc<Resolved>, Unresolved> {
        if let Some((prefix, model)) = name.split_once('/') {
            if let Some(provider) = self.providers.get(prefix) {
                // Gemini's own list of models gives names that begin so.
                let model = if provider.formats.contains(&Dialect::Gemini) {
                    model.trim_start_matches("models/")
                } else {
                    model
                };
                return self.at(provider, model, name);
            }
            if let Some(disabled) = self.disabled.get(prefix) {
                return Err(Unresolved::new(name, Reason::disabled(disabled)));
            }
        }
        let known = self.models.find(name, None);
        let vendor = known.map(|(model, _)| &*model.vendor);
        if let Some(provider) = vendor.and_then(|vendor| self.vendors.get(vendor)) {
            return self.at(provider, name, name);
        }
        // A default provider with models of its own does not have those of others.
        match (&self.default, vendor) {
            (Some(default), Some(vendor))
                if !default.sections.is_empty() && !default.sections.contains(&vendor) =>
            {
                Err(self.nobody_serves(name, vendor))
            }
            (Some(default), _) => self.at(default, name, name),
            (None, Some(vendor)) => Err(self.nobody_serves(name, vendor)),
            (None, None) => Err(Unresolved::new(name, Reason::Unknown(self.near(name)))),
        }
    }

    /// A model at a provider, whether or not anything is known of it.
    fn at(&self, provider: &Arc<Served>, model: &str, asked: &str) -> Result<Arc<Resolved>, Unresolved> {
        if !is_sane(model) || (provider.in_path && !is_path_segment(model)) {
            return Err(Unresolved::new(asked, Reason::NotAName));
        }
        if !provider.serves(model) {
            let models = provider.models.iter().flatten().map(|model| &**model);
            let near =
                nearest(model, models).into_iter().map(|near| format!("{}/{near}", provider.name)).collect();
            return Err(Unresolved::new(asked, Reason::NotServed { provider: provider.name.clone(), near }));
        }
        let model = &*provider.kind.model_name(model);
        let known = provider.section_of(model).and_then(|vendor| self.models.find(model, Some(vendor)));
        let traits = known.map_or_else(
            || provider.unlisted_traits.clone(),
            |(model, _)| provider.kind.fit(model.traits.clone()),
        );
        let model: Arc<str> = model.into();
        let in_format = |dialect: &Dialect| {
            Arc::new(Upstream { provider: provider.name.clone(), dialect: *dialect, model: model.clone() })
        };
        let mut upstreams = provider.formats_of(&model, &traits).iter().map(in_format);
        let Some(upstream) = upstreams.next() else {
            return Err(Unresolved::new(asked, Reason::NotAName));
        };
        Ok(Arc::new(Resolved {
            upstream,
            others: upstreams.collect(),
            label: HeaderValue::try_from([&*provider.name, "/", &*model].concat()).ok(),
            traits,
            aliased: *model != *asked,
            retirement: known.and_then(|(_, retirement)| retirement),
        }))
    }

    /// Why a model that is known has nobody to serve it.
    fn nobody_serves(&self, name: &str, vendor: &str) -> Unresolved {
        let mut disabled: Vec<&Disabled> = self
            .disabled
            .values()
            .filter(|one| *one.name == *vendor || one.kind.as_str() == vendor)
            .collect();
        disabled.sort_by_key(|one| one.name.clone());
        let reason = match (disabled.first(), Kind::from_word(vendor)) {
            (Some(disabled), _) => Reason::disabled(disabled),
            (None, Some(kind)) => Reason::NotConfigured { kind },
            (None, None) => Reason::Unknown(Vec::new()),
        };
        Unresolved::new(name, reason)
    }

    fn near(&self, name: &str) -> Vec<String> {
        let near: Vec<_> =
            nearest(name, self.names.keys().map(|known| &**known)).into_iter().map(str::to_owned).collect();
        if !near.is_empty() {
            return near;
        }
        // The provider's name may be what is wrong.
        let Some((prefix, model)) = name.split_once('/') else { return near };
        let providers = self.providers.keys().chain(self.disabled.keys()).map(|known| &**known);
        nearest(prefix, providers).into_iter().map(|provider| format!("{provider}/{model}")).collect()
    }
}

impl Reason {
    fn disabled(disabled: &Disabled) -> Self {
        let variables = match &disabled.why {
            Why::MissingKey(variables) => variables.clone(),
            Why::SwitchedOff | Why::Unfit(_) => Vec::new(),
        };
        Self::Disabled { provider: disabled.name.clone(), variables }
    }
}
