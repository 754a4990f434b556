use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tollway_core::{Dialect, Upstream};
use tollway_wire::Traits;

use super::{
    Capability, Date, Disabled, Kind, Provider, Reason, Retirement, Unresolved, Why, models::Models,
    nearest::nearest, paths::is_path_segment,
};

/// Which provider a model's name leads to, and what is known of the model.
///
/// In this order: an alias; a name known in full, alone or behind a provider's name; any other name
/// behind a provider's; any other name of a known family; the default provider.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// What is found at once: aliases, `provider/model`, and bare names.
    names: HashMap<Box<str>, Arc<Entry>>,
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
    unlisted_traits: Arc<Traits>,
}

/// What a name leads to.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Where the request goes.
    pub upstream: Upstream,
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
}

impl ModelEntry {
    /// Whether its provider has taken it away by a day.
    pub fn is_retired(&self, today: Date) -> bool {
        self.retirement.is_some_and(|retirement| retirement.has_come(today))
    }
}

#[derive(Clone, Debug)]
struct Entry {
    resolved: Resolved,
    model: ModelEntry,
}

/// A provider as far as resolving needs it.
#[derive(Debug)]
struct Served {
    name: Arc<str>,
    kind: Kind,
    dialect: Dialect,
    models: Option<Vec<Arc<str>>>,
    /// Whether the model's name becomes part of a URL.
    in_path: bool,
    vendor: Option<&'static str>,
}

impl Served {
    fn serves(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|served| **served == *model))
    }
}

/// What a catalogue is made of.
pub(super) struct Parts<'a> {
    pub(super) providers: &'a [Provider],
    pub(super) disabled: &'a [Disabled],
    pub(super) aliases: &'a [(String, String)],
    pub(super) default_provider: Option<&'a str>,
    pub(super) models: Arc<Models>,
}

/// Why a catalogue cannot be made.
pub(super) enum Fault {
    /// An alias leads to nothing.
    Alias(String, Unresolved),
    /// An alias leads to an alias.
    Chain(String),
    /// An alias has a name no client can send.
    AliasName(String),
    /// Two providers list the same model.
    Ambiguous(String, Arc<str>, Arc<str>),
}

/// Whether a text can be a model's name at all.
pub(super) fn is_sane(name: &str) -> bool {
    const LONGEST: usize = 256;
    !name.is_empty() && name.len() <= LONGEST && !name.chars().any(char::is_control) && name.trim() == name
}

impl Catalogue {
    /// Builds the tables, so that resolving is one look-up.
    pub(super) fn build(parts: Parts<'_>) -> Result<Self, Fault> {
        let served: Vec<Arc<Served>> = parts.providers.iter().map(|provider| Arc::new(Served::of(provider))).collect();
        let by_name = |name: &str| served.iter().find(|provider| *provider.name == *name).cloned();
        let mut catalogue = Self {
            names: HashMap::new(),
            providers: served.iter().map(|provider| (Box::from(&*provider.name), provider.clone())).collect(),
            vendors: vendors(&served),
            default: parts.default_provider.and_then(by_name),
            disabled: parts.disabled.iter().map(|one| (Box::from(&*one.name), one.clone())).collect(),
            dead: HashMap::new(),
            listed: BTreeMap::new(),
            models: parts.models,
            unlisted_traits: Arc::new(Traits::default()),
        };
        catalogue.add_models(&served);
        catalogue.add_served(&served, parts.aliases)?;
        catalogue.add_aliases(parts.aliases)?;
        Ok(catalogue)
    }

