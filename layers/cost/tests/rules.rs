//! Each rule of billing, pinned on the gateway's own list.
#![expect(clippy::unwrap_used, reason = "a test")]

#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod support;

use tollway_core::Usage;
use tollway_cost::{Class, Cost, Day, Money, PriceBook, PriceFile, Served, Unpriced};

fn served<'a>(provider: &'a str, model: &'a str) -> Served<'a> {
    Served::new(provider, model, "2026-11-23".parse().unwrap())
}

fn price(usage: Usage, served: Served<'_>) -> Cost {
    support::book().price(&usage, &served).unwrap()
}

fn dollars(text: &str) -> Money {
    text.parse().unwrap()
}

#[test]
fn long_requests_pay_more_for_all_their_tokens_and_only_above_the_threshold() {
    let sol = served("openai", "gpt-6-sol");
    let usage = |input| Usage { input, cached_input: 100_000, output: 1_000, ..Usage::default() };
    // 172,000 at 2, 100,000 at 0.2, 1,000 at 10.
    assert_eq!(price(usage(272_000), sol).total(), dollars("0.374"));
    // 172,001 at 4, 100,000 at 0.4, 1,000 at 15.
    assert_eq!(price(usage(272_001), sol).total(), dollars("0.743004"));
    let haiku = served("anthropic", "claude-haiku-5-5");
    let written = Usage { input: 100_001, cache_write_1h: 100_000, ..Usage::default() };
    // The hour's writes are long as well: 100,000 at 1, one at 0.5.
    assert_eq!(price(written, haiku).total(), dollars("0.1000005"));
}

#[test]
fn the_tier_that_was_served_is_billed() {
    let usage = Usage { input: 1_000_000, cached_input: 500_000, output: 100_000, ..Usage::default() };
    let at = |tier| price(usage, Served { tier, ..served("openai", "gpt-5") }).total();
    assert_eq!(at(None), dollars("1.6875"));
    assert_eq!(at(Some("default")), at(None));
    assert_eq!(at(Some("flex")), dollars("0.84375"));
    assert_eq!(at(Some("priority")), dollars("3.375"));
    let book = support::book();
    let tier = |tier| book.price(&usage, &Served { tier: Some(tier), ..served("openai", "gpt-5") });
    assert_eq!(tier("scale"), Err(Unpriced::Tier));
    assert_eq!(tier("ultrafast"), Err(Unpriced::Tier));
    // Known for short requests only: no guess at what a long one costs.
    let long = Usage { input: 300_000, ..Usage::default() };
    let priority = Served { tier: Some("priority"), ..served("openai", "gpt-5.5") };
    assert_eq!(book.price(&long, &priority), Err(Unpriced::Tier));
}

#[test]
fn cache_tokens_of_anthropic_are_billed_once() {
    // `input_tokens: 10, cache_read: 1000, cache_creation: 500 (200 for an hour)` as core has it.
    let usage = Usage {
        input: 1_510,
        cached_input: 1_000,
        cache_write_5m: 300,
        cache_write_1h: 200,
        output: 100,
        ..Usage::default()
    };
    let cost = price(usage, served("anthropic", "claude-haiku-4-5"));
    assert_eq!(cost.of(Class::Input), dollars("0.00001"));
    assert_eq!(cost.of(Class::CachedInput), dollars("0.0001"));
    assert_eq!(cost.of(Class::CacheWrite5m), dollars("0.000375"));
    assert_eq!(cost.of(Class::CacheWrite1h), dollars("0.0004"));
    assert_eq!(cost.of(Class::Output), dollars("0.0005"));
    assert_eq!(cost.total(), dollars("0.001385"));
}

#[test]
fn who_lists_no_cache_price_bills_cached_tokens_as_input() {
    let usage = Usage { input: 1_000, cached_input: 900, cache_write_5m: 50, ..Usage::default() };
    let qwen = price(usage, served("groq", "qwen/qwen3.8-27b"));
    assert_eq!(
        qwen.total(),
        price(Usage { input: 1_000, ..Usage::default() }, served("groq", "qwen/qwen3.8-27b")).total()
    );
}

#[test]
fn reasoning_is_in_the_output_and_billed_once() {
    let usage = Usage { output: 1_000, reasoning: 900, ..Usage::default() };
    let cost = price(usage, served("gemini", "gemini-2.5-pro"));
    assert_eq!((cost.of(Class::Output), cost.of(Class::Reasoning)), (dollars("0.001"), dollars("0.009")));
    assert_eq!(cost.total(), dollars("0.01"));
}

#[test]
fn regions_and_speeds_multiply_all_but_fees() {
    let usage = Usage { input: 1_000, output: 1_000, web_searches: 2, ..Usage::default() };
    let opus = served("anthropic", "claude-opus-5-5");
    assert_eq!(price(usage, opus).total(), dollars("0.044"));
    let fast = Served { speed: Some("fast"), ..opus };
    assert_eq!(price(usage, fast).total(), dollars("0.068"));
    assert_eq!(price(usage, Served { region: Some("us"), ..fast }).total(), dollars("0.0728"));
    assert_eq!(price(usage, Served { region: Some("global"), ..opus }).total(), dollars("0.044"));
    let warp = Served { speed: Some("warp"), ..opus };
    assert_eq!(support::book().price(&usage, &warp), Err(Unpriced::Speed));
}

