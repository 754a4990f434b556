use std::sync::Arc;

use tollway_cost::Day;
use tollway_cost::advice::Offer;

use crate::config::{Capability, Provider, Retirement, Settings};
use crate::cost::section;

/// Every model of the catalogue at every provider that serves it.
pub fn offers(settings: &Settings) -> Vec<Offer> {
    let book = settings.prices.book();
    let mut offers = Vec::new();
    for provider in &settings.providers {
        let section = section(&book, &provider.name, provider.kind);
        let listed = settings.catalogue.list().filter(|model| {
            // Other names of models are no models of their own.
            settings.aliases.iter().all(|(alias, _)| **alias != *model.id)
        });
        offers.extend(listed.filter_map(|model| offer(settings, provider, section, &model.id)));
    }
    offers
}

fn offer(settings: &Settings, provider: &Provider, section: &str, id: &str) -> Option<Offer> {
    let name = format!("{}/{id}", provider.name);
    let known = settings.catalogue.get(&name)?;
    let resolved = settings.catalogue.resolve(&name).ok()?;
    let traits = &resolved.traits;
    let takes = [
        (traits.sampling, "sampling"),
        (traits.prefill, "prefill"),
        (traits.forced_tool_choice, "forced_tool_choice"),
        (traits.structured_output, "structured_output"),
    ];
    Some(Offer {
        provider: section.into(),
        model: resolved.upstream.model.clone(),
        name: name.into(),
        succeeds: known.succeeds.clone(),
        context: known.context,
        output: known.max_output,
        can: known.capabilities.iter().map(|can| Arc::from(Capability::as_str(*can))).collect(),
        takes: takes.into_iter().filter(|(takes, _)| *takes).map(|(_, word)| Arc::from(word)).collect(),
        cache_minimum: known.cache_minimum,
        retires: known.retirement.map(retires),
    })
}

/// The day a model goes away; the first of all where it did long ago.
pub fn retires(retirement: Retirement) -> Day {
    match retirement {
        Retirement::Past => Day::EPOCH,
        Retirement::On(date) => date.to_string().parse().unwrap_or(Day::EPOCH),
    }
}
