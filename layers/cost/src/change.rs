use std::{collections::BTreeSet, fmt};

use crate::{Class, Day, Decimal, PriceBook, Ratio, book::Provider, entry::Entry};

/// A price that another list gives otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// Whose price.
    pub provider: String,
    /// The model, by the name that was looked up.
    pub model: String,
    /// The first day on which the lists differ.
    pub day: Day,
    /// What of it: `input`, `output at priority above 272000 input tokens`, `region us`.
    pub what: String,
    /// The number in the old list.
    pub old: String,
    /// The number in the new list, or `none`.
    pub new: String,
}

impl Change {
    /// Whether there is no such price any more: what it was for is counted as unpriced, and nothing is billed
    /// wrong.
    pub fn is_removal(&self) -> bool {
        self.new == NONE
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, model, day, what, old, new } = self;
        write!(f, "{provider}/{model}: {what} from {old} to {new} on {day}")
    }
}

impl PriceBook {
    /// Every price of an old list that a new one changes by more than a factor, up or down, or takes
    /// away: what an operator confirms before it holds. New models and new prices beside the old are none.
    ///
    /// All names are looked up in both, at every day on which a price of either begins, for every tier
    /// and length that either knows. Of a price that stays changed the first day is told.
    pub fn check_change(old: &Self, new: &Self, factor: Ratio) -> Vec<Change> {
        let mut changes = Vec::new();
        let providers: BTreeSet<_> = old.providers.keys().collect();
        for name in providers {
            for model in old.names(name) {
                compare_model(old, new, (name, model), factor, &mut changes);
            }
        }
        changes
    }

    /// All names that a provider's models have, those of providers it takes prices from among them.
    fn names(&self, provider: &str) -> BTreeSet<&str> {
        let Some(provider) = self.providers.get(provider) else { return BTreeSet::new() };
        let others = provider.same_as.iter().filter_map(|name| self.providers.get(name));
        let own: Vec<&Provider> = std::iter::once(provider).chain(others).collect();
        own.into_iter().flat_map(|provider| provider.places.keys()).map(|name| &**name).collect()
    }
}

fn compare_model(
    old: &PriceBook,
    new: &PriceBook,
    (provider, model): (&str, &str),
    factor: Ratio,
    changes: &mut Vec<Change>,
) {
    let Some(before) = old.model(provider, model) else { return };
    let after = new.model(provider, model);
    let entries = before.entries.iter().chain(after.iter().flat_map(|model| &model.entries));
    let days: BTreeSet<Day> = entries.map(|entry| entry.from).collect();
    let mut told = BTreeSet::new();
    for day in days {
        let Some(before) = before.entry(day) else { continue };
        let after = after.and_then(|model| model.entry(day));
        for (what, old, new) in differences(before, after, factor) {
            if told.insert(what.clone()) {
                let (provider, model) = (provider.to_owned(), model.to_owned());
                changes.push(Change { provider, model, day, what, old, new });
            }
        }
    }
}

/// What differs by more than a factor, with both numbers.
fn differences(old: &Entry, new: Option<&Entry>, factor: Ratio) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for length in lengths(old, new) {
        for tier in tiers(old) {
            let rates = |entry: &Entry| entry.rates(length, tier).ok().copied();
            let (Some(before), after) = (rates(old), new.and_then(rates)) else { continue };
            for class in Class::ALL {
                let Some(was) = before.of(class) else { continue };
                let is = after.and_then(|rates| rates.of(class));
                if is.is_none_or(|is| is_beyond((was.into(), is.into()), factor)) {
                    let shown = |rate| Decimal::of(rate, class.decimals()).to_string();
                    found.push((label(class, tier, length), shown(was), is.map_or(none(), shown)));
                }
            }
        }
    }
    let empty = Vec::new();
    let all = [
        ("region", &old.regions, new.map_or(&empty, |new| &new.regions)),
        ("speed", &old.speeds, new.map_or(&empty, |new| &new.speeds)),
    ];
    for (kind, before, after) in all {
        for (name, was) in before {
            let is = after.iter().find(|(known, _)| known == name).map(|(_, ratio)| *ratio);
            let (was_in_all, is_in_all) = (parts(*was), is.map(parts));
            let beyond =
                is_in_all.is_none_or(|is| is_beyond((was_in_all.0 * is.1, is.0 * was_in_all.1), factor));
            if beyond {
                let is = is.map_or(none(), |ratio| ratio.to_string());
                found.push((format!("{kind} {name}"), was.to_string(), is));
            }
        }
    }
    found
}

/// Whether one of two is more than so many times the other.
fn is_beyond((was, is): (u128, u128), factor: Ratio) -> bool {
    let (above, below) = parts(factor);
    // Within 2^96: a rate has 64 bits, two ratios' parts 64, and a part of the factor 32.
    let more = |small: u128, large: u128| large * below > small * above;
    more(was, is) || more(is, was)
}

fn parts(ratio: Ratio) -> (u128, u128) {
    (ratio.numerator().into(), ratio.denominator().into())
}

/// Numbers of input tokens that stand for all: up to the first threshold, and above each.
fn lengths(old: &Entry, new: Option<&Entry>) -> BTreeSet<u64> {
    let above =
        |entry: &Entry| entry.long.iter().map(|(above, _)| above.saturating_add(1)).collect::<Vec<_>>();
    let both = above(old).into_iter().chain(new.map(above).unwrap_or_default());
    both.chain([0]).collect()
}

/// The standard tier and all others of the old list.
fn tiers(entry: &Entry) -> Vec<Option<&str>> {
    let all = std::iter::once(&entry.short).chain(entry.long.iter().map(|(_, tiers)| tiers));
    let others: BTreeSet<&str> = all.flat_map(|tiers| &tiers.others).map(|(name, _)| &**name).collect();
    std::iter::once(None).chain(others.into_iter().map(Some)).collect()
}

fn label(class: Class, tier: Option<&str>, length: u64) -> String {
    let tier = tier.map(|tier| format!(" at {tier}")).unwrap_or_default();
    match length {
        0 => format!("{class}{tier}"),
        length => format!("{class}{tier} above {} input tokens", length - 1),
    }
}

/// In place of a number.
const NONE: &str = "none";

fn none() -> String {
    NONE.to_owned()
}
