//! How a catalogue is made: every name that is known beforehand, put where it is found at once.

use std::{collections::BTreeMap, collections::HashMap, sync::Arc};

use tollway_wire::Traits;

use super::{Catalogue, Entry, ModelEntry, Resolved, Served, is_sane};
use crate::config::{Capability, Disabled, Format, Kind, Provider, Reason, Unresolved, models::Models};

/// What a catalogue is made of.
pub(in crate::config) struct Parts<'a> {
    pub(in crate::config) providers: &'a [Provider],
    pub(in crate::config) disabled: &'a [Disabled],
    pub(in crate::config) aliases: &'a [(String, String)],
    pub(in crate::config) default_provider: Option<&'a str>,
    pub(in crate::config) models: Arc<Models>,
}

/// Why a catalogue cannot be made.
pub(in crate::config) enum Fault {
    /// An alias leads to nothing.
    Alias(String, Reason),
    /// An alias leads to an alias.
    Chain(String),
    /// An alias has a name no client can send.
    AliasName(String),
    /// Two providers list the same model.
    Ambiguous(String, Arc<str>, Arc<str>),
}

impl Catalogue {
    /// Builds the tables, so that resolving is one look-up.
    pub(in crate::config) fn build(parts: Parts<'_>) -> Result<Self, Fault> {
        let served: Vec<Arc<Served>> =
            parts.providers.iter().map(|provider| Arc::new(Served::of(provider))).collect();
        let by_name = |name: &str| served.iter().find(|provider| *provider.name == *name).cloned();
        let mut catalogue = Self {
            names: foldhash::HashMap::default(),
            providers: served.iter().map(|provider| (Box::from(&*provider.name), provider.clone())).collect(),
            vendors: vendors(&served),
            default: parts.default_provider.and_then(by_name),
            disabled: parts.disabled.iter().map(|one| (Box::from(&*one.name), one.clone())).collect(),
            dead: HashMap::new(),
            listed: BTreeMap::new(),
            models: parts.models,
        };
        catalogue.add_models(&served);
        catalogue.add_served(&served, parts.aliases)?;
        catalogue.add_aliases(parts.aliases)?;
        Ok(catalogue)
    }

    /// Every model of the list whose provider is there, alone and behind the provider's name.
    fn add_models(&mut self, served: &[Arc<Served>]) {
        let models = self.models.clone();
        for model in models.iter() {
            for provider in served.iter().filter(|provider| provider.sections.contains(&&*model.vendor)) {
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
                    self.dead.insert(alias.as_str().into(), Unresolved::new(alias, unresolved.reason));
                }
                Err(unresolved) => return Err(Fault::Alias(alias.clone(), unresolved.reason)),
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
        let vendor =
            self.providers.get(&*upstream.provider).and_then(|provider| provider.section_of(&upstream.model));
        let known =
            vendor.and_then(|vendor| self.models.find(&upstream.model, Some(vendor))).map(|(model, _)| model);
        let released = known.and_then(|known| known.released).unwrap_or(self.models.as_of);
        let model = ModelEntry {
            id: id.clone(),
            owned_by: upstream.provider.clone(),
            created: released.unix_seconds(),
            context: known.and_then(|known| known.context),
            max_output: resolved.traits.max_output_tokens,
            capabilities: known
                .map_or_else(|| Arc::new([]) as Arc<[Capability]>, |known| known.capabilities.clone()),
            retirement: resolved.retirement,
            succeeds: known.and_then(|known| known.succeeds.clone()),
            cache_minimum: known.and_then(|known| known.cache_minimum),
        };
        let resolved = Resolved { aliased: *upstream.model != *name, ..resolved.clone() };
        let entry = Arc::new(Entry { resolved: Arc::new(resolved), model });
        if list {
            self.listed.insert(id, entry.clone());
        }
        self.names.insert(name.into(), entry);
    }
}

/// Who serves the models of each section: the provider of that name, else the first of that kind, else
/// the first Vertex AI, which knows them by the same names.
fn vendors(served: &[Arc<Served>]) -> HashMap<Box<str>, Arc<Served>> {
    let mut vendors: HashMap<Box<str>, Arc<Served>> = HashMap::new();
    for provider in served.iter().filter(|provider| provider.sections == [provider.kind.as_str()]) {
        let place = vendors.entry(provider.kind.as_str().into()).or_insert_with(|| provider.clone());
        if *provider.name == *provider.kind.as_str() {
            *place = provider.clone();
        }
    }
    for provider in served.iter().filter(|provider| provider.kind == Kind::Vertex) {
        for section in provider.sections {
            vendors.entry((*section).into()).or_insert_with(|| provider.clone());
        }
    }
    vendors
}

impl Served {
    fn of(provider: &Provider) -> Self {
        Self {
            name: provider.name.clone(),
            kind: provider.kind,
            formats: provider.formats.iter().map(|format| format.dialect).collect(),
            models: provider.models.clone(),
            in_path: provider.formats.iter().any(Format::carries_model),
            sections: provider.kind.preset().catalogue,
            unlisted_traits: provider.kind.fit(Arc::new(Traits::default())),
        }
    }
}
