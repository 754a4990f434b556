//! Some of the gateway's own models, at its own prices.

use std::sync::Arc;

use tollway_core::Usage;
use tollway_cost::advice::{Advice, Band, Flow, Kind, Market, Offer, Thresholds, Traffic, advise};
use tollway_cost::{Money, PriceBook, Served};

pub(crate) const TODAY: &str = "2026-11-23";

pub(crate) fn offer(provider: &str, model: &str, succeeds: Option<&str>) -> Offer {
    let words = |words: &[&str]| words.iter().map(|word| Arc::from(*word)).collect();
    Offer {
        provider: provider.into(),
        model: model.into(),
        name: format!("{provider}/{model}").into(),
        succeeds: succeeds.map(Arc::from),
        context: Some(200_000),
        output: Some(64_000),
        can: words(&["caching", "tools", "vision"]),
        takes: words(&["prefill", "sampling"]),
        cache_minimum: None,
        retires: None,
    }
}

pub(crate) fn offers() -> Vec<Offer> {
    let newer = |provider, model, succeeds| Offer {
        context: Some(1_000_000),
        takes: [Arc::from("sampling")].into(),
        ..offer(provider, model, Some(succeeds))
    };
    vec![
        offer("openai", "gpt-5.6", None),
        newer("openai", "gpt-6-sol", "gpt-5.6"),
        newer("openai", "gpt-6.1-sol", "gpt-6-sol"),
        offer("anthropic", "claude-haiku-4-5", None),
        newer("anthropic", "claude-haiku-5-5", "claude-haiku-4-5"),
        offer("anthropic", "claude-sonnet-4-5", None),
        newer("anthropic", "claude-sonnet-4-6", "claude-sonnet-4-5"),
        offer("azure-openai", "text-embedding-3-small", None),
        offer("openai", "text-embedding-3-small", None),
        offer("mistral", "mistral-large-2512", None),
        newer("mistral", "mistral-large-4", "mistral-large-2512"),
    ]
}

pub(crate) fn with_market<T>(offers: &[Offer], book: &PriceBook, ask: impl FnOnce(&Market<'_>) -> T) -> T {
    ask(&Market { prices: book, offers, own_cache: &["cache: on"], today: TODAY.parse().unwrap() })
}

/// All advice on some traffic, in the market above.
pub(crate) fn all(traffic: &Traffic) -> Vec<Advice> {
    let (offers, book) = (offers(), crate::support::book());
    with_market(&offers, &book, |market| advise(traffic, market, &Thresholds::default()))
}

/// The one piece of advice of a kind.
pub(crate) fn only(kind: Kind, traffic: &Traffic) -> Advice {
    let found: Vec<_> = all(traffic).into_iter().filter(|advice| advice.kind == kind).collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

pub(crate) fn dollars(text: &str) -> Money {
    text.parse().unwrap()
}

/// Requests to a model, at what the list says that they cost.
pub(crate) fn flow(provider: &str, model: &str, requests: u64, each: Usage) -> Flow {
    let sum = |count: u64| count * requests;
    let usage = Usage {
        input: sum(each.input),
        cached_input: sum(each.cached_input),
        output: sum(each.output),
        reasoning: sum(each.reasoning),
        ..Usage::default()
    };
    let book = crate::support::book();
    let served = Served::new(provider, model, TODAY.parse().unwrap());
    let cost = book.find(&served).unwrap().cost_of(&usage, requests, each.input).unwrap().total();
    Flow {
        provider: provider.into(),
        model: model.into(),
        bands: vec![Band { requests, longest: each.input, usage, cost }],
        ..Flow::default()
    }
}

pub(crate) fn traffic(flows: Vec<Flow>) -> Traffic {
    Traffic { days: 30, flows, ..Traffic::default() }
}
