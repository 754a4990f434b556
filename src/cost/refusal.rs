use http::{Extensions, HeaderName, HeaderValue, Response};
use tollway_core::{Dialect, Respond};
use tollway_cost::budget::{Denied, Refused};
use tollway_wire::{ApiError, ErrorKind};

use crate::body::AnswerBody;
use crate::respond::{InDialect, error_response};

/// By which OpenAI's and Anthropic's SDKs are told that another try makes no sense.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// The name of the budget that is spent.
const BUDGET: HeaderName = HeaderName::from_static("x-tollway-budget");

/// When there is surely enough again.
const RESET: HeaderName = HeaderName::from_static("x-tollway-budget-reset");

/// Answers who may not spend, in the client's dialect: as a provider does whose customer is out of credit.
impl Respond<Denied, AnswerBody> for InDialect {
    fn respond(&self, request: &Extensions, denied: &Denied) -> Response<AnswerBody> {
        let dialect = request.get().copied().unwrap_or(Dialect::OpenAi);
        // Anthropic has a status for it, OpenAI and Google say it with that of their limits.
        let spent = if dialect == Dialect::Anthropic { 402 } else { 429 };
        let (status, kind, code, retry_after) = match denied {
            Denied::Refused(Refused::Unavailable { retry_after, .. }) => {
                (503, ErrorKind::Overloaded, "budget_unavailable", Some(*retry_after))
            }
            Denied::Refused(Refused::Unpriced { .. }) => {
                (403, ErrorKind::Permission, "model_not_priced", None)
            }
            _ => (spent, ErrorKind::Quota, "insufficient_quota", None),
        };
        let refused = denied.refused();
        let error = ApiError {
            status,
            kind,
            message: denied.to_string(),
            code: Some(code.to_owned()),
            param: None,
            retry_after,
        };
        let mut response = error_response(dialect, &error);
        let headers = response.headers_mut();
        if retry_after.is_none() {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Ok(name) = HeaderValue::from_str(refused.budget()) {
            headers.insert(BUDGET, name);
        }
        let resets = refused.resets().map(|at| humantime::format_rfc3339_seconds(at).to_string());
        if let Some(at) = resets.and_then(|at| HeaderValue::try_from(at).ok()) {
            headers.insert(RESET, at);
        }
        response
    }
}
