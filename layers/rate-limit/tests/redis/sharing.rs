use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tollway_rate_limit::{
    Actual, Dimension, Dimensions, Estimate, Lease, Limiter, Measure, OnFailure, Rule, Settings, Verdict,
};

use super::server::Server;
use super::{MINUTE, patient, remaining, replica, requests, reserve, store, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn permits_are_never_more_than_the_limit() {
    const LIMIT: u64 = 40;
    let Some(server) = Server::start(&[]) else { return };
    for lease in [0, 4] {
        let lease = Lease { amount: lease, lifetime: Duration::from_millis(100) };
        let rule = Rule::concurrent(format!("permits{}", lease.amount), Measure::ConcurrentRequests, LIMIT)
            .per(Dimension::Key)
            .shared(lease, OnFailure::Closed);
        let replicas: Vec<_> = (0..4).map(|_| replica(&server.url(), [rule.clone()], patient())).collect();
        let (held, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let tasks = (0..2_000).map(|task| {
            let (limiter, held, most) = (replicas[task % 4].clone(), held.clone(), most.clone());
            tokio::spawn(async move {
                let until = Instant::now() + Duration::from_secs(3);
                let mut passed = 0_u64;
                while Instant::now() < until {
                    if let Ok(reservation) = reserve(&limiter, Instant::now(), "a").await {
                        most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        held.fetch_sub(1, Ordering::SeqCst);
                        reservation.settle(Instant::now(), Actual::tokens(0, 0));
                        passed += 1;
                    }
                    tokio::time::sleep(Duration::from_millis(200 + task as u64 % 100)).await;
                }
                passed
            })
        });
        let mut passed = 0;
        for task in tasks.collect::<Vec<_>>() {
            passed += task.await.unwrap();
        }
        let most = most.load(Ordering::SeqCst);
        assert!(most <= LIMIT, "{most} at the same time");
        assert!(most >= LIMIT / 2 && passed > 200, "{passed} passed, {most} at the same time");
        let (store, rule) = (store(&server.url()), Arc::new(rule));
        until("all permits are free", async || remaining(&store, &rule, "1:a").await == LIMIT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_end_as_the_truth() {
    const LIMIT: u64 = 1_000_000;
    let Some(server) = Server::start(&[]) else { return };
    for lease in [0, 5_000] {
        let lease = Lease { amount: lease, lifetime: Duration::from_millis(100) };
        let rule = Rule::new(format!("tokens{}", lease.amount), Measure::InputTokens, LIMIT, MINUTE)
            .per(Dimension::Key)
            .shared(lease, OnFailure::Closed);
        let replicas: Vec<_> = (0..4).map(|_| replica(&server.url(), [rule.clone()], patient())).collect();
        let tasks = (0..2_000_u64).map(|task| {
            let limiter = replicas[usize::try_from(task % 4).unwrap()].clone();
            tokio::spawn(async move { one_outcome(&limiter, task).await })
        });
        let mut truth = 0;
        for task in tasks.collect::<Vec<_>>() {
            truth += task.await.unwrap();
        }
        let (store, rule) = (store(&server.url()), Arc::new(rule));
        until("what was not used came back, what was more was taken", async || {
            remaining(&store, &rule, "1:a").await == LIMIT - truth
        })
        .await;
    }
}

/// Completes, fails, is cancelled or turns out larger. Returns what it took in the end.
async fn one_outcome(limiter: &Arc<Limiter>, task: u64) -> u64 {
    let of = Dimensions::new().with(Dimension::Key, "a");
    let estimate = Estimate { input: 100 + task % 7, ..Estimate::default() };
    let reservation = match limiter.decide(Instant::now(), &of, &estimate) {
        Verdict::Granted(reservation) => reservation,
        Verdict::Refused(refused) => panic!("{refused}"),
        Verdict::Asking(asking) => asking.await.unwrap(),
    };
    tokio::time::sleep(Duration::from_millis(task % 11)).await;
    let actual = match task % 5 {
        0 => 0,
        1 => 50,
        2 => estimate.input,
        3 => 300,
        _ => {
            // Hung up: what was expected stands.
            drop(reservation);
            return estimate.input;
        }
    };
    reservation.settle(Instant::now(), Actual::tokens(actual, 0));
    actual
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_of_replicas_do_not_matter() {
    let Some(server) = Server::start(&[]) else { return };
    let rule = requests(100, MINUTE, 0, OnFailure::Closed);
    let start = Instant::now();
    let ahead = [0, 30, 3_600, 86_400].map(Duration::from_secs);
    let replicas = ahead.map(|_| replica(&server.url(), [rule.clone()], patient()));
    let mut passed = 0;
    for _ in 0..50 {
        for (limiter, ahead) in replicas.iter().zip(ahead) {
            passed += usize::from(reserve(limiter, start + ahead, "a").await.is_ok());
        }
    }
    assert_eq!(passed, 100);
}

#[tokio::test]
async fn one_question_asks_for_all_rules() {
    let Some(server) = Server::start(&[]) else { return };
    let rules = (0..10).map(|number| {
        let mut rule = requests(100, MINUTE, 0, OnFailure::Closed);
        rule.name = format!("rule{number}").into();
        rule
    });
    let limiter = replica(&server.url(), rules, Settings { store_timeout: MINUTE, ..Settings::default() });
    reserve(&limiter, Instant::now(), "a").await.unwrap();
    let before = scripts_run(&server).await;
    for _ in 0..20 {
        reserve(&limiter, Instant::now(), "a").await.unwrap();
    }
    // The beat has scripts of its own, each second.
    let run = scripts_run(&server).await - before;
    assert!((20..=24).contains(&run), "{run} scripts for 20 decisions");
}

async fn scripts_run(server: &Server) -> u64 {
    let info: String = super::send(server, &["INFO", "commandstats"]).await;
    let line = info.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls=")).unwrap();
    line.split(',').next().unwrap().parse().unwrap()
}
