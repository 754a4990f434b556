//! What is not a call to a model: health, and the list of models.

mod health;
mod models;

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Extensions, Request};
use http_body::Body;
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use tollway_core::Respond;
use tower_service::Service;

pub use self::health::{Health, Readiness};
use crate::Error;
use crate::body::{Answer, AnswerBody};
use crate::config::Settings;
use crate::error::BoxError;
use crate::respond::InDialect;

/// Routes beside the calls to models, as a service like the others.
#[derive(Clone, Debug)]
pub struct Side(Router);

impl Side {
    /// Answers by `routes`, and where there is none, says so.
    pub(crate) fn new(routes: Router) -> Self {
        let refused = |method: Method, uri: Uri, extensions: Extensions| {
            ready(method_not_allowed(method, &uri, &extensions, "GET, HEAD"))
        };
        Self(routes.method_not_allowed_fallback(refused).fallback(not_found))
    }
}

impl<B> Service<Request<B>> for Side
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, req: Request<B>) -> ResponseFuture {
        let req = req.map(axum::body::Body::new);
        ResponseFuture { inner: Service::<Request<axum::body::Body>>::call(&mut self.0, req) }
    }
}

pin_project! {
    /// The future of [`Side`].
    pub struct ResponseFuture {
        #[pin]
        inner: <Router as Service<Request<axum::body::Body>>>::Future,
    }
}

impl Future for ResponseFuture {
    type Output = Result<Answer, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx).map(|result| {
            let response = result.unwrap_or_else(|never| match never {});
            Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
        })
    }
}

/// The list of models.
pub(crate) fn router(settings: Arc<Settings>) -> Router {
    Router::new()
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::retrieve))
        .route("/v1beta/models", get(models::list))
        .route("/v1beta/models/{*id}", get(models::retrieve))
        .with_state(settings)
}

async fn not_found(method: Method, uri: Uri, extensions: Extensions) -> Response {
    refuse(&extensions, &Error::NotFound { method, path: uri.path().to_owned() })
}

/// Refuses a method where only some are allowed.
pub(crate) fn method_not_allowed(
    method: Method,
    uri: &Uri,
    extensions: &Extensions,
    allow: &'static str,
) -> Response {
    refuse(extensions, &Error::MethodNotAllowed { method, path: uri.path().to_owned(), allow })
}

pub(crate) fn json(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], Bytes::from(body)).into_response()
}

/// Answers in the dialect that [`open`](crate::open) has found.
pub(crate) fn refuse(extensions: &Extensions, error: &Error) -> Response {
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
