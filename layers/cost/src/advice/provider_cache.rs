//! Prefixes that are paid for in full though the provider's cache would have held them.

use tollway_core::Usage;

use super::market::Market;
use super::model_use::saved;
use super::{Advice, Confidence, Figure, Kind, SharedPrefix, Traffic};
use crate::{Money, Unpriced};

pub(super) fn find(traffic: &Traffic, market: &Market<'_>, found: &mut Vec<Advice>) {
    found.extend(traffic.prefixes.iter().filter_map(|prefix| advice(prefix, market)));
}

fn advice(prefix: &SharedPrefix, market: &Market<'_>) -> Option<Advice> {
    let offer = market.offer(&prefix.provider, &prefix.model)?;
    let later = prefix.requests.saturating_sub(prefix.firsts.max(1));
    let tokens = prefix.repeated / later.max(1);
    if tokens < offer.cache_minimum.unwrap_or(USUAL_MINIMUM) || !offer.can.contains("caching") {
        return None;
    }
    let saving = saving(prefix, tokens, market).ok()?.min(prefix.cost.max(Money::ZERO));
    if saving == Money::ZERO {
        return None;
    }
    Some(Advice {
        kind: Kind::ProviderCache,
        subject: prefix.model.to_string(),
        finding: format!(
            "{later} of {} requests begin as others shortly before, with {tokens} tokens that the provider's \
             cache could have read",
            prefix.requests
        ),
        evidence: vec![
            ("requests", Figure::Count(prefix.requests)),
            ("begin as others before", Figure::Count(later)),
            ("tokens in common", Figure::Count(tokens)),
            ("tokens sent again", Figure::Count(prefix.repeated)),
            ("of them read from the cache", Figure::Count(prefix.cached)),
            ("cost", Figure::Amount(prefix.cost)),
        ],
        saved: saving,
        a_month: Money::ZERO,
        how: how(&prefix.provider),
        confidence: Confidence::Likely,
    })
}

/// The difference between new and cached tokens, less what writing them costs more than reading them anew.
fn saving(prefix: &SharedPrefix, tokens: u64, market: &Market<'_>) -> Result<Money, Unpriced> {
    let readable = prefix.repeated.saturating_sub(prefix.cached);
    let price = market.price(&prefix.provider, &prefix.model, prefix.tier.as_deref())?;
    let cost = |usage: Usage| price.cost_of(&usage, 0, prefix.input).map(|cost| cost.total());
    let fresh = cost(Usage { input: readable, ..Usage::default() })?;
    let cached = cost(Usage { input: readable, cached_input: readable, ..Usage::default() })?;
    let writes = prefix.firsts.max(1).saturating_mul(tokens).saturating_sub(prefix.written);
    let written = cost(Usage { input: writes, cache_write_5m: writes, ..Usage::default() })?;
    let unwritten = cost(Usage { input: writes, ..Usage::default() })?;
    Ok(saved(saved(fresh, cached), saved(written, unwritten)))
}

/// How a provider is told, as its API has it.
fn how(provider: &str) -> Vec<String> {
    let first = "put what all requests share first, byte for byte the same: tools, system prompt, examples";
    let mark = match provider {
        "anthropic" => {
            "mark its end: \"cache_control\": { \"type\": \"ephemeral\" } on the last block of the system prompt"
        }
        "openai" | "azure-openai" => {
            "send \"prompt_cache_key\": \"NAME\" with all requests that share it, so that they meet one cache"
        }
        _ => "keep what changes (dates, names, ids) behind it, and ask within minutes of one another",
    };
    vec![first.to_owned(), mark.to_owned()]
}

/// The least tokens that are cached where that is not known: the most that any provider asks for.
const USUAL_MINIMUM: u64 = 4_096;
