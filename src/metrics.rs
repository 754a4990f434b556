//! What Prometheus reads, at `GET /metrics`.
//!
//! Whoever has something to tell tells it to the facade of the `metrics` crate. This is the recorder
//! behind it.

mod recorder;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use tollway_auth::Error as Refused;
use tollway_core::Caller;

use self::recorder::Recorder;
use crate::BoxError;
use crate::auth::{ADMIN, Auth, METRICS};
use crate::cost::metered;
use crate::pressure::{self, Pressures};
use crate::side::refuse;

/// The recorder of this process.
#[derive(Clone, Debug)]
pub struct Metrics(Recorder);

impl Metrics {
    /// Puts the recorder in place: once in a process, and before what tells it something is made.
    pub fn install() -> Result<Self, BoxError> {
        let recorder = Recorder::default();
        metrics::set_global_recorder(recorder.clone()).map_err(|error| error.to_string())?;
        tollway_auth::metered::describe();
        tollway_rate_limit::metered::describe();
        pressure::describe();
        metered::describe();
        tollway_cost::budget::meters::describe();
        tollway_usage::metered::describe();
        Ok(Self(recorder))
    }

    /// The route, for requests whose caller is known.
    pub(crate) fn router(self, pressures: Pressures, auth: Auth) -> Router {
        Router::new()
            .route("/metrics", get(render))
            .route_layer(middleware::from_fn_with_state(auth, scoped))
            .with_state((self, pressures))
    }
}

async fn render(State((metrics, pressures)): State<(Metrics, Pressures)>) -> Response {
    pressures.tell();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.0.render()).into_response()
}

/// Lets those pass whose keys say so, and everybody where nobody needs a key.
async fn scoped(State(auth): State<Auth>, req: Request, next: Next) -> Response {
    let caller = req.extensions().get::<Arc<Caller>>();
    let may = caller.is_some_and(|caller| caller.has_scope(METRICS) || caller.has_scope(ADMIN));
    if may || !auth.is_required() {
        return next.run(req).await;
    }
    let refused = Refused::Scope { scope: METRICS.into() };
    refuse(req.extensions(), &refused.into())
}
