//! What is not a call to a model: health, and the list of models.

mod models;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::Extensions;
use http::header::{CONTENT_TYPE, HeaderValue};
use tollway_core::Respond;

use crate::Error;
use crate::body::AnswerBody;
use crate::config::Settings;
use crate::respond::InDialect;

/// Whether the process takes new work; turned off when it begins to shut down.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<AtomicBool>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Readiness {
    /// Says that no new work is wanted.
    pub fn close(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The side routes.
pub(crate) fn router(settings: Arc<Settings>, readiness: Readiness) -> Router {
    Router::new()
        .route("/health/live", get(async || "ok\n"))
        .route("/health/ready", get(ready))
        .with_state(readiness)
        .merge(
            Router::new()
                .route("/v1/models", get(models::list))
                .route("/v1/models/{*id}", get(models::retrieve))
                .route("/v1beta/models", get(models::list))
                .route("/v1beta/models/{*id}", get(models::retrieve))
                .with_state(settings),
        )
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    if readiness.is_open() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response()
    }
}

async fn not_found(method: Method, uri: Uri, extensions: Extensions) -> Response {
    refuse(&extensions, &Error::NotFound { method, path: uri.path().to_owned() })
}

async fn method_not_allowed(method: Method, uri: Uri, extensions: Extensions) -> Response {
    refuse(&extensions, &Error::MethodNotAllowed { method, path: uri.path().to_owned(), allow: "GET, HEAD" })
}

fn json(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], Bytes::from(body)).into_response()
}

/// Answers in the dialect that [`open`](crate::open) has found.
fn refuse(extensions: &Extensions, error: &Error) -> Response {
    let response: http::Response<AnswerBody> = InDialect.respond(extensions, error);
    response.map(axum::body::Body::new)
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use http_body_util::{BodyExt, Empty};
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;
    use crate::config::{Env, Source};
    use crate::stack::{self, Shared};

    /// The whole stack's answer to a request without a body.
    async fn answer(method: &str, path: &str) -> Response<Value> {
        answer_to(method, path, &[]).await
    }

    async fn answer_to(method: &str, path: &str, headers: &[(&str, &str)]) -> Response<Value> {
        let config = "providers: {openai: {api_key: k}, anthropic: {api_key: k}}";
        let settings = Settings::load(&Source::text(config), &Env::default()).unwrap();
        let stack = stack::build(&Shared::new(Arc::new(settings)).unwrap());
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let Ok(response) = stack.oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body)
            .unwrap_or_else(|_| panic!("{method} {path}: not JSON: {}", String::from_utf8_lossy(&body)));
        Response::from_parts(parts, body)
    }

    #[tokio::test]
    async fn a_refusal_is_in_the_dialect_of_its_path() {
        for (method, path, status) in [
            ("GET", "/v1/models/%FF", 404),
            ("GET", "/v1/models/a%00b", 404),
            ("GET", "/v1/models/", 404),
            ("DELETE", "/v1/models/gpt-5-mini", 405),
            ("POST", "/health/live", 405),
            ("GET", "/v1/embeddings", 405),
            ("GET", "/%FF%00", 404),
            ("OPTIONS", "*", 404),
        ] {
            let got = answer(method, path).await;
            assert_eq!(got.status(), status, "{method} {path}: {}", got.body());
            let error = &got.body()["error"];
            assert!(error["message"].is_string() && error["code"].is_string(), "{method} {path}: {error}");
            assert_eq!(error["type"], "invalid_request_error", "{method} {path}");
            assert_eq!(got.headers().get("allow").is_some(), status == 405, "{method} {path}");
            assert!(got.headers().contains_key("x-request-id"), "{method} {path}");
        }

        let anthropic = answer("POST", "/v1/messages/batches").await;
        assert_eq!(anthropic.status(), 404);
        let expected =
            json!({ "type": "not_found_error", "message": "unknown request URL: POST /v1/messages/batches" });
        assert_eq!((&anthropic.body()["type"], &anthropic.body()["error"]), (&json!("error"), &expected));

        let gemini = answer("GET", "/v1beta/tunedModels").await;
        assert_eq!(gemini.status(), 404);
        let error = &gemini.body()["error"];
        assert_eq!((&error["code"], &error["status"]), (&json!(404), &json!("NOT_FOUND")), "{error}");
    }

    #[tokio::test]
    async fn models_are_listed_in_the_dialect_of_the_sdk_that_asks() {
        let openai = answer("GET", "/v1/models").await;
        assert_eq!(openai.body()["object"], "list");
        assert_eq!(answer("GET", "/v1/models/gpt-5.5").await.body()["object"], "model");

        let anthropic = answer_to("GET", "/v1/models", &[("anthropic-version", "2023-06-01")]).await;
        let (first, has_more) = (&anthropic.body()["data"][0], &anthropic.body()["has_more"]);
        assert_eq!((&first["type"], has_more), (&json!("model"), &json!(false)));
        assert!(first["display_name"].is_string() && first["created_at"].is_string(), "{first}");
        let one = answer_to("GET", "/v1/models/gpt-5.5", &[("anthropic-version", "2023-06-01")]).await;
        assert_eq!((&one.body()["type"], &one.body()["id"]), (&json!("model"), &json!("gpt-5.5")));

        let gemini = answer("GET", "/v1beta/models").await;
        let models = gemini.body()["models"].as_array().unwrap();
        assert_eq!(models.len(), openai.body()["data"].as_array().unwrap().len());
        let one = answer("GET", "/v1beta/models/claude-sonnet-5-5").await;
        assert_eq!(one.body()["name"], "models/claude-sonnet-5-5");
        assert!(one.body()["outputTokenLimit"].is_u64(), "{}", one.body());
        assert!(models.contains(one.body()));
        let none = answer("GET", "/v1beta/models/a%00b").await;
        assert_eq!((none.status().as_u16(), &none.body()["error"]["status"]), (404, &json!("NOT_FOUND")));
    }
}