    /// Finds where a model's name leads. One look-up for every name known beforehand.
    pub fn resolve(&self, name: &str) -> Result<Resolved, Unresolved> {
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

    fn resolve_unlisted(&self, name: &str) -> Result<Resolved, Unresolved> {
        if let Some((prefix, model)) = name.split_once('/') {
            if let Some(provider) = self.providers.get(prefix) {
                // Gemini's own list of models gives names that begin so.
                let model = if provider.dialect == Dialect::Gemini { model.trim_start_matches("models/") } else { model };
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
            (Some(default), Some(vendor)) if default.vendor.is_some_and(|own| own != vendor) => {
                Err(self.nobody_serves(name, vendor))
            }
            (Some(default), _) => self.at(default, name, name),
            (None, Some(vendor)) => Err(self.nobody_serves(name, vendor)),
            (None, None) => Err(Unresolved::new(name, Reason::Unknown(self.near(name)))),
        }
    }

    /// A model at a provider, whether or not anything is known of it.
    fn at(&self, provider: &Arc<Served>, model: &str, asked: &str) -> Result<Resolved, Unresolved> {
        if !is_sane(model) || (provider.in_path && !is_path_segment(model)) {
            return Err(Unresolved::new(asked, Reason::NotAName));
        }
        if !provider.serves(model) {
            let models = provider.models.iter().flatten().map(|model| &**model);
            let near = nearest(model, models).into_iter().map(|near| format!("{}/{near}", provider.name)).collect();
            return Err(Unresolved::new(asked, Reason::NotServed { provider: provider.name.clone(), near }));
        }
        let known = provider.vendor.and_then(|vendor| self.models.find(model, Some(vendor)));
        Ok(Resolved {
            upstream: Upstream { provider: provider.name.clone(), dialect: provider.dialect, model: model.into() },
            traits: known.map_or_else(|| self.unlisted_traits.clone(), |(model, _)| model.traits.clone()),
            aliased: model != asked,
            retirement: known.and_then(|(_, retirement)| retirement),
        })
    }

    /// Why a model that is known has nobody to serve it.
    fn nobody_serves(&self, name: &str, vendor: &str) -> Unresolved {
        let mut disabled: Vec<&Disabled> =
            self.disabled.values().filter(|one| *one.name == *vendor || one.kind.as_str() == vendor).collect();
        disabled.sort_by_key(|one| one.name.clone());
        let reason = match (disabled.first(), Kind::from_word(vendor)) {
            (Some(disabled), _) => Reason::disabled(disabled),
            (None, Some(kind)) => Reason::NotConfigured { kind },
            (None, None) => Reason::Unknown(Vec::new()),
        };
        Unresolved::new(name, reason)
    }

    fn near(&self, name: &str) -> Vec<String> {
        nearest(name, self.names.keys().map(|known| &**known)).into_iter().map(str::to_owned).collect()
    }

    /// Every model of the list whose provider is there, alone and behind the provider's name.
    fn add_models(&mut self, served: &[Arc<Served>]) {
        let models = self.models.clone();
        for model in models.iter() {
            for provider in served.iter().filter(|provider| provider.vendor == Some(&*model.vendor)) {
                if let Ok(resolved) = self.at(provider, &model.id, &model.id) {
                    self.add(&format!("{}/{}", provider.name, model.id), &resolved, false);
                }
            }
            let provider = self.vendors.get(&*model.vendor).cloned();
            if let Some(Ok(resolved)) = provider.map(|provider| self.at(&provider, &model.id, &model.id)) {
                self.add(&model.id, &resolved, true);
            }
        }
    }

    /// Every model that a provider says it serves. These come before the list of models.
    fn add_served(&mut self, served: &[Arc<Served>], aliases: &[(String, String)]) -> Result<(), Fault> {
        let mut taken: HashMap<&str, &Arc<str>> = HashMap::new();
        for provider in served {
            for model in provider.models.iter().flatten() {
                let Ok(resolved) = self.at(provider, model, model) else { continue };
                self.add(&format!("{}/{model}", provider.name), &resolved, false);
                if aliases.iter().any(|(alias, _)| **alias == **model) {
                    continue;
                }
                if let Some(other) = taken.insert(model, &provider.name) {
                    return Err(Fault::Ambiguous(model.to_string(), other.clone(), provider.name.clone()));
                }
                self.add(model, &resolved, true);
            }
        }
        Ok(())
    }

    fn add_aliases(&mut self, aliases: &[(String, String)]) -> Result<(), Fault> {
        let mut entries = Vec::new();
        for (alias, target) in aliases {
            if !is_sane(alias) {
                return Err(Fault::AliasName(alias.clone()));
            }
            // Also when the alias stands for itself: the name behind it is then out of reach.
            if aliases.iter().any(|(other, _)| other == target) {
                return Err(Fault::Chain(alias.clone()));
            }
            match self.resolve(target) {
                Ok(resolved) => entries.push((alias, resolved)),
                Err(unresolved) if matches!(unresolved.reason, Reason::Disabled { .. }) => {
                    self.names.remove(alias.as_str());
                    self.listed.remove(alias.as_str());
                    self.dead.insert(alias.as_str().into(), unresolved);
                }
                Err(unresolved) => return Err(Fault::Alias(alias.clone(), unresolved)),
            }
        }
        for (alias, resolved) in entries {
            self.add(alias, &resolved, true);
        }
        Ok(())
    }

    fn add(&mut self, name: &str, resolved: &Resolved, list: bool) {
        let id: Arc<str> = name.into();
        let upstream = &resolved.upstream;
        let vendor = self.providers.get(&*upstream.provider).and_then(|provider| provider.vendor);
        let known = vendor.and_then(|vendor| self.models.find(&upstream.model, Some(vendor))).map(|(model, _)| model);
        let released = known.and_then(|known| known.released).unwrap_or(self.models.as_of);
        let model = ModelEntry {
            id: id.clone(),
            owned_by: upstream.provider.clone(),
            created: released.unix_seconds(),
            context: known.and_then(|known| known.context),
            max_output: resolved.traits.max_output_tokens,
            capabilities: known.map_or_else(|| Arc::new([]) as Arc<[Capability]>, |known| known.capabilities.clone()),
            retirement: resolved.retirement,
        };
        let resolved = Resolved { aliased: *upstream.model != *name, ..resolved.clone() };
        let entry = Arc::new(Entry { resolved, model });
        if list {
            self.listed.insert(id, entry.clone());
        }
        self.names.insert(name.into(), entry);
    }
}

/// Who serves the models of each section: the provider of that name, else the first of that kind.
fn vendors(served: &[Arc<Served>]) -> HashMap<Box<str>, Arc<Served>> {
    let mut vendors: HashMap<Box<str>, Arc<Served>> = HashMap::new();
    for provider in served.iter().filter(|provider| Some(provider.kind.as_str()) == provider.vendor) {
        let place = vendors.entry(provider.kind.as_str().into()).or_insert_with(|| provider.clone());
        if *provider.name == *provider.kind.as_str() {
            *place = provider.clone();
        }
    }
    vendors
}

impl Served {
    fn of(provider: &Provider) -> Self {
        Self {
            name: provider.name.clone(),
            kind: provider.kind,
            dialect: provider.dialect,
            models: provider.models.clone(),
            in_path: provider.endpoints.carry_model(),
            vendor: provider.kind.preset().catalogue,
        }
    }
}

impl Reason {
    fn disabled(disabled: &Disabled) -> Self {
        let variables = match &disabled.why {
            Why::MissingKey(variables) => variables.clone(),
            Why::SwitchedOff => Vec::new(),
        };
        Self::Disabled { provider: disabled.name.clone(), variables }
    }
}
