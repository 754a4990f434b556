use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tollway_rate_limit::store::redis::{RedisSettings, RedisStore};
use tollway_rate_limit::store::{Ask, Correction, Taken};
use tollway_rate_limit::{Measure, Rule, Store as _};

use super::server::Server;
use super::{MINUTE, ask, beat, granted, held, refused, remaining, send, store, until};

fn window(name: &str, limit: u64) -> Arc<Rule> {
    Arc::new(Rule::new(name, Measure::Requests, limit, MINUTE))
}

fn permits(limit: u64) -> Arc<Rule> {
    Arc::new(Rule::concurrent("permits", Measure::ConcurrentRequests, limit))
}

#[tokio::test]
async fn all_rules_give_or_none() {
    let Some(server) = Server::start(&[]) else { return };
    let store = store(&server.url());
    let flow = Arc::new(Rule::new("flow", Measure::InputTokens, 60, MINUTE).gcra(10));
    let rules = [window("one", 5), flow, permits(3), window("four", 2)];
    let asks = |need| rules.iter().map(|rule| ask(rule, "1:a", need)).collect::<Vec<_>>();

    let grants = granted(&store, asks(2)).await;
    assert_eq!(grants.iter().map(|grant| grant.remaining).collect::<Vec<_>>(), [3, 8, 1, 0]);
    let shortages = refused(&store, asks(2)).await;
    assert_eq!(shortages.iter().map(|shortage| shortage.index).collect::<Vec<_>>(), [2, 3]);
    assert!(
        shortages[1].retry_after > Duration::from_secs(50) && shortages[1].reset <= Duration::from_secs(64)
    );
    // Nothing was taken from those that had enough.
    for (rule, left) in rules.iter().zip([3, 8, 1, 0]) {
        assert!(remaining(&store, rule, "1:a").await.abs_diff(left) <= 1, "{}", rule.name);
        assert_eq!(remaining(&store, rule, "1:b").await, rule.most());
    }
    // The same rule and subject twice is counted twice.
    refused(&store, vec![ask(&rules[0], "1:a", 2), ask(&rules[0], "1:a", 2)]).await;
    granted(&store, vec![ask(&rules[0], "1:a", 2), ask(&rules[0], "1:a", 1)]).await;
}

#[tokio::test]
async fn a_lease_is_what_is_there() {
    let Some(server) = Server::start(&[]) else { return };
    let store = store(&server.url());
    let rule = window("w", 10);
    let lease = |need, want| vec![Ask { want, ..ask(&rule, "", need) }];
    assert_eq!(granted(&store, lease(1, 8)).await[0].amount, 8);
    let grant = granted(&store, lease(1, 8)).await[0];
    assert_eq!((grant.amount, grant.remaining), (2, 0));
    let (rule, subject) = (rule.clone(), "".into());
    store.settle(vec![Correction { rule, subject, mark: grant.mark, back: 1, more: 0 }]).await.unwrap();
    assert_eq!(granted(&store, lease(0, 8)).await[0].amount, 1);
}

#[tokio::test]
async fn scripts_are_sent_again_to_a_server_that_forgot_them() {
    let Some(mut server) = Server::start(&[]) else { return };
    let store = store(&server.url());
    let rule = window("w", 10);
    granted(&store, vec![ask(&rule, "", 4)]).await;
    send::<()>(&server, &["SCRIPT", "FLUSH"]).await;
    assert_eq!(granted(&store, vec![ask(&rule, "", 4)]).await[0].remaining, 2);

    server.kill();
    assert!(store.take(vec![ask(&rule, "", 1)]).await.is_err());
    server.restart();
    // It has lost its memory as well.
    until("it connects anew", async || store.take(Vec::new()).await.is_ok()).await;
    assert_eq!(granted(&store, vec![ask(&rule, "", 1)]).await[0].remaining, 9);
}

