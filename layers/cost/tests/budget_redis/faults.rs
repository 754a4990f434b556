use super::*;

/// Less than a client would notice, but time enough for a loaded machine.
fn hasty() -> Settings {
    let mut settings = patient();
    settings.store_timeout = Duration::from_millis(300);
    settings
}

async fn replicas(url: &str, on_failure: OnFailure) -> Vec<Budgets> {
    let replicas: Vec<_> = (0..4).map(|_| replica(url, [daily(0, on_failure)], hasty())).collect();
    for budgets in &replicas {
        drop(reserve(budgets, 5).await.unwrap());
    }
    // All have heard of what all have spent.
    for budgets in &replicas {
        assert!(reserve(budgets, 100).await.is_err());
    }
    replicas
}

/// Asks each replica 100 times; how many passed. Nobody waits longer than they may.
async fn demand(replicas: &[Budgets]) -> usize {
    let mut passed = 0;
    for turn in 0..400 {
        let since = Instant::now();
        let reserved = reserve(&replicas[turn % 4], 1).await;
        assert!(since.elapsed() < Duration::from_secs(2), "waited for {:?}", since.elapsed());
        passed += usize::from(reserved.is_ok());
    }
    passed
}

#[tokio::test]
async fn without_a_server_each_budget_does_as_it_says() {
    let Some(mut server) = Server::start(&[]) else { return };
    let url = server.url();
    for (on_failure, expected) in [(OnFailure::Closed, 0), (OnFailure::Local, 80), (OnFailure::Open, 400)] {
        let replicas = replicas(&url, on_failure).await;
        server.kill();
        assert_eq!(demand(&replicas).await, expected, "{on_failure:?}");
        let denied = reserve(&replicas[0], 1).await;
        match on_failure {
            OnFailure::Closed => {
                let denied = denied.unwrap_err();
                assert_eq!(denied.to_string(), "the state of the budget cannot be read: daily");
            }
            OnFailure::Local => assert!(matches!(denied, Err(Denied::Refused(Refused::Spent { .. })))),
            OnFailure::Open => drop(denied.unwrap()),
        }
        server.restart();
        // It starts empty. What was spent before and without it is spent all the same.
        until("all answer", async || {
            replicas.iter().all(|budgets| {
                let health = budgets.health().unwrap();
                health.answers && health.waiting == 0
            })
        })
        .await;
        let expected = if on_failure == OnFailure::Closed { 80 } else { 0 };
        let _ = reserve(&replicas[0], 100).await;
        assert_eq!(left(&url).await, expected, "{on_failure:?}");
        server.kill();
        server.restart();
    }
}

#[tokio::test]
async fn a_frozen_server_keeps_nobody_waiting() {
    let Some(server) = Server::start(&[]) else { return };
    let replicas = replicas(&server.url(), OnFailure::Local).await;
    server.signal("STOP");
    let since = Instant::now();
    let passed = demand(&replicas).await;
    let took = since.elapsed();
    server.signal("CONT");
    assert_eq!(passed, 80);
    // Only the first of each replica waited.
    assert!(took < Duration::from_secs(4), "{took:?}");
    until("all answer", async || {
        replicas.iter().all(|budgets| {
            let health = budgets.health().unwrap();
            health.answers && health.waiting == 0
        })
    })
    .await;
    assert_eq!(left(&server.url()).await, 0);
}

#[tokio::test]
async fn what_is_leased_is_spent_without_the_server() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut budget = daily(20, OnFailure::Closed);
    if let tollway_cost::budget::Place::Shared { lease, .. } = &mut budget.place {
        lease.idle = Duration::from_mins(1);
    }
    let budgets = replica(&server.url(), [budget], hasty());
    drop(reserve(&budgets, 1).await.unwrap());
    server.kill();
    let mut passed = 0;
    for _ in 0..100 {
        passed += usize::from(reserve(&budgets, 1).await.is_ok());
    }
    assert_eq!(passed, 20);
}

#[tokio::test]
async fn a_server_that_forgets_scripts_is_told_them_again() {
    let Some(server) = Server::start(&[]) else { return };
    let budgets = replica(&server.url(), [daily(0, OnFailure::Closed)], patient());
    drop(reserve(&budgets, 10).await.unwrap());
    let mut client =
        redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut client).await.unwrap();
    drop(reserve(&budgets, 10).await.unwrap());
    assert_eq!(left(&server.url()).await, 80);
}

#[test]
fn what_cannot_be_understood_is_refused() {
    for (url, what) in [
        ("localhost", "redis url: no scheme"),
        ("redis+sentinel://a/main", "redis url: unknown scheme: redis+sentinel"),
    ] {
        assert_eq!(RedisStore::new(&RedisSettings::new(url)).unwrap_err().to_string(), what);
    }
    let secret = RedisStore::new(&RedisSettings::new("http://user:hidden@host")).unwrap_err().to_string();
    assert!(!secret.contains("hidden"), "{secret}");
}
