use std::sync::Arc;

use tollway_rate_limit::{Measure, Rule, Store as _};

use super::server::Server;
use super::{MINUTE, ask, granted, send, store, until};

#[tokio::test]
async fn another_master_is_found() {
    let Some(mut master) = Server::start(&[]) else { return };
    let port = master.port().to_string();
    let replica = Server::start(&["--replicaof", &format!("127.0.0.1 {port}")]).unwrap();
    until("the replica follows", async || {
        let info: String = send(&replica, &["INFO", "replication"]).await;
        info.contains("master_link_status:up")
    })
    .await;
    let sentinel = Server::start_sentinel(master.port()).unwrap();
    until("the sentinel knows the replica", async || {
        let info: String = send(&sentinel, &["INFO", "sentinel"]).await;
        info.contains("slaves=1")
    })
    .await;

    // One that answers is enough.
    let url = format!("redis+sentinel://127.0.0.1:1,127.0.0.1:{}/main", sentinel.port());
    let store = store(&url);
    let rule = Arc::new(Rule::new("r", Measure::Requests, 10, MINUTE));
    assert_eq!(granted(&store, vec![ask(&rule, "", 4)]).await[0].remaining, 6);
    until("the replica has it", async || send::<u64>(&replica, &["DBSIZE"]).await == 1).await;

    master.kill();
    assert!(store.take(vec![ask(&rule, "", 0)]).await.is_err());
    until("the new master is found", async || store.take(Vec::new()).await.is_ok()).await;
    assert_eq!(granted(&store, vec![ask(&rule, "", 1)]).await[0].remaining, 5);
    let info: String = send(&replica, &["INFO", "replication"]).await;
    assert!(info.contains("role:master"), "{info}");
}

#[tokio::test]
async fn an_unknown_master_is_an_error() {
    let Some(server) = Server::start(&[]) else { return };
    let sentinel = Server::start_sentinel(server.port()).unwrap();
    let store = store(&format!("redis+sentinel://127.0.0.1:{}/other", sentinel.port()));
    let error = store.take(Vec::new()).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.to_lowercase().contains("master"), "{source}");
}
