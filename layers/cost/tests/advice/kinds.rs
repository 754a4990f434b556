use tollway_core::Usage;
use tollway_cost::Money;
use tollway_cost::advice::{
    Confidence, Figure, Flow, KeyUse, Kind, Offer, Repeats, SharedPrefix, Thresholds, Traffic, advise,
};

use crate::market::{all, dollars, flow, offers, only, traffic, with_market};

fn usage(input: u64, cached_input: u64, output: u64) -> Usage {
    Usage { input, cached_input, output, ..Usage::default() }
}

fn kinds(traffic: &Traffic) -> Vec<Kind> {
    all(traffic).into_iter().map(|advice| advice.kind).collect()
}

#[test]
fn a_newer_model_of_the_line_is_advised_at_this_traffic_s_tokens() {
    // 10,000 of 8,000 tokens (6,000 cached) and 500 of output: at 4, 0.4 and 20 dollars a million.
    let asked = traffic(vec![flow("openai", "gpt-5.6", 10_000, usage(8_000, 6_000, 500))]);
    let advice = only(Kind::CheaperModel, &asked);
    // 80 + 24 + 100 there; at 2, 0.1 and 10 it is 40 + 6 + 50. gpt-6-sol would be 40 + 12 + 50.
    assert_eq!(advice.saved, dollars("108"));
    assert_eq!(advice.a_month, dollars("108"));
    assert!(advice.evidence.contains(&("model", Figure::Name("openai/gpt-6.1-sol".to_owned()))));
    assert!(advice.evidence.contains(&("cost there", Figure::Amount(dollars("96")))));
    assert!(advice.how[1].contains(r#"aliases: { "gpt-5.6": "openai/gpt-6.1-sol" }"#), "{:?}", advice.how);
    assert!(advice.how[2].ends_with("prefill"), "{:?}", advice.how);
    assert_eq!(advice.confidence, Confidence::Likely);
}

#[test]
fn a_week_is_scaled_to_a_month_and_callers_are_added_up() {
    let one = || flow("openai", "gpt-5.6", 1_000, usage(10_000, 0, 0));
    let week = Traffic { days: 7, ..traffic(vec![one(), one()]) };
    let advice = only(Kind::CheaperModel, &week);
    assert_eq!((advice.saved, advice.a_month), (dollars("40"), dollars("171.428571428")));
}

#[test]
fn a_model_that_costs_more_for_long_requests_is_priced_as_long() {
    let saved = |longest| {
        let asked = traffic(vec![flow("anthropic", "claude-haiku-4-5", 1_000, usage(longest, 0, 100))]);
        only(Kind::CheaperModel, &asked).saved
    };
    // Up to 100,000 tokens at a tenth, above at half the price.
    assert_eq!(saved(100_000), dollars("90.45"));
    assert_eq!(saved(100_001), dollars("50.2505"));
}

#[test]
fn the_same_model_elsewhere_is_certain() {
    let asked = traffic(vec![flow("azure-openai", "text-embedding-3-small", 1_000, usage(1_000_000, 0, 0))]);
    let advice = only(Kind::CheaperModel, &asked);
    assert_eq!((advice.saved, advice.confidence), (dollars("2"), Confidence::Certain));
}

#[test]
fn what_is_not_known_to_be_as_good_is_not_advised() {
    let asked = traffic(vec![flow("openai", "gpt-5.6", 10_000, usage(8_000, 0, 500))]);
    let book = crate::support::book();
    let found = |change: &dyn Fn(&mut Offer)| {
        let mut offers = offers();
        offers.iter_mut().filter(|offer| offer.model.starts_with("gpt-6")).for_each(change);
        with_market(&offers, &book, |market| advise(&asked, market, &Thresholds::default())).len()
    };
    assert_eq!(found(&|_| {}), 1);
    assert_eq!(found(&|offer| offer.can = [].into()), 0);
    assert_eq!(found(&|offer| offer.context = None), 0);
    assert_eq!(found(&|offer| offer.output = Some(63_999)), 0);
    // Less than the old one reads, and more than enough for these; and not.
    assert_eq!(found(&|offer| offer.context = Some(16_000)), 1);
    assert_eq!(found(&|offer| offer.context = Some(15_999)), 0);
    assert_eq!(found(&|offer| offer.succeeds = None), 0);
    assert_eq!(found(&|offer| offer.retires = Some("2026-12-31".parse().unwrap())), 0);
    assert_eq!(found(&|offer| offer.succeeds = Some("gpt-6-sol".into())), 0);
    // The old model has nothing known of it: nothing can be its equal.
    let mut bare = offers();
    bare[0].can = [].into();
    assert_eq!(with_market(&bare, &book, |market| advise(&asked, market, &Thresholds::default())).len(), 0);
}

#[test]
fn a_newer_model_that_costs_more_is_not_advised() {
    assert_eq!(
        kinds(&traffic(vec![flow("mistral", "mistral-large-2512", 1_000, usage(10_000, 0, 100))])),
        []
    );
}

#[test]
fn a_tier_is_compared_with_the_same_tier() {
    let mut priority = flow("openai", "gpt-5.6", 1_000, usage(100_000, 0, 0));
    priority.tier = Some("priority".into());
    priority.bands[0].cost = dollars("800");
    assert_eq!(only(Kind::CheaperModel, &traffic(vec![priority.clone()])).saved, dollars("400"));
    priority.tier = Some("scale".into());
    assert_eq!(kinds(&traffic(vec![priority])), []);
}

#[test]
fn a_repeated_prefix_is_cached_less_what_writing_it_costs() {
    let prefix = SharedPrefix {
        provider: "anthropic".into(),
        model: "claude-haiku-4-5-20251001".into(),
        requests: 10_010,
        firsts: 10,
        repeated: 100_000_000,
        input: 12_000,
        cost: dollars("150"),
        ..SharedPrefix::default()
    };
    let asked = |prefix: SharedPrefix| Traffic { prefixes: vec![prefix], ..traffic(Vec::new()) };
    let advice = only(Kind::ProviderCache, &asked(prefix.clone()));
    // 100 million tokens at 0.1 in place of 1 dollar; ten writes of 10,000 cost a quarter more than reading.
    assert_eq!(advice.saved, dollars("89.975"));
    assert!(advice.how[1].contains("cache_control"), "{:?}", advice.how);
    // Half was read from it already, and all were written.
    let half = SharedPrefix { cached: 50_000_000, written: 100_000, ..prefix.clone() };
    assert_eq!(only(Kind::ProviderCache, &asked(half)).saved, dollars("45"));
    // Never more than the requests cost.
    let cheap = SharedPrefix { cost: dollars("20"), ..prefix.clone() };
    assert_eq!(only(Kind::ProviderCache, &asked(cheap)).saved, dollars("20"));
    for none in [
        SharedPrefix { repeated: 40_959_999, ..prefix.clone() },
        SharedPrefix { firsts: 10_010, repeated: 0, ..prefix.clone() },
        SharedPrefix { cached: 100_000_000, ..prefix.clone() },
        SharedPrefix { model: "somebody-s".into(), ..prefix.clone() },
        // Lists no price of cached input, so that it is billed in full.
        SharedPrefix { provider: "openai".into(), model: "text-embedding-3-small".into(), ..prefix },
    ] {
        assert_eq!(kinds(&asked(none.clone())), [], "{none:?}");
    }
}

#[test]
fn repeated_prompts_cost_what_a_cache_would_save() {
    let repeats = Repeats {
        provider: "openai".into(),
        model: "gpt-6-sol".into(),
        caller: Some("search".into()),
        prompts: 200,
        requests: 1_000,
        cost: dollars("31.25"),
    };
    let asked = Traffic { repeats: vec![repeats.clone()], ..traffic(Vec::new()) };
    let advice = only(Kind::OwnCache, &asked);
    assert_eq!((advice.saved, &*advice.how), (dollars("31.25"), &["cache: on".to_owned()][..]));
    assert!(advice.finding.starts_with("800 of 1000"), "{}", advice.finding);
    let once = Repeats { prompts: 1_000, ..repeats };
    assert_eq!(kinds(&Traffic { repeats: vec![once], ..traffic(Vec::new()) }), []);
}

#[test]
fn keys_are_idle_after_thirty_days() {
    let key = |used: Option<&str>| KeyUse {
        id: "key_1".into(),
        name: "old".into(),
        made: "2026-10-24".parse().unwrap(),
        known: "2026-01-01".parse().unwrap(),
        used: used.map(|day| day.parse().unwrap()),
        cost: dollars("3"),
    };
    let found = |used| all(&Traffic { keys: vec![key(used)], ..traffic(Vec::new()) });
    assert_eq!(found(Some("2026-10-25")).len(), 0);
    let idle = found(Some("2026-10-24"));
    assert_eq!((idle[0].kind, idle[0].a_month), (Kind::IdleKey, Money::ZERO));
    assert_eq!(idle[0].how, ["tollway keys revoke key_1"]);
    assert!(found(None)[0].finding.contains("never used"));
    // A key that is older than what is recorded may have been used before.
    let told = |known: &str| {
        let key = KeyUse { known: known.parse().unwrap(), ..key(None) };
        all(&Traffic { keys: vec![key], ..traffic(Vec::new()) })
    };
    assert_eq!(told("2026-10-26").len(), 0);
    let key =
        KeyUse { made: "2026-01-01".parse().unwrap(), known: "2026-10-20".parse().unwrap(), ..key(None) };
    let found = all(&Traffic { keys: vec![key], ..traffic(Vec::new()) });
    assert!(found[0].finding.contains("since uses are recorded, for 3"), "{}", found[0].finding);
}

#[test]
fn limits_far_above_what_comes_are_told_with_what_they_reserve() {
    let limited = |limit, most| Flow {
        limited: 500,
        limit,
        output_p99: Some(400),
        output_most: most,
        ..flow("openai", "gpt-6-sol", 1_000, usage(100, 0, 10))
    };
    let advice = only(Kind::LongOutputLimit, &traffic(vec![limited(16_000, 600)]));
    assert!(advice.how[0].contains("\"max_completion_tokens\": 600 "), "{:?}", advice.how);
    assert!(
        advice.evidence.contains(&("reserved for each request's output", Figure::Amount(dollars("0.16"))))
    );
    assert!(advice.evidence.contains(&("with the lower limit", Figure::Amount(dollars("0.006")))));
    assert_eq!(kinds(&traffic(vec![limited(2_300, 600)])), []);
    // One answer needed most of it.
    assert_eq!(kinds(&traffic(vec![limited(16_000, 9_000)])), []);
}

#[test]
fn models_that_go_away_are_told_with_who_follows() {
    let asked = traffic(vec![
        flow("anthropic", "claude-sonnet-4-5-20250929", 10, usage(100, 0, 10)),
        flow("openai", "gpt-5", 10, usage(100, 0, 10)),
        flow("openai", "gpt-5.4-nano", 10, usage(100, 0, 10)),
    ]);
    let found = all(&asked);
    let told: Vec<_> = found.iter().map(|advice| (&*advice.subject, &*advice.finding)).collect();
    assert_eq!(
        told,
        [
            ("claude-sonnet-4-5-20250929", "its provider takes claude-sonnet-4-5-20250929 away in 7 days"),
            ("gpt-5", "its provider takes gpt-5 away in 18 days"),
        ]
    );
    assert!(
        found[0].evidence.contains(&("successor", Figure::Name("anthropic/claude-sonnet-4-6".to_owned())))
    );
    // Nothing is known to follow it here.
    assert!(found[1].evidence.iter().all(|(name, _)| *name != "successor"));
}

/// The hours of a flow: so many requests at each hour of the day, on each of some days from a Monday on.
fn at(hours: &[(u32, u64)], days: u32) -> Vec<(u32, u64)> {
    const MONDAY: u32 = 20_759;
    let of_day = |day| hours.iter().map(move |(hour, requests)| ((MONDAY + day) * 24 + hour, *requests));
    (0..days).flat_map(of_day).collect()
}

#[test]
fn what_can_wait_costs_half() {
    let job = |hours, streamed| {
        traffic(vec![Flow {
            hours,
            streamed,
            ..flow("openai", "gpt-6-sol", 1_000, usage(100_000, 0, 1_000))
        }])
    };
    let nightly = only(Kind::Batch, &job(at(&[(2, 100)], 10), false));
    assert_eq!((nightly.saved, nightly.confidence), (dollars("105"), Confidence::WorthTrying));
    assert!(nightly.how[0].contains("\"service_tier\": \"flex\""), "{:?}", nightly.how);
    let each_noon = only(Kind::Batch, &job(at(&[(12, 95), (15, 5)], 10), false));
    assert!(each_noon.finding.contains("same hours each day"), "{}", each_noon.finding);
    // People, streams, two days, and too few.
    let all_day: Vec<_> = (8..18).map(|hour| (hour, 10)).collect();
    assert_eq!(kinds(&job(at(&all_day, 10), false)), []);
    assert_eq!(kinds(&job(at(&[(2, 100)], 10), true)), []);
    assert_eq!(kinds(&job(at(&[(2, 100)], 2), false)), []);
    assert_eq!(kinds(&job(at(&[(2, 9)], 10), false)), []);
}

#[test]
fn a_provider_without_flex_is_asked_in_batches() {
    let hours = at(&[(3, 100)], 5);
    let asked = Flow { hours, ..flow("anthropic", "claude-sonnet-4-6", 500, usage(100_000, 0, 0)) };
    let advice = only(Kind::Batch, &traffic(vec![asked]));
    assert_eq!(advice.saved, dollars("75"));
    assert!(advice.how[0].contains("/v1/messages/batches"), "{:?}", advice.how);
}

#[test]
fn what_saves_most_comes_first_and_little_is_not_told() {
    let asked = Traffic {
        keys: vec![KeyUse { made: "2026-01-01".parse().unwrap(), ..KeyUse::default() }],
        ..traffic(vec![
            flow("openai", "gpt-5.6", 100, usage(10_000, 0, 0)),
            flow("anthropic", "claude-haiku-4-5", 1_000, usage(10_000, 0, 0)),
            flow("anthropic", "claude-sonnet-4-5", 1, usage(10, 0, 0)),
            flow("azure-openai", "text-embedding-3-small", 1, usage(1_000, 0, 0)),
        ])
    };
    let found = all(&asked);
    let told: Vec<_> = found.iter().map(|advice| (advice.kind, &*advice.subject)).collect();
    assert_eq!(
        told,
        [
            (Kind::CheaperModel, "claude-haiku-4-5"),
            (Kind::CheaperModel, "gpt-5.6"),
            (Kind::RetiringModel, "claude-sonnet-4-5"),
            (Kind::IdleKey, ""),
        ]
    );
}
