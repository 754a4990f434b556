//! Limits that four processes keep together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;

use super::clients::{Answer, Clients};
use super::provider::{INPUT, OUTPUT};
use super::replicas::{REPLICAS, Replicas};

/// A limit, the model that is under it, and what it promises.
struct Promise {
    model: &'static str,
    /// As it is configured.
    limit: String,
    /// What a replica may hold in advance.
    lease: u64,
    kind: Kind,
}

/// Amounts are counted in requests.
#[derive(Clone, Copy)]
enum Kind {
    /// So many in any window, and where it refuses not less than `full`: the estimate of a request's tokens
    /// may be a fifth more than what it takes.
    Window { limit: u64, full: u64 },
    /// So many at once, and so many a second.
    Flow { burst: u64, rate: u64 },
    /// So many at the same time.
    AtOnce { limit: u64 },
}

const WINDOW: Duration = Duration::from_secs(2);

/// What each kind of rule promises, without a lease and with one. The clients ask for four times as much,
/// where the machine lets them.
fn promises() -> Vec<Promise> {
    let token = INPUT + OUTPUT;
    let promise = |model, limit: String, lease, kind| Promise { model, limit, lease, kind };
    vec![
        promise("window", "requests: 60, window: 2s".into(), 0, Kind::Window { limit: 60, full: 60 }),
        promise("window-leased", "requests: 60, window: 2s".into(), 3, Kind::Window { limit: 60, full: 60 }),
        promise("flow", "requests: 30, window: 1s, burst: 20".into(), 0, Kind::Flow { burst: 20, rate: 30 }),
        promise(
            "flow-leased",
            "requests: 30, window: 1s, burst: 20".into(),
            3,
            Kind::Flow { burst: 20, rate: 30 },
        ),
        promise(
            "tokens",
            format!("tokens: {}, window: 2s", 60 * token),
            0,
            Kind::Window { limit: 60, full: 50 },
        ),
        promise(
            "tokens-leased",
            format!("tokens: {}, window: 2s", 60 * token),
            3,
            Kind::Window { limit: 60, full: 50 },
        ),
        promise("permits-300", "concurrent_requests: 8".into(), 0, Kind::AtOnce { limit: 8 }),
        promise("permits-leased-300", "concurrent_requests: 8".into(), 1, Kind::AtOnce { limit: 8 }),
    ]
}

impl Promise {
    fn configured(&self) -> String {
        let Self { model, limit, lease, .. } = self;
        // Of tokens, so much as a request takes.
        let lease = if limit.starts_with("tokens") { lease * (INPUT + OUTPUT) } else { *lease };
        let shared = format!("{{lease: {lease}, lease_lifetime: 500ms, on_failure: closed}}");
        format!("  {model}: {{{limit}, only: {{model: fake/{model}}}, shared: {shared}}}\n")
    }

    /// What all replicas may hold in advance.
    const fn leased(&self) -> u64 {
        self.lease * REPLICAS as u64
    }

    /// Never more than it says: of those that surely passed within a time.
    fn never_more(&self, passed: &[&Answer]) {
        for first in passed {
            let within = |time: Duration| {
                let end = first.asked + time;
                passed.iter().filter(|answer| answer.asked >= first.asked && answer.at < end).count() as u64
            };
            match self.kind {
                Kind::Window { limit, .. } => {
                    let count = within(WINDOW);
                    assert!(count <= limit + self.leased(), "{}: {count} in a window", self.model);
                }
                Kind::Flow { burst, rate } => {
                    for time in [100, 500, 1_000, 2_000, 4_000].map(Duration::from_millis) {
                        let flows = u64::try_from(u128::from(rate) * time.as_millis() / 1_000).unwrap();
                        let count = within(time);
                        assert!(
                            count <= burst + flows + self.leased(),
                            "{}: {count} in {time:?}",
                            self.model
                        );
                    }
                }
                // The provider knows.
                Kind::AtOnce { .. } => {}
            }
        }
    }

    /// Never less than it says: who was refused was so for the sake of others that may have passed, or
    /// that may have been granted it by a Redis that answered too late.
    fn never_less(&self, refused: &[&Answer], others: &[&Answer]) {
        for refusal in refused {
            // What Redis said is believed for so long; what a replica gives back comes so late.
            let began = refusal.asked.checked_sub(LATE).unwrap_or(refusal.asked);
            let counted = |since: Option<Instant>| {
                let may_count = |answer: &&&Answer| {
                    answer.asked <= refusal.at && since.is_none_or(|since| answer.at >= since)
                };
                others.iter().filter(may_count).count() as u64 + self.leased()
            };
            let enough = match self.kind {
                Kind::Window { full, .. } => counted(began.checked_sub(WINDOW * 16 / 15)) >= full,
                Kind::AtOnce { limit } => counted(Some(began)) >= limit,
                // At some time it began to fill.
                Kind::Flow { burst, rate } => others.iter().any(|first| {
                    let flowed =
                        began.saturating_duration_since(first.at).as_millis() * u128::from(rate) / 1_000;
                    u128::from(counted(Some(first.at))) >= u128::from(burst) + flowed
                }),
            };
            assert!(enough, "{}: refused below its limit", self.model);
        }
    }
}

/// The time for which a replica believes a refusal, and the most that it takes to give back what is free:
/// a beat.
const LATE: Duration = Duration::from_millis(1_100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_gateways_hold_each_limit_together() {
    let promises = promises();
    let configured: String = promises.iter().map(Promise::configured).collect();
    let Some(replicas) = Replicas::start(&configured).await else { return };
    let models: Vec<Arc<str>> =
        promises.iter().map(|promise| format!("fake/{}", promise.model).into()).collect();
    let asked = models.clone();
    // So that each gateway is asked for each model.
    let model = move |client: usize| asked[client / REPLICAS % asked.len()].clone();
    let clients = Clients::start(&replicas.addresses(), model).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let answers = clients.stop().await;

    for (promise, model) in promises.iter().zip(&models) {
        let of = |status| {
            let is = |answer: &&Answer| answer.model == *model && answer.status == status;
            answers.iter().filter(is).collect::<Vec<_>>()
        };
        let (passed, refused) = (of(StatusCode::OK), of(StatusCode::TOO_MANY_REQUESTS));
        // Redis was late, as the machine was: nothing passes then, by these rules.
        let unavailable = of(StatusCode::SERVICE_UNAVAILABLE);
        println!(
            "{}: {} passed, {} refused, {} without Redis, at most {} at the same time",
            promise.model,
            passed.len(),
            refused.len(),
            unavailable.len(),
            replicas.provider.most(promise.model)
        );
        assert!(refused.iter().all(|answer| answer.says_when));
        assert!(!refused.is_empty(), "{}: the limit was not reached", promise.model);
        assert!(!passed.is_empty(), "{}: nothing passed", promise.model);
        promise.never_more(&passed);
        promise.never_less(&refused, &[passed, unavailable].concat());
        if let Kind::AtOnce { limit } = promise.kind {
            let most = replicas.provider.most(promise.model);
            assert!(most <= limit, "{}: {most} at the same time", promise.model);
        }
        let told = [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
        let lost = answers.iter().find(|answer| answer.model == *model && !told.contains(&answer.status));
        assert!(lost.is_none(), "{lost:?}");
    }
}
