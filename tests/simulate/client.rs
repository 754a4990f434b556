//! A simulator in this process, and a client for it.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tollway::simulate::{Options, Simulator};

pub(crate) struct Simulated {
    pub(crate) address: std::net::SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    _stop: oneshot::Sender<()>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether the body came to its end.
    pub(crate) whole: bool,
}

impl Simulated {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default(), false).await
    }

    pub(crate) async fn start_with(options: Options, http2: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(Simulator::new(options).serve(listener, async {
            let _ = stopped.await;
        }));
        let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        Self { address, client, _stop: stop }
    }

    /// Posts with the key and headers that the path's provider wants.
    pub(crate) async fn send(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<http::Response<Incoming>, hyper_util::client::legacy::Error> {
        let mut request = Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/json");
        if !headers.iter().any(|(name, _)| name.ends_with("key") || *name == "authorization") {
            request = request
                .header("authorization", "Bearer k")
                .header("x-api-key", "k")
                .header("x-goog-api-key", "k");
        }
        if path.starts_with("/v1/messages") {
            request = request.header("anthropic-version", "2023-06-01");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.client.request(request.body(Full::new(Bytes::from(body.to_string()))).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let response = self.send(path, headers, body).await.unwrap();
        let (parts, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        let mut whole = true;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                whole = false;
                break;
            };
            bytes.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
        Answer { status: parts.status, headers: parts.headers, body: bytes.into(), whole }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask(http::Method::GET, path).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Value {
        self.ask(http::Method::DELETE, path).await
    }

    async fn ask(&self, method: http::Method, path: &str) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("authorization", "Bearer k")
            .header("x-goog-api-key", "k")
            .body(Full::default())
            .unwrap();
        let response = self.client.request(request).await.unwrap();
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    /// A chat request of the user's one text.
    pub(crate) async fn chat(&self, text: &str, more: Value) -> Answer {
        self.post("/v1/chat/completions", &[], &chat(text, more)).await
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    #[track_caller]
    pub(crate) fn good(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        assert!(self.whole);
        self.json()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The data of all events but `[DONE]`.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.body).unwrap();
        let data =
            text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
        data.map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}")))
            .collect()
    }
}

pub(crate) fn chat(text: &str, more: Value) -> Value {
    merge(json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}), more)
}

pub(crate) fn messages(text: &str, more: Value) -> Value {
    merge(
        json!({"model": "claude-sonnet-4-5", "max_tokens": 4096, "messages": [{"role": "user", "content": text}]}),
        more,
    )
}

pub(crate) fn generate(text: &str, more: Value) -> Value {
    merge(json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}), more)
}

fn merge(mut body: Value, more: Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}
