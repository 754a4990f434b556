//! Google's error body (`google.rpc.Status`) ⇄ [`ApiError`].

use std::time::Duration;

use serde_json::{Value, json};

use crate::{ApiError, ErrorKind};

/// The most characters of a body that is not Google's JSON that are told on.
const MOST_TOLD: usize = 512;

/// Reads an error body: `{"error":{…}}`, the same in an array, or whatever else a proxy on the way
/// may have put there. The message is never empty.
pub fn decode_error(status: u16, body: &[u8]) -> ApiError {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let json = match &json {
        Value::Array(errors) => errors.first().unwrap_or(&Value::Null),
        other => other,
    };
    match json.get("error") {
        Some(Value::Object(_)) => from_status(status, &json["error"]),
        Some(Value::String(message)) if !message.trim().is_empty() => bare(status, message),
        _ => bare(status, &String::from_utf8_lossy(body)),
    }
}

/// Whether a body already has Google's error shape, so that it may be passed on as it is.
pub fn is_error_shape(body: &[u8]) -> bool {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &json["error"];
    let told = error["message"].as_str().is_some_and(|message| !message.trim().is_empty());
    told && error["code"].is_u64() && error["status"].is_string()
}

/// Writes an error body.
pub fn encode_error(error: &ApiError) -> Vec<u8> {
    let message = match &error.param {
        Some(param) if !error.message.contains(param.as_str()) => format!("{param}: {}", error.message),
        _ => error.message.clone(),
    };
    let own_word = error.code.as_deref().filter(|code| kind_of(code).is_some());
    let mut status = json!({
        "code": error.status,
        "message": message,
        "status": own_word.unwrap_or_else(|| word_of(error.kind)),
    });
    if let (Some(wait), Value::Object(fields)) = (error.retry_after, &mut status) {
        let delay = format!("{}s", wait.as_secs_f64());
        let info = json!([{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay }]);
        fields.insert("details".to_owned(), info);
    }
    json!({ "error": status }).to_string().into_bytes()
}

/// Reads the `error` object itself, as it also stands in a stream, where no HTTP status tells more.
pub(super) fn decode_status(error: &[u8]) -> ApiError {
    from_status(200, &serde_json::from_slice(error).unwrap_or_default())
}

fn from_status(http: u16, error: &Value) -> ApiError {
    let text = |key: &str| error.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let details = error.get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let word = text("status");
    let told = word.and_then(kind_of);
    let status = match (http, code) {
        (400..=599, _) => http,
        (_, Some(code @ 400..=599)) => code,
        _ => told.map_or(500, status_of),
    };
    // A wrong key is refused as a wrong argument; only the reason tells.
    let wrong_key = details
        .iter()
        .filter_map(|detail| detail.get("reason")?.as_str())
        .any(|reason| matches!(reason, "API_KEY_INVALID" | "API_KEY_EXPIRED" | "ACCESS_TOKEN_EXPIRED"));
    let (status, kind) = if wrong_key {
        (401, ErrorKind::Authentication)
    } else {
        (status, told.unwrap_or_else(|| ErrorKind::from_status(status)))
    };
    ApiError {
        status,
        kind,
        message: text("message").or(word).map_or_else(|| silent(status), str::to_owned),
        code: word.map(str::to_owned),
        param: details.iter().find_map(violated_field).map(str::to_owned),
        retry_after: details.iter().find_map(retry_delay),
    }
}

/// An error of a body that is not Google's.
fn bare(http: u16, body: &str) -> ApiError {
    let status = if (400..=599).contains(&http) { http } else { 502 };
    // A load balancer's page is of no use to a program.
    let text = Some(body.trim()).filter(|text| !text.starts_with('<')).unwrap_or_default();
    let told: String = text.chars().take(MOST_TOLD).collect();
    ApiError {
        status,
        kind: ErrorKind::from_status(status),
        message: if told.is_empty() { silent(status) } else { told },
        code: None,
        param: None,
        retry_after: None,
    }
}

fn silent(status: u16) -> String {
    format!("the provider gave no reason, status {status}")
}

/// `google.rpc.BadRequest`: the first field at fault.
fn violated_field(detail: &Value) -> Option<&str> {
    detail.get("fieldViolations")?.get(0)?.get("field")?.as_str().filter(|field| !field.is_empty())
}

/// `google.rpc.RetryInfo`: a protobuf duration, seconds with a fraction and an `s`.
fn retry_delay(detail: &Value) -> Option<Duration> {
    let seconds: f64 = detail.get("retryDelay")?.as_str()?.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn kind_of(word: &str) -> Option<ErrorKind> {
    Some(match word {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" | "ALREADY_EXISTS" | "ABORTED" => {
            ErrorKind::InvalidRequest
        }
        "UNAUTHENTICATED" => ErrorKind::Authentication,
        "PERMISSION_DENIED" => ErrorKind::Permission,
        "NOT_FOUND" => ErrorKind::NotFound,
        "RESOURCE_EXHAUSTED" => ErrorKind::RateLimit,
        "UNAVAILABLE" => ErrorKind::Overloaded,
        "DEADLINE_EXCEEDED" | "CANCELLED" => ErrorKind::Timeout,
        "INTERNAL" | "UNKNOWN" | "DATA_LOSS" | "UNIMPLEMENTED" => ErrorKind::Internal,
        _ => return None,
    })
}

