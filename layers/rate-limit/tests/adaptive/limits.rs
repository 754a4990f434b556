//! The limits that a provider tells, obeyed before it refuses.

use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use tollway_rate_limit::Estimate;
use tollway_rate_limit::adaptive::{Arrival, Demand, Gate, Poll, Refused, Settings, Signal, Told};

use super::simulated::{Limit, Load, World, upstream};

const MINUTE: Duration = Duration::from_mins(1);

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_provider_of_100_a_minute_never_refuses_after_its_first_answer(
        is_even: bool,
        rate in 1.0..20.0_f64,
        most in 20..300_u64,
        seed: u64,
    ) {
        let mut upstream = upstream(1_000);
        upstream.limit = Some(Limit { most, window: MINUTE, is_even });
        let mut world = World::new(Settings::default(), upstream, &[Load::new(rate, 300)], seed);
        world.run();
        let rejected = world.fates.iter().filter(|fate| fate.rejected.is_some()).count();
        prop_assert_eq!(rejected, 0);
        // What it allows is used where it is asked for.
        let sent = world.fates.iter().filter(|fate| fate.sent.is_some()).count() as f64;
        let allowed = most as f64 * 5.0;
        prop_assert!(sent >= 0.9 * allowed.min(world.fates.len() as f64), "{sent} of {allowed}");
        // Who is sent away is told when to come again.
        for fate in &world.fates {
            if let Some(refused) = fate.refused {
                prop_assert!(refused.retry_after() > Duration::ZERO && refused.retry_after() <= MINUTE);
            }
        }
    }
}

