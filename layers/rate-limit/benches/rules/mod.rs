//! Rules and callers as a gateway has them.
#![expect(unreachable_pub, reason = "a module of several benches")]

use std::time::Duration;

use tollway_rate_limit::{Dimension, Dimensions, Measure, Per, Rule};

/// Up to ten rules that nobody reaches: of every measure and kind, per key, user, team, model, address,
/// and of all together.
pub fn rules(count: usize) -> Vec<Rule> {
    let minute = Duration::from_mins(1);
    let much = 1 << 30;
    let rules = [
        Rule::new("key requests", Measure::Requests, much, minute).per(Dimension::Key),
        Rule::new("key tokens", Measure::TotalTokens, much, minute).per(Dimension::Key).gcra(much),
        Rule::new("all requests", Measure::Requests, much, minute),
        Rule::new("key input", Measure::InputTokens, much, minute).per(Dimension::Key),
        Rule::new("user output", Measure::OutputTokens, much, minute * 60).per(Dimension::User),
        Rule::new("team tokens", Measure::TotalTokens, much, minute * 1440).per(Dimension::Team),
        Rule::new("model of key", Measure::Requests, much, minute)
            .per(Per::from_iter([Dimension::Key, Dimension::Model]))
            .gcra(much),
        Rule::concurrent("key at once", Measure::ConcurrentRequests, much).per(Dimension::Key),
        Rule::concurrent("streams", Measure::ConcurrentStreams, much).per(Dimension::Team),
        Rule::new("address", Measure::Requests, much, minute).per(Dimension::Address),
    ];
    rules.into_iter().take(count).collect()
}

/// One of many callers.
pub fn caller(number: u32) -> Dimensions {
    Dimensions::new()
        .with(Dimension::Key, format!("key_{number:016x}"))
        .with(Dimension::User, format!("user-{number}@example.com"))
        .with(Dimension::Team, format!("team-{}", number % 100))
        .with(Dimension::Model, "gpt-5-mini")
        .with_address(std::net::Ipv4Addr::from_bits(number).into())
}
