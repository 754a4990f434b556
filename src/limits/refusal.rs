use http::{Extensions, Response};
use tollway_core::{Dialect, Respond};
use tollway_rate_limit::Refused;
use tollway_wire::{ApiError, ErrorKind};

use crate::body::AnswerBody;
use crate::respond::{InDialect, error_response};

impl Respond<Refused, AnswerBody> for InDialect {
    fn respond(&self, request: &Extensions, refused: &Refused) -> Response<AnswerBody> {
        let dialect = request.get().copied().unwrap_or(Dialect::OpenAi);
        let (kind, code) = match refused {
            Refused::Unavailable { .. } => (ErrorKind::Overloaded, "rate_limit_unavailable"),
            _ => (ErrorKind::RateLimit, "rate_limit_exceeded"),
        };
        let error = ApiError {
            status: refused.status().as_u16(),
            kind,
            message: refused.to_string(),
            code: Some(code.to_owned()),
            param: None,
            retry_after: refused.retry_after(),
        };
        error_response(dialect, &error)
    }
}