fn told(headers: &[(&'static str, &str)]) -> Told {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    Told::read(&headers, SystemTime::now())
}

fn of_tokens(input: u64) -> Demand {
    Demand::new("m").estimate(Estimate { input, output: 0, stream: false })
}

/// Sends a request whose answer says something.
fn ask(gate: &mut Gate, now: Instant, demand: &Demand, told: &Told, signal: Signal) {
    let Arrival::Enter(pass) = gate.arrive(now, demand) else { panic!("may not pass") };
    gate.head(now, &pass, told, signal);
    gate.leave(now, pass);
}

#[test]
fn tokens_are_counted_by_estimate_until_the_next_answer() {
    let now = Instant::now();
    let mut gate = Gate::new(Settings::default(), now);
    let answer = told(&[
        ("x-ratelimit-limit-tokens", "60000"),
        ("x-ratelimit-remaining-tokens", "1000"),
        ("x-ratelimit-reset-tokens", "59s"),
    ]);
    ask(&mut gate, now, &of_tokens(100), &answer, Signal::Fine);
    ask(&mut gate, now, &of_tokens(800), &Told::default(), Signal::Fine);
    // 200 are left, and there are 1,000 more each second.
    let Arrival::Wait(large) = gate.arrive(now, &of_tokens(2_200)) else { panic!("is too much") };
    let Poll::Wait(at) = gate.poll(now, large, None) else { panic!("is too much") };
    assert!((at - now).abs_diff(Duration::from_secs(2)) < Duration::from_millis(50), "{:?}", at - now);
    // The large one is not passed by small ones, or it would wait for ever.
    let Arrival::Wait(small) = gate.arrive(now, &of_tokens(10)) else { panic!("passes by") };
    assert!(matches!(gate.poll(at, large, None), Poll::Enter(_)));
    let Poll::Wait(next) = gate.poll(at, small, None) else { panic!("nothing is left") };
    assert!(matches!(gate.poll(next, small, None), Poll::Enter(_)));
    // What takes longer than anybody may wait is refused at once, with the time.
    let Arrival::Refuse(refused) = gate.arrive(next, &of_tokens(30_000)) else { panic!("is too much") };
    let Refused::Exhausted { retry_after } = refused else { panic!("{refused:?}") };
    assert!(retry_after.abs_diff(Duration::from_secs(30)) < Duration::from_millis(50), "{retry_after:?}");
    // More than there ever is waits for all there is.
    let Arrival::Refuse(refused) = gate.arrive(next, &of_tokens(1_000_000)) else { panic!("is too much") };
    assert!(refused.retry_after().abs_diff(MINUTE) < Duration::from_millis(50));
}

#[test]
fn answers_that_come_in_another_order_do_not_undo_what_is_known() {
    let now = Instant::now();
    let mut gate = Gate::new(Settings::default(), now);
    let left = |left: &str| {
        told(&[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", left),
            ("anthropic-ratelimit-requests-reset", "2035-01-01T00:00:30Z"),
            ("date", "Mon, 01 Jan 2035 00:00:00 GMT"),
        ])
    };
    let enter = |gate: &mut Gate| match gate.arrive(now, &of_tokens(1)) {
        Arrival::Enter(pass) => pass,
        other => panic!("{other:?}"),
    };
    let (first, second, third) = (enter(&mut gate), enter(&mut gate), enter(&mut gate));
    gate.head(now, &second, &left("1"), Signal::Fine);
    gate.head(now, &first, &left("2"), Signal::Fine);
    // One was left after the second, and the third took it.
    let standing = gate.snapshot(now).models[0].limits[0];
    assert_eq!((standing.limit, standing.remaining), (Some(50), 0));
    assert!(matches!(gate.arrive(now, &of_tokens(1)), Arrival::Refuse(Refused::Exhausted { .. })));
    for pass in [first, second, third] {
        gate.leave(now, pass);
    }
}

#[test]
fn who_is_told_to_come_again_later_does_and_no_sooner() {
    let now = Instant::now();
    let mut gate = Gate::new(Settings::default(), now);
    ask(&mut gate, now, &of_tokens(1), &told(&[("retry-after", "2")]), Signal::Overloaded);
    let Arrival::Wait(ticket) = gate.arrive(now, &of_tokens(1)) else { panic!("is held") };
    let Poll::Wait(at) = gate.poll(now, ticket, None) else { panic!("is held") };
    assert_eq!(at - now, Duration::from_secs(2));
    // Other models are not meant.
    assert!(matches!(gate.arrive(now, &Demand::new("other")), Arrival::Enter(_)));
    assert!(matches!(gate.poll(at - Duration::from_millis(1), ticket, None), Poll::Wait(_)));
    assert!(matches!(gate.poll(at, ticket, None), Poll::Enter(_)));
}

#[test]
fn nobody_is_believed_for_ever() {
    let now = Instant::now();
    let mut gate = Gate::new(Settings { longest_hold: MINUTE, ..Settings::default() }, now);
    let gone = told(&[
        ("x-ratelimit-limit-requests", "200"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "24h0m0s"),
        ("retry-after", "86400"),
    ]);
    ask(&mut gate, now, &of_tokens(1), &gone, Signal::Overloaded);
    let Arrival::Refuse(refused) = gate.arrive(now, &of_tokens(1)) else { panic!("nothing is left") };
    assert_eq!(refused.retry_after(), MINUTE);
    // One tries, and the others wait for what comes of it.
    let later = now + MINUTE;
    let Arrival::Enter(pass) = gate.arrive(later, &of_tokens(1)) else { panic!("nobody tries") };
    assert!(matches!(gate.arrive(later, &of_tokens(1)), Arrival::Refuse(Refused::Exhausted { .. })));
    let plenty = told(&[
        ("x-ratelimit-limit-requests", "5000"),
        ("x-ratelimit-remaining-requests", "4999"),
        ("x-ratelimit-reset-requests", "12ms"),
    ]);
    gate.head(later, &pass, &plenty, Signal::Fine);
    assert!(matches!(gate.arrive(later, &of_tokens(1)), Arrival::Enter(_)));
    gate.leave(later, pass);
}

#[test]
fn models_have_their_own_limits_and_not_more_than_some_are_known() {
    let now = Instant::now();
    let mut gate = Gate::new(Settings { max_models: 2, ..Settings::default() }, now);
    let gone = told(&[
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "60s"),
    ]);
    let mut passes = Vec::new();
    for model in ["a", "b"] {
        let Arrival::Enter(pass) = gate.arrive(now, &Demand::new(model)) else { panic!("may pass") };
        gate.head(now, &pass, &gone, Signal::Fine);
        passes.push(pass);
    }
    assert!(matches!(gate.arrive(now, &Demand::new("a")), Arrival::Wait(_)));
    // These are one, of which nothing is known.
    for model in ["c", "d"] {
        let Arrival::Enter(pass) = gate.arrive(now, &Demand::new(model)) else { panic!("may pass") };
        passes.push(pass);
    }
    let names: Vec<_> = gate.snapshot(now).models.iter().map(|model| model.model.to_string()).collect();
    assert_eq!(names, ["a", "b"]);
    for pass in passes {
        gate.leave(now, pass);
    }
    // A place that is not used is given to another.
    let Arrival::Enter(pass) = gate.arrive(now, &Demand::new("e")) else { panic!("may pass") };
    let names: Vec<_> = gate.snapshot(now).models.iter().map(|model| model.model.to_string()).collect();
    assert_eq!(names, ["a", "e"]);
    gate.leave(now, pass);
}