#[tokio::test]
async fn a_restarted_server_learns_what_is_held() {
    let Some(mut server) = Server::start(&[]) else { return };
    let (one, other) = (store(&server.url()), store(&server.url()));
    let rule = permits(10);
    granted(&one, vec![ask(&rule, "", 4)]).await;
    granted(&other, vec![ask(&rule, "", 5)]).await;
    server.kill();
    server.restart();
    until("both connect anew and are believed", async || {
        let beats =
            [beat(&one, vec![held(&rule, "", 4)]).await, beat(&other, vec![held(&rule, "", 5)]).await];
        beats.iter().all(Result::is_ok) && remaining(&one, &rule, "").await == 1
    })
    .await;
    assert_eq!(beat(&one, vec![held(&rule, "", 4)]).await.unwrap().replicas, 2);
    // More than fit into one script.
    let many: Vec<_> = (0..1_000).map(|subject| held(&rule, &format!("4:{subject:04}"), 3)).collect();
    beat(&one, many).await.unwrap();
    for subject in ["4:0000", "4:0999"] {
        assert_eq!(remaining(&other, &rule, subject).await, 7);
    }
}

#[tokio::test]
async fn keys_are_small_and_go_by_themselves() {
    let Some(server) = Server::start(&[]) else { return };
    let store = store(&server.url());
    let short = Duration::from_millis(150);
    let rules = [
        Arc::new(Rule::new("w", Measure::Requests, 1 << 40, short)),
        Arc::new(Rule::new("g", Measure::Requests, 1 << 20, short).gcra(1 << 20)),
    ];
    let huge = "9".repeat(100_000);
    for amount in [1, 1 << 19] {
        granted(&store, rules.iter().map(|rule| ask(rule, &huge, amount)).collect()).await;
    }
    let keys: Vec<String> = send(&server, &["KEYS", "*"]).await;
    for key in keys {
        let bytes: u64 = send(&server, &["MEMORY", "USAGE", &key]).await;
        let left: i64 = send(&server, &["PTTL", &key]).await;
        assert!(bytes < 500, "{key} takes {bytes} bytes");
        // An even flow's for twice as long as it takes, that it need not be set anew each time.
        assert!(left <= 400, "{key} lives for {left} ms");
    }
    until("all keys are gone", async || send::<u64>(&server, &["DBSIZE"]).await == 0).await;
    // A key is not written where nothing counts.
    granted(&store, vec![ask(&window("w", 5), "", 0)]).await;
    assert_eq!(send::<u64>(&server, &["DBSIZE"]).await, 0);
    // Those of replicas and permits have an end too, whatever becomes of us.
    granted(&store, vec![ask(&permits(5), "", 1)]).await;
    beat(&store, vec![held(&permits(5), "", 1)]).await.unwrap();
    let keys: Vec<String> = send(&server, &["KEYS", "*"]).await;
    assert_eq!(keys.len(), 2);
    for key in keys {
        let left: i64 = send(&server, &["PTTL", &key]).await;
        assert!((1..=21_000).contains(&left), "{key} lives for {left} ms");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_get_the_limit_and_no_more() {
    let Some(server) = Server::start(&[]) else { return };
    let stores: Vec<_> = (0..4).map(|_| store(&server.url())).collect();
    for rule in [window("w", 100), permits(100)] {
        let tasks = (0..400).map(|task| {
            let (store, ask) = (stores[task % 4].clone(), ask(&rule, "1:a", 1));
            tokio::spawn(async move { matches!(store.take(vec![ask]).await.unwrap(), Taken::Granted(_)) })
        });
        let mut passed = 0;
        for task in tasks.collect::<Vec<_>>() {
            passed += usize::from(task.await.unwrap());
        }
        assert_eq!(passed, 100, "{}", rule.name);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_in_time() {
    // Accepts, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = RedisSettings::new(format!("redis://{}", silent.local_addr().unwrap()));
    settings.connect_timeout = Duration::from_millis(200);
    let silent_store = RedisStore::new(&settings).unwrap();
    let nobody = store("redis://127.0.0.1:1");
    for (store, most) in [(silent_store, Duration::from_secs(2)), (nobody, Duration::from_secs(1))] {
        let asked = Instant::now();
        let error = store.take(vec![ask(&window("w", 1), "", 1)]).await.unwrap_err();
        assert!(asked.elapsed() < most, "{:?}", asked.elapsed());
        assert_eq!(error.to_string(), "redis: take");
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let store = store("redis://127.0.0.1:1");
    let mut taking = pin!(store.take(vec![ask(&window("w", 1), "", 1)]));
    let answer = taking.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(answer, Poll::Ready(Err(_))));
}
