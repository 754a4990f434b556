//! What is not a call to a model: health, and the list of models.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use tollway_core::{Dialect, Respond};
use tollway_wire::openai;

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
                .route("/v1/models", get(list_models))
                .route("/v1/models/{*id}", get(retrieve_model))
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

async fn list_models(State(settings): State<Arc<Settings>>) -> Response {
    json(openai::models::encode_list(settings.catalogue.list().map(model)))
}

async fn retrieve_model(State(settings): State<Arc<Settings>>, Path(id): Path<String>) -> Response {
    if let Some(entry) = settings.catalogue.get(&id) {
        return json(openai::models::encode(&model(entry)));
    }
    // Names that resolve without standing in the list: `provider/model`, families, aliases.
    match settings.catalogue.resolve(&id) {
        Ok(resolved) => json(openai::models::encode(&openai::models::Model {
            id: &id,
            created: 0,
            owned_by: &resolved.upstream.provider,
        })),
        Err(unresolved) => refuse(&Error::UnknownModel { message: unresolved.to_string() }),
    }
}

fn model(entry: &crate::config::ModelEntry) -> openai::models::Model<'_> {
    openai::models::Model { id: &entry.id, created: entry.created, owned_by: &entry.owned_by }
}

async fn not_found(method: Method, uri: Uri) -> Response {
    refuse(&Error::NotFound { method, path: uri.path().to_owned() })
}

async fn method_not_allowed(method: Method, uri: Uri) -> Response {
    refuse(&Error::MethodNotAllowed { method, path: uri.path().to_owned(), allow: "GET, HEAD" })
}

fn json(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], Bytes::from(body)).into_response()
}

fn refuse(error: &Error) -> Response {
    let mut extensions = http::Extensions::new();
    extensions.insert(Dialect::OpenAi);
    let response: http::Response<AnswerBody> = InDialect.respond(&extensions, error);
    response.map(axum::body::Body::new)
}
