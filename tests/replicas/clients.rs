//! Two thousand clients, each with a connection of its own that it keeps.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub(crate) const CLIENTS: usize = 2_000;

/// What became of a request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Which gateway was asked.
    pub(crate) gateway: usize,
    /// For which model.
    pub(crate) model: Arc<str>,
    pub(crate) asked: Instant,
    /// When the answer was whole.
    pub(crate) at: Instant,
    pub(crate) status: StatusCode,
    /// Whether a refusal says when to come again.
    pub(crate) says_when: bool,
}

impl Answer {
    pub(crate) fn has_passed(&self) -> bool {
        self.status == StatusCode::OK
    }
}

/// Clients at work.
pub(crate) struct Clients {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
    answers: mpsc::UnboundedReceiver<Answer>,
}

impl Clients {
    /// Connects all, spread over the gateways, and lets them ask again and again for what `model` says,
    /// which is called with a client's number for each request.
    pub(crate) async fn start(
        gateways: &[SocketAddr],
        model: impl Fn(usize) -> Arc<str> + Send + Sync + 'static,
    ) -> Self {
        let mut connections = Vec::with_capacity(CLIENTS);
        for client in 0..CLIENTS {
            connections.push(Connection::open(gateways, client % gateways.len()).await);
        }
        let (stop, model) = (Arc::new(AtomicBool::new(false)), Arc::new(model));
        let (told, answers) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        for (client, mut connection) in connections.into_iter().enumerate() {
            let (stop, told, model) = (stop.clone(), told.clone(), model.clone());
            tasks.spawn(async move {
                // Two seconds and more for a turn, not all at once.
                let mut pause = Duration::from_millis(client as u64 % PAUSE);
                while !stop.load(Ordering::Relaxed) {
                    tokio::time::sleep(pause).await;
                    // Nobody listens any more once the test has failed.
                    let _ = told.send(connection.ask(&model(client)).await);
                    pause = Duration::from_millis(PAUSE + client as u64 % 500);
                }
            });
        }
        Self { stop, tasks, answers }
    }

    /// What has been answered since it was last asked.
    pub(crate) fn answers(&mut self) -> Vec<Answer> {
        std::iter::from_fn(|| self.answers.try_recv().ok()).collect()
    }

    /// Lets each finish its turn. Returns what has not been told yet.
    pub(crate) async fn stop(mut self) -> Vec<Answer> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        self.answers()
    }
}

/// Milliseconds between an answer and the next request.
const PAUSE: u64 = 1_500;

/// A connection to a gateway.
pub(crate) struct Connection {
    gateway: usize,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(crate) async fn open(gateways: &[SocketAddr], gateway: usize) -> Self {
        let stream = TcpStream::connect(gateways[gateway]).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { gateway, sender }
    }

    /// Asks, and reads the answer, which there has to be.
    pub(crate) async fn ask(&mut self, model: &Arc<str>) -> Answer {
        let asked = Instant::now();
        self.sender.ready().await.expect("the connection is kept");
        let answer = self.sender.send_request(chat(model)).await.expect("each request is answered");
        let (head, body) = answer.into_parts();
        body.collect().await.expect("each answer is whole");
        Answer {
            gateway: self.gateway,
            model: model.clone(),
            asked,
            at: Instant::now(),
            status: head.status,
            says_when: head.headers.contains_key(RETRY_AFTER),
        }
    }
}

fn chat(model: &str) -> Request<Full<Bytes>> {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": super::provider::OUTPUT});
    Request::post("/v1/chat/completions")
        .header(HOST, "gateway")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap()
}
