//! Errors in OpenAI's shape, and in the shapes of the servers that speak its format.

use serde::Serialize;
use serde_json::Value;

use super::delay::told_delay;
use super::out::to_json;
use crate::{ApiError, ErrorKind};

/// The most characters of a body without a known shape that are passed on.
const MOST_TOLD: usize = 1024;

/// How deep messages within messages are looked for.
const DEEPEST: u32 = 4;

/// Reads an error answer of OpenAI's, of a server of its format, or of whatever stands before it.
/// Never fails; the message is never empty.
///
/// A status that is no error's (an error in the body of a `200`) gives way to the one in the body.
pub fn decode_error(status: u16, body: &[u8]) -> ApiError {
    match serde_json::from_slice::<Value>(body) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => from_value(Some(status), &value),
        Ok(Value::String(text)) => bare(status, &text),
        _ => bare(status, &String::from_utf8_lossy(body)),
    }
}

/// Writes an error as OpenAI does; what is not known is `null`.
pub fn encode_error(error: &ApiError) -> Vec<u8> {
    to_json(&ErrorOut {
        error: DetailsOut {
            message: &error.message,
            kind: word_of(error.kind),
            param: error.param.as_deref(),
            code: error.code.as_deref(),
        },
    })
}

/// Whether a body already has OpenAI's error shape, an `error` object with a message, so that it may
/// be passed on as it is.
pub fn is_error_shape(body: &[u8]) -> bool {
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(body) else { return false };
    let message = body.get("error").and_then(|error| error.as_object()?.get("message")?.as_str());
    message.is_some_and(|message| !message.trim().is_empty())
}

/// Reads an error that stands in a whole answer or in a stream, whose status was a success.
pub(crate) fn in_answer(value: &Value) -> ApiError {
    from_value(None, value)
}

/// An answer that cannot be read: the upstream's fault.
pub(crate) fn unreadable(what: impl std::fmt::Display) -> ApiError {
    ApiError {
        status: 502,
        kind: ErrorKind::Internal,
        message: format!("the upstream's answer cannot be read: {what}"),
        code: None,
        param: None,
        retry_after: None,
    }
}

fn from_value(status: Option<u16>, body: &Value) -> ApiError {
    // Google's OpenAI endpoint wraps the body in an array.
    let body = body.as_array().and_then(|bodies| bodies.first()).unwrap_or(body);
    let error = body.get("error").filter(|error| is_told(error)).unwrap_or(body);
    let text = |name: &str| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let code = error.get("code");
    let word = code.and_then(Value::as_str).filter(|code| !code.is_empty());
    let inner = error.get("innererror").or_else(|| error.get("inner_error"));
    let inner_word = inner.and_then(|inner| inner.get("code")?.as_str());
    let words = [word, inner_word, text("type"), text("status")];
    // Azure writes the status of an error in an answer beside its code.
    let status = error_status(status, code.into_iter().chain(error.get("status")), &words);
    let kind = kind_of(status, &words);
    let message = message_of(error, DEEPEST).map(|message| with_cause(message, error));
    ApiError {
        status: if status == 529 { 503 } else { status },
        kind,
        retry_after: told_delay(error, message.as_deref()),
        message: message.unwrap_or_else(|| silent(status)),
        code: word.or(inner_word).or(own_type(text("type"))).or(text("status")).map(str::to_owned),
        param: text("param").map(str::to_owned).or_else(|| place_of(error, DEEPEST)),
    }
}

/// A type that says more than the general words OpenAI has for a kind.
fn own_type(kind: Option<&str>) -> Option<&str> {
    kind.filter(|kind| *kind != "error" && GENERAL.iter().all(|(_, word)| word != kind))
}

fn is_told(error: &Value) -> bool {
    match error {
        Value::String(text) => !text.trim().is_empty(),
        Value::Object(_) | Value::Array(_) => true,
        _ => false,
    }
}

