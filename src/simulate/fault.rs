//! What a provider answers when it refuses a request.

use serde_json::{Value, json};
use std::fmt;

/// The providers whose answers and refusals are imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    /// OpenAI.
    OpenAi,
    /// A server that speaks OpenAI's language without rules of its own.
    Compatible,
    /// Mistral's own rules on the OpenAI shape.
    Mistral,
    /// Groq's own rules on the OpenAI shape.
    Groq,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini `generateContent`.
    Gemini,
}

/// A refusal as the provider words it: status and error body.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Who refuses; decides the shape of [`Fault::body`].
    pub provider: Provider,
    /// HTTP status.
    pub status: u16,
    /// The provider's error type (`invalid_request_error`, `INVALID_ARGUMENT`, …).
    pub kind: &'static str,
    /// The text for humans.
    pub message: String,
    /// OpenAI's `param`: the field at fault.
    pub param: Option<Box<str>>,
    /// OpenAI's and Mistral's `code`.
    pub code: Option<Box<str>>,
    /// Mistral's `detail` list or Gemini's `details` list.
    pub detail: Option<Box<Value>>,
    /// Seconds for the `retry-after` header.
    pub retry_after: Option<u64>,
}

impl Fault {
    /// Builds a refusal with the error type that `provider` gives to `status`.
    pub fn new(provider: Provider, status: u16, message: impl Into<String>) -> Self {
        Self {
            provider,
            status,
            kind: kind(provider, status),
            message: message.into(),
            param: None,
            code: None,
            detail: None,
            retry_after: None,
        }
    }

    /// Sets the field at fault.
    #[must_use]
    pub fn param(mut self, param: impl Into<Box<str>>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Sets the machine-readable code.
    #[must_use]
    pub fn code(mut self, code: impl Into<Box<str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Sets the error type where it is not the usual one of the status.
    #[must_use]
    pub fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the provider's list of details.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = Some(Box::new(detail));
        self
    }

    /// Returns the error body in the provider's shape.
    pub fn body(&self) -> Value {
        match self.provider {
            Provider::OpenAi | Provider::Compatible => json!({"error": {
                "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
            }}),
            Provider::Groq => {
                let mut error = json!({"message": self.message, "type": self.kind});
                if let Some(code) = &self.code {
                    error["code"] = json!(code);
                }
                if let Some(param) = &self.param {
                    error["param"] = json!(param);
                }
                json!({"error": error})
            }
            Provider::Mistral => match &self.detail {
                Some(detail) => json!({"detail": detail}),
                None if self.status == 401 => json!({"detail": self.message}),
                None => json!({
                    "object": "error", "message": self.message, "type": self.kind,
                    "param": self.param, "code": self.code, "raw_status_code": self.status,
                }),
            },
            Provider::Anthropic => json!({
                "type": "error",
                "error": {"type": self.kind, "message": self.message},
                "request_id": "req_011CSim00000000000000000",
            }),
            Provider::Gemini => {
                let mut error = json!({"code": self.status, "message": self.message, "status": self.kind});
                if let Some(detail) = &self.detail {
                    error["details"] = Value::clone(detail);
                }
                json!({"error": error})
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.kind, self.message)?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, " {detail}"))
    }
}

impl std::error::Error for Fault {}

/// The error type each provider gives to a status.
fn kind(provider: Provider, status: u16) -> &'static str {
    match provider {
        Provider::OpenAi | Provider::Compatible | Provider::Groq => match status {
            401 if provider != Provider::Groq => "invalid_request_error",
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_exceeded",
            500.. => "server_error",
            _ => "invalid_request_error",
        },
        Provider::Mistral => match status {
            401 => "unauthorized",
            429 => "rate_limited",
            500.. => "internal_server_error",
            _ => "invalid_request_error",
        },
        Provider::Anthropic => match status {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            529 => "overloaded_error",
            500.. => "api_error",
            _ => "invalid_request_error",
        },
        Provider::Gemini => match status {
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            429 => "RESOURCE_EXHAUSTED",
            503 | 529 => "UNAVAILABLE",
            504 => "DEADLINE_EXCEEDED",
            500.. => "INTERNAL",
            _ => "INVALID_ARGUMENT",
        },
    }
}
