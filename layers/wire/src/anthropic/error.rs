use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::text::Str;
use crate::{ApiError, ErrorKind};

/// The longest excerpt of an unreadable error body that is passed on, in bytes.
const MAX_EXCERPT: usize = 1024;

/// Reads an error answer of Anthropic's, or of whatever stands before it. Never fails; the message
/// is never empty.
///
/// Anthropic's own status 529 is presented as 503, which clients know and retry.
pub fn decode_error(status: u16, body: &[u8]) -> ApiError {
    if let Ok(Envelope { error: Some(error) }) = serde_json::from_slice(body) {
        return from_parts(Some(status), error);
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    // A load balancer's page is of no use to a program.
    let message = if text.is_empty() || text.starts_with('<') {
        format!("the upstream answered with status {status}")
    } else {
        excerpt(text).to_owned()
    };
    let status = present(status);
    let kind = ErrorKind::from_status(status);
    ApiError { status, kind, message, code: None, param: None, retry_after: None }
}

/// Whether a body already has Anthropic's error shape, so that it may be passed on as it is.
pub fn is_error_shape(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Shape<'a> {
        #[serde(rename = "type", borrow)]
        kind: Str<'a>,
        #[serde(borrow)]
        error: Details<'a>,
    }
    serde_json::from_slice::<Shape<'_>>(body).is_ok_and(|shape| {
        let told = shape.error.message.is_some_and(|message| !message.0.trim().is_empty());
        shape.kind.0 == "error" && shape.error.kind.is_some() && told
    })
}

/// Writes an error in Anthropic's shape.
pub fn encode_error(error: &ApiError) -> Vec<u8> {
    let mut out = Vec::with_capacity(96 + error.message.len());
    write_error(error, &mut out);
    out
}

pub(super) fn write_error(error: &ApiError, out: &mut Vec<u8>) {
    // The format has no field for the field at fault; it stands before the words, as Anthropic puts it.
    let message = match &error.param {
        Some(param) if !error.message.contains(param.as_str()) => {
            format!("{param}: {}", error.message).into()
        }
        _ => Cow::Borrowed(error.message.as_str()),
    };
    let body = ErrorOut { kind: "error", error: DetailsOut { kind: wire_type(error), message: &message } };
    // Writing to memory what holds no map with odd keys cannot fail.
    let _ = serde_json::to_writer(out, &body);
}

/// The `error` object of an error body or of an `error` event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Details<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Str<'a>>,
    #[serde(borrow)]
    message: Option<Str<'a>>,
}

/// An error by its parts. Inside a stream there is no status of its own: the type tells it.
pub(super) fn from_parts(status: Option<u16>, error: Details<'_>) -> ApiError {
    let code = error.kind.map(|kind| kind.0.into_owned()).filter(|kind| !kind.is_empty());
    let by_type = code.as_deref().and_then(kind_of);
    let status = present(status.or(by_type.map(|(_, status)| status)).unwrap_or(500));
    let mut kind = by_type.map_or_else(|| ErrorKind::from_status(status), |(kind, _)| kind);
    let message = match error.message {
        Some(message) if !message.0.trim().is_empty() => message.0.into_owned(),
        _ => format!(
            "the upstream failed with {}",
            code.as_deref().map_or_else(|| format!("status {status}"), str::to_owned)
        ),
    };
    // An empty account answers 400 `invalid_request_error`, though the request is right.
    if kind == ErrorKind::InvalidRequest && message.contains("credit balance is too low") {
        kind = ErrorKind::Quota;
    }
    ApiError { status, kind, message, code, param: None, retry_after: None }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    error: Option<Details<'a>>,
}

#[derive(Serialize)]
struct ErrorOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: DetailsOut<'a>,
}

#[derive(Serialize)]
struct DetailsOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
}

const fn present(status: u16) -> u16 {
    if status == 529 { 503 } else { status }
}