/// The HTTP status if it is an error's, or the one the body tells, or the one its words mean.
fn error_status<'a>(
    http: Option<u16>,
    told: impl IntoIterator<Item = &'a Value>,
    words: &[Option<&str>],
) -> u16 {
    let is_error = |status: &u16| (400..=599).contains(status);
    let number = |code: &Value| code.as_u64().or_else(|| code.as_str()?.parse().ok());
    let told = told.into_iter().find_map(|code| u16::try_from(number(code)?).ok().filter(is_error));
    let meant = || words.iter().flatten().find_map(|word| kind_by_word(word)).map(status_of);
    // A broken answer without a better word is the upstream's fault.
    http.filter(is_error).or(told).or_else(meant).unwrap_or(502)
}

/// The first text that explains the error: a message, or the list `FastAPI` servers give.
fn message_of(error: &Value, deeper: u32) -> Option<String> {
    match error {
        Value::String(text) => {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        }
        Value::Object(fields) if deeper > 0 => {
            let names = ["message", "detail", "error", "errors", "msg", "description"];
            let told = names.iter().find_map(|name| message_of(fields.get(*name)?, deeper - 1))?;
            match fields.get("loc").and_then(path_of) {
                Some(place) => Some(format!("{place}: {told}")),
                None => Some(told),
            }
        }
        Value::Array(errors) if deeper > 0 => {
            let told: Vec<String> =
                errors.iter().take(8).filter_map(|error| message_of(error, deeper - 1)).collect();
            (!told.is_empty()).then(|| told.join("; "))
        }
        _ => None,
    }
}

/// A message, and behind it what OpenRouter tells of its provider's own words in `metadata.raw`: its
/// message says no more than "Provider returned error".
fn with_cause(message: String, error: &Value) -> String {
    let raw = error.get("metadata").and_then(|metadata| metadata.get("raw"));
    let parsed = raw.and_then(Value::as_str).and_then(|raw| serde_json::from_str::<Value>(raw).ok());
    let raw = parsed.as_ref().filter(|parsed| parsed.is_object() || parsed.is_array()).or(raw);
    let Some(cause) = raw.and_then(|raw| message_of(raw, DEEPEST)) else { return message };
    if message.contains(&cause) {
        return message;
    }
    let cause: String = cause.chars().take(MOST_TOLD).collect();
    format!("{message}: {cause}")
}

/// The first field that a list of `FastAPI`'s says is at fault.
fn place_of(error: &Value, deeper: u32) -> Option<String> {
    match error {
        Value::Object(fields) if deeper > 0 => {
            let place = fields.get("loc").and_then(path_of);
            let within =
                || ["detail", "message"].iter().find_map(|name| place_of(fields.get(*name)?, deeper - 1));
            place.or_else(within)
        }
        Value::Array(errors) if deeper > 0 => {
            errors.iter().take(8).find_map(|error| place_of(error, deeper - 1))
        }
        _ => None,
    }
}

/// `FastAPI`'s `["body", "messages", 0, "role"]` as the path in the client's own request.
fn path_of(place: &Value) -> Option<String> {
    let steps = place.as_array()?;
    let steps = steps.strip_prefix(&[Value::from("body")]).unwrap_or(steps);
    let mut path = String::new();
    for step in steps {
        match step {
            Value::String(name) if path.is_empty() => path.push_str(name),
            Value::String(name) => {
                path.push('.');
                path.push_str(name);
            }
            step => {
                path.push('[');
                path.push_str(&step.to_string());
                path.push(']');
            }
        }
    }
    (!path.is_empty()).then_some(path)
}

/// An error of a body that is no JSON: its text, or of a page its title.
fn bare(http: u16, body: &str) -> ApiError {
    let status = error_status(Some(http), [], &[]);
    let text = body.trim();
    let told = if text.starts_with('<') { title_of(text) } else { Some(text) };
    let told: String = told.unwrap_or_default().chars().take(MOST_TOLD).collect();
    ApiError {
        status: if status == 529 { 503 } else { status },
        kind: ErrorKind::from_status(status),
        message: if told.is_empty() { silent(status) } else { told },
        code: None,
        param: None,
        retry_after: None,
    }
}

/// The title of a page of HTML. The rest of it is of no use to a program.
fn title_of(page: &str) -> Option<&str> {
    // ASCII lower case keeps every byte where it is.
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower.get(start..)?.find("</title>")?;
    page.get(start..end)?.trim().lines().next()
}

