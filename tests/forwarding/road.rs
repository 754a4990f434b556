//! The built gateway, and clients of it.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::process::Server;

/// The gateway, with its access log on the standard error.
pub(super) struct Gateway {
    pub(super) server: Server,
    file: PathBuf,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Gateway {
    /// Starts one with `sections` of a configuration.
    pub(super) fn start(sections: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name =
            format!("forwarding-{}-{}.yaml", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let server = if sections.contains("server:") { "" } else { "server: {listen: '127.0.0.1:0'}\n" };
        fs::write(&file, format!("log: {{access: stderr}}\n{server}{sections}")).unwrap();
        let server = Server::start(&["serve", "--config", file.to_str().unwrap()], &[]).unwrap();
        Self { server, file }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.addr())
    }

    pub(super) async fn send<B>(&self, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.try_send(request).await.unwrap()
    }

    pub(super) async fn try_send<B>(&self, request: Request<B>) -> Result<Answer, Box<dyn std::error::Error>>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let client: Client<_, B> = Client::builder(TokioExecutor::new()).build_http();
        let (parts, body) = client.request(request).await?.into_parts();
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
    }

    /// Asks by a method, with some headers and a body.
    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::new(Bytes::copy_from_slice(body))).unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"").await
    }

    pub(super) async fn post(&self, path: &str, json: &str) -> Answer {
        self.ask("POST", path, &[("content-type", "application/json")], json.as_bytes()).await
    }

    /// The line that the access log has of an id, once it is there.
    pub(super) async fn line(&self, id: &str) -> Value {
        let mark = format!("\"request_id\":\"{id}\"");
        let began = Instant::now();
        loop {
            if let Some(line) = self.server.log().lines().find(|line| line.contains(&mark)) {
                return serde_json::from_str(line).unwrap();
            }
            assert!(began.elapsed() < Duration::from_secs(20), "no line of {id}:\n{}", self.server.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
