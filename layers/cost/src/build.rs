//! From the list as it is written to the book, with every rule checked.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt as _};

use crate::{
    BookError, Class, EntryFile, Model, ModelFile, PriceBook, PriceFile, ProviderFile, RatesFile, Ratio,
    book::{Provider, STANDARD_TIERS},
    entry::{Entry, Tiers},
    rates::Rates,
};

impl TryFrom<PriceFile> for PriceBook {
    type Error = BookError;

    fn try_from(file: PriceFile) -> Result<Self, BookError> {
        let mut providers = HashMap::new();
        for (name, provider) in &file.providers {
            check_same_as(&file, name, provider)?;
            let built = build_provider(&file, provider, &format!("providers.{name}"))?;
            providers.insert(name.as_str().into(), built);
        }
        Ok(Self { as_of: file.as_of, sources: file.sources, providers })
    }
}

fn check_same_as(file: &PriceFile, name: &str, provider: &ProviderFile) -> Result<(), BookError> {
    for (at, other) in provider.same_as.iter().enumerate() {
        let path = format!("providers.{name}.same_as[{at}]");
        match file.providers.get(other) {
            Some(_) if other == name => {
                return fault(path, "the provider itself", "name another provider, or leave it out");
            }
            Some(found) if found.same_as.is_empty() => {}
            Some(_) => {
                let hint = "name the providers that one takes its prices from";
                return fault(path, format!("takes its own prices from others: {other}"), hint);
            }
            None => {
                let known: Vec<_> = file.providers.keys().map(String::as_str).collect();
                return fault(path, format!("no provider: {other}"), format!("one of {}", known.join(", ")));
            }
        }
    }
    let others = provider.same_as.iter().filter_map(|other| file.providers.get(other));
    let known: Vec<_> = others.flat_map(|other| other.models.keys()).collect();
    match provider.except.iter().position(|id| !known.contains(&id)) {
        None => Ok(()),
        Some(at) => {
            let id = provider.except.get(at).map_or("", String::as_str);
            let hint = "write the id of a model that a provider under `same_as` lists";
            fault(format!("providers.{name}.except[{at}]"), format!("no such model: {id}"), hint)
        }
    }
}

fn build_provider(list: &PriceFile, file: &ProviderFile, path: &str) -> Result<Provider, BookError> {
    let boxed = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
    let mut provider = Provider {
        same_as: boxed(&file.same_as),
        except: boxed(&file.except),
        standard_tiers: boxed(&file.standard_tiers),
        ..Provider::default()
    };
    for (place, (id, model)) in file.models.iter().enumerate() {
        let path = format!("{path}.models.{id}");
        for name in std::iter::once(id).chain(&model.aliases) {
            if provider.places.insert(name.as_str().into(), place).is_some() {
                let hint = "give a name to one model only, and once";
                return fault(path, format!("the name of another model: {name}"), hint);
            }
        }
        let built = build_model(list, file, id, model, &path)?;
        provider.models.push(built);
    }
    Ok(provider)
}

fn build_model(
    list: &PriceFile,
    provider: &ProviderFile,
    id: &str,
    file: &ModelFile,
    path: &str,
) -> Result<Model, BookError> {
    let mut entries: Vec<Entry> = Vec::new();
    for (at, price) in file.prices.iter().enumerate() {
        let path = format!("{path}.prices[{at}]");
        if !list.sources.contains_key(&price.source) {
            let hint = "add it under `sources`, with where that is";
            return fault(format!("{path}.source"), format!("no source: {}", price.source), hint);
        }
        if entries.iter().any(|entry| entry.from == price.from) {
            let hint = "give each price of a model its own day";
            return fault(format!("{path}.from"), format!("two prices from one day: {}", price.from), hint);
        }
        entries.push(build_entry(provider, price, &path)?);
    }
    if entries.is_empty() {
        let hint = "leave the model out: it is then counted as unpriced";
        return fault(format!("{path}.prices"), "no price", hint);
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.from));
    Ok(Model { id: id.into(), exact: file.exact, retires: file.retires, entries })
}

fn build_entry(provider: &ProviderFile, file: &EntryFile, path: &str) -> Result<Entry, BookError> {
    let standard = &file.rates;
    if standard.is_empty() {
        return fault(format!("{path}.rates"), "no price", "list at least `input`, or leave the model out");
    }
    let short = build_tiers(provider, standard, &file.tiers, standard, path)?;
    let mut long: Vec<(u64, Tiers)> = Vec::new();
    for (at, tier) in file.long.iter().enumerate() {
        let path = format!("{path}.long[{at}]");
        if long.iter().any(|(above, _)| *above == tier.above) {
            let hint = "give each threshold once";
            return fault(format!("{path}.above"), format!("a threshold given twice: {}", tier.above), hint);
        }
        long.push((tier.above, build_tiers(provider, &tier.rates, &tier.tiers, standard, &path)?));
    }
    long.sort_by_key(|(above, _)| std::cmp::Reverse(*above));
    let ratios = |ratios: &BTreeMap<String, Ratio>| {
        ratios.iter().map(|(name, ratio)| (name.as_str().into(), *ratio)).collect()
    };
    Ok(Entry {
        from: file.from,
        source: file.source.as_str().into(),
        short,
        long,
        regions: ratios(&file.regions),
        speeds: ratios(&file.speeds),
    })
}

fn build_tiers(
    provider: &ProviderFile,
    rates: &RatesFile,
    others: &BTreeMap<String, RatesFile>,
    standard: &RatesFile,
    path: &str,
) -> Result<Tiers, BookError> {
    let mut built = Vec::new();
    for (name, rates) in others {
        let path = format!("{path}.tiers.{name}");
        if STANDARD_TIERS.contains(&name.as_str()) || provider.standard_tiers.contains(name) {
            return fault(path, "a name of the standard tier", "write its price under `rates`");
        }
        built.push((name.as_str().into(), build_rates(rates, standard, &path)?));
    }
    Ok(Tiers { standard: build_rates(rates, standard, &format!("{path}.rates"))?, others: built })
}

/// Reads the rates of a tier, which take the standard fees where they have none of their own. Of all
/// else they list what the standard rates do, or one would be left to guess the rest.
fn build_rates(rates: &RatesFile, standard: &RatesFile, path: &str) -> Result<Rates, BookError> {
    let listed =
        |rates: &RatesFile| -> Vec<Class> { rates.keys().copied().filter(|class| !class.is_fee()).collect() };
    if let Some(class) = listed(standard).iter().find(|class| !rates.contains_key(class)) {
        let hint = format!("add {class}, as the standard rates have it");
        return fault(path, format!("lacks a class that the standard rates list: {class}"), hint);
    }
    if let Some(class) = listed(rates).iter().find(|class| !standard.contains_key(class)) {
        let hint = format!("add {class} to the standard rates too");
        return fault(path, format!("lists a class that the standard rates lack: {class}"), hint);
    }
    let mut whole = rates.clone();
    for (class, fee) in standard.iter().filter(|(class, _)| class.is_fee()) {
        whole.entry(*class).or_insert(*fee);
    }
    Rates::read(&whole, path)
}

fn fault<T>(
    path: impl Into<String>,
    what: impl Into<String>,
    hint: impl Into<String>,
) -> Result<T, BookError> {
    Err(BookError { path: path.into(), what: what.into(), hint: hint.into() })
}
