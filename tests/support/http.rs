//! A small HTTP client for tests.

use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The answer to a request, its body not yet read.
pub(crate) async fn open(http2: bool, req: Request<Full<Bytes>>) -> Outcome<Response<Incoming>> {
    let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
    Ok(client.request(req).await?)
}

/// The answer to a request, and its body.
pub(crate) async fn send(req: Request<Full<Bytes>>) -> Outcome<Response<Bytes>> {
    whole(open(false, req).await?).await
}

/// Reads a body to its end.
pub(crate) async fn whole(response: Response<Incoming>) -> Outcome<Response<Bytes>> {
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}

/// A request for a path, without a body.
pub(crate) fn get(addr: SocketAddr, path: &str) -> Request<Full<Bytes>> {
    let uri = format!("http://{addr}{path}");
    Request::get(uri).body(Full::default()).expect("a valid request")
}

/// A chat with one user message; `more` joins the request's fields.
pub(crate) fn chat(addr: SocketAddr, model: &str, text: &str, more: Value) -> Request<Full<Bytes>> {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": text}]});
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    post(addr, "/v1/chat/completions", body.to_string())
}

/// A request with a body of JSON, or what claims to be.
pub(crate) fn post(addr: SocketAddr, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(format!("http://{addr}{path}"))
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .expect("a valid request")
}

/// A body as JSON.
pub(crate) fn json(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(body)))
}
