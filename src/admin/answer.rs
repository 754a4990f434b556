use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use tollway_auth::keys::{ChangeError, StoreError};
use tollway_core::Dialect;
use tollway_wire::{ApiError, ErrorKind};

use crate::auth::explain;
use crate::respond::error_response;

/// Why an administrator did not get what was asked for.
#[derive(Debug)]
pub(super) struct Fault(ApiError);

impl Fault {
    /// A field is wrong.
    pub(super) fn field(field: &str, what: impl Into<String>) -> Self {
        let param = (!field.is_empty()).then(|| field.to_owned());
        Self(ApiError { param, ..error(400, "invalid_request", what.into()) })
    }

    /// There is no such key.
    pub(super) fn unknown(id: &str) -> Self {
        Self(error(404, "key_not_found", format!("no such key: {id}")))
    }

    /// There is no place to keep keys.
    pub(super) fn homeless() -> Self {
        let what = "keys have no place to be kept; set `state.database`, or make the first one with \
                    `tollway keys create`";
        Self(error(409, "no_database", what.to_owned()))
    }

    /// There is no place to keep usage.
    pub(super) fn unrecorded() -> Self {
        let what = "usage is not recorded; leave out `usage: {enabled: false}` in the configuration, and name \
                    a place that can be written in `usage.database`";
        Self(error(409, "no_database", what.to_owned()))
    }
}

fn error(status: u16, code: &str, message: String) -> ApiError {
    let kind = ErrorKind::from_status(status);
    ApiError { status, kind, message, code: Some(code.to_owned()), param: None, retry_after: None }
}

impl From<StoreError> for Fault {
    fn from(fault: StoreError) -> Self {
        let (status, code) = match &fault {
            StoreError::Refused(ChangeError::NotFound(_)) => (404, "key_not_found"),
            StoreError::Refused(_) => (409, "key_conflict"),
            StoreError::OtherPepper | StoreError::Audit(_) | StoreError::Unreadable(_) => {
                (500, "store_unusable")
            }
            _ => (503, "store_unavailable"),
        };
        if status >= 500 {
            tracing::error!("the store of keys: {}", explain(&fault));
        }
        Self(error(status, code, explain(&fault)))
    }
}

impl From<tollway_usage::StoreError> for Fault {
    fn from(fault: tollway_usage::StoreError) -> Self {
        use tollway_usage::StoreError as Usage;

        let (status, code) = match &fault {
            Usage::Query(_) => (400, "invalid_request"),
            Usage::Unreadable(_) => (500, "store_unusable"),
            _ => (503, "store_unavailable"),
        };
        if status >= 500 {
            tracing::error!("the store of usage: {}", crate::error::chain(&fault));
        }
        Self(error(status, code, fault.to_string()))
    }
}

impl From<QueryRejection> for Fault {
    fn from(rejection: QueryRejection) -> Self {
        Self(error(rejection.status().as_u16(), "invalid_request", rejection.body_text()))
    }
}

impl From<PathRejection> for Fault {
    fn from(rejection: PathRejection) -> Self {
        Self(error(rejection.status().as_u16(), "invalid_request", rejection.body_text()))
    }
}

impl From<BytesRejection> for Fault {
    fn from(rejection: BytesRejection) -> Self {
        Self(error(rejection.status().as_u16(), "invalid_request", rejection.body_text()))
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        error_response(Dialect::OpenAi, &self.0).map(axum::body::Body::new)
    }
}

/// An answer. It may hold a token, so nobody on the way keeps it.
pub(super) fn shown(status: StatusCode, value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    (status, written("application/json", body)).into_response()
}

/// A body of another kind.
pub(super) fn written(kind: &'static str, body: impl Into<axum::body::Body>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body.into()).into_response()
}
