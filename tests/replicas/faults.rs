//! Redis killed, frozen and slow, under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::task::JoinSet;

use super::clients::{Answer, Clients, Connection};
use super::http_client::{get, send};
use super::replicas::{REPLICAS, Replicas};

/// What happens to Redis; each time the models have names of their own, so that nothing counts yet.
const FAULTS: [&str; 3] = ["killed", "frozen", "slow"];

/// What clients ask for in turn: models by what holds for them without Redis, and one without limits, by
/// which is seen how long anything takes on this machine.
const KINDS: [&str; 5] = ["local", "open", "closed", "permits", "free"];

/// What passes under `local` in an hour, a quarter of it by each gateway.
const SHARED: usize = 80;

const PERMITS: usize = 8;

fn limits() -> String {
    format!(
        "  local: {{requests: {SHARED}, window: 1h, per: model, only: {{model: fake/local*}}, shared: {{on_failure: local}}}}
  open: {{requests: 1000000, window: 1h, per: model, only: {{model: fake/open*}}, shared: {{on_failure: open}}}}
  closed: {{requests: 1000000, window: 1h, per: model, only: {{model: fake/closed*}}, shared: {{on_failure: closed}}}}
  permits: {{concurrent_requests: {PERMITS}, only: {{model: fake/permits*}}, shared: {{on_failure: closed}}}}
"
    )
}

/// What of the time of a decision is not the breaker's: the clients', the gateways' and the provider's on
/// this machine is measured at the same time by requests without limits; this is what those may differ.
const SLACK: Duration = Duration::from_millis(300);

/// How long a decision waits for Redis.
const BREAKER: Duration = Duration::from_millis(50);

/// In which nothing is expected of a machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The run as it is seen from outside.
struct Run {
    clients: Clients,
    answers: Vec<Answer>,
}

