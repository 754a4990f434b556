//! Budgets that four processes keep together.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;
use tollway_core::Money;

use super::http_client::{post, send};
use super::provider::{INPUT, OUTPUT};
use super::replicas::Replicas;

/// What a request costs: a thousandth of a dollar for each token.
const COST: i64 = (INPUT + OUTPUT).cast_signed() * 1_000_000;

/// A list of prices for the provider of this test.
struct Prices(PathBuf);

impl Prices {
    fn write(name: &str) -> Self {
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("prices-{name}-{}.yaml", std::process::id()));
        let price = "prices: [{from: 2026-01-01, source: test, rates: {input: 1000, output: 1000}}]";
        let models: String =
            ["exact-20", "leased-20", "closed-20"].map(|model| format!("{model}: {{{price}}}")).join(", ");
        let list = format!(
            "as_of: 2026-11-23\nsources: {{test: a test}}\nproviders: {{fake: {{models: {{{models}}}}}}}\n"
        );
        std::fs::write(&file, list).unwrap();
        Self(file)
    }
}

impl Drop for Prices {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Asks so often at once, and gives the nano-dollars of each answer, and how often it was refused.
async fn ask(gateways: &[SocketAddr], model: &str, times: usize) -> (Vec<i64>, usize) {
    let mut asked = JoinSet::new();
    for client in 0..times {
        let gateway = gateways[client % gateways.len()];
        // What may be used is what will be used, so that what is reserved is a little more than what is spent.
        let body = json!({
            "model": format!("fake/{model}"),
            "max_tokens": OUTPUT,
            "messages": [{"role": "user", "content": "hello"}],
        });
        asked.spawn(async move {
            loop {
                let answer = send(post(gateway, "/v1/chat/completions", body.to_string())).await.unwrap();
                // A thousand at once take this machine longer than Redis is waited for.
                if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
    }
    let (mut costs, mut refused) = (Vec::new(), 0);
    while let Some(answer) = asked.join_next().await {
        let answer = answer.unwrap();
        match answer.status().as_u16() {
            200 => {
                let cost = answer.headers()["x-tollway-cost-usd"].to_str().unwrap().parse::<Money>().unwrap();
                costs.push(cost.nanos());
            }
            429 => refused += 1,
            other => panic!("{other}: {:?}", answer.body()),
        }
    }
    (costs, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_at_four_gateways_spend_what_is_there_and_no_more() {
    let prices = Prices::write("four");
    let sections = format!(
        "  none: {{requests: 1000000, window: 1s, shared: false}}
prices: {{file: '{}'}}
usage: {{enabled: false}}
budgets:
  exact: {{dollars: 2, every: day, only: {{model: fake/exact-20}}}}
  leased: {{dollars: 2, every: month, only: {{model: fake/leased-20}}, shared: {{lease: 0.1}}}}",
        prices.0.display()
    );
    let patient = [("TOLLWAY__STATE__REDIS_TIMEOUT", "1s")];
    let Some(replicas) = Replicas::start_with(&sections, &patient).await else { return };
    for model in ["exact-20", "leased-20"] {
        let mut spent = 0;
        let mut answers = 0;
        // What is settled for less than was reserved leaves room for those that come after.
        for _ in 0..2 {
            let (costs, refused) = ask(&replicas.addresses(), model, 1_000).await;
            assert_eq!(costs.len() + refused, 1_000);
            assert!(costs.iter().all(|cost| *cost == COST), "{costs:?}");
            spent += costs.iter().sum::<i64>();
            answers += costs.len();
        }
        println!(
            "{model}: {answers} answers of a budget for 100, {left} dollars left",
            left = Money::from_nanos(2_000_000_000 - spent)
        );
        assert!(spent <= 2_000_000_000, "{model}: {spent}");
        assert!(answers >= 70, "{model}: {answers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_a_closed_budget_lets_nothing_pass_and_nobody_waits() {
    let prices = Prices::write("away");
    let sections = format!(
        "  none: {{requests: 1000000, window: 1s, shared: false}}
prices: {{file: '{}'}}
usage: {{enabled: false}}
budgets: {{closed: {{dollars: 2, only: {{model: fake/closed-20}}, shared: {{on_failure: closed}}}}}}",
        prices.0.display()
    );
    let Some(mut replicas) = Replicas::start(&sections).await else { return };
    let gateways = replicas.addresses();
    let (costs, _) = ask(&gateways, "closed-20", 4).await;
    assert_eq!(costs.len(), 4);
    replicas.redis.kill();
    let began = Instant::now();
    let body = json!({"model": "fake/closed-20", "max_tokens": OUTPUT, "messages": [{"role": "user", "content": "hello"}]});
    for gateway in gateways.iter().cycle().take(40) {
        let answer = send(post(*gateway, "/v1/chat/completions", body.to_string())).await.unwrap();
        assert_eq!(answer.status().as_u16(), 503, "{:?}", answer.body());
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
