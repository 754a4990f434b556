//! What models cost, as an operator may say it.

use std::fs;

use tollway_core::Usage;
use tollway_cost::{Served, Unpriced};

use super::super::{ConfigError, Env, Prices, Settings, Source};

/// Loads settings beside a file `mine.yaml`.
fn with(name: &str, list: &str, section: &str) -> Result<Settings, ConfigError> {
    let folder = std::env::temp_dir().join(format!("tollway-prices-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("mine.yaml"), list).unwrap();
    let source =
        Source { folder: folder.clone(), ..Source::text(format!("prices: {{file: mine.yaml{section}}}")) };
    let settings = Settings::load(&source, &Env::default());
    fs::remove_dir_all(&folder).unwrap();
    settings
}

/// A list of one model of OpenAI's and one of a provider of one's own.
fn list(input: &str) -> String {
    format!(
        "as_of: 2026-11-23\nsources: {{mine: a contract}}\nproviders:\n  openai: {{models: {{gpt-4o-mini: \
         {{prices: [{{from: 2026-01-01, source: mine, rates: {{input: {input}, cached_input: 0.075, output: 0.6}}}}]}}}}}}\n  \
         rack: {{models: {{llama: {{prices: [{{from: 2026-01-01, source: mine, rates: {{input: 1, output: 2}}}}]}}}}}}\n"
    )
}

/// What a million tokens of input cost in dollars.
fn input(prices: &Prices, provider: &str, model: &str) -> Result<String, Unpriced> {
    let usage = Usage { input: 1_000_000, ..Usage::default() };
    let day = "2026-11-23".parse().unwrap();
    prices.book().price(&usage, &Served::new(provider, model, day)).map(|cost| cost.total().to_string())
}

#[test]
fn the_built_in_list_holds_where_nothing_is_said() {
    let prices = Settings::load(&Source::text(""), &Env::default()).unwrap().prices;
    assert_eq!(input(&prices, "openai", "gpt-4o-mini").as_deref(), Ok("0.15"));
    assert!(prices.check_change(&Prices::default()).is_ok());
}

#[test]
fn a_list_of_one_s_own_goes_over_it_or_takes_its_place() {
    let over = with("over", &list("0.14"), "").unwrap().prices;
    assert_eq!(input(&over, "openai", "gpt-4o-mini").as_deref(), Ok("0.14"));
    assert_eq!(input(&over, "rack", "llama").as_deref(), Ok("1.00"));
    assert_eq!(input(&over, "openai", "gpt-4o").as_deref(), Ok("2.50"));
    // What is not listed any more has no price, and nobody is billed wrong.
    let alone = with("alone", &list("0.14"), ", built_in: false").unwrap().prices;
    assert_eq!(input(&alone, "openai", "gpt-4o-mini").as_deref(), Ok("0.14"));
    assert_eq!(input(&alone, "openai", "gpt-4o"), Err(Unpriced::Model));
}

#[test]
fn a_price_that_changes_much_is_taken_when_it_is_confirmed() {
    let error = with("slip", &list("15"), "").unwrap_err().to_string();
    let expected = "openai/gpt-4o-mini: input from 0.15 to 15 on";
    assert!(error.contains("change by more than 3 times") && error.contains(expected), "{error}");
    let confirmed = with("slip", &list("15"), ", confirmed: 2026-11-23").unwrap().prices;
    assert_eq!(input(&confirmed, "openai", "gpt-4o-mini").as_deref(), Ok("15.00"));
    // Another list is not confirmed by it.
    assert!(with("slip", &list("15"), ", confirmed: 2026-11-22").is_err());
    assert!(with("slip", &list("15"), ", max_change: 101").is_ok());
    // A reload is held to what runs.
    let running = with("run", &list("0.4"), "").unwrap().prices;
    let next = with("run", &list("0.05"), ", max_change: 4").unwrap().prices;
    assert!(next.check_change(&running).is_err());
    assert!(running.check_change(&Prices::default()).is_ok());
}

#[test]
fn what_is_wrong_with_a_list_is_said() {
    for (text, section, expected) in [
        ("as_of: 2026-11-23", "", "mine.yaml: sources: missing"),
        (
            "as_of: 2026-11-23\nsources: {}\nproviders: {openai: {modles: {}}}",
            "",
            "providers.openai.modles: unknown field",
        ),
        (&list("-1"), "", "providers.openai.models.gpt-4o-mini.prices[0].rates: below zero"),
        (&list("0.15").replace("mine:", "yours:"), "", "sources"),
        (&list("0.15"), ", max_change: 1", "prices.max_change: not a factor above one"),
        (&list("0.15"), ", confirmed: today", "prices.confirmed: not a date such as 2026-12-11"),
    ] {
        let error = with("wrong", text, section).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n{expected}");
    }
    for (text, expected) in [
        ("prices: {file: none.yaml}", "prices.file: cannot be read: no such file"),
        ("prices: {built_in: false}", "prices.built_in: nothing would have a price"),
        ("usage: {drain: {stream: 11m}}", "usage.drain.stream: longer than ten minutes"),
    ] {
        let error = Settings::load(&Source::text(text), &Env::default()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
