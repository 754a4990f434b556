//! Clients that ask what is planned, of a gateway that is killed now and then.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::watch;

use crate::plan::{Ask, Leaves};
use crate::process::Server;

/// What a client saw of its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Whole(u16),
    Broken,
    Left,
}

/// How a run went.
pub(crate) struct Run {
    /// In the order of the plan.
    pub(crate) seen: Vec<Seen>,
    /// From when to when the gateway was being killed.
    pub(crate) kills: Vec<(Instant, Instant)>,
}

/// Asks everything, by so many clients at once; the gateway that `start` makes is killed and started anew so
/// many times, and is asked to end when all is over.
pub(crate) async fn drive(
    plan: &Arc<Vec<Ask>>,
    clients: usize,
    kills: usize,
    start: impl Fn() -> Server,
    is_quiet: impl AsyncFn(),
) -> Run {
    let mut server = start();
    let (now_at, at) = watch::channel(server.addr());
    let left = Arc::new(Mutex::new((0..plan.len()).collect::<VecDeque<_>>()));
    let (done, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(vec![None; plan.len()])));
    let clients: Vec<_> = (0..clients)
        .map(|_| {
            let (plan, left, done, seen, at) =
                (plan.clone(), left.clone(), done.clone(), seen.clone(), at.clone());
            tokio::spawn(async move {
                while let Some(number) = { left.lock().unwrap().pop_front() } {
                    let saw = ask(&plan[number], &at).await;
                    seen.lock().unwrap()[number] = Some(saw);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut killed = Vec::new();
    for kill in 1..=kills {
        while done.load(Ordering::Relaxed) < kill * plan.len() / (kills + 1) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let begins = Instant::now();
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        killed.push((begins, Instant::now()));
        server = start();
        now_at.send_replace(server.addr());
    }
    for client in clients {
        client.await.unwrap();
    }
    is_quiet().await;
    server.signal("TERM");
    assert_eq!(server.exit_code().unwrap(), Some(0), "{}", server.log());
    let seen = seen.lock().unwrap().iter().map(|seen| seen.unwrap()).collect();
    Run { seen, kills: killed }
}

/// Asks until somebody is there.
async fn ask(ask: &Ask, at: &watch::Receiver<SocketAddr>) -> Seen {
    loop {
        let began = Instant::now();
        // A connection of its own: hanging up ends it, and none is stale.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        let addr = *at.borrow();
        let how = match ask.leaves {
            Leaves::After(time) => {
                tokio::time::timeout(time, once(ask, addr, client)).await.unwrap_or(Ok(How::Left))
            }
            _ => once(ask, addr, client).await,
        };
        match how {
            Ok(how) => return Seen { began, ended: Instant::now(), how },
            Err(NobodyThere) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

struct NobodyThere;

async fn once(
    ask: &Ask,
    addr: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
) -> Result<How, NobodyThere> {
    let request = Request::post(format!("http://{addr}{}", ask.path()))
        .header("content-type", "application/json")
        .header("x-request-id", ask.id())
        .body(Full::from(ask.body().to_string()))
        .unwrap();
    let answer = match client.request(request).await {
        Ok(answer) => answer,
        Err(error) if error.is_connect() => return Err(NobodyThere),
        Err(_) => return Ok(How::Broken),
    };
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    let mut pieces = 0;
    loop {
        if matches!(ask.leaves, Leaves::Having(most) if pieces >= most) {
            return Ok(How::Left);
        }
        match body.frame().await {
            Some(Ok(_)) => pieces += 1,
            Some(Err(_)) => return Ok(How::Broken),
            None => return Ok(How::Whole(status)),
        }
    }
}