/// What an error type means, and the status it comes with.
/// Source: Anthropic's API reference, "Errors".
fn kind_of(wire: &str) -> Option<(ErrorKind, u16)> {
    Some(match wire {
        "invalid_request_error" => (ErrorKind::InvalidRequest, 400),
        "authentication_error" => (ErrorKind::Authentication, 401),
        "billing_error" => (ErrorKind::Quota, 402),
        "permission_error" => (ErrorKind::Permission, 403),
        "not_found_error" => (ErrorKind::NotFound, 404),
        "request_too_large" => (ErrorKind::TooLarge, 413),
        "rate_limit_error" => (ErrorKind::RateLimit, 429),
        "api_error" => (ErrorKind::Internal, 500),
        "timeout_error" => (ErrorKind::Timeout, 504),
        "overloaded_error" => (ErrorKind::Overloaded, 529),
        _ => return None,
    })
}

fn wire_type(error: &ApiError) -> &'static str {
    match error.kind {
        ErrorKind::InvalidRequest => "invalid_request_error",
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::Quota => "billing_error",
        ErrorKind::Permission => "permission_error",
        ErrorKind::NotFound => "not_found_error",
        ErrorKind::TooLarge => "request_too_large",
        ErrorKind::RateLimit => "rate_limit_error",
        ErrorKind::Timeout => "timeout_error",
        ErrorKind::Overloaded => "overloaded_error",
        ErrorKind::Internal => "api_error",
    }
}

fn excerpt(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_EXCERPT)).unwrap_or(text)
}

/// An answer that cannot be read: the upstream's fault.
pub(super) fn unreadable(what: impl std::fmt::Display) -> ApiError {
    ApiError {
        status: 502,
        kind: ErrorKind::Internal,
        message: format!("the upstream's answer cannot be read: {what}"),
        code: None,
        param: None,
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_overloaded_provider_is_presented_as_503_worth_another_try() {
        let error = decode_error(
            529,
            br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}"#,
        );
        assert_eq!((error.status, error.kind), (503, ErrorKind::Overloaded));
        assert_eq!((error.message.as_str(), error.code.as_deref()), ("Overloaded", Some("overloaded_error")));
    }

    #[test]
    fn a_body_of_another_kind_is_read_by_its_status() {
        let page = decode_error(502, b"<html><h1>Bad gateway</h1></html>");
        assert_eq!(page.message, "the upstream answered with status 502");
        assert_eq!(decode_error(429, b" slow down ").message, "slow down");
        assert_eq!(decode_error(429, b"").kind, ErrorKind::RateLimit);
    }

    #[test]
    fn an_empty_account_is_not_a_wrong_request() {
        let body =
            br#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low to"}}"#;
        assert_eq!(decode_error(400, body).kind, ErrorKind::Quota);
    }

    #[test]
    fn every_kind_survives_a_round_trip() {
        for (kind, status) in [
            (ErrorKind::InvalidRequest, 400),
            (ErrorKind::Authentication, 401),
            (ErrorKind::Quota, 402),
            (ErrorKind::Permission, 403),
            (ErrorKind::NotFound, 404),
            (ErrorKind::TooLarge, 413),
            (ErrorKind::RateLimit, 429),
            (ErrorKind::Internal, 500),
            (ErrorKind::Timeout, 504),
            (ErrorKind::Overloaded, 503),
        ] {
            let error = ApiError {
                status,
                kind,
                message: "no \"luck\"".to_owned(),
                code: None,
                param: None,
                retry_after: None,
            };
            let body = encode_error(&error);
            let back = decode_error(status, &body);
            assert_eq!((back.status, back.kind, back.message), (status, kind, error.message));
            let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(value["type"], "error");
        }
    }

    proptest! {
        #[test]
        fn any_body_gives_a_message(status in 100u16..1000, body in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(!decode_error(status, &body).message.is_empty());
        }

        #[test]
        fn any_json_error_gives_a_message(status in 100u16..1000, kind in ".{0,8}", message in "[ a]{0,3}") {
            let body = serde_json::json!({"error": {"type": kind, "message": message}}).to_string();
            prop_assert!(!decode_error(status, body.as_bytes()).message.trim().is_empty());
        }
    }
}
