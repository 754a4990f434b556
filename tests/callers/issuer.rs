//! An issuer of tokens, as a test needs one.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

/// Signs tokens, and publishes the key that it signs with.
pub(crate) struct Issuer {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    key: Mutex<(usize, Ed25519KeyPair)>,
    fetched: AtomicUsize,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { key: Mutex::new((0, key())), fetched: AtomicUsize::new(0) });
        let published = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = published.clone();
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let answer = state.answer(address, request.uri().path());
                    async move { Ok::<_, Infallible>(answer) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many questions it was asked.
    pub(crate) fn fetched(&self) -> usize {
        self.state.fetched.load(Ordering::Relaxed)
    }

    /// Signs with another key from now on, and publishes no other.
    pub(crate) fn rotate(&self) {
        let mut current = self.state.key.lock().unwrap();
        *current = (current.0 + 1, key());
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let current = self.state.key.lock().unwrap();
        let head = json!({"alg": "EdDSA", "typ": "JWT", "kid": format!("key-{}", current.0)});
        let signed = joined(&head, claims);
        let signature = URL_SAFE_NO_PAD.encode(current.1.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    pub(crate) fn unsigned(claims: &Value) -> String {
        format!("{}.", joined(&json!({"alg": "none", "typ": "JWT"}), claims))
    }
}

impl State {
    fn answer(&self, address: SocketAddr, path: &str) -> Response<Full<Bytes>> {
        self.fetched.fetch_add(1, Ordering::Relaxed);
        let body = if path == "/.well-known/openid-configuration" {
            json!({"issuer": format!("http://{address}"), "jwks_uri": format!("http://{address}/jwks")})
        } else {
            let current = self.key.lock().unwrap();
            let x = URL_SAFE_NO_PAD.encode(current.1.public_key().as_ref());
            let kid = format!("key-{}", current.0);
            json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x}]})
        };
        Response::new(Full::new(Bytes::from(body.to_string())))
    }
}

fn key() -> Ed25519KeyPair {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()
}

fn joined(head: &Value, claims: &Value) -> String {
    [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".")
}