fn word_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::TooLarge => "INVALID_ARGUMENT",
        ErrorKind::Authentication => "UNAUTHENTICATED",
        ErrorKind::Permission => "PERMISSION_DENIED",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::RateLimit | ErrorKind::Quota => "RESOURCE_EXHAUSTED",
        ErrorKind::Overloaded => "UNAVAILABLE",
        ErrorKind::Timeout => "DEADLINE_EXCEEDED",
        ErrorKind::Internal => "INTERNAL",
    }
}

fn status_of(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::InvalidRequest => 400,
        ErrorKind::Authentication => 401,
        ErrorKind::Quota => 402,
        ErrorKind::Permission => 403,
        ErrorKind::NotFound => 404,
        ErrorKind::TooLarge => 413,
        ErrorKind::RateLimit => 429,
        ErrorKind::Internal => 500,
        ErrorKind::Overloaded => 503,
        ErrorKind::Timeout => 504,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The delay Google asks for stands in the body, not in a header; `LiteLLM`, `TensorZero`, Envoy and
    /// agentgateway do not read it and try again at once.
    #[test]
    fn the_retry_delay_is_read_from_the_body() {
        let body =
            br#"{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.QuotaFailure"},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}"#;
        let error = decode_error(429, body);
        assert_eq!(error.kind, ErrorKind::RateLimit);
        assert_eq!(error.retry_after, Some(Duration::from_millis(34_500)));
        assert_eq!(error.code.as_deref(), Some("RESOURCE_EXHAUSTED"));
    }

    #[test]
    fn an_error_may_stand_in_an_array() {
        let error = decode_error(503, br#"[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]"#);
        assert_eq!((error.status, error.kind, &*error.message), (503, ErrorKind::Overloaded, "busy"));
    }

    #[test]
    fn a_wrong_key_is_an_authentication_error() {
        let body = br#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT",
            "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#;
        let error = decode_error(400, body);
        assert_eq!((error.status, error.kind), (401, ErrorKind::Authentication));
    }

    #[test]
    fn the_field_at_fault_is_told() {
        let body = br#"{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT","details":[
            {"fieldViolations":[{"field":"generation_config.top_k","description":"too large"}]}]}}"#;
        assert_eq!(decode_error(400, body).param.as_deref(), Some("generation_config.top_k"));
    }

    #[test]
    fn words_and_statuses_are_mapped() {
        for (word, status, kind) in [
            ("INVALID_ARGUMENT", 400, ErrorKind::InvalidRequest),
            ("UNAUTHENTICATED", 401, ErrorKind::Authentication),
            ("PERMISSION_DENIED", 403, ErrorKind::Permission),
            ("NOT_FOUND", 404, ErrorKind::NotFound),
            ("RESOURCE_EXHAUSTED", 429, ErrorKind::RateLimit),
            ("INTERNAL", 500, ErrorKind::Internal),
            ("UNAVAILABLE", 503, ErrorKind::Overloaded),
            ("DEADLINE_EXCEEDED", 504, ErrorKind::Timeout),
        ] {
            let error = decode_status(format!(r#"{{"status":"{word}"}}"#).as_bytes());
            assert_eq!((error.status, error.kind, &*error.message), (status, kind, word));
            assert_eq!(decode_error(error.status, &encode_error(&error)), error);
        }
    }

    #[test]
    fn bodies_that_are_not_googles_keep_their_words_but_for_pages() {
        assert_eq!(decode_error(502, b"Bad Gateway").message, "Bad Gateway");
        assert_eq!(decode_error(502, b"<html>x</html>").message, "the provider gave no reason, status 502");
        assert_eq!(decode_error(500, b"").message, "the provider gave no reason, status 500");
        assert_eq!(decode_error(200, b"[]").status, 502);
    }

    proptest! {
        #[test]
        fn any_body_is_an_error_with_a_message(status in any::<u16>(), body in any::<Vec<u8>>()) {
            let error = decode_error(status, &body);
            prop_assert!(!error.message.trim().is_empty());
            prop_assert!((400..=599).contains(&error.status));
        }

        #[test]
        fn errors_come_back(
            status in 400_u16..600,
            message in "[a-z ]{0,8}x",
            wait in prop::option::of(0_u64..100_000),
        ) {
            let error = ApiError {
                status,
                kind: ErrorKind::from_status(status),
                message,
                code: None,
                param: None,
                retry_after: wait.map(Duration::from_millis),
            };
            let again = decode_error(status, &encode_error(&error));
            prop_assert_eq!(&again.message, &error.message);
            prop_assert_eq!((again.status, again.retry_after), (error.status, error.retry_after));
        }
    }
}
