//! Several rules together: all pass or nothing is counted, and what a refusal says.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tollway_core::Allowed;
use tollway_rate_limit::{
    Dimension, Dimensions, Estimate, Lease, Limiter, Measure, OnFailure, Per, Refused, Rule, RuleError,
    Settings,
};

const MINUTE: Duration = Duration::from_mins(1);

fn limiter(rules: impl IntoIterator<Item = Rule>) -> Arc<Limiter> {
    Arc::new(Limiter::new(rules, Settings::default()).unwrap())
}

fn of(key: &str) -> Dimensions {
    Dimensions::new().with(Dimension::Key, key)
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let measure = prop::sample::select(vec![
        Measure::Requests,
        Measure::InputTokens,
        Measure::TotalTokens,
        Measure::ConcurrentRequests,
        Measure::ConcurrentStreams,
    ]);
    let per = prop::collection::vec(
        prop::sample::select(vec![Dimension::Key, Dimension::User, Dimension::Model]),
        0..3,
    );
    (measure, per, 1..40u64, prop::option::of(1..40u64)).prop_map(|(measure, per, limit, burst)| {
        let rule = Rule::new("", measure, limit, MINUTE).per(Per::from_iter(per));
        burst.map_or(rule.clone(), |burst| rule.gcra(burst))
    })
}

proptest! {
    #[test]
    fn a_refusal_counts_nothing_and_is_needed(
        rules in prop::collection::vec(any_rule(), 1..12),
        requests in prop::collection::vec((0..3u8, 0..3u8, 0..2u8, 0..12u64, 0..8u64, any::<bool>()), 1..60),
    ) {
        let named = rules.into_iter().enumerate().map(|(number, rule)| Rule {
            name: format!("rule {number}").into(),
            ..rule
        });
        let limiter = limiter(named);
        let now = Instant::now();
        let mut held = Vec::new();
        for (key, user, model, input, output, stream) in requests {
            let dimensions = of(&format!("k{key}"))
                .with(Dimension::User, format!("u{user}"))
                .with(Dimension::Model, format!("m{model}"));
            let estimate = Estimate { input, output, stream };
            let standing = || -> Vec<_> {
                let standings = limiter.standings(now, &dimensions);
                standings.into_iter().map(|standing| (standing.rule, standing.used, standing.remaining)).collect()
            };
            let before = standing();
            match limiter.reserve(now, &dimensions, &estimate) {
                Ok(reservation) => {
                    for ((rule, was, left), (_, is, _)) in before.iter().zip(standing()) {
                        let taken = rule.measure.estimated(&estimate);
                        prop_assert_eq!(is - was, taken);
                        prop_assert!(taken <= *left);
                    }
                    held.push(reservation);
                }
                Err(refused) => {
                    prop_assert_eq!(&before, &standing());
                    let (rule, _, left) = before.iter().find(|(rule, ..)| rule.name == *refused.rule()).unwrap();
                    prop_assert!(rule.measure.estimated(&estimate).max(1) > *left);
                }
            }
        }
    }
}

#[test]
fn the_refusal_names_the_rule_that_takes_longest() {
    let limiter = limiter([
        Rule::new("minute", Measure::Requests, 1, MINUTE).per(Dimension::Key),
        Rule::new("hour", Measure::Requests, 1, MINUTE * 60).per(Dimension::Key),
        Rule::concurrent("at once", Measure::ConcurrentRequests, 1).per(Dimension::Key),
    ]);
    let now = Instant::now();
    let _held = limiter.reserve(now, &of("a"), &Estimate::default()).unwrap();
    let refused = limiter.reserve(now, &of("a"), &Estimate::default()).unwrap_err();
    assert_eq!(&**refused.rule(), "hour");
    assert!(refused.retry_after().unwrap() > MINUTE * 59);
    assert_eq!(refused.to_string(), "rate limit reached: hour allows 1 requests in 1h");
    assert!(limiter.reserve(now, &of("b"), &Estimate::default()).is_ok());
}

#[test]
fn what_others_do_is_not_told() {
    let limiter = limiter([
        Rule::new("all", Measure::Requests, 10, MINUTE),
        Rule::new("model", Measure::TotalTokens, 1_000, MINUTE).per(Dimension::Model),
        Rule::new("own", Measure::Requests, 50, MINUTE).per(Dimension::Key),
    ]);
    let now = Instant::now();
    let estimate = Estimate { input: 10, ..Estimate::default() };
    let with_model = |key| of(key).with(Dimension::Model, "gpt-5");
    for _ in 0..9 {
        drop(limiter.reserve(now, &with_model("a"), &estimate).unwrap());
    }
    let reservation = limiter.reserve(now, &with_model("b"), &estimate).unwrap();
    let requests = reservation.decision().quota(Measure::Requests).unwrap();
    assert_eq!((requests.limit, requests.remaining), (50, 49));
    assert_eq!(reservation.decision().tokens(), None);
    let refused = limiter.reserve(now, &with_model("b"), &estimate).unwrap_err();
    assert_eq!(refused.to_string(), "rate limit reached: all allows 10 requests in 1m");
    let requests = refused.decision().unwrap().quota(Measure::Requests).unwrap();
    assert_eq!((requests.limit, requests.remaining), (50, 49));
}