#[test]
fn audio_is_billed_apart_by_tokens_and_by_length() {
    let usage = Usage { input: 1_000, input_audio: 600, cached_input: 100, ..Usage::default() };
    let flash = served("gemini", "gemini-2.5-flash");
    assert_eq!(price(usage, flash).total(), dollars("0.000693"));
    // More audio than is fresh was read from the cache, at the cache's price for audio.
    let cached = Usage { input_audio: 950, ..usage };
    assert_eq!(price(cached, flash).of(Class::CachedInputAudio), dollars("0.000005"));
    assert_eq!(price(cached, flash).total(), dollars("0.0009065"));
    // As told: of 140 tokens of audio 40 were cached, and of 400 that are fresh 300 are no audio.
    let told = Usage { input: 500, input_audio: 140, cached_input: 100, cached_input_audio: 40, ..usage };
    let cost = price(told, flash);
    assert_eq!((cost.of(Class::InputAudio), cost.of(Class::Input)), (dollars("0.0001"), dollars("0.00009")));
    assert_eq!(cost.of(Class::CachedInputAudio), dollars("0.000004"));
    assert_eq!(cost.of(Class::CachedInput), dollars("0.0000018"));
    let minute = Usage { input_audio_ms: 60_500, ..Usage::default() };
    assert_eq!(price(minute, served("openai", "whisper-1")).total(), dollars("0.00605"));
    // What there is no price for is no price of nothing.
    let text = Usage { output: 1, ..minute };
    let book = support::book();
    assert_eq!(book.price(&text, &served("openai", "whisper-1")), Err(Unpriced::Class(Class::Output)));
    let searched = Usage { web_searches: 1, ..Usage::default() };
    let none = book.price(&searched, &served("mistral", "mistral-large-4"));
    assert_eq!(none, Err(Unpriced::Class(Class::Search)));
}

#[test]
fn a_price_holds_from_its_day_to_the_next_one_s() {
    let usage = Usage { input: 1_000_000, ..Usage::default() };
    let book = support::book();
    let on = |day: &str| {
        let served = Served { day: day.parse().unwrap(), ..served("gemini", "gemini-3.6-flash") };
        book.price(&usage, &served).map(|cost| cost.total())
    };
    assert_eq!(on("2026-12-31"), Ok(dollars("0.75")));
    assert_eq!(on("2027-01-01"), Ok(dollars("1.5")));
    assert_eq!(on("2020-01-01"), Err(Unpriced::Day));
}

#[test]
fn fees_for_each_request_are_billed_for_an_empty_one() {
    let text = "
as_of: 2026-01-01
sources: { mine: a contract }
providers:
  own:
    models:
      m:
        prices:
          - from: 2026-01-01
            source: mine
            rates: { input: 0.000001, request: 0.005 }
            tiers: { batch: { input: 0.0000005 } }
";
    let book = PriceBook::try_from(serde_saphyr::from_str::<PriceFile>(text).unwrap()).unwrap();
    let served = Served::new("own", "m", Day::new(2026, 1, 1).unwrap());
    assert_eq!(book.price(&Usage::default(), &served).unwrap().total(), dollars("0.005"));
    let batch = Served { tier: Some("batch"), ..served };
    // 1,001 tokens cost half a nano-dollar and a bit: up. 999 a bit less: down.
    let of = |input| book.price(&Usage { input, ..Usage::default() }, &batch).unwrap().total();
    assert_eq!(
        (of(999), of(1_000), of(1_001)),
        (dollars("0.005"), dollars("0.005000001"), dollars("0.005000001"))
    );
}

#[test]
fn many_requests_are_priced_together_at_the_price_of_the_longest() {
    let book = support::book();
    let sol = book.find(&served("openai", "gpt-6-sol")).unwrap();
    let each = Usage { input: 100_000, output: 1_000, web_searches: 1, ..Usage::default() };
    let all = Usage { input: 1_000_000, output: 10_000, web_searches: 10, ..Usage::default() };
    assert_eq!(sol.cost_of(&each, 1, each.input), sol.cost(&each));
    // Ten of them are not one of a million tokens.
    assert_eq!(sol.cost_of(&all, 10, 100_000).unwrap().total(), dollars("2.2"));
    assert_eq!(sol.cost_of(&all, 10, 272_001).unwrap().total(), dollars("4.25"));
    // A fee for each request that searched is paid once for each, and for no more than searches.
    let pro = book.find(&served("gemini", "gemini-2.5-pro")).unwrap();
    let searching = |requests, web_searches| {
        let usage = Usage { web_searches, ..Usage::default() };
        pro.cost_of(&usage, requests, 0).unwrap().total()
    };
    assert_eq!((searching(3, 2), searching(2, 5)), (dollars("0.07"), dollars("0.07")));
}

#[test]
fn the_thresholds_of_a_list_are_told() {
    let thresholds: Vec<_> = support::book().thresholds().into_iter().collect();
    assert_eq!(thresholds, [100_000, 128_000, 200_000, 272_000]);
}

#[test]
fn where_a_price_is_from_is_told_in_words() {
    let book = support::book();
    let source = book.find(&served("openai", "gpt-6-sol")).unwrap().source().to_owned();
    assert!(book.source(&source).unwrap().contains("litellm 1.109.1"));
    assert_eq!(book.source("hearsay"), None);
}
