use std::task::{Context, Waker};

use super::*;

/// A thousand at once over four replicas.
async fn thousand(replicas: &[Budgets]) -> Vec<Reservation> {
    let tasks: Vec<_> = (0..1000)
        .map(|turn: usize| {
            let budgets = replicas[turn % replicas.len()].clone();
            tokio::spawn(async move { reserve(&budgets, 1).await })
        })
        .collect();
    let mut passed = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(reservation) => passed.push(reservation),
            Err(Denied::Refused(Refused::Spent { budget, .. })) => assert_eq!(&*budget, "daily"),
            Err(denied) => panic!("{denied}"),
        }
    }
    passed
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_what_there_is_passes() {
    let Some(server) = Server::start(&[]) else { return };
    // A second budget that has room for all: none of it is taken for those the first refuses.
    let whole = || {
        let zone = Zone::default();
        Budget::new("whole", cents(5000), Period::month(zone)).shared(Lease::NONE, OnFailure::Closed)
    };
    let budgets = || [daily(0, OnFailure::Closed), whole()];
    let replicas: Vec<_> = (0..4).map(|_| replica(&server.url(), budgets(), patient())).collect();
    let mut passed = thousand(&replicas).await;
    assert_eq!(passed.len(), 100);
    assert!(reserve(&replicas[0], 1).await.is_err());

    // What comes back can be spent again, and no more than that.
    for reservation in passed.drain(..30) {
        reservation.settle(noon(), Money::ZERO);
    }
    until("what came back is there", async || left(&server.url()).await == 30).await;
    assert_eq!(thousand(&replicas).await.len(), 30);
    let fresh = replica(&server.url(), budgets(), patient());
    let all = fresh.reserve(noon(), &Payer::default(), cents(4901)).decided().await.unwrap_err();
    let Denied::Refused(Refused::Spent { spent, .. }) = all else { panic!("{all:?}") };
    assert_eq!(spent, cents(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_never_let_more_pass() {
    let Some(server) = Server::start(&[]) else { return };
    let budgets = || [daily(5, OnFailure::Closed)];
    let replicas: Vec<_> = (0..4).map(|_| replica(&server.url(), budgets(), patient())).collect();
    let mut passed = 0;
    // What one replica holds and does not need comes back, and another spends it.
    until("all is spent", async || {
        passed += thousand(&replicas).await.len();
        assert!(passed <= 100, "{passed} passed");
        passed == 100
    })
    .await;
    let asked: u64 = replicas.iter().map(|budgets| budgets.health().unwrap().asked).sum();
    assert!(asked > 0 && left(&server.url()).await == 0);
}

#[tokio::test]
async fn a_lease_spares_questions_and_comes_back() {
    let Some(server) = Server::start(&[]) else { return };
    let budgets = replica(&server.url(), [daily(50, OnFailure::Closed)], patient());
    for _ in 0..40 {
        reserve(&budgets, 2).await.unwrap().settle(noon(), cents(1));
    }
    assert!(budgets.health().unwrap().asked <= 2, "{:?}", budgets.health());
    until("the lease has come back", async || left(&server.url()).await == 60).await;
    drop(reserve(&budgets, 1).await.unwrap());
    budgets.close().await;
    assert_eq!(left(&server.url()).await, 59);
    // One that is gone without a word: what it held may have been spent.
    let killed = replica(&server.url(), [daily(20, OnFailure::Closed)], patient());
    std::mem::forget(reserve(&killed, 10).await.unwrap());
    drop(killed);
    assert_eq!(left(&server.url()).await, 29);
}

#[tokio::test]
async fn who_leaves_early_takes_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    let budgets = replica(&server.url(), [daily(0, OnFailure::Closed)], patient());
    drop(reserve(&budgets, 10).await.unwrap());
    for _ in 0..20 {
        // Asks, and does not wait for the answer.
        let asking = std::pin::pin!(reserve(&budgets, 5));
        assert!(asking.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    until("all came back", async || left(&server.url()).await == 90).await;
}

#[tokio::test]
async fn a_threshold_is_told_once_by_all_replicas() {
    let Some(server) = Server::start(&[]) else { return };
    let heard = Arc::new(Heard::default());
    let replicas: Vec<_> = (0..4)
        .map(|_| {
            let store = RedisStore::new(&RedisSettings::new(server.url())).unwrap();
            let budget = daily(0, OnFailure::Closed).thresholds([50, 90]);
            Budgets::build([budget], patient(), Some(Arc::new(store)), Some(heard.clone())).unwrap()
        })
        .collect();
    for turn in 0..100 {
        drop(reserve(&replicas[turn % 4], 1).await.unwrap());
    }
    until("both are told", async || heard.0.lock().unwrap().len() >= 2).await;
    // Whoever asks now is answered after whoever asked before.
    assert_eq!(left(&server.url()).await, 0);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(*heard.0.lock().unwrap(), [50, 90]);
}

#[tokio::test]
async fn a_rolling_period_is_shared_too() {
    let Some(server) = Server::start(&[]) else { return };
    let budget = || {
        let period = Period::Rolling(Duration::from_mins(15));
        Budget::new("rolling", cents(10), period).shared(Lease::NONE, OnFailure::Closed)
    };
    let replicas: Vec<_> = (0..2).map(|_| replica(&server.url(), [budget()], patient())).collect();
    let reserve = async |which: usize, minute: u64| {
        let now = noon() + Duration::from_secs(minute * 60);
        replicas[which].reserve(now, &Payer::default(), cents(4)).decided().await
    };
    drop(reserve(0, 0).await.unwrap());
    drop(reserve(1, 7).await.unwrap());
    assert!(reserve(0, 8).await.is_err() && reserve(1, 15).await.is_err());
    drop(reserve(1, 16).await.unwrap());
    assert!(reserve(0, 22).await.is_err());
    drop(reserve(0, 23).await.unwrap());
}
