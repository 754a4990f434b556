use std::collections::BTreeMap;
use std::sync::Arc;

use tollway_cost::advice::{Band, Flow, KeyUse, Repeats, SharedPrefix, Traffic};
use tollway_usage::{Facts, ModelFacts};

use crate::config::Settings;
use crate::cost::section;

/// What advice is told of traffic: what a store knows of so many days, and of keys.
///
/// `utc_offset_hours` is what people's clocks are ahead of UTC: it says when they work.
pub fn traffic(
    settings: &Settings,
    facts: &Facts,
    days: u32,
    keys: Vec<KeyUse>,
    utc_offset_hours: i32,
) -> Traffic {
    let book = settings.prices.book();
    let provider = |name: &str| -> Arc<str> {
        let configured = settings.providers.iter().find(|provider| *provider.name == *name);
        configured.map_or(name, |provider| section(&book, &provider.name, provider.kind)).into()
    };
    let mut flows = BTreeMap::<(&str, &str, Option<&str>, bool), Flow>::new();
    for model in &facts.models {
        let section = provider(&model.provider);
        // Many providers have a word for the usual tier.
        let tier = model.tier.as_deref().filter(|tier| !book.is_standard_tier(&section, tier));
        let which = (&*model.provider, &*model.model, tier, model.stream);
        let flow = flows.entry(which).or_insert_with(|| Flow {
            provider: section,
            model: model.model.as_str().into(),
            tier: tier.map(Arc::from),
            streamed: model.stream,
            ..Flow::default()
        });
        add(flow, model);
    }
    for ((name, model, _, streamed), flow) in &mut flows {
        // A mean, of which there is the sum so far.
        flow.limit = flow.limit.checked_div(flow.limited).unwrap_or_default();
        if !*streamed {
            flow.hours = hours(facts, name, model, utc_offset_hours);
        }
    }
    let prefixes = facts.prefixes.iter().map(|prefix| SharedPrefix {
        provider: provider(&prefix.provider),
        model: prefix.model.as_str().into(),
        tier: None,
        requests: prefix.attempts,
        firsts: prefix.prefixes,
        repeated: prefix.repeated_tokens,
        input: prefix.input.checked_div(prefix.attempts).unwrap_or_default(),
        cached: prefix.cached_input,
        written: 0,
        cost: prefix.cost,
    });
    let repeats = facts.prompts.iter().map(|prompt| Repeats {
        provider: provider(&prompt.provider),
        model: prompt.model.as_str().into(),
        caller: None,
        prompts: prompt.prompts,
        requests: prompt.attempts,
        cost: prompt.repeated_cost,
    });
    Traffic {
        days,
        prefixes: prefixes.collect(),
        repeats: repeats.collect(),
        keys,
        flows: flows.into_values().collect(),
    }
}

fn add(flow: &mut Flow, model: &ModelFacts) {
    flow.bands.push(Band {
        requests: model.attempts,
        longest: model.longest_input,
        usage: model.usage,
        cost: model.cost,
    });
    flow.limited = flow.limited.saturating_add(model.capped);
    flow.limit = flow.limit.saturating_add(model.asked_output);
    flow.output_most = flow.output_most.max(model.longest_output);
}

/// When answers came that were no streams, on people's clocks.
fn hours(facts: &Facts, provider: &str, model: &str, utc_offset: i32) -> Vec<(u32, u64)> {
    let used = facts.hours.iter().filter(|used| used.provider == provider && used.model == model);
    let whole = used.map(|used| {
        (used.hour.saturating_add_signed(utc_offset), used.attempts.saturating_sub(used.streams))
    });
    whole.filter(|(_, attempts)| *attempts > 0).collect()
}