fn silent(status: u16) -> String {
    format!("the provider gave no reason, status {status}")
}

/// What the words say, or else the status.
fn kind_of(status: u16, words: &[Option<&str>]) -> ErrorKind {
    let by_status = ErrorKind::from_status(status);
    // Words only refine: a 429 says more than `invalid_request_error` beside it.
    match words.iter().flatten().find_map(|word| kind_by_word(word)) {
        Some(ErrorKind::Quota) if matches!(status, 400 | 402 | 403 | 429) => ErrorKind::Quota,
        Some(kind) if matches!(by_status, ErrorKind::InvalidRequest | ErrorKind::Internal) => {
            if by_status == ErrorKind::Internal && kind == ErrorKind::InvalidRequest {
                by_status
            } else {
                kind
            }
        }
        _ => by_status,
    }
}

fn kind_by_word(word: &str) -> Option<ErrorKind> {
    Some(match word {
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" => ErrorKind::Quota,
        "authentication_error" | "invalid_api_key" | "UNAUTHENTICATED" => ErrorKind::Authentication,
        "permission_error" | "PERMISSION_DENIED" => ErrorKind::Permission,
        "model_not_found" | "DeploymentNotFound" | "not_found_error" | "NOT_FOUND" => ErrorKind::NotFound,
        "rate_limit_error" | "rate_limit_exceeded" | "tokens" | "requests" | "RESOURCE_EXHAUSTED" => {
            ErrorKind::RateLimit
        }
        "overloaded_error" | "service_unavailable" | "engine_overloaded" | "UNAVAILABLE" => {
            ErrorKind::Overloaded
        }
        "timeout" | "timeout_error" | "DEADLINE_EXCEEDED" => ErrorKind::Timeout,
        "request_too_large" => ErrorKind::TooLarge,
        "server_error" | "internal_server_error" | "api_error" | "INTERNAL" => ErrorKind::Internal,
        "invalid_request_error" | "INVALID_ARGUMENT" => ErrorKind::InvalidRequest,
        _ => return None,
    })
}

/// OpenAI's type for a kind. Where OpenAI itself says no more than `invalid_request_error`, clients
/// tell by the status.
fn word_of(kind: ErrorKind) -> &'static str {
    let general = GENERAL.iter().find(|(general, _)| *general == kind);
    general.map_or("invalid_request_error", |(_, word)| word)
}

const GENERAL: [(ErrorKind, &str); 8] = [
    (ErrorKind::InvalidRequest, "invalid_request_error"),
    (ErrorKind::Authentication, "authentication_error"),
    (ErrorKind::Permission, "permission_error"),
    (ErrorKind::RateLimit, "rate_limit_error"),
    (ErrorKind::Quota, "insufficient_quota"),
    (ErrorKind::Overloaded, "overloaded_error"),
    (ErrorKind::Timeout, "timeout_error"),
    (ErrorKind::Internal, "server_error"),
];

const fn status_of(kind: ErrorKind) -> u16 {
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

#[derive(Serialize)]
struct ErrorOut<'a> {
    error: DetailsOut<'a>,
}

#[derive(Serialize)]
struct DetailsOut<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openrouter_s_provider_is_heard() {
        let told = |raw: &str| {
            let body = format!(
                r#"{{"error":{{"message":"Provider returned error","code":429,"metadata":{{"raw":{raw}}}}}}}"#
            );
            decode_error(429, body.as_bytes()).message
        };
        assert_eq!(told(r#""slow down""#), "Provider returned error: slow down");
        let json = r#""{\"error\":{\"message\":\"slow down\",\"code\":1}}""#;
        assert_eq!(told(json), "Provider returned error: slow down");
        assert_eq!(told(r#"{"message":"slow down"}"#), "Provider returned error: slow down");
        for nothing in ["null", "\"\"", "7", "\"returned error\""] {
            assert_eq!(told(nothing), "Provider returned error", "{nothing}");
        }
        assert!(told(&format!("\"{}\"", "x".repeat(5000))).len() < 1100);
    }
}
