//! What administrators do: `/admin/v1`, for callers who have the scope for it.
//!
//! Every change writes a row into the audit log, in the same transaction.

mod answer;
mod desk;
mod exported;
pub mod form;
mod usage;

use std::future::{Ready, ready};
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Extensions, Method, StatusCode, Uri};
use serde::Deserialize;
use tollway_core::Caller;

use self::answer::{Fault, shown};
use self::desk::Desk;
use crate::auth::{ADMIN, Auth};
use crate::config::Settings;
use crate::cost::Costs;
use crate::side::{method_not_allowed, refuse};

/// The routes, for requests whose caller is known.
pub(crate) fn router(settings: Arc<Settings>, auth: Auth, costs: Costs) -> Router {
    Router::new()
        .route("/admin/v1/keys", get(list).post(create).fallback(only("GET, HEAD, POST")))
        .route(
            "/admin/v1/keys/{id}",
            get(show).patch(change).delete(revoke).fallback(only("GET, HEAD, PATCH, DELETE")),
        )
        .route("/admin/v1/keys/{id}/rotate", post(rotate).fallback(only("POST")))
        .route("/admin/v1/audit", get(audit))
        .route("/admin/v1/audit/verify", get(verify))
        .with_state(Desk::new(auth.clone()))
        .merge(usage::router(settings, auth, costs))
        .route_layer(middleware::from_fn(scoped))
}

/// Refuses other methods than those that are allowed.
fn only(
    allow: &'static str,
) -> impl Fn(Method, Uri, Extensions) -> Ready<Response> + Clone + Send + Sync + 'static {
    move |method, uri, extensions| ready(method_not_allowed(method, &uri, &extensions, allow))
}

/// Lets administrators pass.
async fn scoped(req: Request, next: Next) -> Response {
    let caller = req.extensions().get::<Arc<Caller>>();
    if caller.is_some_and(|caller| caller.has_scope(ADMIN)) {
        return next.run(req).await;
    }
    let refused = tollway_auth::Error::Scope { scope: ADMIN.into() };
    refuse(req.extensions(), &refused.into())
}

/// A piece of a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Piece<A> {
    /// Behind what it begins.
    after: Option<A>,
    /// How much of it, at most.
    limit: Option<u32>,
}

impl<A> Piece<A> {
    fn limit(&self) -> u32 {
        self.limit.unwrap_or(100).clamp(1, 1000)
    }
}

async fn create(
    State(desk): State<Desk>,
    who: Extensions,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    Ok(shown(StatusCode::CREATED, &desk.create(&body?, &who).await?))
}

async fn list(
    State(desk): State<Desk>,
    piece: Result<Query<Piece<String>>, QueryRejection>,
) -> Result<Response, Fault> {
    let piece = piece?;
    Ok(shown(StatusCode::OK, &desk.list(piece.after.as_deref(), piece.limit()).await?))
}

async fn show(State(desk): State<Desk>, id: Result<Path<String>, PathRejection>) -> Result<Response, Fault> {
    Ok(shown(StatusCode::OK, &desk.show(&id?).await?))
}

async fn change(
    State(desk): State<Desk>,
    id: Result<Path<String>, PathRejection>,
    who: Extensions,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    Ok(shown(StatusCode::OK, &desk.change(&id?, &body?, &who).await?))
}

async fn revoke(
    State(desk): State<Desk>,
    id: Result<Path<String>, PathRejection>,
    who: Extensions,
) -> Result<Response, Fault> {
    Ok(shown(StatusCode::OK, &desk.revoke(&id?, &who).await?))
}

async fn rotate(
    State(desk): State<Desk>,
    id: Result<Path<String>, PathRejection>,
    who: Extensions,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Fault> {
    Ok(shown(StatusCode::OK, &desk.rotate(&id?, &body?, &who).await?))
}

async fn audit(
    State(desk): State<Desk>,
    piece: Result<Query<Piece<i64>>, QueryRejection>,
) -> Result<Response, Fault> {
    let piece = piece?;
    Ok(shown(StatusCode::OK, &desk.audit(piece.after.unwrap_or(0), piece.limit()).await?))
}

async fn verify(State(desk): State<Desk>) -> Result<Response, Fault> {
    Ok(shown(StatusCode::OK, &desk.verify().await?))
}
