//! A provider that knows how much it does at the same time.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What an answer of this provider takes.
pub(crate) const INPUT: u64 = 5;
pub(crate) const OUTPUT: u64 = 15;

/// Answers chats, each after the time its model's name ends in: `slow-300`. Gone with the runtime.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    going_on: Arc<Mutex<HashMap<String, GoingOn>>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct GoingOn {
    now: u64,
    most: u64,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let going_on = Arc::<Mutex<HashMap<String, GoingOn>>>::default();
        tokio::spawn({
            let going_on = going_on.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    // Else an answer may wait for the receipt of the one before.
                    let _ = stream.set_nodelay(true);
                    let going_on = going_on.clone();
                    let service = service_fn(move |request| answer(going_on.clone(), request));
                    // Gateways end, and close connections.
                    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
                }
            }
        });
        Self { address, going_on }
    }

    /// How many chats of a model went on at the same time at most. Counted from when they had come until
    /// they were about to be answered: for a limit to hold, the gateways need not be told of an end
    /// before this provider knows it.
    pub(crate) fn most(&self, model: &str) -> u64 {
        self.going_on.lock().unwrap().get(model).map_or(0, |going_on| going_on.most)
    }
}

async fn answer(
    going_on: Arc<Mutex<HashMap<String, GoingOn>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    let asked: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
    let model = asked["model"].as_str().unwrap_or_default().to_owned();
    {
        let mut going_on = going_on.lock().unwrap();
        let going_on = going_on.entry(model.clone()).or_default();
        going_on.now += 1;
        going_on.most = going_on.most.max(going_on.now);
    }
    let time = model.rsplit_once('-').and_then(|(_, time)| time.parse().ok()).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(time)).await;
    if let Some(going_on) = going_on.lock().unwrap().get_mut(&model) {
        going_on.now -= 1;
    }
    let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT}});
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
