use std::sync::Arc;

use tollway_rate_limit::store::redis::{RedisSettings, RedisStore};
use tollway_rate_limit::store::{Correction, Taken};
use tollway_rate_limit::{Measure, Rule, Store as _};

use super::server::Server;
use super::{MINUTE, ask, beat, granted, held, refused, remaining, send, store, until};

/// Three nodes, each with a third of the slots.
struct Cluster(Vec<Server>);

impl Cluster {
    async fn start() -> Option<Self> {
        let options = [
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            "OTHER",
            "--cluster-node-timeout",
            "1000",
            "--cluster-require-full-coverage",
            "no",
        ];
        let nodes: Vec<_> = (0..3).map_while(|_| Server::start(&options)).collect();
        let first = nodes.first()?;
        let bus: Vec<String> = send(first, &["CONFIG", "GET", "cluster-port"]).await;
        for (number, (node, (from, to))) in
            nodes.iter().zip([("0", "5460"), ("5461", "10922"), ("10923", "16383")]).enumerate()
        {
            send::<()>(node, &["CLUSTER", "ADDSLOTSRANGE", from, to]).await;
            send::<()>(node, &["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]).await;
            if number > 0 {
                let port = first.port().to_string();
                send::<()>(node, &["CLUSTER", "MEET", "127.0.0.1", &port, &bus[1]]).await;
            }
        }
        for node in &nodes {
            until("the nodes know each other", async || {
                let info: String = send(node, &["CLUSTER", "INFO"]).await;
                info.contains("cluster_state:ok") && info.contains("cluster_slots_assigned:16384")
            })
            .await;
        }
        Some(Self(nodes))
    }

    fn url(&self) -> String {
        let hosts: Vec<_> = self.0.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// A subject that this node counts.
    async fn subject_of(&self, node: usize) -> String {
        let range = [(0, 5460), (5461, 10922), (10923, 16383)][node];
        for number in 0..1000 {
            let subject = format!("4:{number:04}");
            let slot: u16 = send(&self.0[0], &["CLUSTER", "KEYSLOT", &subject]).await;
            if (range.0..=range.1).contains(&slot) {
                return subject;
            }
        }
        panic!("no subject of node {node}");
    }
}

fn rule(name: &str, limit: u64) -> Arc<Rule> {
    Arc::new(Rule::new(name, Measure::Requests, limit, MINUTE))
}

#[tokio::test]
async fn all_slots_give_or_none() {
    let Some(cluster) = Cluster::start().await else { return };
    let store = store(&cluster.url());
    let permits = Arc::new(Rule::concurrent("permits", Measure::ConcurrentRequests, 10));
    let flow = Arc::new(Rule::new("flow", Measure::Requests, 1, MINUTE).gcra(10));
    let small = rule("small", 3);
    let subjects = [cluster.subject_of(0).await, cluster.subject_of(1).await, cluster.subject_of(2).await];
    let asks = |need| {
        vec![
            ask(&permits, &subjects[2], need),
            ask(&small, &subjects[1], need),
            ask(&flow, &subjects[0], need),
            ask(&small, &subjects[0], need),
        ]
    };
    let grants = granted(&store, asks(2)).await;
    assert_eq!(grants.iter().map(|grant| grant.remaining).collect::<Vec<_>>(), [8, 1, 8, 1]);
    let shortages = refused(&store, asks(2)).await;
    assert_eq!(shortages.iter().map(|shortage| shortage.index).collect::<Vec<_>>(), [1, 3]);
    // What the others gave came back.
    for (rule, subject, left) in [(&permits, 2, 8), (&small, 1, 1), (&flow, 0, 8), (&small, 0, 1)] {
        assert_eq!(remaining(&store, rule, &subjects[subject]).await, left, "{}", rule.name);
    }
    let all = subjects.iter().map(|subject| held(&permits, subject, 4)).collect();
    assert_eq!(beat(&store, all).await.unwrap().replicas, 1);
    for subject in &subjects {
        assert_eq!(remaining(&store, &permits, subject).await, 6);
    }
    let back = |subject: &String| {
        let (rule, subject) = (permits.clone(), subject.as_str().into());
        Correction { rule, subject, mark: 0, back: 4, more: 0 }
    };
    store.settle(subjects.iter().map(back).collect()).await.unwrap();
    for subject in &subjects {
        assert_eq!(remaining(&store, &permits, subject).await, 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_never_pass_a_limit_and_all_comes_back() {
    let Some(cluster) = Cluster::start().await else { return };
    let stores: Vec<_> = (0..4).map(|_| store(&cluster.url())).collect();
    let (wide, narrow) = (rule("wide", 1_000), rule("narrow", 20));
    let subjects = [cluster.subject_of(0).await, cluster.subject_of(2).await];
    let tasks = (0..200).map(|task| {
        let store = stores[task % 4].clone();
        let asks = vec![ask(&wide, &subjects[0], 1), ask(&narrow, &subjects[1], 1)];
        tokio::spawn(async move { matches!(store.take(asks).await.unwrap(), Taken::Granted(_)) })
    });
    let mut passed = 0;
    for task in tasks.collect::<Vec<_>>() {
        passed += u64::from(task.await.unwrap());
    }
    assert_eq!(passed, 20);
    assert_eq!(remaining(&stores[0], &wide, &subjects[0]).await, 980);
}

#[tokio::test]
async fn a_dead_node_fails_its_slots_and_no_others() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let store = store(&cluster.url());
    let rule = rule("r", 10);
    let (alive, dead) = (cluster.subject_of(0).await, cluster.subject_of(2).await);
    granted(&store, vec![ask(&rule, &alive, 1), ask(&rule, &dead, 1)]).await;
    cluster.0[2].kill();
    let both = store.take(vec![ask(&rule, &alive, 1), ask(&rule, &dead, 1)]).await;
    assert!(both.is_err(), "{both:?}");
    until("the others go on", async || store.take(vec![ask(&rule, &alive, 0)]).await.is_ok()).await;
    // What they gave for the decision that failed came back.
    assert_eq!(remaining(&store, &rule, &alive).await, 9);
    cluster.0[2].restart();
    until("it is found again", async || store.take(vec![ask(&rule, &dead, 0)]).await.is_ok()).await;
    assert_eq!(remaining(&store, &rule, &dead).await, 10);
}

#[tokio::test]
async fn a_slot_that_moves_is_followed() {
    let Some(cluster) = Cluster::start().await else { return };
    let store = store(&cluster.url());
    let subject = cluster.subject_of(0).await;
    let rule = rule("r", 10);
    assert_eq!(remaining(&store, &rule, &subject).await, 10);
    let slot = send::<u16>(&cluster.0[0], &["CLUSTER", "KEYSLOT", &subject]).await.to_string();
    let new: String = send(&cluster.0[1], &["CLUSTER", "MYID"]).await;
    let old: String = send(&cluster.0[0], &["CLUSTER", "MYID"]).await;
    send::<()>(&cluster.0[1], &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &old]).await;
    send::<()>(&cluster.0[0], &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &new]).await;
    for node in [1, 0] {
        send::<()>(&cluster.0[node], &["CLUSTER", "SETSLOT", &slot, "NODE", &new]).await;
    }
    assert_eq!(granted(&store, vec![ask(&rule, &subject, 4)]).await[0].remaining, 6);
    assert_eq!(send::<u64>(&cluster.0[1], &["DBSIZE"]).await, 1);
}

#[tokio::test]
async fn a_prefix_with_a_tag_keeps_all_together() {
    let Some(cluster) = Cluster::start().await else { return };
    let mut settings = RedisSettings::new(cluster.url());
    settings.prefix = "{tollway}".to_owned();
    let store = RedisStore::new(&settings).unwrap();
    let rule = rule("r", 10);
    let asks = (0..30).map(|number| ask(&rule, &format!("2:{number:02}"), 1)).collect();
    granted(&store, asks).await;
    let mut nodes = Vec::new();
    for node in &cluster.0 {
        nodes.push(send::<u64>(node, &["DBSIZE"]).await);
    }
    nodes.sort_unstable();
    assert_eq!(nodes, [0, 0, 30]);
}
