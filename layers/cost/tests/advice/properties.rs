use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use tollway_core::Usage;
use tollway_cost::advice::{
    Advice, Band, Flow, KeyUse, Kind, Repeats, SharedPrefix, Thresholds, Traffic, advise,
};
use tollway_cost::{Money, PriceBook};

use crate::market::{offers, with_market};

/// Models of the market, one without an offer, and one that nobody knows.
const MODELS: [(&str, &str); 7] = [
    ("openai", "gpt-5.6"),
    ("openai", "gpt-5"),
    ("anthropic", "claude-haiku-4-5-20251001"),
    ("anthropic", "claude-sonnet-4-5"),
    ("azure-openai", "text-embedding-3-small"),
    ("mistral", "mistral-large-2512"),
    ("nobody", "nothing"),
];

fn model() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(&MODELS[..])
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0_u64..1_000_000, 1 => Just(0), 1 => any::<u64>()]
}

fn amount() -> impl Strategy<Value = Money> {
    prop_oneof![4 => 0_i64..10_000_000_000_000, 1 => any::<i64>()].prop_map(Money::from_nanos)
}

fn band() -> impl Strategy<Value = Band> {
    (count(), count(), count(), count(), count(), amount()).prop_map(
        |(requests, longest, input, cached_input, output, cost)| {
            let usage = Usage { input, cached_input: cached_input.min(input), output, ..Usage::default() };
            Band { requests, longest, usage, cost }
        },
    )
}

fn flow() -> impl Strategy<Value = Flow> {
    let tier = option::of(prop::sample::select(&["flex", "priority", "odd"][..]));
    let numbers = (count(), count(), count(), count());
    (model(), tier, any::<bool>(), vec(band(), 0..3), numbers, vec((0_u32..100_000, count()), 0..6)).prop_map(
        |((provider, model), tier, streamed, bands, (limited, limit, output_p99, output_most), hours)| Flow {
            provider: provider.into(),
            model: model.into(),
            tier: tier.map(Into::into),
            caller: None,
            streamed,
            bands,
            limited,
            limit,
            output_p99: Some(output_p99),
            output_most,
            hours,
        },
    )
}

fn prefix() -> impl Strategy<Value = SharedPrefix> {
    (model(), (count(), count(), count(), count()), (count(), count()), amount()).prop_map(
        |((provider, model), (requests, firsts, repeated, input), (cached, written), cost)| SharedPrefix {
            provider: provider.into(),
            model: model.into(),
            tier: None,
            requests,
            firsts,
            repeated,
            input,
            cached,
            written,
            cost,
        },
    )
}

fn repeats() -> impl Strategy<Value = Repeats> {
    (model(), count(), count(), amount()).prop_map(|((provider, model), prompts, requests, cost)| Repeats {
        provider: provider.into(),
        model: model.into(),
        caller: None,
        prompts,
        requests,
        cost,
    })
}

fn traffic() -> impl Strategy<Value = Traffic> {
    (0_u32..100, vec(flow(), 0..5), vec(prefix(), 0..3), vec(repeats(), 0..3)).prop_map(
        |(days, flows, prefixes, repeats)| Traffic {
            days,
            flows,
            prefixes,
            repeats,
            keys: vec![KeyUse::default()],
        },
    )
}

/// What the traffic cost that a piece of advice is about.
fn spent(advice: &Advice, traffic: &Traffic) -> Money {
    let positive = |cost: Money| cost.max(Money::ZERO);
    match advice.kind {
        Kind::ProviderCache => traffic.prefixes.iter().map(|prefix| positive(prefix.cost)).sum(),
        Kind::OwnCache => traffic.repeats.iter().map(|repeats| positive(repeats.cost)).sum(),
        _ => {
            let flows = traffic.flows.iter().filter(|flow| *flow.model == *advice.subject);
            flows.flat_map(|flow| &flow.bands).map(|band| positive(band.cost)).sum()
        }
    }
}

thread_local! {
    static BOOK: PriceBook = crate::support::book();
}

proptest! {
    #[test]
    fn no_amount_is_below_zero_or_above_what_was_spent(traffic in traffic()) {
        let offers = offers();
        let told = BOOK.with(|book| {
            with_market(&offers, book, |market| advise(&traffic, market, &Thresholds::default()))
        });
        for advice in &told {
            prop_assert!(advice.saved >= Money::ZERO && advice.a_month >= Money::ZERO, "{advice:?}");
            prop_assert!(advice.saved <= spent(advice, &traffic), "{advice:?}");
            prop_assert!(!advice.how.is_empty() && !advice.evidence.is_empty(), "{advice:?}");
            if traffic.days >= 30 {
                prop_assert!(advice.a_month <= advice.saved, "{advice:?}");
            }
        }
        prop_assert!(told.is_sorted_by(|a, b| a.a_month >= b.a_month));
    }
}