#[test]
fn a_rule_holds_for_whom_it_names_and_who_has_its_values() {
    let limiter = limiter([
        Rule::new("gpt", Measure::Requests, 1, MINUTE).only(Dimension::Model, Allowed::new(["gpt-*"])),
        Rule::new("user", Measure::Requests, 1, MINUTE).per(Dimension::User),
    ]);
    let now = Instant::now();
    let pass = |dimensions: Dimensions| limiter.reserve(now, &dimensions, &Estimate::default()).is_ok();
    let model = |model: &str| Dimensions::new().with(Dimension::Model, model);
    assert!(pass(model("gpt-5")));
    assert!(!pass(model("gpt-5-mini")));
    for _ in 0..5 {
        assert!(pass(model("claude")), "neither a gpt nor a user's");
        assert!(pass(Dimensions::new()));
    }
    assert!(pass(Dimensions::new().with(Dimension::User, "u")));
    assert!(!pass(Dimensions::new().with(Dimension::User, "u")));
}

#[test]
fn neighbours_in_an_ipv6_network_are_one_client() {
    let limiter = limiter([Rule::new("address", Measure::Requests, 1, MINUTE).per(Dimension::Address)]);
    let now = Instant::now();
    let pass = |address: &str| {
        let of = Dimensions::new().with_address(address.parse::<IpAddr>().unwrap());
        limiter.reserve(now, &of, &Estimate::default()).is_ok()
    };
    assert!(pass("2001:db8::1") && !pass("2001:db8::2") && pass("2001:db8:0:1::1"));
    assert!(pass("192.0.2.1") && !pass("::ffff:192.0.2.1") && pass("192.0.2.2"));
}

#[test]
fn streams_alone_are_under_their_rule() {
    let limiter = limiter([Rule::concurrent("streams", Measure::ConcurrentStreams, 1)]);
    let now = Instant::now();
    let reserve =
        |stream| limiter.reserve(now, &Dimensions::new(), &Estimate { stream, ..Estimate::default() });
    let held = reserve(true).unwrap();
    assert!(matches!(reserve(true), Err(Refused::Limited { .. })));
    assert!(reserve(false).is_ok());
    drop(held);
    assert!(reserve(true).is_ok());
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    let build = |rules: Vec<Rule>| Limiter::new(rules, Settings::default()).map(|_| ());
    let rule = Rule::new("a", Measure::Requests, 1, MINUTE);
    let lease = Lease { amount: 2, lifetime: MINUTE };
    assert_eq!(build(vec![rule.clone(), rule.clone()]), Err(RuleError::Twice("a".into())));
    assert_eq!(
        build(vec![rule.clone().shared(Lease::NONE, OnFailure::Local)]),
        Err(RuleError::NoStore("a".into()))
    );
    for wrong in [
        Rule::new("", Measure::Requests, 1, MINUTE),
        Rule::new("a", Measure::Requests, 1, Duration::ZERO),
        rule.clone().gcra(0),
        Rule::new("a", Measure::Requests, 0, MINUTE).gcra(1),
        Rule::new("a", Measure::Requests, u64::MAX, MINUTE).gcra(1),
        Rule::new("a", Measure::Requests, 1, MINUTE * 60 * 24).gcra(u64::MAX),
        rule.shared(lease, OnFailure::Local),
    ] {
        let error = build(vec![wrong.clone()]).unwrap_err();
        assert!(matches!(error, RuleError::Field { .. }), "{wrong:?}: {error}");
    }
    // Nothing at all is a limit, too.
    assert!(build(vec![Rule::new("a", Measure::Requests, 0, MINUTE)]).is_ok());
}

#[test]
fn a_rule_may_hold_for_some_networks_only() {
    let rule = Rule::new("some", Measure::Requests, 0, MINUTE);
    let limiter = limiter([rule.only(Dimension::Address, Allowed::new(["192.0.2.*", "2001:db8:*"]))]);
    let pass = |address: &str| {
        let of = Dimensions::new().with_address(address.parse::<IpAddr>().unwrap());
        limiter.reserve(Instant::now(), &of, &Estimate::default()).is_ok()
    };
    assert!(!pass("192.0.2.7") && !pass("2001:db8::7") && pass("198.51.100.7") && pass("::1"));
}
