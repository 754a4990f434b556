use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tollway_rate_limit::{Limiter, OnFailure, Refused, Settings};

use super::server::Server;
use super::{MINUTE, replica, requests, reserve, send, until};

/// Sixty-four tasks that decide all the time, and one that only sleeps, by which is seen how late this
/// machine wakes anybody.
struct Load {
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    passed: AtomicU64,
    limited: AtomicU64,
    unavailable: AtomicU64,
    longest: AtomicU64,
    lateness: AtomicU64,
}

impl Load {
    fn on(limiters: &[Arc<Limiter>]) -> Self {
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::<Counts>::default());
        let mut tasks: Vec<_> = (0..64)
            .map(|task| {
                let limiter = limiters[task % limiters.len()].clone();
                let (stop, counts) = (stop.clone(), counts.clone());
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        counts.decide(&limiter).await;
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                })
            })
            .collect();
        tasks.push(tokio::spawn({
            let (stop, counts) = (stop.clone(), counts.clone());
            async move {
                while !stop.load(Ordering::Relaxed) {
                    let since = Instant::now();
                    tokio::time::sleep(BREAKER).await;
                    note(&counts.lateness, since.elapsed().saturating_sub(BREAKER));
                }
            }
        }));
        Self { stop, counts, tasks }
    }

    /// Stops it, and holds each decision of it to the breaker's time.
    async fn end(self) -> Arc<Counts> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        let [longest, late] = [&self.counts.longest, &self.counts.lateness]
            .map(|time| Duration::from_micros(time.load(Ordering::Relaxed)));
        assert!(
            longest <= BREAKER + late + SLACK,
            "a decision took {longest:?}, sleepers were {late:?} late"
        );
        self.counts
    }
}

impl Counts {
    async fn decide(&self, limiter: &Arc<Limiter>) {
        let since = Instant::now();
        let count = match reserve(limiter, since, "a").await {
            Ok(_) => &self.passed,
            Err(Refused::Unavailable { .. }) => &self.unavailable,
            Err(_) => &self.limited,
        };
        count.fetch_add(1, Ordering::Relaxed);
        note(&self.longest, since.elapsed());
    }

    fn take(&self) -> [u64; 3] {
        [&self.passed, &self.limited, &self.unavailable].map(|count| count.swap(0, Ordering::Relaxed))
    }
}

fn note(most: &AtomicU64, time: Duration) {
    most.fetch_max(u64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
}

const BREAKER: Duration = Duration::from_millis(50);
const SLACK: Duration = Duration::from_millis(30);

fn answers(limiters: &[Arc<Limiter>]) -> bool {
    limiters.iter().all(|limiter| limiter.shared().unwrap().health().answers)
}

fn fails(limiters: &[Arc<Limiter>]) -> bool {
    limiters.iter().all(|limiter| !limiter.shared().unwrap().health().answers)
}

/// Breaks a server under load, and mends it again: no decision waits, each passes or does not as its
/// rule says for that, and afterwards all is as before.
async fn breaks(
    on_failure: OnFailure,
    lease: u64,
    fault: impl AsyncFn(&mut Server),
    cure: impl AsyncFn(&mut Server),
) {
    let Some(mut server) = Server::start(&[]) else { return };
    let rule = requests(1_000_000, MINUTE, lease, on_failure);
    let limiters: Vec<_> =
        (0..2).map(|_| replica(&server.url(), [rule.clone()], Settings::default())).collect();
    for limiter in &limiters {
        until("it connects", async || {
            reserve(limiter, Instant::now(), "a").await.is_ok() && answers(std::slice::from_ref(limiter))
        })
        .await;
    }
    let load = Load::on(&limiters);
    until("the load runs", async || load.counts.passed.load(Ordering::Relaxed) > 200).await;

    fault(&mut server).await;
    until("the breakers open", async || fails(&limiters)).await;
    load.counts.take();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let [passed, limited, unavailable] = load.counts.take();
    assert_eq!(limited, 0);
    match on_failure {
        OnFailure::Closed => assert!(passed <= limiters.len() as u64 * lease && unavailable > 200),
        OnFailure::Open | OnFailure::Local => assert!(passed > 200 && unavailable == 0),
    }

    cure(&mut server).await;
    until("the breakers close", async || answers(&limiters)).await;
    load.counts.take();
    until("all pass again", async || load.counts.passed.load(Ordering::Relaxed) > 200).await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_started_again() {
    for (on_failure, lease) in [(OnFailure::Closed, 0), (OnFailure::Local, 50)] {
        breaks(on_failure, lease, async |server| server.kill(), async |server| server.restart()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_and_thawed() {
    for (on_failure, lease) in [(OnFailure::Closed, 0), (OnFailure::Open, 0)] {
        breaks(on_failure, lease, async |server| server.signal("STOP"), async |server| server.signal("CONT"))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused() {
    let fault = async |server: &mut Server| send(server, &["CLIENT", "PAUSE", "2000", "ALL"]).await;
    breaks(OnFailure::Local, 0, fault, async |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_with_something_slow() {
    let fault = async |server: &mut Server| {
        let url = server.url();
        tokio::spawn(async move {
            let client = redis::Client::open(url).unwrap();
            // Lost by then, as it takes longer than this client waits.
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await {
                let _ = redis::cmd("DEBUG").arg("SLEEP").arg(2).query_async::<()>(&mut connection).await;
            }
        });
    };
    breaks(OnFailure::Open, 0, fault, async |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_gone_each_replica_grants_its_share() {
    let Some(mut server) = Server::start(&[]) else { return };
    let rule = requests(400, MINUTE, 0, OnFailure::Local);
    let limiters: Vec<_> =
        (0..4).map(|_| replica(&server.url(), [rule.clone()], Settings::default())).collect();
    for limiter in &limiters {
        until("it connects", async || reserve(limiter, Instant::now(), "other").await.is_ok()).await;
    }
    until("all know of all", async || {
        limiters.iter().all(|limiter| limiter.shared().unwrap().health().replicas == 4)
    })
    .await;
    server.kill();
    let load = Load::on(&limiters);
    until("all shares are used", async || load.counts.limited.load(Ordering::Relaxed) > 500).await;
    assert_eq!(load.end().await.passed.load(Ordering::Relaxed), 400);
}