impl Run {
    /// Waits until what was answered since then has it.
    async fn until(&mut self, what: &str, has: impl Fn(&[Answer]) -> bool) {
        let since = Instant::now();
        loop {
            self.answers.extend(self.clients.answers());
            if has(&self.answers) {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until each gateway has answered for a model as it should from now on.
    async fn until_all(&mut self, what: &str, kind: &str, status: StatusCode) {
        let since = Instant::now();
        self.until(what, |answers| {
            (0..REPLICAS).all(|gateway| {
                answers.iter().any(|answer| {
                    answer.gateway == gateway
                        && answer.asked > since
                        && is(kind, answer)
                        && answer.status == status
                })
            })
        })
        .await;
    }
}

/// Whether a model is of a kind.
fn is(kind: &str, answer: &Answer) -> bool {
    answer.model.strip_prefix("fake/").is_some_and(|model| model.starts_with(kind))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_becomes_of_redis_nobody_waits_for_it() {
    let Some(mut replicas) = Replicas::start(&limits()).await else { return };
    let phase = Arc::new(AtomicUsize::new(FAULTS.len()));
    let models: Vec<Vec<Arc<str>>> = FAULTS
        .iter()
        .chain(&["at-first"])
        .map(|fault| KINDS.iter().map(|kind| format!("fake/{kind}-{fault}-100").into()).collect())
        .collect();
    let asked = phase.clone();
    let model =
        move |client: usize| models[asked.load(Ordering::Relaxed)][client / REPLICAS % KINDS.len()].clone();
    let clients = Clients::start(&replicas.addresses(), model).await;
    let mut run = Run { clients, answers: Vec::new() };
    run.until_all("all is well", "closed", StatusCode::OK).await;
    run.until_all("all is well", "permits", StatusCode::OK).await;
    // A beat, by which each gateway learns how many there are.
    tokio::time::sleep(Duration::from_millis(2_500)).await;

    for (number, fault) in FAULTS.iter().enumerate() {
        match *fault {
            "killed" => replicas.redis.kill(),
            "frozen" => replicas.redis.signal("STOP"),
            _ => replicas.network.delay(Duration::from_millis(200)),
        }
        run.until_all("the breakers open", "closed", StatusCode::SERVICE_UNAVAILABLE).await;
        phase.store(number, Ordering::Relaxed);
        let began = Instant::now();
        let passed = |answers: &[Answer]| {
            let of = answers.iter().filter(|answer| answer.asked > began && answer.at < Instant::now());
            of.filter(|answer| {
                answer.model.starts_with(&*format!("fake/local-{fault}")) && answer.has_passed()
            })
            .count()
        };
        run.until("all shares are used", |answers| passed(answers) >= SHARED).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        run.answers.extend(run.clients.answers());
        let during: Vec<_> = run.answers.iter().filter(|answer| answer.asked > began).cloned().collect();
        match *fault {
            "killed" => replicas.redis.restart(),
            "frozen" => replicas.redis.signal("CONT"),
            _ => replicas.network.delay(Duration::ZERO),
        }
        policies_hold(fault, &during);
        run.until_all("all pass again", "closed", StatusCode::OK).await;
        run.until_all("permits are given again", "permits", StatusCode::OK).await;
    }

    let rest = run.clients.stop().await;
    run.answers.extend(rest);
    nobody_waited(&run.answers);
    nothing_is_lost(&replicas, &run.answers).await;
    for gateway in &replicas.gateways {
        let log = gateway.log();
        let [opened, closed] = ["does not answer", "answers again"].map(|text| {
            log.lines()
                .filter(|line| line.contains("the store of the rate limits") && line.contains(text))
                .count()
        });
        assert!(opened >= FAULTS.len() && opened == closed, "opened {opened} times, closed {closed}:\n{log}");
        let metrics = send(get(gateway.addr(), "/metrics")).await.unwrap();
        let metrics = String::from_utf8_lossy(metrics.body());
        for told in [
            format!("tollway_rate_limit_store_failures_total {opened}"),
            "tollway_rate_limit_store_up 1".into(),
        ] {
            assert!(metrics.lines().any(|line| line == told), "{told}:\n{metrics}");
        }
    }
}

/// Each limit did as it says for when Redis does not answer.
fn policies_hold(fault: &str, answers: &[Answer]) {
    let all = |kind| answers.iter().filter(move |answer| is(kind, answer));
    for answer in all("open").chain(all("free")) {
        assert!(answer.has_passed(), "{fault}: {answer:?}");
    }
    for answer in all("closed").chain(all("permits")) {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{fault}: {answer:?}");
        assert!(answer.says_when, "{fault}: {answer:?}");
    }
    let fresh = format!("fake/local-{fault}");
    let local = || all("local").filter(|answer| answer.model.starts_with(&*fresh));
    for gateway in 0..REPLICAS {
        let passed = local().filter(|answer| answer.gateway == gateway && answer.has_passed()).count();
        assert_eq!(passed, SHARED / REPLICAS, "{fault}: the share of gateway {gateway}");
    }
    let refused = local().filter(|answer| !answer.has_passed());
    assert!(refused.clone().count() > 0, "{fault}");
    for answer in refused {
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{fault}: {answer:?}");
    }
}

/// No request took longer than one without limits, but for the breaker's time.
fn nobody_waited(answers: &[Answer]) {
    let longest = |free: bool| {
        let time = |answer: &Answer| answer.at - answer.asked;
        answers.iter().filter(|answer| is("free", answer) == free).max_by_key(|answer| time(answer)).unwrap()
    };
    let (free, limited) = (longest(true), longest(false));
    let time = |answer: &Answer| answer.at - answer.asked;
    println!(
        "{} answers; the longest took {:?}, the longest without limits {:?}",
        answers.len(),
        time(limited),
        time(free)
    );
    assert!(time(limited) <= time(free) + BREAKER + SLACK, "{limited:?}, without limits {free:?}");
}

/// Each request was answered, which the clients see to, as it may be; and each permit is there again.
async fn nothing_is_lost(replicas: &Replicas, answers: &[Answer]) {
    let told = [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    let other = answers.iter().find(|answer| !told.contains(&answer.status));
    assert!(other.is_none(), "{other:?}");
    for fault in FAULTS.iter().chain(&["at-first"]) {
        let most = replicas.provider.most(&format!("permits-{fault}-100"));
        assert!(most <= PERMITS as u64, "{fault}: {most} at the same time");
    }
    let (addresses, since) = (replicas.addresses(), Instant::now());
    for attempt in 0.. {
        let model: Arc<str> = format!("fake/permits-{attempt}-400").into();
        let mut asking = JoinSet::new();
        for client in 0..PERMITS {
            let mut connection = Connection::open(&addresses, client % REPLICAS).await;
            let model = model.clone();
            asking.spawn(async move { connection.ask(&model).await });
        }
        if asking.join_all().await.iter().all(Answer::has_passed) {
            break;
        }
        assert!(since.elapsed() < PATIENCE, "not all permits are there again");
    }
}
