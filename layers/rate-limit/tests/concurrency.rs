//! Many at once, on real threads: what is counted in the end is the truth.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tollway_rate_limit::{
    Actual, Dimension, Dimensions, Estimate, Limiter, Measure, Per, Refused, Reservation, Rule, Settings,
};

const MINUTE: Duration = Duration::from_mins(1);
const KEYS: u64 = 7;

fn rules() -> Vec<Rule> {
    let key = Dimension::Key;
    vec![
        Rule::new("requests", Measure::Requests, 1_200, MINUTE).per(key),
        Rule::new("input", Measure::InputTokens, 10_000_000, MINUTE).per(key),
        Rule::new("output", Measure::OutputTokens, 10_000_000, MINUTE).per(key).gcra(10_000_000),
        Rule::new("total", Measure::TotalTokens, 4_000_000, MINUTE)
            .per(Per::from_iter([key, Dimension::Model])),
        Rule::new("all", Measure::Requests, 8_000, MINUTE),
        Rule::new("all even", Measure::TotalTokens, 50_000_000, MINUTE).gcra(50_000_000),
        Rule::concurrent("at once", Measure::ConcurrentRequests, 90).per(key),
        Rule::concurrent("streams", Measure::ConcurrentStreams, 30),
    ]
}

/// What should be counted, by key.
#[derive(Default)]
struct Truth {
    requests: AtomicU64,
    input: AtomicU64,
    output: AtomicU64,
}

impl Truth {
    fn add(&self, actual: Actual) {
        self.requests.fetch_add(actual.requests, Ordering::Relaxed);
        self.input.fetch_add(actual.input, Ordering::Relaxed);
        self.output.fetch_add(actual.output, Ordering::Relaxed);
    }
}

/// One request and its end, of one of seven kinds.
async fn request(number: u64, limiter: &Arc<Limiter>, now: Instant, truth: &[Truth]) -> Result<(), Refused> {
    let key = number % KEYS;
    let dimensions =
        Dimensions::new().with(Dimension::Key, format!("key-{key}")).with(Dimension::Model, "gpt-5");
    let (input, output) = (number * 7919 % 1_500, number * 104_729 % 900);
    let estimate = Estimate { input, output, stream: number.is_multiple_of(3) };
    let mut reservation: Reservation = limiter.reserve(now, &dimensions, &estimate)?;
    if number.is_multiple_of(2) {
        tokio::task::yield_now().await;
    }
    let (kind, actual) = match number / KEYS % 7 {
        // Completed, with less or more than estimated.
        0 => ("settled", Actual::tokens(input / 2, output * 2)),
        1 => ("settled", Actual::tokens(input + 11, output / 3)),
        // Failed after the input was read; failed before anything; a hit, which takes no tokens.
        2 => ("settled", Actual::tokens(input, 0)),
        3 => ("settled", Actual::NOTHING),
        4 => ("settled", Actual::tokens(0, 0)),
        // Cancelled when something was known, and when nothing was.
        5 => ("noted", Actual::tokens(input, output / 5)),
        _ => ("dropped", Actual::tokens(input, output)),
    };
    match kind {
        "settled" => reservation.settle(now, actual),
        "noted" => reservation.note(now, actual),
        _ => drop(reservation),
    }
    truth[usize::try_from(key).unwrap()].add(actual);
    Ok(())
}

fn check(limiter: &Arc<Limiter>, now: Instant, truth: &[Truth]) {
    let mut all = [0; 2];
    for (key, of_key) in truth.iter().enumerate() {
        let dimensions =
            Dimensions::new().with(Dimension::Key, format!("key-{key}")).with(Dimension::Model, "gpt-5");
        let used = |rule: &str| {
            let standings = limiter.standings(now, &dimensions);
            standings.into_iter().find(|standing| &*standing.rule.name == rule).unwrap().used
        };
        let [requests, input, output] =
            [&of_key.requests, &of_key.input, &of_key.output].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(used("requests"), requests);
        assert_eq!(used("input"), input);
        assert_eq!(used("output"), output);
        assert_eq!(used("total"), input + output);
        assert_eq!(used("at once"), 0);
        assert_eq!(used("streams"), 0);
        all[0] += requests;
        all[1] += input + output;
        if key + 1 == truth.len() {
            assert_eq!([used("all"), used("all even")], all);
        }
    }
}

#[test]
fn ten_thousand_mixed_outcomes_on_threads_end_with_the_truth() {
    let limiter = Arc::new(Limiter::new(rules(), Settings::default()).unwrap());
    let now = Instant::now();
    let truth: Vec<Truth> = (0..KEYS).map(|_| Truth::default()).collect();
    let refused = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (limiter, truth, refused) = (&limiter, &truth, &refused);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                for number in (thread..10_000).step_by(8) {
                    if runtime.block_on(request(number, limiter, now, truth)).is_err() {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let refused = refused.into_inner();
    assert!((1..9_000).contains(&refused), "some must pass and some must not: {refused}");
    check(&limiter, now, &truth);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_mixed_outcomes_in_tasks_end_with_the_truth() {
    let limiter = Arc::new(Limiter::new(rules(), Settings::default()).unwrap());
    let now = Instant::now();
    let truth: Arc<Vec<Truth>> = Arc::new((0..KEYS).map(|_| Truth::default()).collect());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..10_000 {
        let (limiter, truth) = (limiter.clone(), truth.clone());
        tasks.spawn(async move { request(number, &limiter, now, &truth).await.is_err() });
    }
    let refused = tasks.join_all().await.into_iter().filter(|refused| *refused).count();
    assert!((1..9_000).contains(&refused), "some must pass and some must not: {refused}");
    check(&limiter, now, &truth);
}

#[test]
fn on_threads_exactly_the_limit_passes() {
    let rules = [
        Rule::new("each", Measure::Requests, 300, MINUTE).per(Dimension::Key),
        Rule::new("all", Measure::Requests, 1_000, MINUTE),
    ];
    let limiter = Arc::new(Limiter::new(rules, Settings::default()).unwrap());
    let now = Instant::now();
    let passed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for number in 0..1_000 {
                    let of = Dimensions::new().with(Dimension::Key, format!("key-{}", number % 5));
                    if limiter.reserve(now, &of, &Estimate::default()).is_ok() {
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    // Nobody was refused for the sake of a request that was refused itself.
    assert_eq!(passed.into_inner(), 1_000);
}
