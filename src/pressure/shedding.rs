use std::sync::Arc;

use http::{Extensions, Response};
use metrics::counter;
use tollway_core::{Dialect, Respond};
use tollway_rate_limit::adaptive::Refused;
use tollway_wire::{ApiError, ErrorKind};

use crate::body::AnswerBody;
use crate::respond::error_response;

/// Answers who is not sent to a provider, in the client's dialect.
#[derive(Clone, Debug)]
pub struct Shedding {
    pub(super) provider: Arc<str>,
}

impl Respond<Refused, AnswerBody> for Shedding {
    fn respond(&self, request: &Extensions, refused: &Refused) -> Response<AnswerBody> {
        let dialect = request.get().copied().unwrap_or(Dialect::OpenAi);
        let (kind, code) = match refused {
            Refused::Exhausted { .. } => (ErrorKind::RateLimit, "provider_rate_limit"),
            _ => (ErrorKind::Overloaded, "provider_overloaded"),
        };
        let reason = match refused {
            Refused::Overloaded { reason, .. } => reason.as_str(),
            _ => "exhausted",
        };
        counter!(super::SHED, "provider" => self.provider.clone(), "reason" => reason).increment(1);
        let error = ApiError {
            status: refused.status().as_u16(),
            kind,
            message: format!("provider {}: {refused}; nothing was sent", self.provider),
            code: Some(code.to_owned()),
            param: None,
            retry_after: Some(refused.retry_after()),
        };
        error_response(dialect, &error)
    }
}
