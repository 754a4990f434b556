use super::*;

#[tokio::test]
async fn a_cluster_decides_about_all_budgets_at_once() {
    // One node with all slots, which refuses keys of different slots in one script as any cluster does.
    let Some(server) = Server::start(&["--cluster-enabled", "yes"]) else { return };
    let mut client =
        redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let () =
        redis::cmd("CLUSTER").arg(&["ADDSLOTSRANGE", "0", "16383"]).query_async(&mut client).await.unwrap();
    let mut state = String::new();
    until("the cluster is whole", async || {
        state = redis::cmd("CLUSTER").arg("INFO").query_async(&mut client).await.unwrap();
        state.contains("cluster_state:ok")
    })
    .await;
    let url = server.url().replace("redis://", "redis+cluster://");
    let other = || {
        let period = Period::month(Zone::default());
        Budget::new("other", cents(15), period).shared(Lease::NONE, OnFailure::Closed)
    };
    let budgets = replica(&url, [daily(0, OnFailure::Closed), other()], patient());
    drop(reserve(&budgets, 10).await.unwrap());
    let denied = reserve(&budgets, 10).await.unwrap_err();
    assert!(matches!(&denied, Denied::Refused(refused) if &**refused.budget() == "other"), "{denied}");
    assert_eq!(left(&url).await, 90);
}
